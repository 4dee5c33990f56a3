package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// things are what these tests keep.
var things = Kind[string]{Name: "thing"}

// loader gives a value, and counts how often it is asked.
func loader(value string) (load func(context.Context) (string, error), times *atomic.Int32) {
	times = new(atomic.Int32)
	return func(context.Context) (string, error) {
		times.Add(1)
		return value, nil
	}, times
}

// twoProcesses are two stores in the same place.
func twoProcesses(t *testing.T) (*Store, *Store) {
	t.Helper()
	url, prefix := sharedURL(t), rand.Text()
	one, _ := newStoreAt(t, url, prefix)
	other, _ := newStoreAt(t, url, prefix)
	return one, other
}

func TestTwoProcessesShareOneLimit(t *testing.T) {
	t.Parallel()
	one, other := twoProcesses(t)
	limiters := []*Limiter{NewLimiter(one, 20), NewLimiter(other, 20)}
	var passed, refused atomic.Int32
	var callers sync.WaitGroup
	for number := range 40 {
		callers.Go(func() {
			wait, err := limiters[number%2].Take(t.Context(), "ada")
			switch {
			case err != nil:
				t.Error(err)
			case wait == 0:
				passed.Add(1)
			case wait > 3*time.Second:
				t.Errorf("to wait for %v", wait)
			default:
				refused.Add(1)
			}
		})
	}
	callers.Wait()
	if passed.Load() < 20 || passed.Load() > 21 {
		t.Errorf("%d passed, %d did not", passed.Load(), refused.Load())
	}
}

