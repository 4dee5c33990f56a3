package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	leeway         = time.Minute
	maxTokenLength = 16_384
	maxRemembered  = 10_000
)

// Rules are what a token must say; the names of claims come from TENANT_CLAIM and SCOPE_CLAIM.
type Rules struct {
	Issuer      string
	Audience    string
	TenantClaim string
	ScopeClaim  string
}

// Verifier turns a token into a principal.
//
// A verified token is remembered by its SHA-256 until it expires, since checking a signature costs more
// than all the rest of a request; the tokens themselves are not kept.
type Verifier struct {
	keys       *KeySet
	rules      Rules
	remembered memory
}

// NewVerifier makes a verifier that believes what one of the keys has signed.
func NewVerifier(keys *KeySet, rules Rules) *Verifier {
	return &Verifier{keys: keys, rules: rules}
}

// Verify gives the principal that the token speaks for. The error is InvalidToken when the token is
// malformed, expired, not for us or not signed by the issuer; domain.Unavailable when its key is unknown
// and the issuer cannot be asked.
func (v *Verifier) Verify(ctx context.Context, token string) (Principal, error) {
	if len(token) > maxTokenLength {
		return Principal{}, InvalidToken{Reason: "too long"}
	}
	v.keys.RefreshWhenOld()
	digest := sha256.Sum256([]byte(token))
	if principal, found := v.remembered.find(digest, v.keys.generation.Load()); found {
		return principal, nil
	}
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return Principal{}, unreadable(err)
	}
	header := parsed.Headers[0]
	key, generation, err := v.keys.find(ctx, header.KeyID, jose.SignatureAlgorithm(header.Algorithm))
	if err != nil {
		return Principal{}, err
	}
	var registered jwt.Claims
	var claims map[string]any
	if err := parsed.Claims(key.public, &claims, &registered); err != nil {
		return Principal{}, unbelieved(err)
	}
	if err := v.rules.check(registered); err != nil {
		return Principal{}, err
	}
	principal, err := v.rules.principal(claims)
	if err != nil {
		return Principal{}, err
	}
	principal.ExpiresAt = registered.Expiry.Time()
	// Should the keys have changed meanwhile, this one may be withdrawn: it is not remembered.
	v.remembered.add(digest, principal, generation)
	return principal, nil
}

func unreadable(err error) InvalidToken {
	if unexpected := new(jose.ErrUnexpectedSignatureAlgorithm); errors.As(err, &unexpected) {
		return InvalidToken{Reason: "signed with an algorithm that is not accepted", Cause: err}
	}
	return InvalidToken{Reason: "not a JSON Web Token", Cause: err}
}

func unbelieved(err error) InvalidToken {
	if errors.Is(err, jose.ErrCryptoFailure) || errors.Is(err, jose.ErrUnsupportedCriticalHeader) {
		return InvalidToken{Reason: "not signed by the issuer", Cause: err}
	}
	return InvalidToken{Reason: "without usable claims", Cause: err}
}

func (r Rules) check(claims jwt.Claims) error {
	switch {
	case claims.Expiry == nil:
		return InvalidToken{Reason: "without the claim exp"}
	case claims.Issuer == "":
		return InvalidToken{Reason: "without the claim iss"}
	case claims.Audience == nil:
		return InvalidToken{Reason: "without the claim aud"}
	}
	claims.IssuedAt = nil // says how old a token is, not from when it holds
	err := claims.ValidateWithLeeway(
		jwt.Expected{Issuer: r.Issuer, AnyAudience: jwt.Audience{r.Audience}}, leeway)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrExpired):
		return InvalidToken{Reason: "expired", Cause: err}
	case errors.Is(err, jwt.ErrNotValidYet):
		return InvalidToken{Reason: "not valid yet", Cause: err}
	case errors.Is(err, jwt.ErrInvalidAudience):
		return InvalidToken{Reason: "meant for another audience", Cause: err}
	default:
		return InvalidToken{Reason: "from another issuer", Cause: err}
	}
}

// principal is what verified claims describe, if this service can use it.
func (r Rules) principal(claims map[string]any) (Principal, error) {
	tenant, isText := claims[r.TenantClaim].(string)
	if !isText || !isOpaque(tenant, 64) {
		return Principal{}, InvalidToken{Reason: "without a usable claim " + r.TenantClaim}
	}
	subject, isText := claims["sub"].(string)
	if !isText || !isOpaque(subject, 255) {
		return Principal{}, InvalidToken{Reason: "without a usable claim sub"}
	}
	scopes, usable := readScopes(claims[r.ScopeClaim])
	if !usable {
		return Principal{}, InvalidToken{Reason: "without a usable claim " + r.ScopeClaim}
	}
	return Principal{Tenant: tenant, Subject: subject, Scopes: scopes}, nil
}

// readScopes takes a string with spaces or an array of strings; a claim that is absent grants nothing.
func readScopes(claim any) ([]string, bool) {
	switch claim := claim.(type) {
	case nil:
		return nil, true
	case string:
		return strings.Fields(claim), true
	case []any:
		scopes := make([]string, 0, len(claim))
		for _, item := range claim {
			scope, isText := item.(string)
			if !isText {
				return nil, false
			}
			scopes = append(scopes, scope)
		}
		return scopes, true
	default:
		return nil, false
	}
}

// isOpaque reports whether PostgreSQL and a log line can hold a text: it is printable, and of 1 to most
// characters. JSON that is no Unicode is read as U+FFFD, so two such texts would become one.
func isOpaque(text string, most int) bool {
	for _, character := range text {
		if character == utf8.RuneError || !unicode.IsPrint(character) {
			return false
		}
	}
	return text != "" && utf8.RuneCountInString(text) <= most
}

type digest = [sha256.Size]byte

// memory holds the principals of verified tokens, all of one generation of keys, the oldest of which it
// forgets first.
type memory struct {
	mutex      sync.RWMutex
	generation uint64
	principals map[digest]Principal
	// order is that in which they came; oldest is the place of the one that goes next.
	order  []digest
	oldest int
}

// find gives the principal of a token that was verified with keys of that generation and has not expired.
func (m *memory) find(token digest, generation uint64) (Principal, bool) {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	principal, found := m.principals[token]
	return principal, found && m.generation == generation && time.Now().Before(principal.ExpiresAt)
}

// add remembers a principal; a newer generation makes it forget those of older ones.
func (m *memory) add(token digest, principal Principal, generation uint64) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if generation < m.generation {
		return
	}
	if generation > m.generation || m.principals == nil {
		m.generation, m.principals, m.order, m.oldest = generation, make(map[digest]Principal), nil, 0
	}
	if _, known := m.principals[token]; !known {
		if len(m.order) < maxRemembered {
			m.order = append(m.order, token)
		} else {
			delete(m.principals, m.order[m.oldest])
			m.order[m.oldest] = token
			m.oldest = (m.oldest + 1) % maxRemembered
		}
	}
	m.principals[token] = principal
}
