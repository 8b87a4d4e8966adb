// Package payload decodes request bodies as Django REST Framework's three
// parsers and Python's json do: which bodies are good, what each value is,
// and what is said of the bad ones. It bounds depth and count, so that a
// small body cannot make much work, and never fails in another way than by
// an error.
package payload

import (
	"mime"
	"strings"
	"unicode/utf8"
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
	switch mediaType, params := splitType(contentType); mediaType {
	case "application/json":
		text, err := jsonText(params["charset"], body)
		if err != nil {
			return nil, err
		}
		return decodeJSON(text)
	case "application/x-www-form-urlencoded":
		return decodeForm(params["charset"], body)
	case "multipart/form-data":
		return decodeMultipart(params, body)
	}
	return nil, &UnsupportedMediaTypeError{MediaType: contentType}
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

// jsonText decodes the bytes of a JSON body.
func jsonText(charset string, body []byte) (string, error) {
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		if !utf8.Valid(body) {
			return "", &ParseError{Format: "JSON", Detail: "the body is not valid UTF-8"}
		}
		return string(body), nil
	case "latin-1", "iso-8859-1", "latin1":
		return latin1(body), nil
	}
	return "", &ParseError{Format: "JSON", Detail: "unknown encoding: " + charset}
}

func latin1(body []byte) string {
	var b strings.Builder
	for _, c := range body {
		b.WriteRune(rune(c))
	}
	return b.String()
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
