package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// SecondFactorRequired says that username and password are right and that the
// account has a second factor. [Client.LoginSecond] goes on with it.
type SecondFactorRequired struct {
	Answer    *Error
	Challenge string   // for five minutes; keep it in memory alone
	Methods   []string // passkey, totp, recovery_code, the strongest first; others may come
}

func (e *SecondFactorRequired) Error() string { return e.Answer.Error() }

// Unwrap is for package errors.
func (e *SecondFactorRequired) Unwrap() error { return e.Answer }

// Format prints it without the challenge.
func (e *SecondFactorRequired) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

// ConfirmRequired says that a call needs a proof of the last five minutes that
// it is the person. After [Client.Confirm] the same call can be made again.
type ConfirmRequired struct {
	Answer  *Error
	Methods []string // passkey, totp, email, password, recovery_code, the strongest first; others may come
}

func (e *ConfirmRequired) Error() string { return e.Answer.Error() }

// Unwrap is for package errors.
func (e *ConfirmRequired) Unwrap() error { return e.Answer }

// typed is the error of an answer, as one of the two types where it is one.
func typed(e *Error, body []byte) error {
	var more struct {
		Challenge string   `json:"challenge"`
		Methods   []string `json:"methods"`
	}
	switch {
	case e.Code != "second_factor_required" && e.Code != "confirm_required", json.Unmarshal(body, &more) != nil:
		return e
	case e.Code == "confirm_required":
		return &ConfirmRequired{e, more.Methods}
	case more.Challenge == "":
		return e
	}
	return &SecondFactorRequired{e, more.Challenge, more.Methods}
}

// Proof is what somebody shows to say that it is them: exactly one of its
// fields, or a code with its CodeID.
type Proof struct {
	Password     string `json:"password,omitempty"` // of who has no second factor; for [Client.Confirm]
	Code         string `json:"code,omitempty"`     // six digits of an authenticator app, or of a mail
	CodeID       string `json:"code_id,omitempty"`  // of the mail
	RecoveryCode string `json:"recovery_code,omitempty"`
}

// Format prints a Proof without what it shows.
func (Proof) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "a proof") }

const (
	secondPath  = "/api/clients/auth/login/second/"
	confirmPath = "/api/clients/auth/confirm/"
	passkeyPath = "/api/clients/auth/login/passkey/" //nolint:gosec // a path
	codePath    = "/api/clients/auth/code/"
	useCodePath = "/api/clients/auth/code/confirm/"
)

// LoginSecond goes on with a login that was answered by
// [SecondFactorRequired]. A wrong factor is an [Error] with the status 400; the
// challenge takes five tries.
func (c *Client) LoginSecond(ctx context.Context, challenge string, p Proof) (User, error) {
	user, _, err := c.second(ctx, challenge, p, false)
	return user, err
}

// LoginSecondAndTrust is [Client.LoginSecond], and has this device trusted for
// 30 days. Ask the person first. A recovery code gives no trust: then it is
// empty.
func (c *Client) LoginSecondAndTrust(ctx context.Context, challenge string, p Proof) (User, TrustedDevice, error) {
	return c.second(ctx, challenge, p, true)
}

func (c *Client) second(ctx context.Context, challenge string, p Proof, trust bool) (User, TrustedDevice, error) {
	type body Proof // without the method for printing
	return c.open(ctx, secondPath, struct {
		Challenge string `json:"challenge"`
		Trust     bool   `json:"trust,omitempty"`
		body
	}{challenge, trust, body(p)}, "")
}

// TrustedDevice spares one account the second factor on this device, beside
// the password: keep it as one. It outlives a logout.
type TrustedDevice string

const trustedHeader = "X-Trusted-Device"

// Format prints whether there is one.
func (d TrustedDevice) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, map[bool]string{true: "a trusted device", false: "no trusted device"}[d != ""])
}

// LoginTrusted is [Client.Login] on a device that its account trusts.
func (c *Client) LoginTrusted(ctx context.Context, username, password string, d TrustedDevice) (User, error) {
	user, _, err := c.open(ctx, loginPath, map[string]string{"username": username, "password": password}, d)
	return user, err
}

// LoginPasskey logs in by what an authenticator signed, its answer's JSON. What
// to sign is asked for at auth/login/passkey/options/, by [Client.DoOpen]; the
// answer names the ceremony.
func (c *Client) LoginPasskey(ctx context.Context, ceremony string, credential json.RawMessage) (User, error) {
	user, _, err := c.open(ctx, passkeyPath, map[string]any{"ceremony": ceremony, "credential": credential}, "")
	return user, err
}

