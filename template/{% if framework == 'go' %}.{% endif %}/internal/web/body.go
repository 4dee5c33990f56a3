package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checkDeclaredLength refuses a body that says itself that it is too long, before any of it is read.
func checkDeclaredLength(r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	return nil
}

// checkContentCoding refuses compressed bodies: what they unpack to is not known beforehand.
func checkContentCoding(header http.Header) error {
	coding := strings.Join(header.Values("Content-Encoding"), ",")
	if coding == "" || strings.EqualFold(strings.TrimSpace(coding), "identity") {
		return nil
	}
	return &Problem{
		Kind:   UnsupportedMediaType,
		Detail: "Send the body without a content coding.",
		Header: map[string]string{"Accept-Encoding": "identity"},
	}
}

// checkMediaType refuses a body that is not JSON in UTF-8.
func checkMediaType(header http.Header, accepted []string) error {
	given := header.Get("Content-Type")
	if given == mediaJSON { // what nearly all send
		return nil
	}
	mediaType, parameters, err := mime.ParseMediaType(given)
	if errors.Is(err, mime.ErrInvalidMediaParameter) {
		return &Problem{Kind: UnsupportedMediaType, Detail: "The parameters of the media type cannot be read."}
	}
	if err != nil || !slices.Contains(accepted, mediaType) {
		return &Problem{
			Kind:   UnsupportedMediaType,
			Detail: "Send the body as " + strings.Join(accepted, " or ") + ".",
			Header: map[string]string{"Accept": strings.Join(accepted, ", ")},
		}
	}
	switch charset, given := parameters["charset"]; strings.ToLower(charset) {
	case "utf-8", "utf8", "us-ascii":
	default:
		if given {
			return &Problem{Kind: UnsupportedMediaType, Detail: "JSON is sent in UTF-8."}
		}
	}
	return nil
}

// receiveBody reads the whole body until the deadline of ctx; of one whose length is not declared never
// more than limit bytes are held.
func receiveBody(ctx context.Context, w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	connection := http.NewResponseController(w)
	if deadline, ok := ctx.Deadline(); ok {
		// The context does not reach a caller that sends slowly.
		_ = connection.SetReadDeadline(deadline)
	}
	body, err := readAll(http.MaxBytesReader(w, r.Body, limit), r.ContentLength)
	var tooLong *http.MaxBytesError
	switch {
	case err == nil:
		_ = connection.SetReadDeadline(time.Time{})
		return body, nil
	case errors.As(err, &tooLong):
		return nil, tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &Problem{Kind: Timeout, Detail: "The body did not arrive in time.", Cause: err}
	default:
		return nil, &Problem{Kind: BadRequest, Detail: "The body cannot be read.", Cause: err}
	}
}

// readAll is io.ReadAll with a buffer of the declared length.
func readAll(body io.Reader, length int64) ([]byte, error) {
	if length <= 0 {
		return io.ReadAll(body)
	}
	buffer := make([]byte, length)
	_, err := io.ReadFull(body, buffer)
	return buffer, err
}

func tooLarge(limit int64) *Problem {
	return &Problem{
		Kind:   PayloadTooLarge,
		Detail: "A body may have at most " + strconv.FormatInt(limit, 10) + " bytes.",
	}
}
