package api

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

// FuzzBearer: a header gives a token only when it is the word Bearer and one
// other word. What net/http refuses by itself never gets here.
func FuzzBearer(f *testing.F) {
	for _, header := range []string{
		"", "Bearer", "Bearer ", "Bearer a.b.c", "bearer a.b.c", "Bearer a b", "Bearer\ta", " Bearer a ",
		"Token a", "Basic YTpi", "Bearer \xff", "Bearer é", "Bearer  a", "Bearer a\u00a0b", "BearerX a",
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if !httpguts.ValidHeaderFieldValue(header) {
			t.Skip()
		}
		raw, err := bearer(&http.Request{Header: http.Header{"Authorization": {header}}})
		words := strings.FieldsFunc(header, func(c rune) bool { return c == ' ' || c >= '\t' && c <= '\r' })
		want, refused := "", false
		if len(words) > 0 && words[0] == "Bearer" {
			refused = len(words) != 2
			if !refused {
				want = words[1]
			}
		}
		if raw != want || (err != nil) != refused {
			t.Errorf("%q gives %q, %v; want %q, refused %v", header, raw, err, want, refused)
		}
	})
}
