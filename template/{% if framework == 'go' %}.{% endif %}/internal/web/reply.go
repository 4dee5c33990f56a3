package web

import (
	"encoding/json"
	"net/http"
	"strconv"
)

const revalidate = "private, no-cache"

// Reply is what a handler answers; one without a body is 304.
type Reply struct {
	Status int
	Header map[string]string
	Body   []byte
}

// JSON answers with a document; it is kept by nobody.
func JSON(document any) (Reply, error) {
	body, err := json.Marshal(document)
	if err != nil {
		return Reply{}, err
	}
	header := map[string]string{"Content-Type": mediaJSON}
	return Reply{Status: http.StatusOK, Header: header, Body: body}, nil
}

// Versioned answers with a resource in its present version; a cache may keep it for this caller and has
// to ask again.
func Versioned(document any, version int32) (Reply, error) {
	reply, err := JSON(document)
	if err != nil {
		return Reply{}, err
	}
	reply.Header["ETag"] = EntityTag(version)
	reply.Header["Cache-Control"] = revalidate
	return reply, nil
}

// ReadVersioned answers a conditional GET: the resource, 304 when the caller has it already, or 412 as
// CheckMatch says.
func ReadVersioned(header http.Header, document any, version int32) (Reply, error) {
	if err := CheckMatch(header, version); err != nil {
		return Reply{}, err
	}
	if tag := EntityTag(version); isNotModified(header, tag) {
		return Reply{
			Status: http.StatusNotModified,
			Header: map[string]string{"ETag": tag, "Cache-Control": revalidate},
		}, nil
	}
	return Versioned(document, version)
}

func sendReply(w http.ResponseWriter, reply Reply) {
	header := w.Header()
	for name, value := range reply.Header {
		header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	if reply.Body != nil {
		header["Content-Length"] = []string{strconv.Itoa(len(reply.Body))}
	}
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body) // if the caller has gone, nobody is left to be told
}
