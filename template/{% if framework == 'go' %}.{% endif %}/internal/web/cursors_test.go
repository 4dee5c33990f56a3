package web

import (
	"strings"
	"testing"
)

const someID = "01980000-0000-7000-8000-00000000abcd"

func TestACursorLeadsBackToItsListAlone(t *testing.T) {
	t.Parallel()
	paid := List{Of: "things", Filters: map[string]string{"status": "paid", "ownerId": someID}}
	given := encodeCursor(someID, paid)
	if id, err := decodeCursor(given, paid); err != nil || id != someID {
		t.Errorf("%q, %v", id, err)
	}
	for name, other := range map[string]List{
		"another list":          {Of: "others", Filters: paid.Filters},
		"no filter":             {Of: "things"},
		"another filter":        {Of: "things", Filters: map[string]string{"status": "paid", "ownerId": "x"}},
		"one filter less":       {Of: "things", Filters: map[string]string{"status": "paid"}},
		"a filter's name moved": {Of: "things", Filters: map[string]string{"ownerId": "paid", "status": someID}},
	} {
		if _, err := decodeCursor(given, other); statusOf(t, err) != 400 {
			t.Errorf("%s takes it", name)
		}
	}
}

func TestADamagedCursorIs400(t *testing.T) {
	t.Parallel()
	list := List{Of: "things"}
	sound := encodeCursor(someID, list)
	damaged := []string{
		"x", "\x00", "ä", sound + "=", sound + "A", sound[1:], " " + sound, sound + "\n",
		strings.ToUpper(sound), strings.Repeat("A", len(sound)),
	}
	for i := range sound {
		for _, other := range "AB-_" {
			if changed := sound[:i] + string(other) + sound[i+1:]; changed != sound {
				damaged = append(damaged, changed)
			}
		}
	}
	for _, cursor := range damaged {
		if id, err := decodeCursor(cursor, list); statusOf(t, err) != 400 {
			t.Errorf("%q is %s", cursor, id)
		}
	}
}

func TestAPageEndsWhereTheNextBegins(t *testing.T) {
	t.Parallel()
	list := List{Of: "letters"}
	itself := func(id string) string { return id }
	ids := []string{someID, strings.Replace(someID, "abcd", "abcc", 1), strings.Replace(someID, "abcd", "abcb", 1)}
	for _, c := range []struct {
		limit pageLimit
		items int
		more  bool
	}{
		{1, 1, true},
		{2, 2, true},
		{3, 3, false},
		{4, 3, false},
	} {
		query := PageQuery{Limit: c.limit}
		found := ids[:min(query.More(), len(ids))]
		items, next := NextPage(found, query, list, itself)
		if len(items) != c.items || (next != nil) != c.more {
			t.Errorf("limit %d: %v, %v", c.limit, items, next)
			continue
		}
		if next == nil {
			continue
		}
		before, err := PageQuery{Cursor: cursor(*next)}.Before(list)
		if err != nil || before != items[len(items)-1] {
			t.Errorf("limit %d: goes on before %s, %v", c.limit, before, err)
		}
	}
	if before, err := (PageQuery{}).Before(list); before != "" || err != nil {
		t.Errorf("the first page begins before %q, %v", before, err)
	}
}
