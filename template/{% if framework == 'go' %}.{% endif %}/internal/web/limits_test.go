package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestTheDocumentedLimitsAreThoseThatHold sends what the document allows just so, and what it just does
// not: whatever the rules are, both come from them.
func TestTheDocumentedLimitsAreThoseThatHold(t *testing.T) {
	t.Parallel()
	components := components{schemas: map[string]*Schema{}}
	shape := shapeFor[thing]()
	described := components.schema(shape)
	try := func(member string, value any, allowed bool) {
		t.Helper()
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if _, faults := readThing(t, with(member, string(encoded))); (faults == nil) != allowed {
			t.Errorf("%s %.60s: %v", member, encoded, faults)
		}
	}

	tried := 0
	for _, name := range described.Properties.names {
		schema := described.Properties.values[name]
		for _, limit := range []struct {
			bound *int64
			step  int64
			value func(int64) any
		}{
			{schema.MinLength, -1, func(n int64) any { return strings.Repeat("ä", int(n)) }},
			{schema.MaxLength, 1, func(n int64) any { return strings.Repeat("ä", int(n)) }},
			{schema.Minimum, -1, func(n int64) any { return n }},
			{schema.Maximum, 1, func(n int64) any { return n }},
			{schema.MinItems, -1, func(n int64) any { return manyParts(n) }},
			{schema.MaxItems, 1, func(n int64) any { return manyParts(n) }},
		} {
			if limit.bound != nil {
				try(name, limit.value(*limit.bound), true)
				try(name, limit.value(*limit.bound+limit.step), false)
				tried++
			}
		}
		for _, word := range schema.Enum {
			try(name, word, true)
			try(name, word+"x", false)
			tried++
		}
	}
	if want := 2 + 2 + 2 + 3; tried != want {
		t.Errorf("%d limits are documented, want %d", tried, want)
	}
	if required := fmt.Sprint(described.Required); required != "[name size parts]" {
		t.Errorf("required: %s", required)
	}
	for _, name := range described.Required {
		if _, faults := readThing(t, with(name, "")); len(faults) != 1 || faults[0].Code != "missing" {
			t.Errorf("without %s: %v", name, faults)
		}
	}
}

func manyParts(n int64) []thingPart {
	return make([]thingPart, n)
}
