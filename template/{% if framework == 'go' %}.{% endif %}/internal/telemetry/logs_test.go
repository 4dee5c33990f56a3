package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// line gives the one line that was written, decoded.
func line(t *testing.T, written *bytes.Buffer) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(written.Bytes(), &fields); err != nil || strings.Count(written.String(), "\n") != 1 {
		t.Fatalf("%q is not one line of JSON: %v", written, err)
	}
	return fields
}

func TestALineIsOneObjectWithTimeLevelAndEvent(t *testing.T) {
	t.Parallel()
	levels := map[slog.Level]string{
		slog.LevelDebug: "debug",
		slog.LevelInfo:  "info",
		slog.LevelWarn:  "warning",
		slog.LevelError: "error",
	}
	for level, name := range levels {
		var written bytes.Buffer
		NewLogger(&written, slog.LevelDebug).Log(t.Context(), level, "two\nlines", "count", 3)
		fields := line(t, &written)
		moment, err := time.Parse("2006-01-02T15:04:05.000Z", fields["time"].(string))
		if err != nil || time.Since(moment).Abs() > time.Minute {
			t.Errorf("written at %v", fields["time"])
		}
		if fields["level"] != name || fields["event"] != "two\nlines" || fields["count"] != 3.0 {
			t.Errorf("%v", fields)
		}
	}
}

func TestALineOfARequestNamesIt(t *testing.T) {
	t.Parallel()
	cases := []struct {
		request Request
		want    []string
	}{
		{Request{ID: "one"}, []string{"request_id"}},
		{Request{ID: "one", TraceID: "two"}, []string{"request_id", "trace_id"}},
		{Request{ID: "one", TraceID: "two", SpanID: "three"}, []string{"request_id", "span_id", "trace_id"}},
	}
	for _, c := range cases {
		var written bytes.Buffer
		logger := NewLogger(&written, slog.LevelInfo).With("part", "test")
		logger.InfoContext(WithRequest(context.Background(), &c.request), "event")
		fields := line(t, &written)
		for _, name := range []string{"time", "level", "event", "part"} {
			delete(fields, name)
		}
		if names := slices.Sorted(maps.Keys(fields)); !slices.Equal(names, c.want) {
			t.Errorf("%v, not %v", names, c.want)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	type login struct {
		User     string
		Password string
	}
	cases := []struct {
		name  string
		value any
	}{
		{"Authorization", "Bearer hidden"},
		{"set-cookie", "hidden"},
		{"DATABASE_DSN", "hidden"},
		{"x-api-key", "hidden"},
		{"headers", http.Header{"Authorization": {"hidden"}, "Accept": {"shown"}}},
		{"login", login{User: "shown", Password: "hidden"}},
		{"deep", map[string]any{"list": []any{map[string]any{"refreshToken": "hidden"}}}},
		{"group", slog.GroupValue(slog.String("client_secret", "hidden"))},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var written bytes.Buffer
			NewLogger(&written, slog.LevelInfo).Info("event", c.name, c.value)
			line(t, &written)
			if text := written.String(); strings.Contains(text, "hidden") || !strings.Contains(text, redacted) {
				t.Error(text)
			}
		})
	}
}

func TestWhatIsNoSecretIsShown(t *testing.T) {
	t.Parallel()
	cases := []struct {
		value any
		shown string
	}{
		{errors.New("it broke"), `"it broke"`},
		{map[string]any{"a": 9007199254740993}, `{"a":9007199254740993}`},
		{[]string{"a"}, `["a"]`},
		{nil, `null`},
		{1500 * time.Microsecond, `1500000`},
		{func() {}, `"!ERROR:json: unsupported type: func()"`},
	}
	for _, c := range cases {
		var written bytes.Buffer
		NewLogger(&written, slog.LevelInfo).Info("event", "value", c.value)
		line(t, &written)
		if want := `"value":` + c.shown + "}"; !strings.HasSuffix(strings.TrimSpace(written.String()), want) {
			t.Errorf("%s does not end with %s", written.String(), want)
		}
	}
}
