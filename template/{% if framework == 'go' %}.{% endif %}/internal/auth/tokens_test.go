package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

var rules = Rules{
	Issuer:      "https://issuer.example.com",
	Audience:    "shop",
	TenantClaim: "tenant",
	ScopeClaim:  "scope",
}

// issuer signs tokens and publishes its keys, unless it is away.
type issuer struct {
	mutex   sync.Mutex
	keys    []jose.JSONWebKey
	away    bool
	fetched int
}

func newIssuer(keys ...jose.JSONWebKey) *issuer { return &issuer{keys: keys} }

func (i *issuer) publish(keys ...jose.JSONWebKey) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.keys = keys
}

func (i *issuer) leave() {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.away = true
}

func (i *issuer) times() int {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.fetched
}

func (i *issuer) source(context.Context) ([]byte, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.fetched++
	if i.away {
		return nil, errors.New("nobody answers")
	}
	set := jose.JSONWebKeySet{}
	for _, key := range i.keys {
		set.Keys = append(set.Keys, key.Public())
	}
	return json.Marshal(set)
}

func keyOf(t *testing.T, id string, algorithm jose.SignatureAlgorithm) jose.JSONWebKey {
	t.Helper()
	var private crypto.PrivateKey
	var err error
	switch algorithm {
	case jose.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: private, KeyID: id, Use: "sig"}
}

// sign makes a token that is good for an hour, with changes to its claims; nil removes one.
func sign(t *testing.T, key jose.JSONWebKey, algorithm jose.SignatureAlgorithm, changes map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss":    rules.Issuer,
		"aud":    rules.Audience,
		"exp":    time.Now().Add(time.Hour).Unix(),
		"sub":    "ada",
		"tenant": "acme",
		"scope":  "things:read things:write",
	}
	for name, value := range changes {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTheFourAlgorithmsAreBelieved(t *testing.T) {
	t.Parallel()
	for _, algorithm := range algorithms {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			key := keyOf(t, "one", algorithm)
			verifier := NewVerifier(NewKeySet(newIssuer(key).source, true), rules)
			principal, err := verifier.Verify(t.Context(), sign(t, key, algorithm, nil))
			if err != nil {
				t.Fatal(err)
			}
			scopes := []string{"things:read", "things:write"}
			if principal.Tenant != "acme" || principal.Subject != "ada" || !slices.Equal(principal.Scopes, scopes) {
				t.Errorf("%+v", principal)
			}
		})
	}
}

func TestATokenIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	now := time.Now().Unix()
	key := keyOf(t, "one", jose.ES256)
	rsaKey := keyOf(t, "two", jose.RS256)
	other := keyOf(t, "one", jose.ES256)
	unnamed := jose.JSONWebKey{Key: other.Key, KeyID: "three"}
	symmetric := jose.JSONWebKey{Key: []byte(strings.Repeat("k", 64)), KeyID: "one"}
	verifier := NewVerifier(NewKeySet(newIssuer(key, rsaKey).source, true), rules)
	signed := func(changes map[string]any) string { return sign(t, key, jose.ES256, changes) }
	cases := []struct{ name, token, reason string }{
		{"no token", "a.b.c", "not a JSON Web Token"},
		{"a long one", strings.Repeat("a", maxTokenLength+1), "too long"},
		{"another algorithm", sign(t, rsaKey, jose.RS512, nil), "signed with an algorithm that is not accepted"},
		{"a secret", sign(t, symmetric, jose.HS512, nil), "signed with an algorithm that is not accepted"},
		{"somebody else's signature", sign(t, other, jose.ES256, nil), "not signed by the issuer"},
		{"an unknown key", sign(t, unnamed, jose.ES256, nil), "signed with an unknown key"},
		{"a key of another type", sign(t, jose.JSONWebKey{Key: rsaKey.Key, KeyID: "one"}, jose.RS256, nil), "signed with an unknown key"},
		{"expired", signed(map[string]any{"exp": now - 65}), "expired"},
		{"without an end", signed(map[string]any{"exp": nil}), "without the claim exp"},
		{"with a strange end", signed(map[string]any{"exp": "tomorrow"}), "without usable claims"},
		{"not yet", signed(map[string]any{"nbf": now + 75}), "not valid yet"},
		{"another issuer", signed(map[string]any{"iss": "https://elsewhere.example.com"}), "from another issuer"},
		{"another audience", signed(map[string]any{"aud": "warehouse"}), "meant for another audience"},
		{"no audience", signed(map[string]any{"aud": []string{}}), "meant for another audience"},
		{"no tenant", signed(map[string]any{"tenant": nil}), "without a usable claim tenant"},
		{"a long tenant", signed(map[string]any{"tenant": strings.Repeat("é", 65)}), "without a usable claim tenant"},
		{"a tenant of two lines", signed(map[string]any{"tenant": "a\nb"}), "without a usable claim tenant"},
		{"a tenant that is no text", signed(map[string]any{"tenant": 7}), "without a usable claim tenant"},
		{"a tenant that is no Unicode", signed(map[string]any{"tenant": "\ufffd"}), "without a usable claim tenant"},
		{"no subject", signed(map[string]any{"sub": nil}), "without a usable claim sub"},
		{"a subject with a zero", signed(map[string]any{"sub": "a\x00b"}), "without a usable claim sub"},
		{"strange scopes", signed(map[string]any{"scope": []any{"things:read", 7}}), "without a usable claim scope"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := verifier.Verify(t.Context(), c.token)
			var invalid InvalidToken
			if !errors.As(err, &invalid) || invalid.Reason != c.reason {
				t.Errorf("%v, not %q", err, c.reason)
			}
		})
	}
}

