package database

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Address is where the database is and how to speak to it. It shows no password, however it is printed.
type Address struct {
	// Pooled: the address says by itself that a transaction pooler stands before the server.
	Pooled bool
	// Settings are for every session, by PostgreSQL's names.
	Settings map[string]string

	server server
}

// server is what the driver needs; its password is never printed.
type server struct {
	host           string
	port           uint16
	database       string
	user           string
	password       string
	tls            *tls.Config
	directTLS      bool
	channelBinding string
}

const (
	defaultHost = "localhost"
	defaultPort = 5432
)

var (
	scheme = regexp.MustCompile(`^([^:/?#]*)://`)
	// net/url accepts more than libpq does, and its errors repeat the password.
	form = regexp.MustCompile(
		`(?i)^[a-z][a-z0-9+.-]*://` +
			`(?:([^/?#]*)@)?` + // user:password
			`(\[[^\]]*\]|[^/?#@:]*)` + // host
			`(?::(\d*))?` + // port
			`(?:/([^?#]*))?` + // database
			`(?:\?([^#]*))?$`) // parameters
	setting  = regexp.MustCompile(`(?:-c\s*|--)([A-Za-z_][\w.]*)=((?:\\.|[^\s\\])*)`)
	endpoint = regexp.MustCompile(`(?:endpoint|project)=\S+`)
	escape   = regexp.MustCompile(`\\(.)`)
	supabase = regexp.MustCompile(`\.supabase\.(?:com|co)$`)

	errNotURL = errors.New("is not a URL (is a character of the password not percent-encoded?)")

	sslModes        = []string{"allow", "disable", "prefer", "require", "verify-ca", "verify-full"}
	channelBindings = []string{"disable", "prefer", "require"}
	// What libpq or an ORM reads and pgx has no use for: it may stand in a shared URL.
	ignored = []string{
		"connect_timeout", // DATABASE_POOL_ACQUIRE_TIMEOUT_MS rules
		"connection_limit",
		"gssencmode",
		"keepalives",
		"keepalives_count",
		"keepalives_idle",
		"keepalives_interval",
		"pool_timeout",
		"statement_cache_size",
		"target_session_attrs",
	}
)

// ParseURL reads a PostgreSQL URL as libpq understands it: what psql, Neon, Supabase, Heroku and Prisma
// hand out. The driver never sees the URL: its parameters are sorted into what the driver takes, what
// becomes a setting of the session, and what has no meaning here.
//
// The error never repeats the URL, since it may hold a password.
func ParseURL(text string) (Address, error) {
	named := scheme.FindStringSubmatch(text)
	if named == nil || !slices.Contains([]string{"postgres", "postgresql"}, strings.ToLower(named[1])) {
		return Address{}, errors.New("must begin with postgresql:// or postgres://")
	}
	parts := form.FindStringSubmatch(text)
	if parts == nil {
		return Address{}, errNotURL
	}
	user, password, _ := strings.Cut(parts[1], ":")
	// A plus is a plus to libpq, a blank only to forms.
	parameters, err := url.ParseQuery(strings.ReplaceAll(parts[5], "+", "%2B"))
	if err != nil {
		return Address{}, errNotURL
	}
	address := Address{Settings: map[string]string{}}
	there := &address.server
	for _, part := range []struct {
		into *string
		text string
	}{
		{&there.database, parts[4]},
		{&there.user, user},
		{&there.password, password},
		{&there.host, strings.Trim(parts[2], "[]")},
	} {
		if *part.into, err = url.PathUnescape(part.text); err != nil {
			return Address{}, errNotURL
		}
	}
	if there.database == "" {
		return Address{}, errors.New("must name a database after the host: postgresql://host/name")
	}
	if there.port, err = portOf(parts[3]); err != nil {
		return Address{}, err
	}

	files := map[string]string{}
	// Sorted, so that of several faults always the same one is named.
	for _, name := range sortedKeys(parameters) {
		if err := address.take(name, parameters[name][len(parameters[name])-1], files); err != nil {
			return Address{}, err
		}
	}
	if there.tls, err = tlsOf(files, there.host); err != nil {
		return Address{}, err
	}
	if there.tls == nil && there.channelBinding == "require" {
		return Address{}, errors.New("has channel_binding=require, which needs TLS: say sslmode=require as well")
	}
	address.Pooled = address.Pooled || isPooler(there.host, there.port)
	return address, nil
}

// take sorts one parameter; those of TLS are collected in files.
func (a *Address) take(name, value string, files map[string]string) (err error) {
	there := &a.server
	switch name {
	case "host":
		there.host = value
	case "user":
		there.user = value
	case "password":
		there.password = value
	case "port":
		there.port, err = portOf(value)
	case "options":
		err = readOptions(value, a.Settings)
	case "application_name", "search_path":
		a.Settings[name] = value
	case "schema": // Prisma's name for it
		a.Settings["search_path"] = value
	case "pgbouncer": // Prisma's word for a transaction pooler
		a.Pooled = slices.Contains([]string{"1", "true", "yes"}, strings.ToLower(value))
	case "channel_binding":
		there.channelBinding, err = oneOf(channelBindings, name, value)
	case "sslmode":
		files[name], err = oneOf(sslModes, name, value)
	case "sslnegotiation":
		there.directTLS = value == "direct"
	case "sslrootcert", "sslcert", "sslkey":
		files[name] = value
	default:
		if !slices.Contains(ignored, name) {
			err = fmt.Errorf("has the parameter '%s', which this service does not understand", name)
		}
	}
	return err
}

