package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
)

const defaultPort = "6379"

// Address is where Redis is. However it is printed, it shows no password.
type Address struct {
	host     string
	port     string
	database int
	secure   bool
	username string
	password string
}

var number = regexp.MustCompile(`^/?([0-9]{0,4})$`)

// ParseURL reads redis://user:password@host:port/number; rediss: is the same over TLS. The error is for
// the operator, and never repeats the password.
func ParseURL(text string) (Address, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return Address{}, errors.New("is not a URL such as redis://user:password@host:6379/0")
	}
	if parsed.Scheme != "redis" && parsed.Scheme != "rediss" || parsed.Hostname() == "" {
		return Address{}, errors.New("must be a URL such as redis://host:6379/0, or rediss: for TLS")
	}
	path := number.FindStringSubmatch(parsed.Path)
	if path == nil {
		return Address{}, errors.New("is not a URL such as redis://user:password@host:6379/0")
	}
	if parsed.RawQuery != "" || parsed.Fragment != "" {
		return Address{}, errors.New("must end with the database's number: parameters are not understood")
	}
	address := Address{
		host:     parsed.Hostname(),
		port:     parsed.Port(),
		secure:   parsed.Scheme == "rediss",
		username: parsed.User.Username(),
	}
	if address.port == "" {
		address.port = defaultPort
	}
	address.database, _ = strconv.Atoi(path[1]) // at most four digits; none are the database 0
	address.password, _ = parsed.User.Password()
	return address, nil
}

// String is the address without who asks.
func (a Address) String() string {
	scheme := "redis"
	if a.secure {
		scheme = "rediss"
	}
	return fmt.Sprintf("%s://%s/%d", scheme, a.hostPort(), a.database)
}

// GoString is String: a password is shown by no verb.
func (a Address) GoString() string { return a.String() }

func (a Address) hostPort() string { return net.JoinHostPort(a.host, a.port) }

func (a Address) tls() *tls.Config {
	if !a.secure {
		return nil
	}
	return &tls.Config{ServerName: a.host, MinVersion: tls.VersionTLS12}
}
