package payload

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
)

// decodeMultipart reads form fields; a file is only noted. A body that ends
// without its closing boundary gives what it has, as Django's parser does.
func decodeMultipart(boundary string, body []byte) (any, error) {
	if !validBoundary(boundary) {
		shown := "None"
		if boundary != "" {
			shown = boundary
		}
		return nil, &ParseError{"Multipart form", "Invalid boundary in multipart: " + shown}
	}
	o := Object{}
	if !bytes.Contains(body, []byte("--"+boundary+"\r\n")) {
		return o, nil // Go would take lines that end in a bare newline
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for fields := 0; ; fields++ {
		if fields > maxFields {
			return nil, &ParseError{"Multipart form", fmt.Sprintf("more than %d fields", maxFields)}
		}
		part, err := r.NextRawPart()
		if err != nil {
			return o, nil //nolint:nilerr // the end, clean or not: what came before counts
		}
		_, disposition, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		name := disposition["name"]
		if name == "" {
			continue
		}
		if disposition["filename"] != "" {
			o[name] = File{}
			continue
		}
		data, err := io.ReadAll(part)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, &ParseError{"Multipart form", err.Error()}
		}
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "base64") {
			if plain, err := base64.StdEncoding.DecodeString(string(data)); err == nil {
				data = plain
			}
		}
		o[name] = textOf(data)
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