func TestLookingTakesNothingAndTimeRefills(t *testing.T) {
	t.Parallel()
	store, _ := newStoreAt(t, sharedURL(t), rand.Text())
	limiter := NewLimiter(store, 600) // one in 100 ms
	limiter.capacity = 1
	ask := func(question func(context.Context, string) (time.Duration, error)) time.Duration {
		t.Helper()
		wait, err := question(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	for range 3 {
		if wait := ask(limiter.Wait); wait != 0 {
			t.Errorf("looking costs %v", wait)
		}
	}
	if wait := ask(limiter.Take); wait != 0 {
		t.Errorf("the first one waits %v", wait)
	}
	if wait := ask(limiter.Take); wait <= 0 || wait > 100*time.Millisecond {
		t.Errorf("the second one waits %v", wait)
	}
	time.Sleep(100 * time.Millisecond)
	if wait := ask(limiter.Take); wait != 0 {
		t.Errorf("the third one waits %v", wait)
	}
}

func TestRedisSeesNoName(t *testing.T) {
	t.Parallel()
	prefix := rand.Text()
	store, _ := newStoreAt(t, sharedURL(t), prefix)
	if _, err := NewLimiter(store, 600).Take(t.Context(), "principal acme ada"); err != nil {
		t.Fatal(err)
	}
	keys, err := store.client.Keys(t.Context(), prefix+":limit:*").Result()
	if err != nil || len(keys) != 1 || strings.Contains(keys[0], "ada") {
		t.Fatalf("%v, %v", keys, err)
	}
	eventually(t, "a full bucket is not kept", func() bool {
		return store.client.Exists(t.Context(), keys[0]).Val() == 0
	})
}

func TestWhatOneProcessLoadedOthersFind(t *testing.T) {
	t.Parallel()
	one, other := twoProcesses(t)
	load, times := loader("value")
	for _, cache := range []*Cache{newCacheIn(one), newCacheIn(other), newCacheIn(one)} {
		if value, err := things.Get(t.Context(), cache, []string{"acme", "1"}, load); err != nil || value != "value" {
			t.Errorf("%q, %v", value, err)
		}
	}
	if times.Load() != 1 {
		t.Errorf("loaded %d times", times.Load())
	}
	if _, err := things.Get(t.Context(), newCacheIn(other), []string{"else", "1"}, load); err != nil || times.Load() != 2 {
		t.Errorf("another identity: %v, loaded %d times", err, times.Load())
	}
}

func TestOfManyReadersOneLoads(t *testing.T) {
	t.Parallel()
	one, other := twoProcesses(t)
	caches := []*Cache{newCacheIn(one), newCacheIn(other)}
	var times atomic.Int32
	slowly := func(context.Context) (string, error) {
		times.Add(1)
		time.Sleep(20 * time.Millisecond)
		return "value", nil
	}
	var readers sync.WaitGroup
	for number := range 40 {
		readers.Go(func() {
			if value, err := things.Get(t.Context(), caches[number%2], []string{"1"}, slowly); err != nil || value != "value" {
				t.Errorf("%q, %v", value, err)
			}
		})
	}
	readers.Wait()
	if times.Load() != 1 {
		t.Errorf("loaded %d times", times.Load())
	}
}

func TestALoadThatFailsIsNotTheFailureOfThoseWhoWait(t *testing.T) {
	t.Parallel()
	store, _ := newStoreAt(t, sharedURL(t), rand.Text())
	cache := newCacheIn(store)
	loading, fail := make(chan struct{}), make(chan struct{})
	broken := errors.New("it broke")
	first := make(chan error)
	go func() {
		_, err := things.Get(t.Context(), cache, []string{"1"}, func(context.Context) (string, error) {
			close(loading)
			<-fail
			return "", broken
		})
		first <- err
	}()
	<-loading
	second := make(chan string)
	load, _ := loader("value")
	go func() {
		value, _ := things.Get(t.Context(), cache, []string{"1"}, load)
		second <- value
	}()
	time.Sleep(20 * time.Millisecond)
	close(fail)
	if err := <-first; !errors.Is(err, broken) {
		t.Error(err)
	}
	if value := <-second; value != "value" {
		t.Errorf("%q", value)
	}
}

func TestAReaderWhoLoadedBeforeAChangeKeepsNothingAfterIt(t *testing.T) {
	t.Parallel()
	one, other := twoProcesses(t)
	reader, writer := newCacheIn(one), newCacheIn(other)
	loaded, changed := make(chan struct{}), make(chan struct{})
	read := make(chan string)
	go func() {
		value, _ := things.Get(t.Context(), reader, []string{"1"}, func(context.Context) (string, error) {
			close(loaded)
			<-changed
			return "old", nil
		})
		read <- value
	}()
	<-loaded
	things.Forget(t.Context(), writer, []string{"1"})
	close(changed)
	if value := <-read; value != "old" {
		t.Errorf("%q", value)
	}
	load, _ := loader("new")
	for _, cache := range []*Cache{reader, writer} {
		if value, _ := things.Get(t.Context(), cache, []string{"1"}, load); value != "new" {
			t.Errorf("%q", value)
		}
	}
}

func TestWhatThisReleaseCannotReadIsLoaded(t *testing.T) {
	t.Parallel()
	store, _ := newStoreAt(t, sharedURL(t), rand.Text())
	key := store.Key(things.Name, "1")
	if err := store.client.Set(t.Context(), key, valueMark+"{", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	load, _ := loader("value")
	if value, err := things.Get(t.Context(), newCacheIn(store), []string{"1"}, load); value != "value" {
		t.Errorf("%q, %v", value, err)
	}
}

func TestWithoutAStoreEveryReadLoads(t *testing.T) {
	t.Parallel()
	cache := newCacheIn(nil)
	load, times := loader("value")
	for range 3 {
		if value, err := things.Get(t.Context(), cache, []string{"1"}, load); err != nil || value != "value" {
			t.Errorf("%q, %v", value, err)
		}
		things.Forget(t.Context(), cache, []string{"1"})
	}
	if times.Load() != 3 {
		t.Errorf("loaded %d times", times.Load())
	}
}

// The server goes away and comes back.

func TestAnOutageAndItsEndAreToldAndCostOneTimeout(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	store, told := newStoreAt(t, server.url(), "shop")
	cache, limiter := newCacheIn(store), NewLimiter(store, 600)
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	server.freeze()
	load, _ := loader("value")
	started := time.Now()
	for range 20 {
		if value, err := things.Get(t.Context(), cache, []string{"1"}, load); err != nil || value != "value" {
			t.Errorf("%q, %v", value, err)
		}
		var away Away
		if _, err := limiter.Take(t.Context(), "ada"); !errors.As(err, &away) {
			t.Error(err)
		}
	}
	if took := time.Since(started); took > 2*store.options.Timeout {
		t.Errorf("forty questions took %v", took)
	}
	if err := <-told; err == nil {
		t.Error("the outage was not told")
	}
	server.thaw()
	if err := <-told; err != nil {
		t.Errorf("the end was not told: %v", err)
	}
	eventually(t, "Redis is used again", store.Up)
	if len(told) != 0 {
		t.Errorf("%d more were told", len(told))
	}
}

func TestAServerThatLostEverythingIsUsedAgain(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	store, _ := newStoreAt(t, server.url(), "shop")
	limiter := NewLimiter(store, 600)
	if _, err := limiter.Take(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	server.stop()
	if _, err := limiter.Take(t.Context(), "ada"); err == nil {
		t.Error("nobody is there, and it counts")
	}
	server.start(t)
	eventually(t, "it counts again, with a script that the server has lost", func() bool {
		_, err := limiter.Take(t.Context(), "ada")
		return err == nil
	})
}

func TestAChangeThatRedisMissedIsMadeUpForBeforeAnythingIsRead(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	store, _ := newStoreAt(t, server.url(), "shop")
	cache := newCacheIn(store)
	old, _ := loader("old")
	if _, err := things.Get(t.Context(), cache, []string{"1"}, old); err != nil {
		t.Fatal(err)
	}
	server.freeze()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel() // whoever asked for the change has gone: it is forgotten all the same
	things.Forget(cancelled, cache, []string{"1"})
	server.thaw()
	eventually(t, "Redis is used again", store.Up)
	fresh, _ := loader("new")
	if value, err := things.Get(t.Context(), cache, []string{"1"}, fresh); value != "new" {
		t.Errorf("%q, %v", value, err)
	}
}

func TestALongOutageDoesNotFillTheMemory(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	store, _ := newStoreAt(t, server.url(), "shop")
	server.stop()
	store.Delete(t.Context(), "notices", time.Minute)
	for range 100 {
		store.Delete(t.Context(), rand.Text(), time.Millisecond)
	}
	eventually(t, "only what is still there is to be deleted", func() bool {
		store.mutex.Lock()
		defer store.mutex.Unlock()
		return len(store.undeleted) == 1
	})
}

func TestAServerThatRefusesIsAway(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	store, told := newStoreAt(t, server.url(), "shop")
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if err := store.client.ConfigSet(t.Context(), "requirepass", "changed").Err(); err != nil {
		t.Fatal(err)
	}
	stranger, heard := newStoreAt(t, server.url(), "shop")
	if err := <-heard; err == nil || stranger.Up() {
		t.Errorf("%v", err)
	}
	time.Sleep(4 * firstDelay) // it asks again meanwhile
	if len(heard) != 0 {
		t.Errorf("told again: %v", <-heard)
	}
}
