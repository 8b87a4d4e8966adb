package api

import (
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"unicode"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/payload"
)

// maxBody bounds a request's body in bytes.
const maxBody = 64 << 10

// readBody returns the fields of a body in any of the three formats.
func readBody(x *exchange, r *http.Request) (payload.Object, error) {
	if r.ContentLength > maxBody {
		return nil, bodyTooLarge()
	}
	data, err := io.ReadAll(http.MaxBytesReader(x, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, bodyTooLarge()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, errBodyTimeout
		}
		return nil, errBodyMalformed // chunks that are none, or the client is gone
	}
	v, err := payload.Decode(r.Header.Get("Content-Type"), data)
	if err != nil {
		return nil, undecodable(err)
	}
	switch v := v.(type) {
	case payload.Object:
		return v, nil
	case nil:
		return nil, nonField("body.no_data", nil)
	default:
		return nil, nonField("body.not_object", account.Args{"type": payload.TypeName(v)})
	}
}

// field is a field of a request's struct.
type field struct {
	name   string
	index  int
	inPath bool
}

var inputType = reflect.TypeFor[account.Input]()

// fieldsOf lists a request type's fields and says whether any is in the
// body. A type that is not made of inputs is a mistake in the program.
func fieldsOf(t reflect.Type) (fields []field, inBody bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, path := f.Tag.Get("json"), f.Tag.Get("path")
		if f.Type != inputType || (name == "") == (path == "") {
			panic("api: " + t.String() + "." + f.Name + " must be an account.Input with a json or a path name")
		}
		fields = append(fields, field{name: name + path, index: i, inPath: path != ""})
		inBody = inBody || path == ""
	}
	return fields, inBody
}

func bind(fields []field, in reflect.Value, from source) {
	for _, f := range fields {
		to := in.Field(f.index).Addr().Interface().(*account.Input)
		if f.inPath {
			*to = account.TextInput(from.path(f.name))
		} else if v, there := from.body[f.name]; there {
			*to = input(v)
		}
	}
}

// input takes what Django REST Framework's CharField takes: texts, and
// numbers as Python writes them, trimmed.
func input(v any) account.Input {
	switch v := v.(type) {
	case nil:
		return account.Input{State: account.Null}
	case string:
		return account.TextInput(strings.TrimFunc(v, isSpace))
	case payload.Number:
		return account.TextInput(v.String())
	default:
		return account.Input{State: account.NotText}
	}
}

// isSpace is Python's str.isspace, which knows four separators more than Go.
func isSpace(c rune) bool {
	return unicode.IsSpace(c) || c >= 0x1c && c <= 0x1f
}
