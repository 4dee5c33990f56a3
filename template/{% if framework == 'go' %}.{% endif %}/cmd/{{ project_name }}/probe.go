package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// probe asks the service that runs on this port of this machine for a path, and fails where the status is
// an error. The image has no other program that could: its health check is this one.
func probe(ctx context.Context, port int, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	address := url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port), Path: path}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s answers %s", path, response.Status)
	}
	return nil
}
