package server

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// maxPiece is how much of a reply must find a reader within the time that a reply may stall.
const maxPiece = 64 << 10

// listener counts the connections that it accepts, and limits how long each may stall.
type listener struct {
	*net.TCPListener
	connections *connections
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	accepted, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	opened := &conn{TCPConn: accepted, connections: l.connections}
	l.connections.add(opened)
	return opened, nil
}

// connections are those that are open. http.Server keeps track as well, but can only be asked to close
// idle connections at once: on one that looks idle, a request may be on its way.
type connections struct {
	// stall is how long a reply that its caller does not read is kept.
	stall time.Duration

	mutex sync.Mutex
	open  map[*conn]struct{}
}

func newConnections(stall time.Duration) *connections {
	return &connections{stall: stall, open: make(map[*conn]struct{})}
}

func (c *connections) add(opened *conn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.open[opened] = struct{}{}
}

func (c *connections) remove(closed *conn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.open, closed)
}

// count is how many are open.
func (c *connections) count() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return len(c.open)
}

// closeIdle closes those on which no reply is due.
func (c *connections) closeIdle() {
	c.mutex.Lock()
	var idle []*conn
	for open := range c.open {
		if !open.due.Load() {
			idle = append(idle, open)
		}
	}
	c.mutex.Unlock()
	for _, open := range idle {
		_ = open.Close() // whoever was there first
	}
}

// observe is the server's ConnState: a connection is active from the end of a request's head to the end
// of its reply.
func (*connections) observe(observed net.Conn, state http.ConnState) {
	if open, ours := observed.(*conn); ours {
		open.due.Store(state == http.StateActive)
	}
}

// conn is a connection that is not kept for a caller who reads nothing.
type conn struct {
	*net.TCPConn
	connections *connections
	// due is whether a request has come whose reply has not been sent.
	due atomic.Bool
}

// Write implements net.Conn.
func (c *conn) Write(data []byte) (int, error) {
	for sent := 0; ; {
		if err := c.SetWriteDeadline(time.Now().Add(c.connections.stall)); err != nil {
			return sent, err
		}
		n, err := c.TCPConn.Write(data[sent:min(sent+maxPiece, len(data))])
		sent += n
		if err != nil || sent == len(data) {
			return sent, err
		}
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.connections.remove(c)
	return c.TCPConn.Close()
}
