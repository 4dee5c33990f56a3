package web

import (
	"bytes"
	"encoding/json"
)

const bearerToken = "bearerToken"

// Schema is a JSON Schema, as far as this API needs it (draft 2020-12, that of OpenAPI 3.1).
type Schema struct {
	Ref                  string           `json:"$ref,omitempty"`
	Type                 any              `json:"type,omitempty"` // a name, or two when it may be null
	Const                string           `json:"const,omitempty"`
	Enum                 []string         `json:"enum,omitempty"`
	Format               string           `json:"format,omitempty"`
	Pattern              string           `json:"pattern,omitempty"`
	MinLength            *int64           `json:"minLength,omitempty"`
	MaxLength            *int64           `json:"maxLength,omitempty"`
	Minimum              *int64           `json:"minimum,omitempty"`
	Maximum              *int64           `json:"maximum,omitempty"`
	MinItems             *int64           `json:"minItems,omitempty"`
	MaxItems             *int64           `json:"maxItems,omitempty"`
	Items                *Schema          `json:"items,omitempty"`
	Properties           ordered[*Schema] `json:"properties,omitzero"`
	Required             []string         `json:"required,omitempty"`
	AdditionalProperties *bool            `json:"additionalProperties,omitempty"`
	Default              any              `json:"default,omitempty"`
	Description          string           `json:"description,omitempty"`
	Examples             []any            `json:"examples,omitempty"`
}

type document struct {
	OpenAPI    string                              `json:"openapi"`
	Info       documentInfo                        `json:"info"`
	Paths      ordered[ordered[documentOperation]] `json:"paths"`
	Components documentComponents                  `json:"components"`
}

type documentInfo struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Version     string `json:"version"`
}

type documentComponents struct {
	Schemas         map[string]*Schema        `json:"schemas"`
	SecuritySchemes map[string]securityScheme `json:"securitySchemes"`
}

type securityScheme struct {
	Type         string `json:"type"`
	Scheme       string `json:"scheme"`
	BearerFormat string `json:"bearerFormat"`
	Description  string `json:"description"`
}

type documentOperation struct {
	OperationID string                      `json:"operationId"`
	Summary     string                      `json:"summary"`
	Description string                      `json:"description"`
	Tags        []string                    `json:"tags"`
	Security    []map[string][]string       `json:"security,omitempty"`
	Parameters  []documentParameter         `json:"parameters,omitempty"`
	RequestBody *requestBody                `json:"requestBody,omitempty"`
	Responses   map[string]documentResponse `json:"responses"`
}

type documentParameter struct {
	In          string  `json:"in"`
	Name        string  `json:"name"`
	Required    bool    `json:"required,omitempty"`
	Description string  `json:"description,omitempty"`
	Schema      *Schema `json:"schema"`
}

type requestBody struct {
	Required bool                       `json:"required"`
	Content  map[string]documentContent `json:"content"`
}

type documentResponse struct {
	Description string                     `json:"description"`
	Headers     map[string]documentHeader  `json:"headers,omitempty"`
	Content     map[string]documentContent `json:"content,omitempty"`
}

type documentContent struct {
	Schema *Schema `json:"schema"`
}

type documentHeader struct {
	Description string `json:"description"`
	Schema      Schema `json:"schema"`
}

// ordered is an object whose members stand in the order in which they were set.
type ordered[Value any] struct {
	names  []string
	values map[string]Value
}

func (o *ordered[Value]) get(name string) (Value, bool) {
	value, ok := o.values[name]
	return value, ok
}

func (o *ordered[Value]) set(name string, value Value) {
	if o.values == nil {
		o.values = map[string]Value{}
	}
	if _, known := o.values[name]; !known {
		o.names = append(o.names, name)
	}
	o.values[name] = value
}

// IsZero leaves an empty one away where its tag says omitzero.
func (o ordered[Value]) IsZero() bool {
	return len(o.names) == 0
}

// MarshalJSON writes the members in order.
func (o ordered[Value]) MarshalJSON() ([]byte, error) {
	var buffer bytes.Buffer
	buffer.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			buffer.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(o.values[name])
		if err != nil {
			return nil, err
		}
		buffer.Write(key)
		buffer.WriteByte(':')
		buffer.Write(value)
	}
	buffer.WriteByte('}')
	return buffer.Bytes(), nil
}
