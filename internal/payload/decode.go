// Package payload decodes request bodies as Django REST Framework's three
// parsers and Python's json do: which bodies are good, what each value is,
// and what is said of the bad ones. It bounds depth and count, so that a
// small body cannot make much work, and never fails in another way than by
// an error; it leaves the bound on a body's size to its caller.
//
// Bodies are UTF-8. Where the reference is more lenient than the RFCs about
// what no client sends (other charsets, parts of a multipart form in base64),
// it is not followed.
package payload

import (
	"errors"
	"mime"
	"strings"

	"golang.org/x/text/encoding/unicode"
)

// Object is what a form or a JSON object decodes to. Its values are nil,
// bool, string, [Number], []any, Object or [File]. A string may hold lone
// surrogates, which JSON can escape, in WTF-8.
type Object map[string]any

// File is an uploaded file. Its content is not kept: no field takes one.
type File struct{}

// The two formats of a ParseError. An urlencoded form can only have too many
// fields, of which the reference says nothing.
const (
	formatJSON = "JSON"
	formatForm = "Multipart form"
)

// ParseError says why a body is not what its content type says it is.
type ParseError struct {
	Format string // "JSON" or "Multipart form"
	Detail string // in English, as the reference words it

	Line, Column int // where in a JSON text, counted in characters from 1; zero: nowhere in particular
}

func (e *ParseError) Error() string { return e.Format + " parse error - " + e.Detail }

// UnsupportedMediaTypeError names a content type that is none of the three,
// or in another charset than UTF-8, as the client wrote it.
type UnsupportedMediaTypeError struct{ MediaType string }

func (e *UnsupportedMediaTypeError) Error() string { return "unsupported media type " + e.MediaType }

// Decode parses a body by its Content-Type header. An empty body is an empty
// Object whatever its type, as in the reference, and parameters that are
// malformed are none. The error is a *ParseError or an
// *UnsupportedMediaTypeError.
func Decode(contentType string, body []byte) (any, error) {
	if len(body) == 0 {
		return Object{}, nil
	}
	if contentType == "application/json" { // nearly always
		return decodeJSON(body)
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || !isUTF8(params["charset"]) {
		return nil, &UnsupportedMediaTypeError{MediaType: contentType}
	}
	switch {
	case matches(mediaType, "application", "json"):
		return decodeJSON(body)
	case matches(mediaType, "application", "x-www-form-urlencoded"):
		return decodeForm(body)
	case matches(mediaType, "multipart", "form-data"):
		return decodeMultipart(params["boundary"], body)
	}
	return nil, &UnsupportedMediaTypeError{MediaType: contentType}
}

// isUTF8 reports whether a charset is UTF-8 or ASCII, which is a part of it.
// JSON has no other (RFC 8259, section 8.1).
func isUTF8(charset string) bool {
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii":
		return true
	}
	return false
}

// matches lets a client send "*" for either half, as the reference does.
func matches(mediaType, main, sub string) bool {
	m, s, _ := strings.Cut(mediaType, "/")
	return (m == main || m == "*") && (s == sub || s == "*")
}

// text decodes UTF-8 of a form, with U+FFFD where it is none, as Python's
// errors="replace" does.
func text(b []byte) string {
	s, _ := unicode.UTF8.NewDecoder().Bytes(b) // it replaces, and has no errors
	return string(s)
}

// TypeName is what Python calls a value's type.
func TypeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case string:
		return "str"
	case Number:
		if v.float {
			return "float"
		}
		return "int"
	case []any:
		return "list"
	default:
		return "dict"
	}
}
