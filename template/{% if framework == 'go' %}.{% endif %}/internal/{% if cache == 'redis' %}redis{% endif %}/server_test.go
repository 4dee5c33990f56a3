package redis

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// server is a redis-server of a test's own, that can be frozen and stopped.
type server struct {
	port    int
	process *exec.Cmd
}

// newServer starts one, on a free port, without a disk, and with 64 MB at most.
func newServer(t *testing.T) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("there is no redis-server on the PATH that could be stopped")
	}
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{port: free.Addr().(*net.TCPAddr).Port}
	_ = free.Close()
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *server) url() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", s.port) }

// start starts it empty, on the same port as ever, and waits until it listens.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.process = exec.CommandContext(context.Background(), "redis-server",
		"--port", fmt.Sprint(s.port), "--bind", "127.0.0.1", "--save", "", "--maxmemory", "64mb")
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "redis-server listens", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// freeze keeps its connections and answers none.
func (s *server) freeze() { _ = s.process.Process.Signal(syscall.SIGSTOP) }

func (s *server) thaw() { _ = s.process.Process.Signal(syscall.SIGCONT) }

// stop ends it, frozen or not.
func (s *server) stop() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// sharedURL is the Redis of TEST_REDIS_URL, or one that is started.
func sharedURL(t *testing.T) string {
	t.Helper()
	if url := os.Getenv("TEST_REDIS_URL"); url != "" {
		return url
	}
	return newServer(t).url()
}

// newStoreAt gives a store that has been started, and what it told of.
func newStoreAt(t *testing.T, url, prefix string) (*Store, <-chan error) {
	t.Helper()
	address, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 100)
	store := NewStore(address, StoreOptions{
		Prefix:   prefix,
		Timeout:  200 * time.Millisecond,
		OnChange: func(err error) { told <- err },
	})
	store.Start()
	t.Cleanup(store.Close)
	return store, told
}

func newCacheIn(store *Store) *Cache {
	return NewCache(store, time.Minute, prometheus.NewRegistry())
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within ten seconds: %s", what)
		}
	}
}
