// Package client calls Yoozak Clients from Go: a program that acts for one
// person at a time, such as a command line tool, a kiosk or a test.
//
//	c, err := client.New("https://accounts.shop.example", client.Options{})
//	user, err := c.Login(ctx, "amina", password)
//	user, err = c.Me(ctx)
//
// It keeps the person's tokens and renews them:
//
//   - once, however many goroutines need it;
//   - before the access token ends, when the server asks for it, and after a
//     401, which is repeated once with the new token;
//   - again with the same refresh token when an answer was lost.
//
// Only the server's word ends the session. Without a network, and whatever
// a proxy says, the tokens stay, and the call fails with a [NetworkError] or
// an [Error].
//
// Access tokens are sent to the base URL's origin and to no other, and
// redirects are not followed. No error, log line or printed Client holds a
// token or a password.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options configure a [Client]. The zero value is good.
type Options struct {
	HTTPClient *http.Client  // whose transport is used; nil: http.DefaultClient
	Store      Store         // keeps the tokens; nil: memory
	Language   string        // of texts in errors: fr, ar or en; empty: the server's
	Timeout    time.Duration // of a call, with all that it waits for; 0: 30 seconds. Client.Do goes by its request's context.
	Log        *slog.Logger  // what no call can return; nil: slog.Default()

	// LongestPause is the most for which an answer's Retry-After keeps
	// renewals from being tried; 0: a minute. A proxy may say a day, or a
	// year. Calls that need a renewal before it are not sent: their [Error]
	// has in RetryAfter what is left of the time that was named.
	LongestPause time.Duration
}

// Client is one person's way to the server. It is safe for concurrent use.
type Client struct {
	o    Options
	base *url.URL // without a slash at its end
	http *http.Client

	mu         sync.Mutex
	loaded     bool
	tokens     Tokens
	stored     Tokens  // what the store held when it was last read or written here
	generation int     // of tokens: a login or logout begins another, also that of another process
	called     int     // logins and logouts so far
	holds      int     // the number of the one that holds
	flight     *flight // the renewal under way; nil: none
	notBefore  time.Time
	lastErr    error // of the last renewal, until notBefore
	failedAt   time.Time
	failures   int    // of renewals, one after the other
	hintedFor  string // the access token that a hint was followed for
}

// New makes a Client of the server at a base URL, such as
// https://accounts.shop.example.
func New(baseURL string, o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("client: the base URL has to look like https://accounts.shop.example")
	}
	if o.Store == nil {
		o.Store = new(MemoryStore)
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.LongestPause == 0 {
		o.LongestPause = time.Minute
	}
	own := http.Client{}
	if o.HTTPClient != nil {
		own = *o.HTTPClient
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{o: o, base: base, http: &own}, nil
}

// Format prints a Client without its tokens.
func (c *Client) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "client of %s", c.base.Host) }

// User is a person's profile.
type User struct {
	ID        int64  `json:"id"`
	Username  string `json:"username"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

// Registration is a new account. Username and Password are required.
type Registration struct {
	Username  string `json:"username"`
	Password  string `json:"password"`
	Email     string `json:"email,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
}

// Format prints a Registration without its password.
func (r Registration) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "registration of %q", r.Username) }

// Paths of the server.
const (
	registerPath = "/api/clients/auth/register/"
	loginPath    = "/api/clients/auth/login/"
	logoutPath   = "/api/clients/auth/logout/"
	refreshPath  = "/api/clients/auth/token/refresh/"
	mePath       = "/api/clients/clients/me/"
)

// Register makes an account and logs in. It is never repeated by itself: when
// the answer is lost, [NetworkError.Unknown] says that the account may exist.
func (c *Client) Register(ctx context.Context, r Registration) (User, error) {
	// Not r itself: its method is for printing.
	type body Registration
	user, _, err := c.open(ctx, registerPath, body(r), "")
	return user, err
}

// Login logs in by username or e-mail address. Wrong ones are an [Error]
// with the status 401; too many tries one with 429 and RetryAfter. Where a
// second factor is due it is a [SecondFactorRequired].
//
// Of logins and logouts that overlap, the one that was called last holds. A
// login that is answered after it ends with [ErrLoggedOut].
func (c *Client) Login(ctx context.Context, username, password string) (User, error) {
	return c.LoginTrusted(ctx, username, password, "")
}

// login is what the ways to log in answer.
type login struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
	User    User   `json:"user"`
}

