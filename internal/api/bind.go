package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/payload"
	"github.com/yoozak/clients/internal/web"
)

// maxBody bounds a request's body in bytes.
const maxBody = 64 << 10

// JSON under another content type is a form without fields to the reference,
// and every field is "required". The body of that answer stays the
// reference's; a header says what is wrong to the developer who looks for it.
const hintJSON = "The body looks like JSON, but Content-Type says otherwise: send Content-Type: application/json"

// readBody returns the fields of a body in any of the three formats.
func readBody(w *web.ResponseWriter, r *http.Request) (payload.Object, error) {
	if r.ContentLength > maxBody {
		web.Drain(r)
		return nil, bodyTooLarge()
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			web.Drain(r)
			return nil, bodyTooLarge()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, errBodyTimeout
		}
		return nil, errBodyMalformed // chunks that are none, or the client is gone
	}
	contentType := r.Header.Get("Content-Type")
	if !strings.Contains(contentType, "json") && len(data) > 0 && (data[0] == '{' || data[0] == '[') {
		w.Header().Set(web.HintHeader, hintJSON)
	}
	v, err := payload.Decode(contentType, data)
	if err != nil {
		return nil, undecodable(err)
	}
	switch v := v.(type) {
	case payload.Object:
		return v, nil
	case nil:
		return nil, account.NonFieldError("body.no_data", nil)
	default:
		return nil, account.NonFieldError("body.not_object", account.Args{"type": payload.TypeName(v)})
	}
}

// field is a field of a request's struct.
type field struct {
	name  string
	index []int
	in    place
}

// place is where a field is.
type place uint8

const (
	inBody place = iota
	inPath
	inQuery
)

var inputType = reflect.TypeFor[account.Input]()

// fieldsOf lists a request type's fields and says whether any is in the
// body, and in the query. A type that is not made of inputs is a mistake in
// the program.
func fieldsOf(t reflect.Type) (fields []field, body, query bool) {
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous { // whose fields follow
			continue
		}
		before := len(fields)
		for p, tag := range []string{inBody: "json", inPath: "path", inQuery: "query"} {
			if name := f.Tag.Get(tag); name != "" {
				fields = append(fields, field{name: name, index: f.Index, in: place(p)})
				body, query = body || place(p) == inBody, query || place(p) == inQuery
			}
		}
		if f.Type != inputType || len(fields) != before+1 {
			panic("api: " + t.String() + "." + f.Name + " must be an account.Input with a json, a path or a query name")
		}
	}
	return fields, body, query
}

func bind(fields []field, in reflect.Value, from requestInput) {
	for _, f := range fields {
		to := in.FieldByIndex(f.index).Addr().Interface().(*account.Input)
		switch f.in {
		case inPath:
			*to = account.TextInput(from.path(f.name))
		case inQuery:
			if from.query.Has(f.name) {
				*to = input(from.query.Get(f.name))
			}
		case inBody:
			if v, there := from.body[f.name]; there {
				*to = input(v)
			}
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
		return account.TypedInput(v)
	case payload.Number:
		return account.TextInput(v.String())
	case bool:
		return account.Input{State: account.NotText, Text: strconv.FormatBool(v)}
	case payload.Object:
		text, err := json.Marshal(v)
		if err != nil { // a number that JSON cannot write
			return account.Input{State: account.NotText}
		}
		return account.Input{State: account.NotText, JSON: string(text)}
	case []any:
		text, err := json.Marshal(v)
		if err != nil {
			return account.Input{State: account.NotText}
		}
		return account.Input{State: account.NotText, JSON: string(text)}
	default:
		return account.Input{State: account.NotText}
	}
}
