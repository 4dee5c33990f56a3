// Package db holds the SQL of the service: migrations/ is its schema, in steps, and queries/ what it asks,
// from which sqlc makes internal/repository/queries.
//
// A migration is one transaction and says `set local lock_timeout` first. What PostgreSQL refuses in one,
// such as CREATE INDEX CONCURRENTLY, stands alone in a file that begins with `-- +goose NO TRANSACTION`:
// when it fails, a part of it may be left, so it removes that first (`drop index concurrently if exists`).
// `-- +goose StatementBegin` and `StatementEnd` enclose a statement with semicolons inside.
//
// A query says the type of each parameter that is neither text nor a number (`@id::uuid`): behind a pooler
// statements have no names and are not described, so pgx sends types by those of Go.
package db

import "embed"

// Migrations are the files that `migrate` applies.
//
//go:embed migrations/*.sql
var Migrations embed.FS
