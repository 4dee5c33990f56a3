// Package web is what all routes share: routes as data and the order in which they refuse a request,
// bodies and queries, problem details, replies, conditional requests, cursors, idempotent writes, the
// OpenAPI document, and the layers around them.
//
// What may be sent is said once, by Go types: a struct with json tags, whose fields have types that know
// their [Rules]. From these, looked at when the program starts, come the values that a handler is given,
// the faults that a caller is told (each with a place and a stable code), and the document. Nothing else
// says how long a name may be, so nothing can say something else.
//
// To add a route, write such types, a function that takes a [Call] of them, and a [Route] that names it.
package web
