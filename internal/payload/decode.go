// Package payload decodes request bodies as Django REST Framework's three
// parsers and Python's json do: which bodies are good, what each value is,
// and what is said of the bad ones. It bounds depth and count, so that a
// small body cannot make much work, and never fails in another way than by
// an error.
package payload

import (
	"mime"
	"strings"
)

// Object is what a form or a JSON object decodes to. Its values are nil,
// bool, string, [Number], []any, Object or [File]. A string may hold lone
// surrogates, which JSON can escape, in WTF-8.
type Object map[string]any

// File is an uploaded file. Its content is not kept: no field takes one.
type File struct{}

// ParseError says why a body is not what its content type says it is.
type ParseError struct {
	Format string // "JSON" or "Multipart form"
	Detail string // in English, as the reference words it
}

func (e *ParseError) Error() string { return e.Format + " parse error - " + e.Detail }

// UnsupportedMediaTypeError names a content type that is none of the three.
type UnsupportedMediaTypeError struct{ MediaType string }

func (e *UnsupportedMediaTypeError) Error() string { return "unsupported media type " + e.MediaType }

// Decode parses a body by its Content-Type header. An empty body is an empty
// Object whatever its type, as in the reference.
func Decode(contentType string, body []byte) (any, error) {
	if len(body) == 0 {
		return Object{}, nil
	}
	mediaType, params := splitType(contentType)
	switch {
	case covers(mediaType, "application", "json"):
		text, err := jsonText(params["charset"], body)
		if err != nil {
			return nil, err
		}
		return decodeJSON(text)
	case covers(mediaType, "application", "x-www-form-urlencoded"):
		return decodeForm(body)
	case covers(mediaType, "multipart", "form-data"):
		return decodeMultipart(params["boundary"], body)
	}
	return nil, &UnsupportedMediaTypeError{MediaType: contentType}
}

// covers reports whether a type, which may be a range, is or covers another.
func covers(mediaType, mainType, subType string) bool {
	m, s, _ := strings.Cut(mediaType, "/")
	return (m == mainType || m == "*") && (s == subType || s == "*")
}

// splitType reads a media type without minding malformed parameters.
func splitType(contentType string) (string, map[string]string) {
	if contentType == "application/json" { // nearly always
		return contentType, nil
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType, _, _ = strings.Cut(contentType, ";")
		mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	}
	return mediaType, params
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
