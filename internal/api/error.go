package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/payload"
)

// httpError is an error of the transport: the request never reached a rule.
type httpError struct {
	status int
	key    string // of its text
	code   string // in the body; "" is none
	args   account.Args
}

func (p *httpError) Error() string { return p.key }

var (
	errNotFound         = &httpError{status: http.StatusNotFound, key: "not_found"}
	errTwoSlashes       = &httpError{status: http.StatusNotFound, key: "not_found_slashes"}
	errNotAcceptable    = &httpError{status: http.StatusNotAcceptable, key: "not_acceptable"}
	errNotAuthenticated = &httpError{status: http.StatusUnauthorized, key: "not_authenticated"}
	errBadAuthHeader    = &httpError{status: http.StatusUnauthorized, key: "bad_auth_header", code: "bad_authorization_header"}
	errBodyTimeout      = &httpError{status: http.StatusRequestTimeout, key: "request_timeout"}
	errBodyMalformed    = &httpError{status: http.StatusBadRequest, key: "body_malformed"}
)

func methodNotAllowed(method string) error {
	return &httpError{status: http.StatusMethodNotAllowed, key: "method_not_allowed", args: account.Args{"method": method}}
}

func bodyTooLarge() error {
	return &httpError{status: http.StatusRequestEntityTooLarge, key: "body_too_large", args: account.Args{"max": maxBody >> 10}}
}

func nonField(key string, args account.Args) error {
	errs := account.Fields{}
	errs.Add("non_field_errors", key, args)
	return errs.Err()
}

// undecodable is the answer to a body that package payload refused.
func undecodable(err error) error {
	var unsupported *payload.UnsupportedMediaTypeError
	if errors.As(err, &unsupported) {
		return &httpError{
			status: http.StatusUnsupportedMediaType, key: "unsupported_media_type",
			args: account.Args{"media_type": unsupported.MediaType},
		}
	}
	var parse *payload.ParseError
	if errors.As(err, &parse) {
		key := "parse_error_json"
		if parse.Format != "JSON" {
			key = "parse_error_multipart"
		}
		args := account.Args{"detail": parse.Detail, "where": ""}
		if parse.Line > 0 {
			args["where"] = account.Message{Key: "parse_error_place", Args: account.Args{"line": parse.Line, "column": parse.Column}}
		}
		return &httpError{status: http.StatusBadRequest, key: key, args: args}
	}
	return err
}

// badAccessToken is an error about the token of the Authorization header,
// which simplejwt words otherwise than one about a token in a body.
type badAccessToken struct{ cause *account.Error }

func (b *badAccessToken) Error() string { return b.cause.Error() }
func (b *badAccessToken) Unwrap() error { return b.cause }

// fieldErrors is the body of an error about fields: an object with a list of
// texts for each, in the order of [account.Fields].
type fieldErrors []fieldError

type fieldError struct {
	name  string
	texts []string
}

func newFieldErrors(language string, errs account.Fields) fieldErrors {
	body := make(fieldErrors, 0, len(errs))
	for _, name := range errs.Names() {
		e := fieldError{name: name}
		for _, m := range errs[name] {
			e.texts = append(e.texts, locale.Text(language, m.Key, m.Args))
		}
		body = append(body, e)
	}
	return body
}

