package domain

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	counterBits = 42
	idLength    = 36
)

// idGenerator makes strictly increasing UUIDv7 values (RFC 9562, section 5.7), also within a
// millisecond and when the clock steps back.
//
// Layout: 48 bits of Unix milliseconds, then a 42-bit counter that starts at a random 41-bit value each
// millisecond (section 6.2, method 1), then 32 random bits.
type idGenerator struct {
	// firstCount is where the counter of a millisecond begins: at most 41 bits, so half the range is left.
	firstCount func() uint64

	mutex       sync.Mutex
	millisecond int64
	count       uint64
}

var ids = idGenerator{firstCount: func() uint64 { return rand.Uint64N(1 << (counterBits - 1)) }}

// NewID gives the next identifier of this process: a UUIDv7 in lower case, so the order of ids as text
// is their order in time. That is what makes a list pageable by id alone, and keeps inserts at the
// right-hand edge of an index.
func NewID() string { return ids.next(time.Now()) }

func (g *idGenerator) next(now time.Time) string {
	g.mutex.Lock()
	if milliseconds := now.UnixMilli(); milliseconds > g.millisecond {
		g.millisecond = milliseconds
		g.count = g.firstCount()
	} else if g.count++; g.count == 1<<counterBits {
		g.millisecond++
		g.count = g.firstCount()
	}
	millisecond, count := uint64(g.millisecond), g.count
	g.mutex.Unlock()

	const version, variant = 7 << 12, 2 << 62
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], millisecond<<16|version|(count>>30))
	binary.BigEndian.PutUint64(id[8:], variant|(count&(1<<30-1))<<32|uint64(rand.Uint32()))
	return idText(id)
}

// TimeOf gives the millisecond in which a UUIDv7 was made, in UTC.
func TimeOf(id string) time.Time {
	var milliseconds int64
	for _, digit := range []byte(id[:8] + id[9:13]) {
		value := int64(digit - '0')
		if digit >= 'a' {
			value = int64(digit-'a') + 10
		}
		milliseconds = milliseconds<<4 | value
	}
	return time.UnixMilli(milliseconds).UTC()
}

// FirstIDFrom gives the bound that an id is not below exactly when its TimeOf is not before moment.
func FirstIDFrom(moment time.Time) string {
	milliseconds := moment.UnixMilli()
	if moment.Nanosecond()%int(time.Millisecond) != 0 {
		milliseconds++ // ids of the millisecond that moment lies in are before it
	}
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(max(milliseconds, 0))<<16)
	return idText(id)
}

func idText(id [16]byte) string {
	var text [idLength]byte
	hex.Encode(text[:8], id[:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
