package telemetry

import (
	"io"
	"sync"
	"time"
)

const (
	// maxWaiting bounds what is kept when nobody reads: lines beyond are dropped.
	maxWaiting = 16 << 20
	// maxSpare is the largest buffer that is kept for the next lines.
	maxSpare = 64 << 10
	// flushTimeout: a reader who has stopped must not hold up the end.
	flushTimeout = time.Second
)

// Output writes lines in their order. Those that come while others are being written share the next
// write, which costs more than a line; so a reader who is slow holds up one request and not all of them.
type Output struct {
	to io.Writer

	mutex   sync.Mutex
	waiting []byte
	spare   []byte
	// written is closed when nothing waits any more; nil while nothing does.
	written chan struct{}
}

// NewOutput makes an output in front of a writer.
func NewOutput(to io.Writer) *Output {
	return &Output{to: to}
}

// Write takes a line, and never fails. It has been written when Write returns, unless others are being
// written at the moment.
func (o *Output) Write(line []byte) (int, error) {
	o.mutex.Lock()
	if len(o.waiting)+len(line) <= maxWaiting {
		o.waiting = append(o.waiting, line...)
	}
	if o.written != nil {
		o.mutex.Unlock()
		return len(line), nil
	}
	o.written = make(chan struct{})
	o.mutex.Unlock()
	if !o.writeWaiting() {
		go o.writeRest() // of other requests, which this one does not wait for
	}
	return len(line), nil
}

// Flush waits until all lines are written, and not for ever.
func (o *Output) Flush() {
	o.mutex.Lock()
	written := o.written
	o.mutex.Unlock()
	if written != nil {
		select {
		case <-written:
		case <-time.After(flushTimeout):
		}
	}
}

func (o *Output) writeRest() {
	for !o.writeWaiting() {
	}
}

// writeWaiting writes what waits; whether that was all.
func (o *Output) writeWaiting() bool {
	o.mutex.Lock()
	lines := o.waiting
	o.waiting = o.spare[:0]
	o.mutex.Unlock()
	_, _ = o.to.Write(lines) // should nobody listen, nobody can be told
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.spare = nil
	if cap(lines) <= maxSpare {
		o.spare = lines
	}
	if len(o.waiting) > 0 {
		return false
	}
	close(o.written)
	o.written = nil
	return true
}
