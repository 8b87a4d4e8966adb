package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/payload"
	"github.com/yoozak/clients/internal/web"
)

// httpError is an error of the transport: the request never reached a rule.
type httpError struct {
	status     int
	key        string // of its text
	codeInBody bool
	args       account.Args
}

func (p *httpError) Error() string { return p.key }

var (
	errNotFound         = &httpError{status: http.StatusNotFound, key: "not_found"}
	errTwoSlashes       = &httpError{status: http.StatusNotFound, key: "not_found_slashes"}
	errNotAcceptable    = &httpError{status: http.StatusNotAcceptable, key: "not_acceptable"}
	errNotAuthenticated = &httpError{status: http.StatusUnauthorized, key: "not_authenticated"}
	errBadAuthHeader    = &httpError{status: http.StatusUnauthorized, key: "bad_auth_header", codeInBody: true}
	errBodyTimeout      = &httpError{status: http.StatusRequestTimeout, key: "request_timeout"}
	errBodyMalformed    = &httpError{status: http.StatusBadRequest, key: "body_malformed"}
)

func methodNotAllowed(method string) error {
	return &httpError{status: http.StatusMethodNotAllowed, key: "method_not_allowed", args: account.Args{"method": method}}
}

func bodyTooLarge() error {
	return &httpError{status: http.StatusRequestEntityTooLarge, key: "body_too_large", args: account.Args{"max": maxBody >> 10}}
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

// tokenNotValid is simplejwt's code of every token that is not good.
var tokenNotValid = account.CodeOf(account.ErrTokenInvalid.Code)

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
	// secondFactorBody lets a login go on.
	secondFactorBody struct {
		Detail    string   `json:"detail"`
		Code      string   `json:"code"`
		Challenge string   `json:"challenge"`
		Methods   []string `json:"methods"`
	}
	// confirmBody says what to show before an act, or instead of a passkey.
	confirmBody struct {
		Detail  string   `json:"detail"`
		Code    string   `json:"code"`
		Methods []string `json:"methods"`
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
func (s *Server) writeError(ctx context.Context, w *web.ResponseWriter, requires Requirement, err error) {
	status, code, body := s.errorBody(ctx, w, err)
	scheme := `Bearer realm="api"`
	if requires == OAuthClient {
		scheme = `Basic realm="services", charset="UTF-8"`
		oauth := newOAuthBody(w.Language, status, body, err)
		code, body = oauth.Error, oauth
	}
	w.Header().Set(web.ErrorHeader, code)
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", scheme)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "2")
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		w.Header().Set("Connection", "close") // the rest of the body is not read
	}
	w.WriteJSON(status, body)
}

// errorBody returns the status, the code for programs and the body. The
// reference's bodies have no place for most codes: those are in a header only.
func (s *Server) errorBody(ctx context.Context, w *web.ResponseWriter, err error) (status int, code string, body any) {
	var p *httpError
	if errors.As(err, &p) {
		code, out := account.CodeOf(p.key), detailBody{Detail: locale.Text(w.Language, p.key, p.args)}
		if p.codeInBody {
			out.Code = code
		}
		return p.status, code, out
	}
	var e *account.Error
	if !errors.As(err, &e) {
		if ctx.Err() != nil { // the client left, or time is up
			e = account.ErrUnavailable
		} else {
			s.o.Log.ErrorContext(ctx, "internal error", "request_id", w.RequestID, "route", w.Route, "error", err.Error())
			return http.StatusInternalServerError, account.CodeOf("internal_error"), detailBody{Detail: locale.Text(w.Language, "internal_error", account.Args{"id": w.RequestID})}
		}
	}
	code = account.CodeOf(e.Code)
	switch e.Kind {
	case account.Invalid:
		return http.StatusBadRequest, e.Fields.Codes(), newFieldErrors(w.Language, e.Fields)
	case account.Forbidden:
		if e.Is(account.ErrConfirmRequired) || e.Is(account.ErrPasskeyChanged) {
			return http.StatusForbidden, code, confirmBody{Detail: locale.Text(w.Language, e.Code, nil), Code: code, Methods: e.Methods}
		}
		return http.StatusForbidden, code, detailBody{Detail: locale.Text(w.Language, e.Code, nil), Code: code}
	case account.Conflict:
		return http.StatusConflict, code, detailBody{Detail: locale.Text(w.Language, e.Code, nil), Code: code}
	case account.NotFound:
		return http.StatusNotFound, code, detailBody{Detail: locale.Text(w.Language, e.Code, nil)}
	case account.Throttled:
		seconds := e.WaitSeconds()
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		return http.StatusTooManyRequests, code, detailBody{Detail: locale.Text(w.Language, e.Code, account.Args{"n": seconds})}
	case account.Unavailable:
		w.LogUnavailable(ctx, err)
		return http.StatusServiceUnavailable, code, detailBody{Detail: locale.Text(w.Language, e.Code, nil)}
	}
	if e.Is(account.ErrSecondFactor) {
		return http.StatusUnauthorized, code, secondFactorBody{
			Detail: locale.Text(w.Language, e.Code, nil), Code: code, Challenge: e.Challenge, Methods: e.Methods,
		}
	}
	out := detailBody{Detail: locale.Text(w.Language, e.Code, nil), Code: code}
	if e.Is(account.ErrInvalidCredentials) || e.Is(account.ErrNotAuthenticated) {
		out.Code = ""
	}
	var inHeader *badAccessToken
	if errors.As(err, &inHeader) && code == tokenNotValid && !e.Is(account.ErrTokenNoUser) {
		return http.StatusUnauthorized, code, tokenBody{
			Detail:   locale.Text(w.Language, "token.given_not_valid", nil),
			Code:     code,
			Messages: []tokenMessage{{TokenClass: "AccessToken", TokenType: "access", Message: out.Detail}},
		}
	}
	return http.StatusUnauthorized, code, out
}

// notFound answers a path that there is not. A preflight of one is answered
// as any other, or the page would be told of CORS instead of its mistake.
func (s *Server) notFound(rw http.ResponseWriter, r *http.Request) {
	w := web.Writer(rw)
	if w.Preflight(r, "GET, POST, PATCH, DELETE, HEAD, OPTIONS") {
		return
	}
	err := errNotFound
	if strings.Contains(r.URL.Path, "//") { // most often a base URL that ends in one
		err = errTwoSlashes
	}
	s.writeError(r.Context(), w, Anyone, err)
}
