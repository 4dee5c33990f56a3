package web

import (
	"net/http"
	"slices"
	"strings"
)

var (
	corsMethods = []string{"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"}
	corsHeaders = []string{
		"Accept",
		"Accept-Language",
		"Authorization",
		"Content-Language",
		"Content-Type",
		"Idempotency-Key",
		"If-Match",
		"If-None-Match",
		"Traceparent",
		"X-Request-Id",
	}
	corsExposed = []string{"ETag", "Idempotency-Replayed", "Location", "Retry-After", "X-Request-Id"}
)

const corsMaxAge = "600" // seconds

// CORS answers browsers that ask beforehand, and says who may read a reply: these origins.
func CORS(origins []string) Layer {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			origin := r.Header.Get("Origin")
			allowed := slices.Contains(origins, origin)
			header := w.Header()
			header.Set("Vary", "Origin")
			if allowed {
				header.Set("Access-Control-Allow-Origin", origin)
			}
			asked := r.Header.Get("Access-Control-Request-Method")
			if r.Method == http.MethodOptions && origin != "" && asked != "" {
				preflight(w, r, allowed, asked)
				return
			}
			if allowed {
				header.Set("Access-Control-Expose-Headers", strings.Join(corsExposed, ", "))
			}
			next.ServeHTTP(w, r)
		})
	}
}

func preflight(w http.ResponseWriter, r *http.Request, allowed bool, method string) {
	var faults []string
	if !allowed {
		faults = append(faults, "origin")
	}
	if !slices.Contains(corsMethods, method) {
		faults = append(faults, "method")
	}
	if asksForUnknown(r.Header.Values("Access-Control-Request-Headers")) {
		faults = append(faults, "headers")
	}
	if len(faults) > 0 {
		refuseUnread(w, r, &Problem{Kind: BadRequest, Detail: "Disallowed CORS " + strings.Join(faults, ", ")})
		return
	}
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", strings.Join(corsMethods, ", "))
	header.Set("Access-Control-Allow-Headers", strings.Join(corsHeaders, ", "))
	header.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
}

func asksForUnknown(lists []string) bool {
	for name := range strings.SplitSeq(strings.Join(lists, ","), ",") {
		name = strings.TrimSpace(name)
		known := func(header string) bool { return strings.EqualFold(header, name) }
		if name != "" && !slices.ContainsFunc(corsHeaders, known) {
			return true
		}
	}
	return false
}
