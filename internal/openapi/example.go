package openapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// Example is a request and what a server answered to it, with the tokens, ids
// and times of that day replaced. The test that asked the server writes them.
type Example struct {
	Operation string            `json:"operation"` // its id; "common" and "service" are of every operation of the kind
	Name      string            `json:"name"`
	Request   json.RawMessage   `json:"request,omitempty"`
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers,omitempty"` // those of ours
	Response  json.RawMessage   `json:"response,omitempty"`
	Type      string            `json:"type,omitempty"` // of the content, where it is not JSON; then Response is its text
}

// Examples are those of one of [Languages], in the order of [operations].
func Examples(lang string) (all []Example) {
	read("examples/"+lang+".json", &all)
	return all
}

// StaffExamples are those of the staff's document, with those of every
// operation.
func StaffExamples(lang string) (all []Example) {
	read("examples/staff."+lang+".json", &all)
	for _, e := range Examples(lang) {
		if e.Operation == "common" && e.Status != http.StatusForbidden {
			all = append(all, e)
		}
	}
	return all
}

// code is what a program reads of an example of an error.
func (e Example) code() string { return e.Headers["X-Error-Code"] }

var notKey = regexp.MustCompile(`[^a-zA-Z0-9_]+`)

// key is a name for the document: "ok", "username_taken".
func (e Example) key() string {
	if e.Status < 300 {
		return "ok"
	}
	return strings.Trim(notKey.ReplaceAllString(e.code(), "_"), "_")
}

func (b *builder) examplesOf(operation string, status int) (found []Example) {
	for _, e := range b.examples {
		if e.Operation == operation && e.Status == status {
			found = append(found, e)
		}
	}
	return found
}

// example is the one with a code; "" is success.
func (b *builder) example(operation, code string) (Example, bool) {
	for _, e := range b.examples {
		if e.Operation == operation && e.code() == code {
			return e, true
		}
	}
	return Example{}, false
}
