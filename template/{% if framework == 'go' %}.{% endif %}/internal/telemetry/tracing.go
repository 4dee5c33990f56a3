package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// stopTimeout: a collector that is away must not hold up the end, and the exporter retries for long.
const stopTimeout = 2 * time.Second

// Tracing exports spans of requests and statements over OTLP/HTTP. Everything but the service's name
// comes from OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, ...).
type Tracing struct {
	provider *sdktrace.TracerProvider
	requests trace.Tracer
}

// NewTracing makes an exporter; it connects when there is something to send.
func NewTracing(ctx context.Context, serviceName string) (*Tracing, error) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		slog.Debug("traces not exported", "error", err)
	}))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	described, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(),
		resource.WithAttributes(attribute.String("service.name", serviceName)),
	)
	if errors.Is(err, resource.ErrPartialResource) {
		slog.Warn("OTEL_RESOURCE_ATTRIBUTES is not understood", "error", err)
	} else if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described))
	return &Tracing{provider: provider, requests: provider.Tracer("http")}, nil
}

// Surround gives each request a server span, a child of the caller's traceparent.
func (t *Tracing) Surround(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		current := RequestOf(r.Context())
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.requests.Start(ctx, current.Method, trace.WithSpanKind(trace.SpanKindServer))
		current.TraceID = span.SpanContext().TraceID().String()
		current.SpanID = span.SpanContext().SpanID().String()
		defer endRequest(span, current)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func endRequest(span trace.Span, request *Request) {
	route := request.Route
	if route == "" {
		route = UnknownRoute
	}
	span.SetName(request.Method + " " + route)
	span.SetAttributes(
		attribute.String("http.request.method", request.Method),
		attribute.String("http.route", route),
		attribute.Int("http.response.status_code", request.Status),
		// The exporter drops a whole batch for one text that is not UTF-8, and callers may send any bytes.
		attribute.String("url.path", strings.ToValidUTF8(request.Path, "\ufffd")),
	)
	if request.Status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// Statements tells of each round trip to the database in a client span, with its text and never its
// values.
func (t *Tracing) Statements() pgx.QueryTracer {
	return statements{tracer: t.provider.Tracer("database")}
}

// Stop sends what is waiting, and stops.
func (t *Tracing) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what cannot be sent by now is lost
}

// statements implements pgx.QueryTracer and pgx.BatchTracer.
type statements struct {
	tracer trace.Tracer
}

func (s statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return s.start(ctx, data.SQL)
}

func (s statements) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	end(ctx, data.Err)
}

// TraceBatchStart names a batch for its last statement: those before it prepare the session.
func (s statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	text := ""
	if queued := data.Batch.QueuedQueries; len(queued) > 0 {
		text = queued[len(queued)-1].SQL
	}
	return s.start(ctx, text)
}

func (statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (s statements) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	end(ctx, data.Err)
}

func (s statements) start(ctx context.Context, text string) context.Context {
	ctx, _ = s.tracer.Start(ctx, operationOf(text),
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			attribute.String("db.system.name", "postgresql"),
			attribute.String("db.query.text", text),
		))
	return ctx
}

func end(ctx context.Context, err error) {
	span := trace.SpanFromContext(ctx)
	if err != nil {
		kind := "unknown" // the message may hold values
		if refused := new(pgconn.PgError); errors.As(err, &refused) {
			kind = refused.Code
		}
		span.SetAttributes(attribute.String("error.type", kind))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// operationOf is the first word of a statement; sqlc begins each with a comment.
func operationOf(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--") {
			word, _, _ := strings.Cut(line, " ")
			return strings.ToUpper(word)
		}
	}
	return "BATCH"
}
