package pages

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/web"
)

// maxForm bounds a form's body in bytes.
const maxForm = 16 << 10

// readForm returns what was filled in, or answers what cannot be read. The
// query is not part of it: what others append to a link does no harm.
func (p *page) readForm() (form url.Values, ok bool) {
	media, _, _ := mime.ParseMediaType(p.r.Header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" {
		p.refuse(http.StatusUnsupportedMediaType, "unsupported_media_type", locale.Args{"media_type": media})
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(p.w, p.r.Body, maxForm))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		web.Drain(p.r)
		p.w.Header().Set("Connection", "close") // there may be more
		p.refuse(http.StatusRequestEntityTooLarge, "body_too_large", locale.Args{"max": maxForm >> 10})
		return nil, false
	case err != nil:
		p.w.Header().Set("Connection", "close")
		p.refuse(http.StatusRequestTimeout, "request_timeout", nil)
		return nil, false
	}
	if form, err = url.ParseQuery(string(body)); err != nil {
		p.refuse(http.StatusBadRequest, "page.failed", nil)
		return nil, false
	}
	for _, values := range form {
		for i := range values {
			values[i] = strings.ToValidUTF8(values[i], "\uFFFD") // what is stored is text
		}
	}
	return form, true
}
