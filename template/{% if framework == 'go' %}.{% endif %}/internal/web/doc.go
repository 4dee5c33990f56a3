// Package web holds what all routes share, from the first byte of a request to the last of its answer:
// routes as data, admission, bodies, problem details, idempotent writes, and the OpenAPI document.
package web
