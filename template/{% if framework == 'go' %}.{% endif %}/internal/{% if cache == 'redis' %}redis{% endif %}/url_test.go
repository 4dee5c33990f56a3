package redis

import (
	"fmt"
	"strings"
	"testing"
)

func TestURLs(t *testing.T) {
	t.Parallel()
	cases := []struct{ url, shown string }{
		{"redis://localhost", "redis://localhost:6379/0"},
		{"redis://ada:secret@example.com:6380/7", "redis://example.com:6380/7"},
		{"rediss://:secret%40@example.com/", "rediss://example.com:6379/0"},
		{"redis://[::1]:6379/15", "redis://[::1]:6379/15"},
	}
	for _, c := range cases {
		address, err := ParseURL(c.url)
		if err != nil || address.String() != c.shown {
			t.Errorf("%s: %v, %v", c.url, address, err)
		}
		for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(form, address); strings.Contains(text, "secret") {
				t.Errorf("%s shows the password by %s: %s", c.url, form, text)
			}
		}
	}
}

func TestWhatIsNoURLIsRefusedWithoutThePassword(t *testing.T) {
	t.Parallel()
	cases := []struct{ url, problem string }{
		{"", "must be a URL such as"},
		{"localhost:6379", "must be a URL such as"},
		{"http://:secret@localhost", "must be a URL such as"},
		{"redis://:secret@/0", "must be a URL such as"},
		{"redis://:secret@h:x/0", "is not a URL such as"},
		{"redis://:secret@h/zero", "is not a URL such as"},
		{"redis://:secret@h/0/1", "is not a URL such as"},
		{"redis://:secret@h/0?timeout=1", "must end with the database's number"},
		{"redis://:secret@h/0#1", "must end with the database's number"},
	}
	for _, c := range cases {
		_, err := ParseURL(c.url)
		if err == nil || !strings.HasPrefix(err.Error(), c.problem) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", c.url, err)
		}
	}
}
