// Package auth turns bearer tokens into principals.
package auth

import "time"

// Principal is whom a verified token speaks for.
type Principal struct {
	Tenant  string
	Subject string
	Scopes  []string
	// ExpiresAt is when the token is no longer to be believed, without the leeway.
	ExpiresAt time.Time
}

// InvalidToken says that a token cannot be believed; the reason may be shown to the caller.
type InvalidToken struct {
	Reason string
	// Cause is for the log, never for the caller.
	Cause error
}

func (e InvalidToken) Error() string { return "the token is " + e.Reason }

func (e InvalidToken) Unwrap() error { return e.Cause }
