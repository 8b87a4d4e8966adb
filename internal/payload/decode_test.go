package payload

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestOtherCharsetsAreUnsupported(t *testing.T) {
	t.Parallel()
	for _, label := range []string{
		"latin-1", "ISO-8859-1", "windows-1252", "windows-1256", "iso-8859-6", "utf-16", "utf-16le", "utf-32", "utf-7", "utf-8-sig",
		"koi8-r", "shift_jis", "bogus", "utf-8;charset=latin-1", `"utf-8 "`, "x-utf-8",
	} {
		for contentType, body := range map[string]string{
			"application/json":                  `{"a":"b"}`,
			"application/x-www-form-urlencoded": "a=b",
			"multipart/form-data; boundary=B":   "--B--\r\n",
		} {
			contentType += "; charset=" + label
			_, err := Decode(contentType, []byte(body))
			var unsupported *UnsupportedMediaTypeError
			if !errors.As(err, &unsupported) || unsupported.MediaType != contentType {
				t.Errorf("Decode(%q): %v", contentType, err)
			}
			if v, err := Decode(contentType, nil); err != nil || len(v.(Object)) != 0 {
				t.Errorf("Decode(%q) of nothing: %v, %v", contentType, v, err)
			}
		}
	}
}

// TestMultipartWhereTheReferenceIsMoreLenient or stricter than RFC 7578: this
// package follows the RFC.
func TestMultipartWhereTheReferenceIsMoreLenient(t *testing.T) {
	t.Parallel()
	const name = `Content-Disposition: form-data; name="a"`
	for body, want := range map[string]string{
		"--B\r\n" + name + "\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--B--\r\n":         "{(a)(YQ%3D%3D)}",
		"--B\r\n" + name + "\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\né\r\n--B--\r\n": "{(a)(%C3%A9)}",
		"--B\n" + name + "\n\nv\n--B--\n": "{(a)(v)}",
		"--B\r\nA\r\n--B--\r\n":           "parse Multipart form: malformed part",
		"--B\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nv\r\n--B--\r\n": "{()(v)}",
		"--B\r\n" + name + "\r\n\r\nv--B--w\r\n--B--\r\n":                          "{(a)(v--B--w)}",
		"--B\r\n" + name + "\r\n\r\nv\r\n--B--\r\n--B\r\n" + name + "\r\n\r\nw":    "{(a)(v)}",
	} {
		for _, contentType := range []string{"multipart/form-data; boundary=B", "MULTIPART/FORM-DATA; BOUNDARY=B"} {
			if got := outcome(contentType, body); got != want {
				t.Errorf("Decode(%q, %q) = %s, want %s", contentType, body, got, want)
			}
		}
	}
}

// maxBody is the server's bound on a body, which Decode leaves to it.
const maxBody = 64 << 10

// hostile are bodies that make as much work as they can in 64 KiB, and what
// is said of them.
func hostile() map[string]struct{ contentType, body, want string } {
	const multi = "multipart/form-data; boundary=B"
	fill := func(what string) string { return strings.Repeat(what, maxBody/len(what)) }
	var headers, keys strings.Builder
	for i := range 10_001 { // one more than mime/multipart takes
		fmt.Fprintf(&headers, "%x:\r\n", i)
	}
	for i := 0; keys.Len() < maxBody-10; i++ {
		fmt.Fprintf(&keys, "%x&", i)
	}
	field := func(more string) string {
		return "--B\r\nContent-Disposition: form-data; name=a" + more + "\r\n\r\n\r\n"
	}
	return map[string]struct{ contentType, body, want string }{
		"deep list":           {"application/json", fill("["), "JSON: nested more than 500 deep"},
		"deep object":         {"application/json", fill(`{"":`), "JSON: nested more than 500 deep"},
		"many values":         {"application/json", "[" + fill("0,"), "JSON: more than 10000 values"},
		"long number":         {"application/json", fill("9"), "JSON: Exceeds the limit (4300 digits)"},
		"many escapes":        {"application/json", `"` + fill(`\u0000`), "JSON: Invalid \\uXXXX escape"},
		"many fields":         {"application/x-www-form-urlencoded", keys.String(), "Multipart form: more than 1000 fields"},
		"separators of forms": {"application/x-www-form-urlencoded", fill("&"), "Multipart form: more than 1000 fields"},
		"bad escapes":         {"application/x-www-form-urlencoded", fill("%"), "{(%25"},
		"no UTF-8":            {"application/x-www-form-urlencoded", fill("\xff"), "{(%C3%BF"},
		"no UTF-8, escaped":   {"application/x-www-form-urlencoded", fill("%ff"), "{(%EF%BF%BD"},
		"many parts":          {multi, strings.Repeat(field(""), 1001), "Multipart form: more than 1000 fields"},
		"many files":          {multi, strings.Repeat(field("; filename=f"), 101), "Multipart form: more than 1000 fields"},
		"parts with nothing":  {multi, fill("--B\r\n\r\n\r\n"), "Multipart form: more than 1000 fields"},
		"headers":             {multi, "--B\r\n" + headers.String() + "\r\n", "Multipart form: malformed part"},
		"header of all":       {multi, "--B\r\nA: " + fill("a") + "\r\n\r\n", "{()()}"},
		"separators":          {multi, fill("--B\r\n"), "Multipart form: malformed part"},
		"separators in a row": {multi, fill("--B"), "Multipart form: malformed part"},
		"nearly separators":   {multi, "--B\r\n\r\n" + fill("\r\n--"), "{()("},
		"line feeds":          {multi, fill("\n"), "{}"},
	}
}

// TestHostileBodiesAreBounded: no body of the size that the server takes has
// Decode allocate more than 4 MiB in all. It is not parallel: what others
// allocate would count.
func TestHostileBodiesAreBounded(t *testing.T) {
	for name, h := range hostile() {
		if got := strings.TrimPrefix(outcome(h.contentType, h.body), "parse "); !strings.HasPrefix(got, h.want) {
			t.Errorf("%s: %.100s, want %s", name, got, h.want)
		}
		var before, after runtime.MemStats
		start := time.Now()
		runtime.ReadMemStats(&before)
		_, _ = Decode(h.contentType, []byte(h.body))
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d bytes of body, %d KiB allocated, %v", name, len(h.body), allocated>>10, time.Since(start))
		if allocated > 4<<20 {
			t.Errorf("%s: %d bytes allocated", name, allocated)
		}
	}
}
