// Package telemetry says what the process does: logs, metrics and traces, each about the same requests.
package telemetry

import (
	"context"
	"time"
)

// Request holds the facts of one request, filled in as they become known by the goroutine that serves it.
type Request struct {
	ID     string
	Method string
	// Path is as it was sent, without the query, which may hold secrets.
	Path string
	// Started is when the request's head had arrived.
	Started time.Time
	// Address is the caller's, as far as TRUST_PROXY_HOPS lets us believe it.
	Address string
	// Secure is whether the caller came over TLS, as far as a proxy of ours says so.
	Secure bool
	// TraceID and SpanID are in hexadecimal digits; empty without a trace.
	TraceID string
	SpanID  string
	// Route is the path template (/v1/things/{thingId}), never the path: it labels metrics. Empty when
	// none matches.
	Route string
	// Status is that of the reply; 0 when the caller went away before it.
	Status int
	// Tenant and Subject are empty before authentication.
	Tenant  string
	Subject string
}

type requestKey struct{}

// WithRequest makes ctx that of a request: RequestOf gives it, and log lines name it.
func WithRequest(ctx context.Context, request *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, request)
}

// RequestOf gives the request that ctx belongs to; nil where it belongs to none.
func RequestOf(ctx context.Context) *Request {
	request, _ := ctx.Value(requestKey{}).(*Request)
	return request
}
