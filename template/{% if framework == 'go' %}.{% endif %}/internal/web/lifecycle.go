package web

import "sync/atomic"

// Lifecycle says whether the process serves or is on its way out. The server sets it, the layers and
// /readyz read it.
type Lifecycle struct {
	draining atomic.Bool
}

// Drain is called at the first signal: not ready from now on, and every reply closes its connection.
func (l *Lifecycle) Drain() {
	l.draining.Store(true)
}

// Draining reports whether Drain has been called.
func (l *Lifecycle) Draining() bool {
	return l.draining.Load()
}
