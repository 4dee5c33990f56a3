package telemetry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// recording gives tracing that keeps its spans.
func recording() (*Tracing, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	return &Tracing{provider: provider, requests: provider.Tracer("http")}, recorder
}

func attributesOf(span sdktrace.ReadOnlySpan) map[attribute.Key]string {
	attributes := map[attribute.Key]string{}
	for _, pair := range span.Attributes() {
		attributes[pair.Key] = pair.Value.String()
	}
	return attributes
}

func TestASpanIsNamedByTheRoute(t *testing.T) {
	t.Parallel()
	cases := []struct {
		request Request
		name    string
		failed  bool
	}{
		{Request{Method: "GET", Path: "/v1/things/7", Route: "/v1/things/{thingId}", Status: 200}, "GET /v1/things/{thingId}", false},
		{Request{Method: "GET", Path: "/nowhere", Status: 404}, "GET unmatched", false},
		{Request{Method: "POST", Path: "/v1/things", Route: "/v1/things", Status: 503}, "POST /v1/things", true},
	}
	for _, c := range cases {
		tracing, recorder := recording()
		asked := httptest.NewRequestWithContext(t.Context(), c.request.Method, "/ignored?hidden=1", nil)
		asked.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		handler := tracing.Surround(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		handler.ServeHTTP(nil, asked.WithContext(WithRequest(asked.Context(), &c.request)))
		spans := recorder.Ended()
		if len(spans) != 1 || spans[0].Name() != c.name || (spans[0].Status().Code == codes.Error) != c.failed {
			t.Fatalf("%v", spans)
		}
		if parent := spans[0].Parent().SpanID().String(); parent != "00f067aa0ba902b7" {
			t.Errorf("the parent is %s", parent)
		}
		if c.request.TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" || c.request.SpanID != spans[0].SpanContext().SpanID().String() {
			t.Errorf("the request knows of %s %s", c.request.TraceID, c.request.SpanID)
		}
		if path := attributesOf(spans[0])["url.path"]; path != c.request.Path {
			t.Errorf("the path is %s", path)
		}
	}
}

func TestAPathThatIsNotUTF8DoesNotSpoilTheBatch(t *testing.T) {
	t.Parallel()
	tracing, recorder := recording()
	request := Request{Method: "GET", Path: "/caf\xe9", Status: 404}
	asked := httptest.NewRequestWithContext(t.Context(), request.Method, "/ignored", nil)
	handler := tracing.Surround(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	handler.ServeHTTP(nil, asked.WithContext(WithRequest(asked.Context(), &request)))
	if path := attributesOf(recorder.Ended()[0])["url.path"]; path != "/caf\ufffd" {
		t.Errorf("the path is %q", path)
	}
}

func TestAStatementIsTracedWithoutItsValues(t *testing.T) {
	t.Parallel()
	const sql = "-- name: FindThing :one\nselect name from things where id = $1"
	refused := &pgconn.PgError{Code: "23505", Detail: "Key (email)=(hidden) already exists."}
	cases := []struct {
		name string
		err  error
		kind string
	}{
		{"done", nil, ""},
		{"refused", refused, "23505"},
		{"broken", errors.New("hidden"), "unknown"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tracing, recorder := recording()
			tracer := tracing.Statements()
			ctx := tracer.TraceQueryStart(context.Background(), nil, pgx.TraceQueryStartData{SQL: sql, Args: []any{"hidden"}})
			tracer.TraceQueryEnd(ctx, nil, pgx.TraceQueryEndData{Err: c.err})
			spans := recorder.Ended()
			if len(spans) != 1 || spans[0].Name() != "SELECT" {
				t.Fatalf("%v", spans)
			}
			attributes := attributesOf(spans[0])
			if attributes["db.query.text"] != sql || attributes["error.type"] != c.kind {
				t.Errorf("%v", attributes)
			}
			for key, value := range attributes {
				if value == "hidden" {
					t.Errorf("%s shows a value", key)
				}
			}
			if len(spans[0].Events()) != 0 || spans[0].Status().Description != "" {
				t.Errorf("the error is shown: %v", spans[0].Status())
			}
		})
	}
}

func TestABatchIsNamedForItsLastStatement(t *testing.T) {
	t.Parallel()
	tracing, recorder := recording()
	tracer, isBatch := tracing.Statements().(pgx.BatchTracer)
	if !isBatch {
		t.Fatal("batches are not traced")
	}
	batch := &pgx.Batch{}
	batch.Queue("begin")
	batch.Queue("insert into things values ($1)", "hidden")
	tracer.TraceBatchEnd(
		tracer.TraceBatchStart(context.Background(), nil, pgx.TraceBatchStartData{Batch: batch}),
		nil, pgx.TraceBatchEndData{})
	if spans := recorder.Ended(); len(spans) != 1 || spans[0].Name() != "INSERT" {
		t.Errorf("%v", spans)
	}
}