// String says where it is, without who asks: host:port/database.
func (a Address) String() string {
	host, port := a.server.host, a.server.port
	if host == "" {
		host = defaultHost
	}
	if port == 0 {
		port = defaultPort
	}
	return fmt.Sprintf("%s:%d/%s", host, port, a.server.database)
}

// Format prints the address as String does, whatever the verb: %+v would show the password.
func (a Address) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, a.String())
}

// connect gives what pgx needs to connect; no setting is sent at the start yet.
func (a Address) connect() (*pgx.ConnConfig, error) {
	// pgx insists on parsing something; without TLS it makes no further attempts of its own.
	config, err := pgx.ParseConfig("sslmode=disable")
	if err != nil {
		return nil, fmt.Errorf("read the PG* variables of the environment: %w", err)
	}
	there := a.server
	config.Database = there.database
	config.TLSConfig = there.tls
	config.RuntimeParams = map[string]string{}
	if there.host != "" {
		config.Host = there.host
	}
	if there.port != 0 {
		config.Port = there.port
	}
	if there.user != "" {
		config.User = there.user
	}
	if there.password != "" {
		config.Password = there.password
	}
	if there.channelBinding != "" {
		config.ChannelBinding = there.channelBinding
	}
	if there.directTLS {
		config.SSLNegotiation = "direct"
	}
	return config, nil
}

// isPooler knows Neon's naming of its pooled endpoints, and Supabase's port of its transaction mode.
func isPooler(host string, port uint16) bool {
	name, _, _ := strings.Cut(host, ".")
	return strings.HasSuffix(name, "-pooler") || (port == 6543 && supabase.MatchString(host))
}

// tlsOf gives what libpq's sslmode means in terms of Go's TLS; nil is none.
//
// require encrypts and verifies nothing, unless there is a root certificate: libpq then verifies as with
// verify-ca. prefer and allow promise nothing: they mean no TLS here, like no mode at all.
func tlsOf(files map[string]string, host string) (*tls.Config, error) {
	mode, root := files["sslmode"], files["sslrootcert"]
	system := root == "system" // libpq 16: the authorities of the platform
	if system && mode == "" {
		mode = "verify-full"
	}
	if system && mode != "verify-full" {
		// Anybody gets a certificate of these authorities, for a name of their own.
		return nil, errors.New("has sslrootcert=system, which goes with sslmode=verify-full only")
	}
	switch mode {
	case "require", "verify-ca", "verify-full":
	default:
		return nil, nil
	}

	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if root != "" && !system {
		pem, err := contentOf("sslrootcert", root)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("has the sslrootcert '%s', which holds no certificate", root)
		}
	}
	if mode != "verify-full" {
		config.InsecureSkipVerify = true // of the name; and of the chain, unless it is checked here
		if mode == "verify-ca" || root != "" {
			config.VerifyConnection = chainTo(config.RootCAs)
		}
	}
	if files["sslcert"] == "" && files["sslkey"] == "" {
		return config, nil
	}
	certificate, err := contentOf("sslcert", files["sslcert"])
	if err != nil {
		return nil, err
	}
	key, err := contentOf("sslkey", files["sslkey"])
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, errors.New("has a sslcert and a sslkey that do not belong together")
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// chainTo verifies the chain of a server's certificate, whatever its name is.
func chainTo(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		intermediates := x509.NewCertPool()
		for _, certificate := range state.PeerCertificates[1:] {
			intermediates.AddCert(certificate)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
			Roots:         roots,
			Intermediates: intermediates,
		})
		return err
	}
}

func contentOf(name, path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		var failure *fs.PathError
		if errors.As(err, &failure) {
			err = failure.Err
		}
		return nil, fmt.Errorf("has the %s '%s', which cannot be read (%w)", name, path, err)
	}
	return content, nil
}

// readOptions reads the settings in libpq's options: -c name=value --name=value, a backslash escapes.
func readOptions(options string, settings map[string]string) error {
	for _, match := range setting.FindAllStringSubmatch(options, -1) {
		settings[match[1]] = escape.ReplaceAllString(match[2], "$1")
	}
	// Neon routes clients without SNI by options=endpoint=...; Go sends SNI.
	rest := endpoint.ReplaceAllString(setting.ReplaceAllString(options, ""), "")
	if strings.TrimSpace(rest) != "" {
		return errors.New("has `options` that are not of the form -c name=value")
	}
	return nil
}

func oneOf(values []string, name, value string) (string, error) {
	if !slices.Contains(values, value) {
		return "", fmt.Errorf("has an unknown %s; use one of %s", name, strings.Join(values, ", "))
	}
	return value, nil
}

// portOf reads a port; 0 is "not said".
func portOf(text string) (uint16, error) {
	if text == "" {
		return 0, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, errNotURL
	}
	return uint16(port), nil
}
