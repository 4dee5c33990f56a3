package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestIfMatchComparesStrongly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sent     []string
		optional int
		required int
	}{
		{[]string{`"3"`}, 200, 200},
		{[]string{`*`}, 200, 200},
		{[]string{` * `}, 200, 200},
		{[]string{`"1", "3"`}, 200, 200},
		{[]string{`"1"`, `"3"`}, 200, 200},
		{[]string{`"1","2" ,"3",`}, 200, 200},
		{[]string{`"ä", "3"`}, 200, 200},
		{[]string{`"2"`}, 412, 412},
		{[]string{`W/"3"`}, 412, 412},
		{[]string{`3`}, 412, 412},
		{[]string{`"3`}, 412, 412},
		{[]string{`"3", x`}, 412, 412},
		{[]string{`*, *`}, 412, 412},
		{[]string{``}, 412, 412},
		{nil, 200, 428},
	} {
		header := http.Header{"If-Match": c.sent}
		if status := statusOf(t, CheckMatch(header, 3)); status != c.optional {
			t.Errorf("%q: %d, want %d", c.sent, status, c.optional)
		}
		if status := statusOf(t, RequireMatch(header, 3)); status != c.required {
			t.Errorf("%q where it is required: %d, want %d", c.sent, status, c.required)
		}
	}
}

func TestIfNoneMatchComparesWeakly(t *testing.T) {
	t.Parallel()
	for sent, fresh := range map[string]bool{
		`"3"`:        true,
		`W/"3"`:      true,
		`*`:          true,
		`"1", W/"3"`: true,
		`"a,b", "3"`: true,
		`"1"`:        false,
		`3`:          false,
		``:           false,
	} {
		if isNotModified(http.Header{"If-None-Match": {sent}}, `"3"`) != fresh {
			t.Errorf("%q should be %t", sent, fresh)
		}
	}
	if isNotModified(http.Header{}, `"3"`) {
		t.Error("without the header nothing is known")
	}
}

func TestALongMalformedListCostsNoTime(t *testing.T) {
	t.Parallel()
	started := time.Now()
	header := http.Header{"If-Match": {strings.Repeat(`"1" `, 5000) + "x"}}
	if status := statusOf(t, CheckMatch(header, 3)); status != 412 {
		t.Errorf("status %d", status)
	}
	if took := time.Since(started); took > time.Second {
		t.Errorf("took %v", took)
	}
}
