package payload

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"strings"
)

const (
	maxFiles    = 100 // Django's DATA_UPLOAD_MAX_NUMBER_FILES
	maxBoundary = 201 // characters, as Python has it
)

// decodeMultipart reads a form (RFC 7578). The last of several fields wins,
// and a part without a name is named "". How a part says that it is encoded is
// ignored. The body may end without the closing separator, as in Django.
func decodeMultipart(boundary string, body []byte) (any, error) {
	switch {
	case boundary == "":
		return nil, &ParseError{Format: formatForm, Detail: "Invalid boundary in multipart: None"}
	case len(boundary) > maxBoundary:
		return nil, &ParseError{Format: formatForm, Detail: "Invalid boundary in multipart: " + boundary}
	}
	closed := io.MultiReader(bytes.NewReader(body), strings.NewReader("\r\n--"+boundary+"--\r\n"))
	r := multipart.NewReader(closed, boundary)
	o := Object{}
	fields, files := 0, 0
	for {
		part, err := r.NextRawPart() // NextPart would decode quoted-printable
		if errors.Is(err, io.EOF) {
			return o, nil
		}
		if err != nil {
			return nil, &ParseError{Format: formatForm, Detail: "malformed part"}
		}
		name := text([]byte(part.FormName()))
		if part.FileName() != "" {
			files++
			o[name] = File{}
		} else {
			fields++
			value, err := io.ReadAll(part)
			if err != nil {
				return nil, &ParseError{Format: formatForm, Detail: "malformed part"}
			}
			o[name] = text(value)
		}
		if fields > maxFields || files > maxFiles {
			return nil, tooManyFields()
		}
	}
}
