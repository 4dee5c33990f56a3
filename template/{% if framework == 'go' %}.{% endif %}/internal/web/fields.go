package web

import (
	"errors"
	"math"
	"regexp"
	"strings"
	"time"
)

// ID is an identifier in its canonical form: what is sent in upper case is meant in lower case.
type ID string

var idPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

// Rules name the format.
func (ID) Rules() Rules {
	return Rules{Format: "uuid", Code: "uuid", Message: "Value should be a UUID"}
}

// UnmarshalText takes any UUID.
func (id *ID) UnmarshalText(given []byte) error {
	if !idPattern.Match(given) {
		return errors.New("not a UUID")
	}
	*id = ID(strings.ToLower(string(given)))
	return nil
}

// Timestamp is an RFC 3339 time; it is sent in UTC and always as long, so that texts sort as times.
type Timestamp time.Time

var timestampPattern = regexp.MustCompile(
	`^(?i)(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(\.\d+)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$`,
)

// Rules name the format.
func (Timestamp) Rules() Rules {
	return Rules{
		Format:  "date-time",
		Code:    "timestamp",
		Message: "Value should be an RFC 3339 time such as 2026-01-31T12:00:00Z",
	}
}

// UnmarshalText takes the first microsecond that is not before the given time: what is stored has
// whole microseconds, so bounds that are rounded up select the same.
func (t *Timestamp) UnmarshalText(given []byte) error {
	parts := timestampPattern.FindStringSubmatch(strings.ToUpper(string(given)))
	if parts == nil {
		return errors.New("not an RFC 3339 time")
	}
	second, err := time.Parse(time.RFC3339, parts[1]+parts[3])
	if err != nil {
		return err // 30 February
	}
	*t = Timestamp(second.Add(microsecondsUp(parts[2])).UTC())
	return nil
}

// microsecondsUp is a decimal fraction of a second such as .1234567, rounded up.
func microsecondsUp(fraction string) time.Duration {
	digits := strings.TrimPrefix(fraction, ".")
	const places = 6
	if len(digits) < places {
		digits += strings.Repeat("0", places-len(digits))
	}
	var microseconds time.Duration
	for _, digit := range digits[:places] {
		microseconds = microseconds*10 + time.Duration(digit-'0')
	}
	if strings.Trim(digits[places:], "0") != "" {
		microseconds++
	}
	return microseconds * time.Microsecond
}

// MarshalText writes microseconds, as PostgreSQL keeps them.
func (t Timestamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000000Z"), nil
}

// Version counts the changes of a resource.
type Version int32

// Rules say where it begins.
func (Version) Rules() Rules {
	return Rules{Range: Between(1, math.MaxInt32)}
}
