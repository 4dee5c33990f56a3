package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
)

const (
	cursorVersion = 1
	idBytes       = 16
	checkBytes    = 8
	defaultLimit  = 20
	maxLimit      = 100
)

// List is what a cursor belongs to: the name of a list, and its filters as text.
type List struct {
	Of      string            `json:"of"`
	Filters map[string]string `json:"filters"`
}

// PageQuery is the part of a query that chooses a page; embed it in that of a list.
type PageQuery struct {
	Limit  pageLimit `json:"limit"`
	Cursor cursor    `json:"cursor,omitempty"`
}

type pageLimit int

// Rules say how many items a page may have.
func (pageLimit) Rules() Rules {
	return Rules{
		Description: "Most items of the page.",
		Range:       Between(1, maxLimit),
		Default:     defaultLimit,
	}
}

type cursor string

// Rules say what a cursor looks like from outside.
func (cursor) Rules() Rules {
	return Rules{
		Description: "`nextCursor` of the page before; belongs to the same filters.",
		Length:      Between(1, 200),
	}
}

// Before is the id after which the page begins, in a list that runs from the newest id down; empty for
// the first page. It is 400 when the cursor is damaged, or was given out for another list or filters.
func (q PageQuery) Before(list List) (string, error) {
	if q.Cursor == "" {
		return "", nil
	}
	return decodeCursor(string(q.Cursor), list)
}

// More is how many to ask for: one more than the page holds shows whether another follows.
func (q PageQuery) More() int {
	return int(q.Limit) + 1
}

// NextPage cuts what was found, of More items, to the page, and gives the cursor of the next one; nil
// after the last.
func NextPage[Item any](found []Item, query PageQuery, list List, idOf func(Item) string) ([]Item, *string) {
	limit := int(query.Limit)
	if len(found) <= limit {
		return found, nil
	}
	next := encodeCursor(idOf(found[limit-1]), list)
	return found[:limit], &next
}

// encodeCursor is a cursor for what comes after lastID in a list.
//
// The check sum only notices mistakes: a forged cursor reveals nothing, since every page is read with
// the caller's own tenant.
func encodeCursor(lastID string, list List) string {
	bound, err := json.Marshal([]any{list, lastID})
	if err != nil {
		panic(err) // texts alone
	}
	sum := sha256.Sum256(bound)
	data := make([]byte, 0, 1+idBytes+checkBytes)
	data = append(data, cursorVersion)
	data = append(data, idBytesOf(lastID)...)
	data = append(data, sum[:checkBytes]...)
	return base64.RawURLEncoding.EncodeToString(data)
}

func decodeCursor(cursor string, list List) (string, error) {
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil && len(data) == 1+idBytes+checkBytes && data[0] == cursorVersion {
		lastID := idText(data[1 : 1+idBytes])
		// Compared as text too: base64 decoders overlook characters and trailing bits.
		if cursor == encodeCursor(lastID, list) {
			return lastID, nil
		}
	}
	return "", &Problem{
		Kind:   BadRequest,
		Detail: "The cursor is damaged or belongs to another list.",
		Errors: []FieldError{
			{
				Parameter: new("cursor"),
				Code:      "cursor",
				Message:   "Use nextCursor of the page before, with the same filters.",
			},
		},
	}
}

// idBytesOf is the 16 bytes of an id. What is none gives other bytes, and so a cursor nobody takes.
func idBytesOf(id string) []byte {
	data := make([]byte, idBytes)
	_, _ = hex.Decode(data, bytes.ReplaceAll([]byte(id), []byte("-"), nil))
	return data
}

func idText(data []byte) string {
	text := hex.EncodeToString(data)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
