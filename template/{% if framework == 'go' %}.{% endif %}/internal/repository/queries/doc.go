// Package queries holds what sqlc writes from db/queries: run `make generate`, and commit it.
package queries
