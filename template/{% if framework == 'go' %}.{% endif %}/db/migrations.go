// Package db holds the SQL of the service: migrations/ is its schema, in steps, and queries/ what it asks,
// from which sqlc makes internal/repository/queries.
package db

import "embed"

// Migrations are the files that `migrate` applies.
//
//go:embed migrations/*.sql
var Migrations embed.FS
