package redis

import (
	"context"
	"crypto/rand"
	"encoding/json"
	randv2 "math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	driver "github.com/redis/go-redis/v9"
)

// leaseTime is how long a load may take before others believe that it failed. Too short costs a second
// load.
const leaseTime = 2 * time.Second

// patience lies between questions whether another process has loaded; after the last one, load as well.
var patience = []time.Duration{
	5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond, 0,
}

const (
	valueMark = "="
	leaseMark = "?"
)

var findOrLease = driver.NewScript(`
local found = redis.call('GET', KEYS[1])
if found then
  return found
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
`)

var keep = driver.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  return redis.call('DEL', KEYS[1])
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`)

// Cache holds values that are read far more often than they change; without a store, or while it is away,
// they come straight from where they live.
//
// A reader who finds nothing leaves a lease in the place of the value and loads it. Only while that very
// lease is still there may the value take its place; and whoever changes the thing deletes what is there
// once the change is committed, value or lease. So a reader who loaded the old row before the commit
// stores it nowhere after it, whatever was slow, restarted or evicted in between. The lease is also what
// makes others wait for one load instead of loading, too.
type Cache struct {
	store *Store
	// ttl is the most that a value stays. It bounds how long a change stays unseen whose process was
	// killed, or cut off from Redis, between the commit and the deletion.
	ttl      time.Duration
	requests *prometheus.CounterVec
	failures prometheus.Counter

	mutex sync.Mutex
	// loads are those that this process has under way, by their leases.
	loads map[string]*loading
}

// loading is a load that others can wait for: done is closed when value and err stand.
type loading struct {
	done  chan struct{}
	value any
	err   error
}

// NewCache makes a cache in a store, which may be nil, and counts what happens in a registry.
func NewCache(store *Store, ttl time.Duration, registry prometheus.Registerer) *Cache {
	cache := &Cache{
		store: store,
		ttl:   ttl,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cache_requests_total",
			Help: "Reads through the cache: hit without the database, miss and error (of Redis) with it.",
		}, []string{"result"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cache_failures_total",
			Help: "Questions that Redis did not answer.",
		}),
		loads: make(map[string]*loading),
	}
	registry.MustRegister(cache.requests, cache.failures)
	return cache
}

// Kind is a kind of values, which are kept as JSON. Its name is another one whenever the form changes, so
// that releases side by side do not meet.
type Kind[Value any] struct {
	Name string
}

// Get gives the value of that identity; load gets it from where it lives.
func (k Kind[Value]) Get(
	ctx context.Context, cache *Cache, identity []string, load func(context.Context) (Value, error),
) (Value, error) {
	store := cache.store
	if store == nil {
		return load(ctx)
	}
	key, lease := store.Key(k.Name, identity...), leaseMark+rand.Text()
	for _, pause := range patience {
		reply, err := store.Run(ctx, findOrLease, key, lease, leaseTime.Milliseconds())
		found, isText := reply.(string)
		if err != nil || !isText {
			cache.failures.Inc()
			cache.requests.WithLabelValues("error").Inc()
			return load(ctx)
		}
		if found == lease {
			cache.requests.WithLabelValues("miss").Inc()
			return k.load(ctx, cache, key, lease, load)
		}
		if text, isValue := strings.CutPrefix(found, valueMark); isValue {
			var value Value
			if json.Unmarshal([]byte(text), &value) != nil {
				break // not as this release writes it
			}
			cache.requests.WithLabelValues("hit").Inc()
			return value, nil
		}
		// Somebody loads. The lease was still there when asked, so nothing was changed since.
		if underWay := cache.underWay(found); underWay != nil {
			if value, loaded := wait[Value](ctx, underWay); loaded {
				cache.requests.WithLabelValues("hit").Inc()
				return value, nil
			}
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	cache.requests.WithLabelValues("miss").Inc()
	return load(ctx)
}

// Forget deletes the value. It is called after every attempt to change the thing: a change whose commit is
// not known to have failed may have happened.
func (k Kind[Value]) Forget(ctx context.Context, cache *Cache, identity []string) {
	if cache.store == nil {
		return
	}
	if !cache.store.Delete(ctx, cache.store.Key(k.Name, identity...), cache.ttl) {
		cache.failures.Inc()
	}
}

// load loads for everybody who waits for the lease, and puts the value in its place.
func (k Kind[Value]) load(
	ctx context.Context, cache *Cache, key, lease string, load func(context.Context) (Value, error),
) (Value, error) {
	underWay := &loading{done: make(chan struct{}), err: context.Canceled}
	cache.begin(lease, underWay)
	kept := ""
	defer func() { // also of a load that panics
		close(underWay.done)
		ttl := time.Duration(float64(cache.ttl) * (0.8 + 0.2*randv2.Float64()))
		if _, err := cache.store.Run(ctx, keep, key, lease, kept, max(1, ttl.Milliseconds())); err != nil {
			cache.failures.Inc()
		}
		cache.end(lease)
	}()
	value, err := load(ctx)
	if err == nil {
		var text []byte
		if text, err = json.Marshal(value); err == nil {
			kept = valueMark + string(text)
		}
	}
	underWay.value, underWay.err = value, err
	return value, err
}

// wait gives the value of a load that somebody else has under way; false when there is none.
func wait[Value any](ctx context.Context, underWay *loading) (Value, bool) {
	var none Value
	select {
	case <-ctx.Done():
		return none, false
	case <-underWay.done:
	}
	if underWay.err != nil {
		return none, false
	}
	value, isOne := underWay.value.(Value)
	return value, isOne
}

func (c *Cache) begin(lease string, underWay *loading) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.loads[lease] = underWay
}

func (c *Cache) end(lease string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.loads, lease)
}

func (c *Cache) underWay(lease string) *loading {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.loads[lease]
}
