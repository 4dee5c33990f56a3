package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Error says that the environment cannot be used: a problem for each variable at fault.
type Error struct {
	Problems []string
}

func (e *Error) Error() string { return strings.Join(e.Problems, "\n") }

// reader reads variables one by one and collects what is wrong with them. A variable that is at fault
// reads as its zero value: rules about two variables stand with the later one and ask sound about the
// earlier one, so every error is still found in one pass.
type reader struct {
	values   map[string]string
	faulty   map[string]bool
	problems []string
	// asked are the names of all variables that were read.
	asked []string
}

// newReader takes variables in the form of os.Environ; an empty one counts as unset.
func newReader(environ []string) *reader {
	r := &reader{values: make(map[string]string), faulty: make(map[string]bool)}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		r.values[name] = value
	}
	return r
}

// err is what is wrong with the variables that were read.
func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return &Error{Problems: r.problems}
}

func (r *reader) refuse(name, problem string) {
	if !r.faulty[name] {
		r.faulty[name] = true
		r.problems = append(r.problems, name+" "+problem)
	}
}

// sound reports whether nothing is wrong with a variable that was read.
func (r *reader) sound(name string) bool { return !r.faulty[name] }

func (r *reader) optional(name string) string {
	r.asked = append(r.asked, name)
	return r.values[name]
}

func (r *reader) text(name, otherwise string) string {
	if value := r.optional(name); value != "" {
		return value
	}
	return otherwise
}

func (r *reader) required(name string) string {
	value := r.optional(name)
	if value == "" {
		r.refuse(name, "is required")
	}
	return value
}

func (r *reader) integer(name string, otherwise, least, most int) int {
	value := r.optional(name)
	if value == "" {
		return otherwise
	}
	digits := strings.TrimPrefix(value, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		r.refuse(name, "must be a valid integer")
		return 0
	}
	number, _ := strconv.Atoi(value) // of what is too large for an int it makes the largest one
	switch {
	case number < least:
		r.refuse(name, fmt.Sprintf("must be greater than or equal to %d", least))
	case number > most:
		r.refuse(name, fmt.Sprintf("must be less than or equal to %d", most))
	}
	return number
}

func (r *reader) port(name string, otherwise int) int {
	return r.integer(name, otherwise, 0, 65_535)
}

func (r *reader) milliseconds(name string, otherwise, least int) time.Duration {
	return time.Duration(r.integer(name, otherwise, least, 600_000)) * time.Millisecond
}

func (r *reader) flag(name string) bool {
	switch strings.ToLower(r.optional(name)) {
	case "true", "1", "yes", "on", "y", "enabled":
		return true
	case "", "false", "0", "no", "off", "n", "disabled":
	default:
		r.refuse(name, "must be a boolean: true or false")
	}
	return false
}

// oneOf takes one of the values.
func (r *reader) oneOf(name, otherwise string, values ...string) string {
	value := r.text(name, otherwise)
	if !slices.Contains(values, value) {
		last := len(values) - 1
		r.refuse(name, fmt.Sprintf("must be '%s' or '%s'", strings.Join(values[:last], "', '"), values[last]))
	}
	return value
}

func (r *reader) claimName(name, otherwise string) string {
	value := r.text(name, otherwise)
	if utf8.RuneCountInString(value) > 200 {
		r.refuse(name, "must have at most 200 characters")
	}
	return value
}

func (r *reader) origins(name string) []string {
	var origins []string
	for origin := range strings.SplitSeq(r.optional(name), ",") {
		origin = strings.TrimSpace(origin)
		if origin == "" {
			continue
		}
		if hasCredentials(origin) {
			r.refuse(name, credentialsRefused)
			return nil
		}
		if !isOrigin(origin) {
			r.refuse(name, fmt.Sprintf("'%s' is not an origin such as https://app.example.com", origin))
			return nil
		}
		origins = append(origins, origin)
	}
	return origins
}

// isOrigin reports whether text is an origin as browsers write it: in lower case, without a default port.
func isOrigin(text string) bool {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" {
		return false
	}
	port := map[string]string{"http": "80", "https": "443"}[parsed.Scheme]
	return port != "" && port != parsed.Port() && !strings.HasSuffix(parsed.Host, ":") &&
		text == parsed.Scheme+"://"+strings.ToLower(parsed.Host)
}

// isHTTP reports whether text is a URL that a client can be sent to.
func isHTTP(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Host != ""
}

const credentialsRefused = "must not hold a user or a password: it leads to what is public"

func hasCredentials(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && parsed.User != nil
}
