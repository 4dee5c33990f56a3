package database

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) {
	margin, cancelPatience = 200*time.Millisecond, 200*time.Millisecond
	m.Run()
}

// MigrateFrom is Migrate with migrations of a test's own.
func MigrateFrom(ctx context.Context, url string, migrations fs.FS, down string, report func(string)) error {
	return migrate(ctx, url, migrations, down, report)
}

// Config is what pgx gets to connect by.
func (a Address) Config() (*pgx.ConnConfig, error) { return a.connect() }

// AskWithin is Ask with a limit of its own.
func (p *Probe) AskWithin(limit time.Duration) {
	p.timeout = limit
	p.ask(context.Background())
}

// WithConn lends a connection of the pool as it is.
func WithConn(t testing.TB, db *Database, use func(*pgx.Conn)) {
	t.Helper()
	conn, err := db.pool.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	use(conn.Conn())
}
