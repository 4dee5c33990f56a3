package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"strings"
	"time"
)

const redacted = "[redacted]"

// secrets are parts of the names of fields whose values are not shown.
var secrets = []string{
	"authorization", "cookie", "password", "secret", "token", "api_key", "apikey", "dsn",
}

// NewLogger makes the log of the process: one JSON object a line, from a level on. A line written with
// the context of a request names it. The values of fields that sound like secrets are not shown.
func NewLogger(to io.Writer, level slog.Level) *slog.Logger {
	options := slog.HandlerOptions{Level: level, ReplaceAttr: spell}
	return slog.New(handler{Handler: slog.NewJSONHandler(to, &options)})
}

// LogRequest writes the line for a request that has been answered; never its query, which may hold
// secrets.
func LogRequest(request *Request, took time.Duration) {
	slog.LogAttrs(WithRequest(context.Background(), request), slog.LevelInfo, "request",
		slog.String("method", request.Method),
		slog.String("path", request.Path),
		orNull("route", request.Route),
		slog.Int("status", request.Status),
		slog.Float64("duration_ms", math.Round(took.Seconds()*1e6)/1e3),
		slog.String("address", request.Address),
		orNull("tenant", request.Tenant),
		orNull("subject", request.Subject),
	)
}

// LogDependency says that something the service depends on went away, and why, or that it is back.
func LogDependency(name, address string, err error) {
	if err == nil {
		slog.Info(name+" answers", name, address)
	} else {
		slog.Warn(name+" away", name, address, "error", err)
	}
}

func orNull(name, value string) slog.Attr {
	if value == "" {
		return slog.Any(name, nil)
	}
	return slog.String(name, value)
}

// handler names the request that a line was written for.
type handler struct {
	slog.Handler
}

func (h handler) Handle(ctx context.Context, record slog.Record) error {
	if request := RequestOf(ctx); request != nil {
		record = record.Clone()
		record.AddAttrs(slog.String("request_id", request.ID))
		if request.TraceID != "" {
			record.AddAttrs(slog.String("trace_id", request.TraceID))
		}
		if request.SpanID != "" {
			record.AddAttrs(slog.String("span_id", request.SpanID))
		}
	}
	return h.Handler.Handle(ctx, record)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{Handler: h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{Handler: h.Handler.WithGroup(name)}
}

// spell gives fields the names and forms that they have in the log, and hides secrets.
func spell(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch attr.Key {
		case slog.TimeKey:
			return slog.String("time", attr.Value.Time().UTC().Format("2006-01-02T15:04:05.000Z"))
		case slog.LevelKey:
			if level, isLevel := attr.Value.Any().(slog.Level); isLevel {
				return slog.String("level", levelName(level))
			}
		case slog.MessageKey:
			attr.Key = "event"
			return attr
		}
	}
	if isSecret(attr.Key) {
		return slog.String(attr.Key, redacted)
	}
	if attr.Value.Kind() == slog.KindAny {
		attr.Value = slog.AnyValue(withoutSecrets(attr.Value.Any()))
	}
	return attr
}

func levelName(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "debug"
	case level < slog.LevelWarn:
		return "info"
	case level < slog.LevelError:
		return "warning"
	default:
		return "error"
	}
}

func isSecret(key string) bool {
	key = strings.ReplaceAll(strings.ToLower(key), "-", "_")
	for _, secret := range secrets {
		if strings.Contains(key, secret) {
			return true
		}
	}
	return false
}

// withoutSecrets is a value as JSON shows it, without what sounds like a secret at any depth. What is no
// JSON is left to slog, which says so.
func withoutSecrets(value any) any {
	switch value.(type) {
	case nil, error:
		return value
	}
	text, err := json.Marshal(value)
	if err != nil {
		return value
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var shown any
	if err := decoder.Decode(&shown); err != nil {
		return value
	}
	hide(shown)
	return shown
}

func hide(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			if isSecret(key) {
				value[key] = redacted
			} else {
				hide(item)
			}
		}
	case []any:
		for _, item := range value {
			hide(item)
		}
	}
}
