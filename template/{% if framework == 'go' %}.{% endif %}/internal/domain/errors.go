// Package domain holds the data types and rules of the service, as pure functions. It knows nothing of
// HTTP, SQL or any other package.
package domain

import "time"

// NotFound says that there is no such thing for this tenant.
//
// It and its neighbours are why a request of a well-behaved caller can be refused. Their messages are
// shown to the caller: they never hold another tenant's data.
type NotFound struct {
	Message string
}

func (e NotFound) Error() string { return e.Message }

// Conflict says that the change would break a uniqueness rule.
type Conflict struct {
	Message string
}

func (e Conflict) Error() string { return e.Message }

// InvalidTransition says that the thing cannot go from its present state to the wanted one.
type InvalidTransition struct {
	Message string
}

func (e InvalidTransition) Error() string { return e.Message }

// InvalidReference says that a field of the input, by its name in the API, names something that does
// not exist.
type InvalidReference struct {
	Field   string
	Message string
}

func (e InvalidReference) Error() string { return e.Message }

// Unavailable says that a dependency is away or busy; trying again after RetryAfter may help.
type Unavailable struct {
	Message    string
	RetryAfter time.Duration
	// Cause is for the log, never for the caller.
	Cause error
}

func (e Unavailable) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	return e.Message + " (" + e.Cause.Error() + ")"
}

func (e Unavailable) Unwrap() error { return e.Cause }
