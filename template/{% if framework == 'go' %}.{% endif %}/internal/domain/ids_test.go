package domain

import (
	"regexp"
	"slices"
	"testing"
	"time"
)

var moment = time.UnixMilli(1_700_000_000_123).UTC()

// countFrom is a generator whose milliseconds begin at a count.
func countFrom(first uint64) *idGenerator {
	return &idGenerator{firstCount: func() uint64 { return first }}
}

func TestIDHasTheFormOfVersion7(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, count := range []uint64{0, 1 << 30, 1<<counterBits - 2} {
		if id := countFrom(count).next(time.UnixMilli(0x0123456789ab)); !form.MatchString(id) {
			t.Error(id)
		}
	}
}

func TestIDIsGreaterThanTheOneBefore(t *testing.T) {
	t.Parallel()
	for name, times := range map[string][]time.Duration{
		"within a millisecond":          make([]time.Duration, 10_000),
		"when the clock steps back":     {2 * time.Second, time.Second, time.Second, 3 * time.Second},
		"from a millisecond to another": {0, time.Millisecond, 2 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var made []string
			generator := countFrom(7)
			for _, passed := range times {
				made = append(made, generator.next(moment.Add(passed)))
			}
			if !slices.IsSorted(made) || len(slices.Compact(slices.Clone(made))) != len(made) {
				t.Error("they are not in order")
			}
		})
	}
}

func TestIDIsOfTheNextMillisecondWhenTheCounterIsFull(t *testing.T) {
	t.Parallel()
	generator := countFrom(1<<counterBits - 1)
	before, after := generator.next(moment), generator.next(moment)
	if step := TimeOf(after).Sub(TimeOf(before)); step != time.Millisecond || after <= before {
		t.Errorf("%s and %s", before, after)
	}
}

func TestMillisecondBeginsInTheLowerHalfOfTheCounter(t *testing.T) {
	t.Parallel()
	for range 1_000 {
		if count := ids.firstCount(); count >= 1<<(counterBits-1) {
			t.Fatal(count)
		}
	}
}

func TestIDCarriesItsMillisecond(t *testing.T) {
	t.Parallel()
	if got := TimeOf(countFrom(0).next(moment.Add(999 * time.Microsecond))); got != moment {
		t.Error(got)
	}
}

func TestRangeOfTimeIsARangeOfIDs(t *testing.T) {
	t.Parallel()
	made := countFrom(0).next(moment)
	for _, offset := range []time.Duration{
		-time.Millisecond, -time.Microsecond, 0, time.Microsecond, time.Millisecond,
	} {
		bound := moment.Add(offset)
		if got, want := made >= FirstIDFrom(bound), !TimeOf(made).Before(bound); got != want {
			t.Errorf("at %v: %v", offset, got)
		}
	}
	if got := FirstIDFrom(time.Time{}); got != "00000000-0000-0000-0000-000000000000" {
		t.Errorf("before 1970: %s", got)
	}
}
