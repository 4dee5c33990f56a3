package telemetry

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a reader who takes nothing while it is shut.
type pipe struct {
	shut    chan struct{}
	written bytes.Buffer
	writes  int
}

func (p *pipe) Write(data []byte) (int, error) {
	<-p.shut
	p.writes++
	return p.written.Write(data)
}

func open() chan struct{} {
	opened := make(chan struct{})
	close(opened)
	return opened
}

func TestALineHasBeenWrittenWhenNobodyElseWrites(t *testing.T) {
	t.Parallel()
	var written bytes.Buffer
	output := NewOutput(&written)
	for _, line := range []string{"one\n", "two\n"} {
		if _, err := output.Write([]byte(line)); err != nil || !strings.HasSuffix(written.String(), line) {
			t.Errorf("%q, %v", written.String(), err)
		}
	}
}

func TestNoLineIsLostOrTorn(t *testing.T) {
	t.Parallel()
	pipe := &pipe{shut: open()}
	output := NewOutput(pipe)
	var writers sync.WaitGroup
	for writer := range 8 {
		writers.Go(func() {
			for number := range 500 {
				_, _ = fmt.Fprintf(output, "%d %d\n", writer, number)
			}
		})
	}
	writers.Wait()
	output.Flush()
	next := map[int]int{}
	for line := range strings.Lines(pipe.written.String()) {
		var writer, number int
		if _, err := fmt.Sscanf(line, "%d %d\n", &writer, &number); err != nil || number != next[writer] {
			t.Fatalf("%q after %d lines of it: %v", line, next[writer], err)
		}
		next[writer]++
	}
	for writer := range 8 {
		if next[writer] != 500 {
			t.Errorf("%d lines of writer %d", next[writer], writer)
		}
	}
}

func TestAReaderWhoTakesNothingHoldsUpOneWriterAndNotTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pipe := &pipe{shut: make(chan struct{})}
		output := NewOutput(pipe)
		go func() { _, _ = output.Write([]byte("first\n")) }()
		synctest.Wait()
		large := bytes.Repeat([]byte("x"), 1<<20)
		for range 20 { // more than is kept
			_, _ = output.Write(large)
		}
		started := time.Now()
		output.Flush()
		if took := time.Since(started); took != flushTimeout {
			t.Errorf("the end took %v", took)
		}
		close(pipe.shut)
		output.Flush()
		if got := pipe.written.Len(); got != len("first\n")+maxWaiting || pipe.writes != 2 {
			t.Errorf("%d bytes in %d writes", got, pipe.writes)
		}
	})
}
