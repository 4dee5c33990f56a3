package redis

import (
	"context"
	"fmt"
	"time"

	driver "github.com/redis/go-redis/v9"
)

// take is a bucket whose level is kept as the moment at which it was, or will be, full. Redis' clock
// counts, in whole microseconds, so processes need not agree on one.
var take = driver.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, capacity, count = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + interval
local wait = full_at - now - capacity * interval
if wait > 0 then
  return wait
end
if count then
  redis.call('SET', KEYS[1], string.format('%.0f', full_at),
             'PX', math.ceil((full_at - now) / 1000))
end
return 0
`)

// Limiter lets each key through so many times a minute in all processes together, all at once if they
// like. Each question is one round trip; the error is Away when Redis cannot tell.
type Limiter struct {
	store    *Store
	capacity int
	interval time.Duration
}

// NewLimiter makes a limiter that counts in a store.
func NewLimiter(store *Store, perMinute int) *Limiter {
	interval := (time.Minute / time.Duration(perMinute)).Round(time.Microsecond)
	return &Limiter{store: store, capacity: perMinute, interval: max(interval, time.Microsecond)}
}

// Take counts one for key, if there is room for it; how long to wait otherwise.
func (l *Limiter) Take(ctx context.Context, key string) (time.Duration, error) {
	return l.ask(ctx, key, 1)
}

// Wait is the same without counting.
func (l *Limiter) Wait(ctx context.Context, key string) (time.Duration, error) {
	return l.ask(ctx, key, 0)
}

func (l *Limiter) ask(ctx context.Context, key string, count int) (time.Duration, error) {
	name := l.store.Key("limit", key)
	result, err := l.store.Run(ctx, take, name, l.interval.Microseconds(), l.capacity, count)
	if err != nil {
		return 0, err
	}
	microseconds, isNumber := result.(int64)
	if !isNumber {
		return 0, fmt.Errorf("the rate limit's script returned %T", result)
	}
	return time.Duration(microseconds) * time.Microsecond, nil
}
