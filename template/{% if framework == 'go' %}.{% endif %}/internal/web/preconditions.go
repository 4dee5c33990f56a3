package web

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var (
	entityTags    = regexp.MustCompile(`(W/)?("[\x21\x23-\x7e\x{80}-\x{10ffff}]*")`)
	entityTagList = regexp.MustCompile(`^[\s,]*(?:(?:W/)?"[\x21\x23-\x7e\x{80}-\x{10ffff}]*"[\s,]*)+$`)
)

// IfMatch is for a route's Headers; so is IfMatchRequired.
var IfMatch = HeaderParameter{
	Name:        "If-Match",
	Description: "Go on only if the resource still has one of these ETags, or `*`.",
	Schema:      Schema{Type: "string"},
}

// IfMatchRequired says that the route goes on only with it.
var IfMatchRequired = HeaderParameter{
	Name:        IfMatch.Name,
	Required:    true,
	Description: IfMatch.Description,
	Schema:      IfMatch.Schema,
}

// IfNoneMatch is for a route's Headers.
var IfNoneMatch = HeaderParameter{
	Name:        "If-None-Match",
	Description: "304 if the resource has one of these ETags, or `*`.",
	Schema:      Schema{Type: "string"},
}

// EntityTag is the strong tag of a version.
func EntityTag(version int32) string {
	return `"` + strconv.Itoa(int(version)) + `"`
}

// CheckMatch refuses to go on with a resource that is not the one the caller has seen: 412 when If-Match
// names other versions (weak tags never match).
func CheckMatch(header http.Header, version int32) error {
	given := header.Values("If-Match")
	if len(given) == 0 {
		return nil
	}
	tag := EntityTag(version)
	if list := strings.TrimSpace(strings.Join(given, ",")); list == "*" || holdsTag(list, tag, false) {
		return nil
	}
	return &Problem{
		Kind:   PreconditionFailed,
		Detail: "The resource is at " + tag + " now; read it again.",
		Header: map[string]string{"ETag": tag},
	}
}

// RequireMatch is CheckMatch for what must not be changed unseen: 428 when If-Match is absent.
func RequireMatch(header http.Header, version int32) error {
	if len(header.Values("If-Match")) == 0 {
		return &Problem{
			Kind:   PreconditionRequired,
			Detail: "Send If-Match with the ETag of the version that you have read.",
		}
	}
	return CheckMatch(header, version)
}

// isNotModified reports whether If-None-Match says that the reader has this version.
func isNotModified(header http.Header, tag string) bool {
	given := header.Values("If-None-Match")
	if len(given) == 0 {
		return false
	}
	list := strings.TrimSpace(strings.Join(given, ","))
	return list == "*" || holdsTag(list, tag, true)
}

// holdsTag looks for a tag in a list; a malformed list holds none.
func holdsTag(list, tag string, weakly bool) bool {
	if list == tag { // what nearly all send
		return true
	}
	if !entityTagList.MatchString(list) {
		return false
	}
	for _, found := range entityTags.FindAllStringSubmatch(list, -1) {
		if found[2] == tag && (weakly || found[1] == "") {
			return true
		}
	}
	return false
}