func TestATokenIsBelieved(t *testing.T) {
	t.Parallel()
	now := time.Now().Unix()
	key := keyOf(t, "one", jose.ES256)
	verifier := NewVerifier(NewKeySet(newIssuer(key).source, true), rules)
	cases := []struct {
		name    string
		changes map[string]any
		scopes  []string
	}{
		{"within the leeway of its end", map[string]any{"exp": now - 45}, []string{"things:read", "things:write"}},
		{"within the leeway of its beginning", map[string]any{"nbf": now + 45}, []string{"things:read", "things:write"}},
		{"from the future", map[string]any{"iat": now + 3600}, []string{"things:read", "things:write"}},
		{"for many", map[string]any{"aud": []string{"warehouse", "shop"}}, []string{"things:read", "things:write"}},
		{"with a list of scopes", map[string]any{"scope": []string{"things:read"}}, []string{"things:read"}},
		{"without scopes", map[string]any{"scope": nil}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			principal, err := verifier.Verify(t.Context(), sign(t, key, jose.ES256, c.changes))
			if err != nil || !slices.Equal(principal.Scopes, c.scopes) {
				t.Errorf("%v, %v", principal.Scopes, err)
			}
		})
	}
}

func TestARememberedTokenExpires(t *testing.T) {
	t.Parallel()
	key := keyOf(t, "one", jose.ES256)
	synctest.Test(t, func(t *testing.T) {
		verifier := NewVerifier(NewKeySet(newIssuer(key).source, true), rules)
		token := sign(t, key, jose.ES256, nil)
		for _, step := range []struct {
			after    time.Duration
			believed bool
		}{{0, true}, {time.Hour, true}, {59 * time.Second, true}, {2 * time.Second, false}} {
			time.Sleep(step.after)
			if _, err := verifier.Verify(t.Context(), token); (err == nil) != step.believed {
				t.Errorf("%v later: %v", step.after, err)
			}
		}
	})
}

func TestATokenOfAWithdrawnKeyIsForgotten(t *testing.T) {
	t.Parallel()
	first, second := keyOf(t, "one", jose.ES256), keyOf(t, "two", jose.ES256)
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer(first)
		verifier := NewVerifier(NewKeySet(issuer.source, true), rules)
		old := sign(t, first, jose.ES256, nil)
		if _, err := verifier.Verify(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		issuer.publish(second)
		if _, err := verifier.Verify(t.Context(), sign(t, second, jose.ES256, nil)); err != nil {
			t.Fatal(err)
		}
		if _, err := verifier.Verify(t.Context(), old); err == nil {
			t.Error("a token that a withdrawn key has signed is still believed")
		}
	})
}

func TestTheMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var remembered memory
	principal := Principal{Tenant: "acme", ExpiresAt: time.Now().Add(time.Hour)}
	for number := range 2*maxRemembered + 1 {
		remembered.add(digest{byte(number), byte(number >> 8), byte(number >> 16)}, principal, 1)
	}
	if len(remembered.principals) != maxRemembered || len(remembered.order) != maxRemembered {
		t.Errorf("%d are remembered, %d in order", len(remembered.principals), len(remembered.order))
	}
	if _, found := remembered.find(digest{}, 1); found {
		t.Error("the oldest is remembered")
	}
	last := 2 * maxRemembered
	if _, found := remembered.find(digest{byte(last), byte(last >> 8), byte(last >> 16)}, 1); !found {
		t.Error("the latest is forgotten")
	}
}
