// Package database holds the connection pool and its two uses, a read of single statements and a
// transaction; the probe; and the migrations.
package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Waits that tests shorten.
var (
	// margin is how much longer than a limit of the server its own answer is waited for.
	margin = time.Second
	// cancelPatience is how long a statement that nobody waits for may take to be cancelled, before its
	// connection is closed.
	cancelPatience = time.Second
)

const (
	closeTimeout = 2 * time.Second
	idleTimeout  = time.Minute
	// A connection that a firewall forgot silently is gone after this; servers behind a failover move.
	recycleAfter = 30 * time.Minute
)

// Database is a bounded pool of connections to one PostgreSQL database.
type Database struct {
	pool           *pgxpool.Pool
	acquireTimeout time.Duration
	statementLimit time.Duration
	// settle makes the settings of a session in each transaction; "" where they are made at its start.
	settle string
}

// Open makes a pool; it connects on first use.
func Open(address Address, settings PoolSettings) (*Database, error) {
	connect, err := address.connect()
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig("sslmode=disable")
	if err != nil {
		return nil, err
	}
	database := &Database{
		acquireTimeout: settings.AcquireTimeout,
		statementLimit: settings.StatementTimeout + margin,
	}
	session := settings.session(address)
	if settings.Pooled || address.Pooled {
		database.settle = setLocal(session)
		connect.DefaultQueryExecMode = pgx.QueryExecModeExec // statements without names
	} else {
		connect.RuntimeParams = session
	}
	if connect.RuntimeParams["application_name"] == "" {
		connect.RuntimeParams["application_name"] = settings.ApplicationName
	}
	connect.Tracer = settings.Tracer
	connect.ConnectTimeout = settings.AcquireTimeout
	connect.BuildContextWatcherHandler = cancelStatement
	config.ConnConfig = connect
	config.MinConns = 0
	config.MaxConns = int32(settings.MaxConnections)
	config.MaxConnIdleTime = idleTimeout
	config.MaxConnLifetime = recycleAfter
	config.MaxConnLifetimeJitter = recycleAfter / 10
	database.pool, err = pgxpool.NewWithConfig(context.Background(), config)
	return database, err
}

// Read does work by single statements, each of which stands for itself and takes one round trip. Behind
// a pooler too: the settings go before it in the same message. Work is done once more when a migration
// came between, so it only reads.
//
// The error is domain.Unavailable when the database is away or busy, or the request was given up; that of
// work otherwise.
func (d *Database) Read(ctx context.Context, work func(db DBTX) error) error {
	conn, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer release(conn)
	reader := statements{conn: conn.Conn(), limit: d.statementLimit, every: d.settle}
	err = work(&reader)
	if isStale(err) {
		err = work(&reader)
	}
	return reasonOf(ctx, err)
}

// Transaction does work in a transaction: committed at the end, rolled back on any error or panic, or
// when nobody waits for it any more. Its errors are as those of Read.
func (d *Database) Transaction(ctx context.Context, work func(tx Tx) error) error {
	conn, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer release(conn) // closes a connection that is still in a transaction, such as after a panic
	tx := transaction{statements{conn: conn.Conn(), limit: d.statementLimit, first: []string{"begin"}}}
	if d.settle != "" {
		tx.first = append(tx.first, d.settle)
	}
	if err = work(&tx); err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = tx.commit(ctx)
	}
	if err != nil {
		tx.rollback(ctx)
	}
	return reasonOf(ctx, err)
}

// Stats is the state of the pool.
type Stats struct {
	Max   int32
	InUse int32
	Idle  int32
}

// Stats gives the present state of the pool.
func (d *Database) Stats() Stats {
	stat := d.pool.Stat()
	return Stats{Max: stat.MaxConns(), InUse: stat.TotalConns() - stat.IdleConns(), Idle: stat.IdleConns()}
}

// Close closes every connection; one that is in use at a server that does not answer is not waited for.
func (d *Database) Close() {
	closed := make(chan struct{})
	go func() {
		d.pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeTimeout):
	}
}

func (d *Database) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	patience, cancel := context.WithTimeout(ctx, d.acquireTimeout)
	defer cancel()
	conn, err := d.pool.Acquire(patience)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, givenUp(err)
	case errors.Is(err, context.DeadlineExceeded):
		if stat := d.pool.Stat(); stat.AcquiredConns() == stat.MaxConns() {
			return nil, unavailable("All database connections are in use.", retrySoon, err)
		}
		return nil, away(err)
	}
	return nil, meaningOf(err)
}

// release gives a connection back. The place of one that broke is free at once: pgx says farewell to the
// server for up to 15 seconds, and a silent one would take the pool with it.
func release(conn *pgxpool.Conn) {
	if conn.Conn().IsClosed() {
		conn.Hijack()
		return
	}
	conn.Release()
}

// reasonOf gives what an error of work means to whoever asked for it.
func reasonOf(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return givenUp(err)
	}
	return meaningOf(err)
}

func givenUp(cause error) error {
	return unavailable("The request was given up.", retrySoon, fmt.Errorf("given up: %w", cause))
}

// cancelStatement lets a statement that nobody waits for be cancelled by the server, so that the
// connection can be used again; pgx would close it.
func cancelStatement(conn *pgconn.PgConn) ctxwatch.Handler {
	return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelPatience}
}
