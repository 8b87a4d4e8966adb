package payload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
)

// decodeMultipart reads form fields; a file is only noted. A body that ends
// without its closing boundary gives what it has, as Django's parser does.
func decodeMultipart(params map[string]string, body []byte) (any, error) {
	boundary := params["boundary"]
	if !validBoundary(boundary) {
		shown := "None"
		if boundary != "" {
			shown = boundary
		}
		return nil, &ParseError{"Multipart form", "Invalid boundary in multipart: " + shown}
	}
	o := Object{}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for fields := 0; ; fields++ {
		if fields > maxFields {
			return nil, &ParseError{"Multipart form", fmt.Sprintf("more than %d fields", maxFields)}
		}
		part, err := r.NextPart()
		if err != nil {
			return o, nil //nolint:nilerr // the end, clean or not: what came before counts
		}
		name := part.FormName()
		if name == "" {
			continue
		}
		if part.FileName() != "" {
			o[name] = File{}
			continue
		}
		data, err := io.ReadAll(part)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, &ParseError{"Multipart form", err.Error()}
		}
		o[name] = textOf("", data)
	}
}

// validBoundary is RFC 2046, section 5.1.1.
func validBoundary(boundary string) bool {
	if boundary == "" || len(boundary) > 200 || boundary[len(boundary)-1] == ' ' {
		return false
	}
	for _, c := range []byte(boundary) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