// open begins a session, on a device that may be trusted. It returns what
// makes the device trusted from now on, if the answer has it.
func (c *Client) open(ctx context.Context, path string, in any, trusted TrustedDevice) (User, TrustedDevice, error) {
	var out struct {
		login
		Login *login `json:"login"` // of a mailed code, whose answer may have more
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	number := c.number()
	req, err := c.NewRequest(ctx, http.MethodPost, path, in)
	if err != nil {
		return User{}, "", err
	}
	if trusted != "" {
		req.Header.Set(trustedHeader, string(trusted))
	}
	began := time.Now()
	res, err := c.DoOpen(req) //nolint:bodyclose // read closes it
	if err != nil {
		return User{}, "", err
	}
	if err := read(req, res, &out); err != nil {
		return User{}, "", err
	}
	if out.Login != nil {
		out.login = *out.Login
	}
	if out.Access == "" || out.Refresh == "" {
		return User{}, "", &NetworkError{Method: http.MethodPost, Path: path, Unknown: true, Err: errors.New("the answer has no tokens: is this the server?")}
	}
	t := Tokens{Access: out.Access, Refresh: out.Refresh, AccessUntil: began.Add(lifetime(out.Access))}
	if _, err = c.replace(ctx, number, t); errors.Is(err, ErrLoggedOut) {
		_ = c.callOpen(ctx, logoutPath, map[string]string{"refresh": t.Refresh}, nil) // of a session that nobody uses
	}
	return out.User, TrustedDevice(res.Header.Get(trustedHeader)), err
}

// Logout forgets the tokens and ends the session, also that of another process
// which has logged in with the same store. The tokens are gone even if the
// server cannot be told, which is the error.
func (c *Client) Logout(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	if _, err := c.current(ctx); err != nil {
		return err
	}
	before, err := c.replace(ctx, c.number(), Tokens{})
	for _, t := range before {
		if t.Refresh == "" {
			continue
		}
		told := c.callOpen(ctx, logoutPath, map[string]string{"refresh": t.Refresh}, nil)
		var e *Error
		if !errors.As(told, &e) || e.Status != http.StatusUnauthorized { // else it had ended before
			err = errors.Join(err, told)
		}
	}
	return err
}

// Me returns the profile of whoever is logged in.
func (c *Client) Me(ctx context.Context) (User, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	req, err := c.NewRequest(ctx, http.MethodGet, mePath, nil)
	if err != nil {
		return User{}, err
	}
	res, err := c.Do(req) //nolint:bodyclose // read closes it
	if err != nil {
		return User{}, err
	}
	var u User
	return u, read(req, res, &u)
}

// NewRequest makes a request for [Client.Do]: path is below the base URL, in
// becomes its JSON, unless it is nil.
func (c *Client) NewRequest(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, errors.New("client: the body cannot be written as JSON") // whose error may show it
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, body)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.o.Language != "" {
		req.Header.Set("Accept-Language", c.o.Language)
	}
	return req, nil
}

// callOpen posts without a token and reads the answer into out, unless that is
// nil.
func (c *Client) callOpen(ctx context.Context, path string, in, out any) error {
	req, err := c.NewRequest(ctx, http.MethodPost, path, in)
	if err != nil {
		return err
	}
	res, err := c.DoOpen(req) //nolint:bodyclose // read closes it
	if err != nil {
		return err
	}
	return read(req, res, out)
}

// DoOpen sends a request to the server without a token: for the calls of
// nobody, such as those with the token of a mail. It is sent once.
func (c *Client) DoOpen(req *http.Request) (*http.Response, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, newNetworkError(req, err)
	}
	return res, nil
}

// Do sends a request to the server with the person's access token, and again
// with a new one if that is refused. A second 401 is returned as any other
// answer: only the renewal can say that the session is over, and that is
// [ErrLoggedOut]. GET and HEAD are repeated once when the network fails.
//
// A body that can be read only once (http.NewRequest keeps those of bytes,
// strings and their readers) is sent once: a 401 is then returned. The
// request must be for the base URL's origin.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != c.base.Scheme || req.URL.Host != c.base.Host || req.URL.User != nil {
		return nil, fmt.Errorf("client: %s is not the server %s, and gets no token", req.URL.Host, c.base.Host)
	}
	ctx := req.Context()
	t, err := c.access(ctx)
	if err != nil {
		return nil, err
	}
	res, err := c.send(req, t.Access, false)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return res, nil
	}
	discard(res)
	if t, err = c.renew(ctx, t); err != nil {
		return nil, err
	}
	return c.send(req, t.Access, true)
}

// send sends a copy of the request. Again says that its body was sent before.
func (c *Client) send(req *http.Request, access string, again bool) (*http.Response, error) {
	repeatable := req.Method == http.MethodGet || req.Method == http.MethodHead
	for try := 0; ; try++ {
		r := req.Clone(req.Context())
		if (again || try > 0) && req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, fmt.Errorf("client: %w", err)
			}
			r.Body = body
		}
		r.Header.Set("Authorization", "Bearer "+access)
		res, err := c.http.Do(r)
		if err == nil {
			if res.Header.Get("X-Token-Refresh-Required") != "" {
				c.followHint(access)
			}
			return res, nil
		}
		if !repeatable || try > 0 || req.Context().Err() != nil {
			return nil, newNetworkError(req, err)
		}
	}
}

// read reads an answer into out, unless that is nil, and closes it. Whether
// it is an error is decided by its status.
func read(req *http.Request, res *http.Response, out any) error {
	const most = 8 << 20
	data, err := io.ReadAll(io.LimitReader(res.Body, most))
	discard(res)
	if err != nil {
		return newNetworkError(req, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return typed(newError(req, res, data), data)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return &NetworkError{Method: req.Method, Path: req.URL.Path, Unknown: true, Err: errors.New("the answer is not JSON: is this the server?")}
	}
	return nil
}

// discard lets the connection be used again.
func discard(res *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	_ = res.Body.Close()
}
