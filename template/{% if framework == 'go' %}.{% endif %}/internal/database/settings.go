package database

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// PoolSettings are the limits of the pool and of each statement.
type PoolSettings struct {
	MaxConnections   int
	AcquireTimeout   time.Duration
	StatementTimeout time.Duration
	// Pooled: a transaction pooler (PgBouncer, Neon, Supabase) stands before the server. It refuses
	// parameters at the start of a connection and hands each transaction to another server process, so
	// settings travel with every read and transaction, and statements have no names. An address that says
	// so by itself counts as well.
	Pooled bool
	// ApplicationName is what the server shows of the service, unless the address names something else.
	ApplicationName string
	// Tracer is told of every statement; nil is nobody.
	Tracer pgx.QueryTracer
}

// session gives what every session of the service has, in PostgreSQL's own names and units (ms).
func (s PoolSettings) session(address Address) map[string]string {
	settings := map[string]string{}
	maps.Copy(settings, address.Settings)
	settings["statement_timeout"] = milliseconds(s.StatementTimeout)
	settings["idle_in_transaction_session_timeout"] = milliseconds(2 * s.StatementTimeout)
	return settings
}

// setLocal gives the statement that makes settings for the present transaction.
func setLocal(settings map[string]string) string {
	calls := make([]string, 0, len(settings))
	for _, name := range sortedKeys(settings) {
		calls = append(calls, "set_config("+literal(name)+", "+literal(settings[name])+", true)")
	}
	return "select " + strings.Join(calls, ", ")
}

// literal quotes text for SQL; with an E before it, because a backslash may mean something without.
func literal(text string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

func milliseconds(duration time.Duration) string {
	return strconv.FormatInt(duration.Milliseconds(), 10)
}

func sortedKeys[Value any](values map[string]Value) []string {
	return slices.Sorted(maps.Keys(values))
}
