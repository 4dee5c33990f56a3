package ratelimit

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestABucketHoldsItsCapacityAndRefills(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		buckets := NewBuckets(3, time.Second)
		steps := []struct {
			after time.Duration
			wait  time.Duration
		}{
			{0, 0},
			{0, 0},
			{0, 0},
			{0, time.Second},
			{400 * time.Millisecond, 600 * time.Millisecond},
			{600 * time.Millisecond, 0},
			{0, time.Second},
			{time.Hour, 0}, // it is full again, and no fuller
			{0, 0},
			{0, 0},
			{0, time.Second},
		}
		for number, step := range steps {
			time.Sleep(step.after)
			if told := buckets.Wait("ada"); told != step.wait {
				t.Errorf("step %d: to wait for %v, not %v", number, told, step.wait)
			}
			if wait := buckets.Take("ada"); wait != step.wait {
				t.Errorf("step %d: waits %v, not %v", number, wait, step.wait)
			}
		}
	})
}

func TestEachKeyHasABucketOfItsOwn(t *testing.T) {
	t.Parallel()
	buckets := NewBuckets(1, time.Minute)
	for _, key := range []string{"ada", "grace"} {
		if wait := buckets.Take(key); wait != 0 {
			t.Errorf("%s waits %v", key, wait)
		}
	}
}

func TestAFloodOfKeysForgetsTheOldestAndNeverFillsTheMemory(t *testing.T) {
	t.Parallel()
	buckets := NewBuckets(1, time.Minute)
	buckets.maxKeys = 100
	buckets.Take("early")
	for number := range 1000 {
		buckets.Take(strconv.Itoa(number))
		buckets.Take("early") // refused, and not moved by it
	}
	if buckets.Len() != 100 {
		t.Errorf("%d buckets are kept", buckets.Len())
	}
	if wait := buckets.Take("999"); wait == 0 {
		t.Error("the latest key was forgotten")
	}
	if wait := buckets.Take("0"); wait != 0 {
		t.Error("the oldest key is remembered")
	}
}

func TestAMinuteHoldsAsManyAsAreAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limiter := NewLocal(600)
		passed := 0
		for range 700 {
			if wait, err := limiter.Take(t.Context(), "ada"); wait == 0 && err == nil {
				passed++
			}
		}
		if passed != 600 {
			t.Errorf("%d passed", passed)
		}
	})
}
