package database

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DBTX is what queries need: pgx's three ways to send a statement.
type DBTX interface {
	Exec(ctx context.Context, sql string, arguments ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, arguments ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row
}

// Tx is DBTX within a transaction. What must not happen outside of one asks for it.
type Tx interface {
	DBTX
	inTransaction()
}

// statements sends statements on one connection, each within limit.
//
// What has to go before a statement travels in the same message (pgx's Batch), so it costs no round trip
// of its own: first before the first one, every before each. In the latter case PostgreSQL sees both as
// one transaction, which is what makes settings hold for that statement alone.
type statements struct {
	conn  *pgx.Conn
	limit time.Duration
	first []string
	every string
}

// Exec sends a statement that gives no rows.
func (s *statements) Exec(ctx context.Context, sql string, arguments ...any) (pgconn.CommandTag, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	before := s.before()
	if len(before) == 0 {
		return s.conn.Exec(ctx, sql, arguments...)
	}
	results, err := s.send(ctx, before, sql, arguments)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := results.Exec()
	return tag, closed(results, err)
}

// Query sends a statement that gives rows.
func (s *statements) Query(ctx context.Context, sql string, arguments ...any) (pgx.Rows, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	before := s.before()
	if len(before) == 0 {
		rows, err := s.conn.Query(ctx, sql, arguments...)
		if err != nil {
			cancel()
			return nil, err
		}
		return &boundedRows{Rows: rows, cancel: cancel}, nil
	}
	results, err := s.send(ctx, before, sql, arguments)
	if err != nil {
		cancel()
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		err = closed(results, err)
		cancel()
		return nil, err
	}
	return &boundedRows{Rows: rows, batch: results, cancel: cancel}, nil
}

// QueryRow sends a statement that gives at most one row.
func (s *statements) QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row {
	rows, err := s.Query(ctx, sql, arguments...)
	return oneRow{rows: rows, err: err}
}

// before gives what goes before the next statement.
func (s *statements) before() []string {
	before := s.first
	s.first = nil
	if s.every != "" {
		before = append(before, s.every)
	}
	return before
}

// send sends statements in one message; the results are those of the last one.
func (s *statements) send(
	ctx context.Context, before []string, sql string, arguments []any,
) (pgx.BatchResults, error) {
	batch := &pgx.Batch{}
	for _, statement := range before {
		batch.Queue(statement)
	}
	batch.Queue(sql, arguments...)
	results := s.conn.SendBatch(ctx, batch)
	for range before {
		if _, err := results.Exec(); err != nil {
			return nil, closed(results, err)
		}
	}
	return results, nil
}

// closed ends a batch; after an error that only says the same again.
func closed(results pgx.BatchResults, err error) error {
	closing := results.Close()
	if err != nil {
		return err
	}
	return closing
}

// transaction begins with its first statement.
type transaction struct {
	statements
}

func (*transaction) inTransaction() {}

func (t *transaction) commit(ctx context.Context) error {
	if t.first != nil {
		return nil // nothing was asked for
	}
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	tag, err := t.conn.Exec(ctx, "commit")
	if err == nil && tag.String() == "ROLLBACK" {
		return pgx.ErrTxCommitRollback // a statement failed, and work took no notice
	}
	return err
}

// rollback ends the transaction, also when nobody waits any more; where that fails, the connection is
// closed by the pool, since it is still in a transaction.
func (t *transaction) rollback(ctx context.Context) {
	if t.conn.IsClosed() || t.conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), margin)
	defer cancel()
	_, _ = t.conn.Exec(ctx, "rollback")
}

// boundedRows are rows that end with the time of their statement.
type boundedRows struct {
	pgx.Rows
	batch  pgx.BatchResults
	cancel context.CancelFunc
	err    error
}

// Next prepares the next row.
func (r *boundedRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Close ends the statement.
func (r *boundedRows) Close() {
	r.Rows.Close()
	if r.batch != nil {
		r.err = r.batch.Close()
		r.batch = nil
	}
	r.cancel()
}

// Err gives the error that ended the rows early.
func (r *boundedRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

// oneRow is the first of some rows.
type oneRow struct {
	rows pgx.Rows
	err  error
}

// Scan reads the row; pgx.ErrNoRows when there is none.
func (r oneRow) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(into...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}
