package database

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	probeInterval     = time.Second
	probeTimeout      = time.Second
	failuresUntilDown = 3
	notAsked          = "not asked yet"
)

// Probe asks every second whether the database is there, on a connection of its own, so that a full pool
// is no outage. It is down after three failures in a row, and up after one success.
//
// A database that suspends itself when nobody asks (Neon) stays awake as long as the service runs: on
// purpose, since readiness that was not asked for is a guess, and a cold start a caller's wait.
type Probe struct {
	address  Address
	onChange func(error)
	timeout  time.Duration
	interval time.Duration

	cancel context.CancelFunc
	done   chan struct{}
	conn   *pgx.Conn // of the goroutine that asks

	mutex     sync.Mutex
	failures  int
	lastError string
}

// NewProbe makes a probe; onChange is called with the error when the database is away, and with nil when
// it answers again.
func NewProbe(address Address, onChange func(error)) *Probe {
	return &Probe{
		address:   address,
		onChange:  onChange,
		timeout:   probeTimeout,
		interval:  probeInterval,
		failures:  failuresUntilDown, // down until the first answer
		lastError: notAsked,
	}
}

// Start asks until the probe is stopped.
func (p *Probe) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		defer p.disconnect()
		ticker := time.NewTicker(p.interval)
		defer ticker.Stop()
		for {
			p.ask(ctx)
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
}

// Stop ends the probe and lets go of its connection. One that was never started is stopped.
func (p *Probe) Stop() {
	if p.cancel == nil {
		return
	}
	p.cancel()
	<-p.done
}

// Up says whether the database answered lately.
func (p *Probe) Up() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.failures < failuresUntilDown
}

// LastError names the last failure; "" when the last question was answered.
func (p *Probe) LastError() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.lastError
}

// ask asks once and remembers the outcome; it takes at most the timeout, also when the server is frozen.
func (p *Probe) ask(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	err := p.selectOne(limited)
	if ctx.Err() != nil {
		return // it was stopped: that is no answer
	}
	if err != nil {
		p.disconnect()
	}
	if p.remember(err) {
		p.onChange(err)
	}
}

// remember says whether the outcome is news.
func (p *Probe) remember(err error) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err == nil {
		news := p.failures >= failuresUntilDown
		p.failures, p.lastError = 0, ""
		return news
	}
	p.failures++
	news := p.failures == failuresUntilDown || p.lastError == notAsked
	p.lastError = nameOf(err)
	return news
}

func (p *Probe) selectOne(ctx context.Context) error {
	if p.conn == nil {
		config, err := p.address.connect()
		if err != nil {
			return err
		}
		config.RuntimeParams["application_name"] = "probe"
		if p.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
			return err
		}
	}
	return p.conn.Ping(ctx)
}

// disconnect lets go of the connection without a farewell that the server would have to answer.
func (p *Probe) disconnect() {
	if p.conn != nil {
		_ = p.conn.PgConn().Conn().Close()
		p.conn = nil
	}
}

// nameOf gives a failure in few words, for readers of /readyz.
func nameOf(err error) string {
	var refused *pgconn.PgError
	var network *net.OpError
	var system *os.SyscallError
	var connecting *pgconn.ConnectError
	switch {
	case errors.As(err, &refused):
		return refused.Code
	case pgconn.Timeout(err), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &system):
		return system.Err.Error()
	case errors.As(err, &network):
		return network.Err.Error()
	case errors.As(err, &connecting): // without the name of the user
		return lineOf(connecting.Unwrap())
	}
	return err.Error()
}
