package web

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// shape is what a value must be like: its Go type and the rules of that type, looked at once.
type shape struct {
	goType reflect.Type
	rules  Rules
	kind   shapeKind
	fields []field // of an object
	known  map[string]struct{}
	item   *shape // of a list
	// unmarshals is whether a text goes through UnmarshalText.
	unmarshals bool
	pattern    *regexp.Regexp
}

type shapeKind int

const (
	object shapeKind = iota
	list
	text
	integer
	boolean
)

// field is a member of an object. One whose tag says omitempty or omitzero may be absent; a pointer
// without that may be null.
type field struct {
	name        string
	description string
	constant    string
	index       []int
	shape       *shape
	optional    bool
	nullable    bool
}

var (
	unmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	timeType    = reflect.TypeFor[time.Time]()
)

// shapeFor is the shape of a type; nil of None. It panics where a type has no place in JSON or in the
// document, which shows when the program starts.
func shapeFor[T any]() *shape {
	goType := reflect.TypeFor[T]()
	if goType == reflect.TypeFor[None]() {
		return nil
	}
	return shapeOf(goType, nil)
}

// shapeOf is the shape of a type that is part of others, the outermost first.
func shapeOf(goType reflect.Type, within []reflect.Type) *shape {
	if slices.Contains(within, goType) {
		panic(fmt.Sprintf("web: a %s holds itself, and the reading of it would have no end", goType))
	}
	made := &shape{goType: goType}
	if ruled, ok := reflect.Zero(goType).Interface().(Ruled); ok {
		made.rules = ruled.Rules()
	}
	if made.rules.Pattern != "" {
		made.pattern = regexp.MustCompile(goPattern(made.rules.Pattern))
	}
	made.unmarshals = reflect.PointerTo(goType).Implements(unmarshaler)
	switch {
	case goType == timeType:
		made.kind = text
		made.rules.Format = "date-time"
	case made.unmarshals:
		made.kind = text
	default:
		made.look(append(slices.Clip(within), goType))
	}
	return made
}

func (s *shape) look(within []reflect.Type) {
	switch s.goType.Kind() {
	case reflect.Struct:
		s.kind = object
		s.fields = fieldsOf(s.goType, within)
		s.known = make(map[string]struct{}, len(s.fields))
		for _, field := range s.fields {
			s.known[field.name] = struct{}{}
		}
	case reflect.Slice:
		s.kind = list
		s.item = shapeOf(s.goType.Elem(), within)
	case reflect.String:
		s.kind = text
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.kind = integer
	case reflect.Bool:
		s.kind = boolean
	default:
		panic(fmt.Sprintf("web: a %s can be neither read nor documented", s.goType))
	}
}

// fieldsOf are the members of an object, those of embedded structs among them.
func fieldsOf(goType reflect.Type, within []reflect.Type) []field {
	var fields []field
	for _, found := range reflect.VisibleFields(goType) {
		name, options, _ := strings.Cut(found.Tag.Get("json"), ",")
		if found.Anonymous || !found.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			panic(fmt.Sprintf("web: %s.%s has no json tag", goType, found.Name))
		}
		given := strings.Split(options, ",")
		optional := slices.Contains(given, "omitempty") || slices.Contains(given, "omitzero")
		inner, pointer := found.Type, found.Type.Kind() == reflect.Pointer
		if pointer {
			inner = inner.Elem()
		}
		shape := shapeOf(inner, within)
		fields = append(fields, field{
			name:        name,
			description: found.Tag.Get("doc"),
			constant:    found.Tag.Get("const"),
			index:       found.Index,
			shape:       shape,
			optional:    optional || shape.rules.Default != nil,
			nullable:    pointer && !optional,
		})
	}
	return fields
}
