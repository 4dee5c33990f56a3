package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const developmentLifetime = 12 * time.Hour

// Mint makes a token for development, signed with the key in a directory, which is made when absent.
// Production refuses both: the key by its id and the file it stands in.
func Mint(directory string, rules Rules, holder Principal) (string, error) {
	key, err := developmentKey(directory)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	now := time.Now()
	registered := jwt.Claims{
		Issuer:   rules.Issuer,
		Audience: jwt.Audience{rules.Audience},
		Subject:  holder.Subject,
		IssuedAt: jwt.NewNumericDate(now),
		Expiry:   jwt.NewNumericDate(now.Add(developmentLifetime)),
	}
	claims := map[string]any{
		rules.TenantClaim: holder.Tenant,
		rules.ScopeClaim:  strings.Join(holder.Scopes, " "),
	}
	return jwt.Signed(signer).Claims(claims).Claims(registered).Serialize()
}

// developmentKey reads the private key in a directory, and sees to it that the public one stands beside it.
func developmentKey(directory string) (jose.JSONWebKey, error) {
	path := filepath.Join(directory, "private-key.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeKey(path)
	}
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	var key jose.JSONWebKey
	if err := json.Unmarshal(text, &key); err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("%s: %w", path, err)
	}
	public := filepath.Join(directory, "jwks.json")
	if _, err := os.Stat(public); errors.Is(err, fs.ErrNotExist) {
		set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}
		if _, err := writeDocument(public, set, 0o644); err != nil {
			return jose.JSONWebKey{}, err
		}
	}
	return key, nil
}

func makeKey(path string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	id := make([]byte, 4)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	key := jose.JSONWebKey{Key: private, KeyID: DevelopmentKeyPrefix + "-" + hex.EncodeToString(id), Use: "sig"}
	return writeDocument(path, key, 0o600)
}

// writeDocument writes a whole file or none.
func writeDocument(path string, document any, mode fs.FileMode) ([]byte, error) {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, err
	}
	partial := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(partial, text, mode); err != nil {
		return nil, err
	}
	return text, os.Rename(partial, path)
}
