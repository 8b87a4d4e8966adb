package api

import (
	"net/http"
	"strings"
)

// negotiate refuses a client that does not take JSON.
func negotiate(r *http.Request) error {
	if r.URL.RawQuery != "" {
		if format := r.URL.Query().Get("format"); format != "" && format != "json" {
			return errNotFound
		}
	}
	accept := strings.Join(r.Header["Accept"], ",")
	if accept == "" {
		return nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		mediaType, _, _ := strings.Cut(part, ";")
		switch strings.TrimSpace(mediaType) {
		case "*/*", "application/*", "application/json":
			return nil
		}
	}
	return errNotAcceptable
}
