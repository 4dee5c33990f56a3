package telemetry

import (
	"io"
	"sync"
	"time"
)

const (
	// collectFor is how long a line waits for others, which then share its write.
	collectFor = 10 * time.Millisecond
	// maxWaiting bounds what is kept when nobody reads: lines beyond are dropped.
	maxWaiting = 16 << 20
)

// Output collects lines and writes them together: a write costs more than a line, and a reader who is
// slow holds up no request. Flush writes at once, which the end of the process needs.
type Output struct {
	to io.Writer

	mutex   sync.Mutex
	waiting []byte

	// writing is held for the time of a write, so that lines stay in order.
	writing sync.Mutex
	spare   []byte
}

// NewOutput makes an output in front of a writer.
func NewOutput(to io.Writer) *Output {
	return &Output{to: to}
}

// Write takes a line; it never fails.
func (o *Output) Write(line []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if len(o.waiting) == 0 {
		time.AfterFunc(collectFor, o.Flush)
	}
	if len(o.waiting)+len(line) <= maxWaiting {
		o.waiting = append(o.waiting, line...)
	}
	return len(line), nil
}

// Flush writes what waits.
func (o *Output) Flush() {
	o.writing.Lock()
	defer o.writing.Unlock()
	o.mutex.Lock()
	lines := o.waiting
	o.waiting = o.spare[:0]
	o.mutex.Unlock()
	if len(lines) > 0 {
		_, _ = o.to.Write(lines) // should nobody listen, nobody can be told
	}
	o.spare = lines
}
