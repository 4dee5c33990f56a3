package telemetry

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func scrape(t *testing.T, metrics *Metrics) string {
	t.Helper()
	reply := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(reply, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	return reply.Body.String()
}

func TestRequestsAreCountedByRouteAndNeverByWhatCallersInvent(t *testing.T) {
	t.Parallel()
	metrics := NewMetrics()
	for _, request := range []Request{
		{Method: "GET", Path: "/v1/things/7", Route: "/v1/things/{thingId}", Status: 200},
		{Method: "GET", Path: "/v1/things/8", Route: "/v1/things/{thingId}", Status: 200},
		{Method: "BREW", Path: "/coffee", Status: 404},
		{Method: "MELT", Path: "/ice", Status: 404},
		{Method: "GET", Path: "/v1/things", Route: "/v1/things"},
	} {
		metrics.ObserveRequest(&request, 2*time.Millisecond)
	}
	text := scrape(t, metrics)
	for _, line := range []string{
		`http_requests_total{method="GET",route="/v1/things/{thingId}",status="200"} 2`,
		`http_requests_total{method="other",route="unmatched",status="404"} 2`,
		`http_requests_total{method="GET",route="/v1/things",status="0"} 1`,
		`http_request_duration_seconds_bucket{method="GET",route="/v1/things",status="0",le="0.001"} 0`,
		`http_request_duration_seconds_bucket{method="GET",route="/v1/things",status="0",le="0.0025"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("%s is missing", line)
		}
	}
	for _, invented := range []string{"BREW", "/coffee", "things/7"} {
		if strings.Contains(text, invented) {
			t.Errorf("%s is a label", invented)
		}
	}
}