// CodeRequest is what a code is for, and where it goes.
type CodeRequest struct {
	Purpose  string `json:"purpose"`            // reset or login, of nobody; verify or confirm, of whoever is logged in
	To       string `json:"to,omitempty"`       // the address, of reset and login
	Username string `json:"username,omitempty"` // which one, if several accounts have it
	CodeID   string `json:"code_id,omitempty"`  // of a request that is not old: the same code comes again
}

// RequestCode has a code mailed and returns the name of the request, whether or
// not anybody has the address. Six digits come: with them and the name go on
// by [Client.LoginByCode], [Client.UseCode] or [Client.Confirm].
func (c *Client) RequestCode(ctx context.Context, r CodeRequest) (id string, err error) {
	var out struct {
		ID string `json:"code_id"`
	}
	err = c.ask(ctx, codePath, r, &out, r.Purpose == "verify" || r.Purpose == "confirm")
	return out.ID, err
}

// LoginByCode logs in by a mailed code (purpose login), where the shop has it
// on. Where a second factor is due it is a [SecondFactorRequired].
func (c *Client) LoginByCode(ctx context.Context, id, code string) (User, error) {
	user, _, err := c.open(ctx, useCodePath, useCode{id, code}, "")
	return user, err
}

// UseCode uses a code that verifies an address, as who is logged in, or one to
// reset a password, as nobody: then it returns the token for
// auth/password/reset/confirm/.
func (c *Client) UseCode(ctx context.Context, id, code string) (token string, err error) {
	t, err := c.current(ctx)
	if err != nil {
		return "", err
	}
	var out struct {
		Token string `json:"token"`
	}
	err = c.ask(ctx, useCodePath, useCode{id, code}, &out, t.Refresh != "")
	return out.Token, err
}

type useCode struct {
	ID   string `json:"code_id"`
	Code string `json:"code"`
}

// ask is a POST, with the person's token or of nobody.
func (c *Client) ask(ctx context.Context, path string, in, out any, asPerson bool) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	if !asPerson {
		return c.callOpen(ctx, path, in, out)
	}
	req, err := c.NewRequest(ctx, http.MethodPost, path, in)
	if err != nil {
		return err
	}
	res, err := c.Do(req) //nolint:bodyclose // read closes it
	if err != nil {
		return err
	}
	return read(req, res, out)
}

// Confirm shows again that it is the person, and keeps the new tokens.
func (c *Client) Confirm(ctx context.Context, p Proof) error {
	type body Proof
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	req, err := c.NewRequest(ctx, http.MethodPost, confirmPath, body(p))
	if err != nil {
		return err
	}
	t, err := c.current(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	res, err := c.Do(req) //nolint:bodyclose // read closes it
	if err != nil {
		return err
	}
	var out struct {
		Access  string `json:"access"`
		Refresh string `json:"refresh"`
	}
	if err := read(req, res, &out); err != nil {
		return err
	}
	if out.Access == "" {
		return &NetworkError{Method: http.MethodPost, Path: confirmPath, Unknown: true, Err: errors.New("the answer has no token: is this the server?")}
	}
	return c.proved(ctx, t.generation, Tokens{Access: out.Access, Refresh: out.Refresh, AccessUntil: began.Add(lifetime(out.Access))})
}

// proved keeps the tokens of a confirmation, unless somebody logged in or out
// meanwhile; those of the same person's newer login stay, which is a proof, too.
// It is still the same login, so the generation stays. Without rotation the
// refresh token before stays.
func (c *Client) proved(ctx context.Context, generation int, t Tokens) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != generation || c.tokens.Refresh == "" || c.overtaken(ctx) {
		return ErrLoggedOut
	}
	if stored, changed := c.look(ctx); changed && !stored.sameSession(t) {
		c.begin(stored)
		c.stored = stored
		return nil
	}
	if t.Refresh == "" {
		t.Refresh = c.tokens.Refresh
	}
	c.tokens, c.notBefore, c.lastErr = t, time.Time{}, nil
	return c.save(ctx)
}

// ErrorOf reads the error of an answer of [Client.Do], as the methods return
// it: an [Error], [SecondFactorRequired] or [ConfirmRequired]; nil is success,
// whose body is left as it is.
func ErrorOf(req *http.Request, res *http.Response) error {
	if res.StatusCode >= 200 && res.StatusCode <= 299 {
		return nil
	}
	err := read(req, res, nil)
	res.Body = io.NopCloser(bytes.NewReader(nil))
	return err
}
