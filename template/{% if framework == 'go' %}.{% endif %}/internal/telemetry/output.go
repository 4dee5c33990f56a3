package telemetry

import (
	"bytes"
	"io"
	"log/slog"
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

// Output writes lines in their order, and nobody waits for that: slog lets one line after the other in, so
// a reader who is slow would hold up every request. Those that come while others are being written share
// the next write, which costs more than a line.
type Output struct {
	to io.Writer

	mutex   sync.Mutex
	waiting []byte
	spare   []byte
	// dropped is how many lines found no room since that was last told.
	dropped int
	// written is closed when nothing waits any more; nil while nothing does.
	written chan struct{}
}

// NewOutput makes an output in front of a writer.
func NewOutput(to io.Writer) *Output {
	return &Output{to: to}
}

// Write takes a line, and never fails or waits. It is written soon; Flush says when.
func (o *Output) Write(line []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if len(o.waiting)+len(line) > maxWaiting {
		o.dropped++
	} else {
		o.waiting = append(o.waiting, line...)
	}
	if o.written == nil {
		o.written = make(chan struct{})
		go o.writeAll()
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

// writeAll writes until nothing waits.
func (o *Output) writeAll() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for len(o.waiting) > 0 || o.dropped > 0 {
		lines := o.waiting
		if o.dropped > 0 {
			lines = append(lines, lineOfDropped(o.dropped)...)
			o.dropped = 0
		}
		o.waiting, o.spare = o.spare[:0], nil
		o.mutex.Unlock()
		_, _ = o.to.Write(lines) // should nobody listen, nobody can be told
		o.mutex.Lock()
		if cap(lines) <= maxSpare {
			o.spare = lines
		}
	}
	close(o.written)
	o.written = nil
}

// lineOfDropped tells of lines that found no room, after those that did.
func lineOfDropped(count int) []byte {
	var line bytes.Buffer
	NewLogger(&line, slog.LevelWarn).Warn("log lines dropped", "count", count)
	return line.Bytes()
}
