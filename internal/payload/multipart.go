package payload

import (
	"bytes"
	"errors"
	"html"
	"strings"
)

const (
	maxFiles      = 100  // Django's DATA_UPLOAD_MAX_NUMBER_FILES
	maxPartHeader = 1024 // where Django stops to look for the end of a part's header
)

// decodeMultipart reads a form as Django's parser does, which is more lenient
// than RFC 7578: a separator counts wherever it stands, what comes before the
// first and after the last is a part like others, and the last part may end
// with the body. A file is noted once another part has begun; it wins over
// fields of its name. Bodies over 64 KiB, which Django reads in pieces, can
// differ in how it resumes behind a part that it skips.
func decodeMultipart(contentType string, cs charset, body []byte) (any, error) {
	boundary, err := boundaryOf(contentType)
	if err != nil {
		return nil, err
	}
	o, uploads := Object{}, Object{}
	d := multipartDecoder{rest: body, separator: []byte("--" + boundary)}
	pending := ""
	fields, files := 0, 0
	for len(d.rest) > 0 {
		p, err := d.next()
		if err != nil {
			return nil, err
		}
		if pending != "" {
			uploads[pending], pending = File{}, ""
		}
		// Two more: what stands before the first separator and after the last.
		if p.file {
			files++
		} else {
			fields++
		}
		if fields > maxFields+2 || files > maxFiles {
			return nil, tooManyFields()
		}
		name, ok := p.name(cs)
		switch {
		case !ok && cs.kind >= unicode16:
			return nil, cs.unsupported(formatForm)
		case !ok || p.file && !p.hasFileName(cs):
			d.skip(p)
		case p.file:
			if !p.readable() {
				return nil, &ParseError{Format: formatForm, Detail: "Could not decode base64 data."}
			}
			pending = name
		default:
			if o[name], ok = cs.replace(p.value()); !ok {
				return nil, cs.unsupported(formatForm)
			}
		}
	}
	for name, file := range uploads {
		o[name] = file
	}
	return o, nil
}

// boundaryOf returns the separator's text from a content type.
func boundaryOf(contentType string) (string, error) {
	if !strings.HasPrefix(contentType, "multipart/") {
		return "", &ParseError{Format: formatForm, Detail: "Invalid Content-Type: " + latin1([]byte(contentType))}
	}
	if !isASCII(contentType) {
		return "", &ParseError{Format: formatForm, Detail: "Invalid non-ASCII Content-Type in multipart: " + latin1([]byte(contentType))}
	}
	_, params, err := parseHeader(contentType)
	if err != nil {
		return "", &ParseError{Format: formatForm, Detail: err.Error()}
	}
	boundary, ok := params["boundary"]
	switch {
	case !ok:
		return "", &ParseError{Format: formatForm, Detail: "Invalid boundary in multipart: None"}
	case !validBoundary(boundary.value):
		return "", &ParseError{Format: formatForm, Detail: "Invalid boundary in multipart: " + boundary.value}
	}
	return boundary.value, nil
}

// validBoundary is Python's: up to 201 printable characters, the last of
// which is no space; a line feed behind them passes.
func validBoundary(boundary string) bool {
	boundary = strings.TrimSuffix(boundary, "\n")
	if boundary == "" || len(boundary) > 201 || boundary[len(boundary)-1] == ' ' {
		return false
	}
	for _, c := range []byte(boundary) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// multipartDecoder holds what is left of a body.
type multipartDecoder struct {
	rest      []byte
	separator []byte
}

// part is what stands between two separators.
type part struct {
	data        []byte
	tail        int // how many last bytes of data Django reads apart, for want of a separator
	read        int // how many bytes Django reads to find the header
	field, file bool
	disposition map[string]param
	base64      bool
}

// next takes the part that begins here, up to a separator or the end.
func (d *multipartDecoder) next() (part, error) {
	p := part{data: d.rest}
	if i := bytes.Index(d.rest, d.separator); i >= 0 {
		p.data = bytes.TrimSuffix(d.rest[:i], []byte("\n"))
		p.data = bytes.TrimSuffix(p.data, []byte("\r"))
		d.rest = d.rest[i+len(d.separator):]
	} else {
		// Django holds back as much as a separator with its line ends.
		if hold := len(d.separator) + 6; len(d.rest) > hold {
			p.tail = hold
		}
		d.rest = nil
	}
	p.read = min(len(p.data), maxPartHeader)
	header, _, ok := bytes.Cut(p.data[:p.read], []byte("\r\n\r\n"))
	if !ok {
		return p, nil
	}
	if err := p.readHeader(string(header)); err != nil {
		return p, err
	}
	if p.field || p.file {
		p.data = p.data[len(header)+4:]
		p.read -= len(header) + 4
	}
	return p, nil
}

// skip leaves a part without reading it: what Django held back of it is
// then taken for a part of its own.
func (d *multipartDecoder) skip(p part) {
	if p.tail > 0 && len(p.data)-p.tail >= p.read && p.read > 0 {
		d.rest = p.data[len(p.data)-p.tail:]
	}
}

func (p *part) readHeader(header string) error {
	for line := range strings.SplitSeq(header, "\r\n") {
		main, params, err := parseHeader(line)
		if errors.Is(err, errCharset) {
			return &ParseError{Format: formatForm, Detail: err.Error()}
		}
		name, value, ok := strings.Cut(main, ":")
		if err != nil || !ok {
			continue
		}
		switch name {
		case "content-disposition":
			p.file = params["filename"].value != ""
			p.field = !p.file
			p.disposition = params
		case "content-transfer-encoding":
			p.base64 = trim(value) == "base64"
		}
	}
	return nil
}

// name is the field's; it reports whether there is one.
func (p *part) name(cs charset) (string, bool) {
	name, ok := p.disposition["name"]
	if !ok {
		return "", cs.kind >= unicode16
	}
	if name.text {
		return strings.TrimFunc(name.value, isSpace), true
	}
	return cs.replace([]byte(trim(name.value)))
}

// hasFileName reports whether Django finds a name for the file that a part
// brings; without, it ignores the part.
func (p *part) hasFileName(cs charset) bool {
	name := p.disposition["filename"].value
	if !p.disposition["filename"].text {
		name, _ = cs.replace([]byte(name))
	}
	name = html.UnescapeString(name)
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	return name != "" && name != "." && name != ".."
}

// value is a field's content.
func (p *part) value() []byte {
	if p.base64 {
		if decoded, ok := decodeBase64(p.data); ok {
			return decoded
		}
	}
	return p.data
}

// readable reports whether a file's content can be decoded, in the one or
// two pieces in which Django reads it.
func (p *part) readable() bool {
	if !p.base64 {
		return true
	}
	var left []byte
	split := max(len(p.data)-p.tail, 0)
	for _, piece := range [][]byte{p.data[:split], p.data[split:]} {
		for _, word := range bytes.FieldsFunc(piece, func(r rune) bool { return strings.ContainsRune(" \t\n\r\v\f", r) }) {
			left = append(left, word...)
		}
		aligned := len(left) / 4 * 4
		if _, ok := decodeBase64(left[:aligned]); !ok {
			return false
		}
		left = left[aligned:]
	}
	return len(left) == 0
}
