package payload

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var recorded = flag.String("recorded", "", "more cases, written by testdata/record.py --random")

// recordedCase is a line of a table that testdata/record.py wrote.
type recordedCase struct{ contentType, body, outcome string }

func (c *recordedCase) UnmarshalJSON(data []byte) error {
	var texts [3]string
	if err := json.Unmarshal(data, &texts); err != nil {
		return err
	}
	*c = recordedCase{string(narrow(texts[0])), string(narrow(texts[1])), texts[2]}
	return nil
}

// narrow undoes Latin-1.
func narrow(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}

func readRecorded(t testing.TB, path string) []recordedCase {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []recordedCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestDecodeAgreesWithReference(t *testing.T) {
	t.Parallel()
	paths := []string{"testdata/json.json", "testdata/form.json", "testdata/multipart.json", "testdata/types.json"}
	if *recorded != "" {
		paths = append(paths, *recorded)
	}
	for _, path := range paths {
		for _, c := range readRecorded(t, path) {
			got, want := outcome(c.contentType, c.body), c.outcome
			if got == want {
				continue
			}
			if strings.HasPrefix(want, "fails: ") && (c.body == "" || got == "unsupported" || strings.HasPrefix(got, "parse ")) {
				continue // where the reference answers 500
			}
			t.Errorf("%s: Decode(%q, %.300q)\n got %.300s\nwant %.300s", path, c.contentType, c.body, got, want)
		}
	}
}

func outcome(contentType, body string) string {
	v, err := Decode(contentType, []byte(body))
	var parse *ParseError
	var unsupported *UnsupportedMediaTypeError
	switch {
	case errors.As(err, &parse):
		return "parse " + parse.Format + ": " + parse.Detail
	case errors.As(err, &unsupported):
		return "unsupported"
	case err != nil:
		return err.Error()
	}
	return canonical(v)
}

// canonical writes a value as testdata/record.py does.
func canonical(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		var b strings.Builder
		for _, c := range []byte(v) {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.-~ ", c) >= 0 {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		return "(" + b.String() + ")"
	case Number:
		return TypeName(v) + ":" + v.String()
	case []any:
		var texts []string
		for _, e := range v {
			texts = append(texts, canonical(e))
		}
		return "[" + strings.Join(texts, ",") + "]"
	case File:
		return "file"
	case Object:
		var texts []string
		for name, e := range v {
			texts = append(texts, canonical(name)+canonical(e))
		}
		slices.Sort(texts)
		return "{" + strings.Join(texts, ",") + "}"
	default:
		return fmt.Sprint(v)
	}
}
