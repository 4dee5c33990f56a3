package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCrossOriginRequests(t *testing.T) {
	t.Parallel()
	layers := func() http.Handler {
		return Edge(EdgeOptions{Lifecycle: new(Lifecycle)})(CORS([]string{"https://app.example.com"})(http.HandlerFunc(teapot)))
	}
	const ours, theirs = "https://app.example.com", "https://evil.example.com"
	for name, c := range map[string]struct {
		method  string
		origin  string
		asked   string
		headers string
		status  int
		allowed bool
	}{
		"a request of ours":                 {"GET", ours, "", "", 418, true},
		"a request of others":               {"GET", theirs, "", "", 418, false},
		"a request of nobody":               {"GET", "", "", "", 418, false},
		"OPTIONS that asks nothing":         {"OPTIONS", ours, "", "", 418, true},
		"a question of ours":                {"OPTIONS", ours, "PATCH", "", 204, true},
		"a question about headers":          {"OPTIONS", ours, "POST", "authorization, Content-Type,idempotency-key", 204, true},
		"a question about an odd header":    {"OPTIONS", ours, "POST", "authorization, x-odd", 400, true},
		"a question about an odd method":    {"OPTIONS", ours, "TRACE", "", 400, true},
		"a question of others":              {"OPTIONS", theirs, "GET", "", 400, false},
		"a question of a longer name":       {"OPTIONS", ours + ".example.com", "GET", "", 400, false},
		"a question of the null origin":     {"OPTIONS", "null", "GET", "", 400, false},
		"a method's name in another case":   {"OPTIONS", ours, "patch", "", 400, true},
		"a question without an origin":      {"OPTIONS", "", "GET", "", 418, false},
		"a question with an empty headers":  {"OPTIONS", ours, "GET", " , ", 204, true},
		"ours in another case is not there": {"OPTIONS", "https://APP.example.com", "GET", "", 400, false},
	} {
		request := httptest.NewRequest(c.method, "/", nil)
		for field, value := range map[string]string{
			"Origin":                         c.origin,
			"Access-Control-Request-Method":  c.asked,
			"Access-Control-Request-Headers": c.headers,
		} {
			if value != "" {
				request.Header.Set(field, value)
			}
		}
		reply := httptest.NewRecorder()
		layers().ServeHTTP(reply, request)
		header := reply.Header()
		if allowed := header.Get("Access-Control-Allow-Origin") == c.origin && c.origin != ""; allowed != c.allowed {
			t.Errorf("%s: allowed %t", name, allowed)
		}
		if reply.Code != c.status || header.Get("Vary") != "Origin" {
			t.Errorf("%s: %d, Vary %s", name, reply.Code, header.Get("Vary"))
		}
		if told := header.Get("Access-Control-Allow-Methods") != ""; told != (c.status == 204) {
			t.Errorf("%s: methods %t", name, told)
		}
		if header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: credentials", name)
		}
	}
}
