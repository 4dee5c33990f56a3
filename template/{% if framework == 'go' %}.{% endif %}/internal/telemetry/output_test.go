package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
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

func TestALineIsWrittenWithoutAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var written bytes.Buffer
		output := NewOutput(&written)
		for _, line := range []string{"one\n", "two\n"} {
			_, err := output.Write([]byte(line))
			synctest.Wait()
			if err != nil || !strings.HasSuffix(written.String(), line) {
				t.Errorf("%q, %v", written.String(), err)
			}
		}
	})
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

func TestAReaderWhoTakesNothingHoldsUpNobodyWhoLogs(t *testing.T) {
	t.Parallel()
	pipe := &pipe{shut: make(chan struct{})}
	output := NewOutput(pipe)
	logger := NewLogger(output, slog.LevelInfo) // which lets one line after the other in
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		var callers sync.WaitGroup
		for caller := range 4 {
			callers.Go(func() { logger.Info("event", "caller", caller) })
		}
		callers.Wait()
	}()
	select {
	case <-logged:
	case <-time.After(5 * time.Second):
		t.Error("they wait for the reader")
	}
	close(pipe.shut)
	<-logged
	output.Flush()
	if lines := strings.Count(pipe.written.String(), "\n"); lines != 4 {
		t.Errorf("%d lines", lines)
	}
}

func TestAReaderWhoTakesNothingHoldsUpTheEndForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pipe := &pipe{shut: make(chan struct{})}
		output := NewOutput(pipe)
		_, _ = output.Write([]byte("first\n"))
		started := time.Now()
		output.Flush()
		if took := time.Since(started); took != flushTimeout {
			t.Errorf("the end took %v", took)
		}
		close(pipe.shut)
		output.Flush()
		if pipe.written.String() != "first\n" {
			t.Errorf("%q", &pipe.written)
		}
	})
}

func TestWhatFindsNoRoomIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pipe := &pipe{shut: make(chan struct{})}
		output := NewOutput(pipe)
		logger := NewLogger(output, slog.LevelInfo)
		logger.Info("first")
		synctest.Wait() // it is being written
		long := strings.Repeat("x", maxWaiting/20)
		for range 30 {
			logger.Info(long)
		}
		close(pipe.shut)
		output.Flush()
		logger.Info("last")
		output.Flush()
		kept, count := 0, 0.0
		for line := range strings.Lines(pipe.written.String()) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatal(err)
			}
			switch fields["event"] {
			case long:
				kept++
			case "log lines dropped":
				count += fields["count"].(float64)
			}
		}
		if kept != 19 || count != 11 || pipe.writes != 3 || !strings.Contains(pipe.written.String(), `"last"`) {
			t.Errorf("%d lines, and %v dropped, in %d writes", kept, count, pipe.writes)
		}
	})
}
