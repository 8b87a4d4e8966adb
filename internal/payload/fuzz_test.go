package payload

import (
	"errors"
	"testing"
	"unicode/utf8"
)

// FuzzDecode: whatever the bytes, the answer is a value that the rules can
// look at or one of the two errors, and never a panic. The reference's own
// cases are the seeds; testdata/fuzz holds what the fuzzer found worth keeping.
func FuzzDecode(f *testing.F) {
	for _, path := range []string{"testdata/json.json", "testdata/form.json", "testdata/multipart.json", "testdata/types.json"} {
		for _, c := range readRecorded(f, path) {
			f.Add(c.contentType, []byte(c.body))
		}
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		v, err := Decode(contentType, body)
		if err == nil {
			known(t, v)
			return
		}
		var parse *ParseError
		var unsupported *UnsupportedMediaTypeError
		if !errors.As(err, &parse) && !errors.As(err, &unsupported) {
			t.Errorf("%q %q: %T %v", contentType, body, err, err)
		}
	})
}

// known checks that a value is made of the types that Object promises, with
// texts that are UTF-8 but for lone surrogates.
func known(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case nil, bool, Number, File:
	case string:
		for i := 0; i < len(v); {
			c, size := utf8.DecodeRuneInString(v[i:])
			if c == utf8.RuneError && size == 1 {
				if i+2 >= len(v) || v[i] != 0xED || v[i+1] < 0xA0 {
					t.Fatalf("%q is not WTF-8 at %d", v, i)
				}
				size = 3
			}
			i += size
		}
	case []any:
		for _, e := range v {
			known(t, e)
		}
	case Object:
		for _, e := range v {
			known(t, e)
		}
	default:
		t.Fatalf("a %T", v)
	}
}
