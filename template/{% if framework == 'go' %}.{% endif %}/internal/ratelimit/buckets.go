// Package ratelimit says how often something may happen: token buckets, in this process.
//
// Each replica counts for itself.
package ratelimit

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// maxKeys bounds the memory: some 200 bytes a key.
const maxKeys = 50_000

// Buckets holds a bucket for each key: of a capacity, refilling at a rate, in bounded memory.
//
// The keys that were used longest ago are forgotten first. A forgotten key starts with a full bucket, so
// a flood of new keys may favour some callers but never fills the memory.
type Buckets struct {
	// interval is the time in which one comes back; burst that in which a whole bucket does.
	interval time.Duration
	burst    time.Duration
	maxKeys  int

	mutex sync.Mutex
	// used is in the order of use, the latest first.
	used  *list.List
	byKey map[string]*list.Element
}

// bucket keeps its level as the moment at which it was, or will be, full.
type bucket struct {
	key    string
	fullAt time.Time
}

// NewBuckets makes buckets that hold capacity, and get one back in each interval.
func NewBuckets(capacity int, interval time.Duration) *Buckets {
	return &Buckets{
		interval: interval,
		burst:    time.Duration(capacity) * interval,
		maxKeys:  maxKeys,
		used:     list.New(),
		byKey:    make(map[string]*list.Element),
	}
}

// Len is how many buckets are kept.
func (b *Buckets) Len() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.used.Len()
}

// Take takes one, if the bucket of key holds one; else it says how long until it does.
func (b *Buckets) Take(key string) time.Duration {
	now := time.Now()
	b.mutex.Lock()
	defer b.mutex.Unlock()
	element := b.byKey[key]
	fullAt := now
	if element != nil {
		if last := element.Value.(*bucket).fullAt; last.After(now) {
			fullAt = last
		}
	}
	fullAt = fullAt.Add(b.interval)
	if wait := fullAt.Sub(now) - b.burst; wait > 0 {
		return wait
	}
	if element != nil {
		element.Value.(*bucket).fullAt = fullAt
		b.used.MoveToFront(element)
		return 0
	}
	b.byKey[key] = b.used.PushFront(&bucket{key: key, fullAt: fullAt})
	if b.used.Len() > b.maxKeys {
		oldest := b.used.Back()
		b.used.Remove(oldest)
		delete(b.byKey, oldest.Value.(*bucket).key)
	}
	return 0
}

// Wait says how long until the bucket of key holds one; nothing is taken.
func (b *Buckets) Wait(key string) time.Duration {
	now := time.Now()
	b.mutex.Lock()
	defer b.mutex.Unlock()
	element := b.byKey[key]
	if element == nil {
		return 0
	}
	wait := element.Value.(*bucket).fullAt.Sub(now) + b.interval - b.burst
	return max(wait, 0)
}

// Local lets each key through so many times a minute, all at once if they like.
type Local struct {
	buckets *Buckets
}

// NewLocal makes a limiter that counts in this process alone.
func NewLocal(perMinute int) *Local {
	return &Local{buckets: NewBuckets(perMinute, time.Minute/time.Duration(perMinute))}
}

// Take counts one for key, if there is room for it; how long to wait otherwise. It never fails.
func (l *Local) Take(_ context.Context, key string) (time.Duration, error) {
	return l.buckets.Take(key), nil
}

// Wait is the same without counting.
func (l *Local) Wait(_ context.Context, key string) (time.Duration, error) {
	return l.buckets.Wait(key), nil
}
