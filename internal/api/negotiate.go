package api

import (
	"net/http"
	"strings"
)

// negotiate refuses a client that does not take JSON. Any media range that
// covers application/json will do, whatever its quality.
func negotiate(r *http.Request) error {
	if r.URL.RawQuery != "" {
		if formats := r.URL.Query()["format"]; len(formats) > 0 {
			if last := formats[len(formats)-1]; last != "" && last != "json" {
				return errNotFound
			}
		}
	}
	values, there := r.Header["Accept"]
	if !there {
		return nil
	}
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		mediaRange, _, _ := strings.Cut(part, ";")
		mainType, subType, _ := strings.Cut(strings.ToLower(strings.TrimSpace(mediaRange)), "/")
		if (mainType == "*" || mainType == "application") && (subType == "*" || subType == "json") {
			return nil
		}
	}
	return errNotAcceptable
}