// MarshalJSON writes the object; encoding/json would sort a map.
func (f fieldErrors) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // as the encoder around it
	b.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(field.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(field.texts); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// The other bodies of errors.
type (
	detailBody struct {
		Detail string `json:"detail"`
		Code   string `json:"code,omitempty"`
	}
	tokenBody struct {
		Detail   string         `json:"detail"`
		Code     string         `json:"code"`
		Messages []tokenMessage `json:"messages"`
	}
	tokenMessage struct {
		TokenClass string `json:"token_class"`
		TokenType  string `json:"token_type"`
		Message    string `json:"message"`
	}
)

// writeError renders every error there is.
func (s *Server) writeError(ctx context.Context, x *exchange, err error) {
	status, body := s.anyErrorBody(ctx, x, err)
	switch status {
	case http.StatusTooManyRequests:
		s.hold(ctx)
	case http.StatusUnauthorized:
		x.Header().Set("WWW-Authenticate", `Bearer realm="api"`)
		if x.oauth {
			x.Header().Set("WWW-Authenticate", `Basic realm="services", charset="UTF-8"`)
		}
	case http.StatusServiceUnavailable:
		x.Header().Set("Retry-After", "2")
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		x.Header().Set("Connection", "close") // the rest of the body is not read
	}
	writeJSON(x, status, body)
}

// mostHeld is how many answers are held back at once; others go out.
const mostHeld = 1000

// hold keeps a client that was told to slow down waiting, which costs us
// nothing: most that flood ask again when they have an answer.
func (s *Server) hold(ctx context.Context) {
	defer s.held.Add(-1)
	if s.held.Add(1) > mostHeld || s.o.HoldThrottled <= 0 {
		return
	}
	t := time.NewTimer(s.o.HoldThrottled)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (s *Server) anyErrorBody(ctx context.Context, x *exchange, err error) (int, any) {
	if x.oauth {
		return s.oauthError(ctx, x, err)
	}
	return s.errorBody(ctx, x, err)
}

func (s *Server) errorBody(ctx context.Context, x *exchange, err error) (int, any) {
	var p *httpError
	if errors.As(err, &p) {
		return p.status, detailBody{Detail: locale.Text(x.language, p.key, p.args), Code: p.code}
	}
	var e *account.Error
	if !errors.As(err, &e) {
		if ctx.Err() != nil { // the client left, or time is up
			e = account.ErrUnavailable
		} else {
			s.o.Log.ErrorContext(ctx, "internal error", "request_id", x.id, "route", x.route, "error", err.Error())
			return http.StatusInternalServerError, detailBody{Detail: locale.Text(x.language, "internal_error", account.Args{"id": x.id})}
		}
	}
	switch e.Kind {
	case account.Invalid:
		return http.StatusBadRequest, newFieldErrors(x.language, e.Fields)
	case account.Forbidden:
		return http.StatusForbidden, detailBody{Detail: locale.Text(x.language, e.Code, nil), Code: e.Code}
	case account.NotFound:
		return http.StatusNotFound, detailBody{Detail: locale.Text(x.language, e.Code, nil)}
	case account.Throttled:
		seconds := int(math.Ceil(e.Wait.Seconds()))
		x.Header().Set("Retry-After", strconv.Itoa(seconds))
		return http.StatusTooManyRequests, detailBody{Detail: locale.Text(x.language, e.Code, account.Args{"n": seconds})}
	case account.Unavailable:
		s.o.Log.WarnContext(ctx, "unavailable", "request_id", x.id, "route", x.route, "error", err.Error())
		return http.StatusServiceUnavailable, detailBody{Detail: locale.Text(x.language, e.Code, nil)}
	}
	detail := locale.Text(x.language, e.Code, nil)
	if !strings.HasPrefix(e.Code, "token_") {
		body := detailBody{Detail: detail, Code: e.Code}
		if e.Is(account.ErrInvalidCredentials) {
			body.Code = ""
		}
		return http.StatusUnauthorized, body
	}
	var inHeader *badAccessToken
	if errors.As(err, &inHeader) && !e.Is(account.ErrTokenNoUser) {
		return http.StatusUnauthorized, tokenBody{
			Detail:   locale.Text(x.language, "token.given_not_valid", nil),
			Code:     "token_not_valid",
			Messages: []tokenMessage{{TokenClass: "AccessToken", TokenType: "access", Message: detail}},
		}
	}
	return http.StatusUnauthorized, detailBody{Detail: detail, Code: "token_not_valid"}
}
