package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
)

const maxDocumentBytes = 1_000_000

// Source gives a JWKS document, from wherever it is kept.
type Source func(ctx context.Context) ([]byte, error)

var fileScheme = regexp.MustCompile(`^file:(//[^/]*)?`)

// FromFile reads the JWKS in a file (file:PATH), for development.
func FromFile(fileURL string) Source {
	return func(context.Context) ([]byte, error) {
		path, err := url.PathUnescape(fileScheme.ReplaceAllString(fileURL, ""))
		if err != nil {
			return nil, err
		}
		return os.ReadFile(path)
	}
}

// FromIssuer gets the JWKS over HTTP, found by OpenID Connect discovery unless its address is given.
func FromIssuer(issuer, jwksURL string) Source {
	var discovered atomic.Pointer[string]
	return func(ctx context.Context) ([]byte, error) {
		address := jwksURL
		if address == "" {
			if known := discovered.Load(); known != nil {
				address = *known
			} else {
				found, err := discover(ctx, issuer)
				if err != nil {
					return nil, err
				}
				address = found
			}
		}
		document, err := get(ctx, address)
		if err != nil {
			discovered.Store(nil) // the keys may have moved
			return nil, err
		}
		discovered.Store(&address)
		return document, nil
	}
}

func discover(ctx context.Context, issuer string) (string, error) {
	text, err := get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return "", fmt.Errorf("the discovery document: %w", err)
	}
	switch {
	case document.Issuer != issuer:
		return "", errors.New("the discovery document names another issuer")
	case document.JWKSURI == "":
		return "", errors.New("the discovery document has no jwks_uri")
	}
	return document.JWKSURI, nil
}

// client follows no redirects: an issuer says itself where its keys are.
var client = http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", address, response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxDocumentBytes+1))
	if err == nil && len(text) > maxDocumentBytes {
		err = errors.New("the document is too large")
	}
	return text, err
}
