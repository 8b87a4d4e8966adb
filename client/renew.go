package client

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ErrLoggedOut says that nobody is logged in, or that the server has ended
// the session.
var ErrLoggedOut = errors.New("client: logged out")

// How renewals are tried.
const (
	early        = 5 * time.Second // before its end an access token is renewed
	refreshLimit = 6 * time.Second // of one try: within the server's grace for repetitions
	refreshTries = 2
	firstBackOff = time.Second // after a renewal that failed
	lastBackOff  = 15 * time.Second
)

// flight is one renewal that many wait for. Its fields are there once it is
// done.
type flight struct {
	done   chan struct{}
	tokens held
	err    error
}

// held is the tokens of one login.
type held struct {
	Tokens
	generation int
}

// current is what is known of the tokens, from the store at first.
func (c *Client) current(ctx context.Context) (held, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded {
		t, err := c.o.Store.Load(ctx)
		if err != nil {
			return held{}, fmt.Errorf("client: load tokens: %w", err)
		}
		c.tokens, c.stored, c.loaded = t, t, true
	}
	return held{c.tokens, c.generation}, nil
}

// number takes a number for a login or logout that is called now.
func (c *Client) number() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.called++
	return c.called
}

// replace begins another generation of tokens, saves them, and returns those of
// the sessions before: of this client and, if another process has logged in
// meanwhile, of that login. It is for a login or logout that has a number. Where
// one that was called later holds already, it changes nothing and returns
// [ErrLoggedOut].
func (c *Client) replace(ctx context.Context, number int, t Tokens) (before []Tokens, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number < c.holds {
		return nil, ErrLoggedOut
	}
	if stored, changed := c.look(ctx); changed {
		before = append(before, stored)
	}
	if len(before) == 0 || !c.tokens.sameSession(before[0]) { // else they are older ones of the same session
		before = append(before, c.tokens)
	}
	c.holds = number
	c.begin(t)
	return before, c.save(ctx)
}

// begin begins another generation of tokens. What a renewal of the one before
// still brings is thrown away. It is called with the lock.
func (c *Client) begin(t Tokens) {
	c.generation++
	c.tokens, c.loaded, c.flight, c.notBefore, c.lastErr = t, true, nil, time.Time{}, nil
}

// save is called with the lock.
func (c *Client) save(ctx context.Context) error {
	if err := c.o.Store.Save(ctx, c.tokens); err != nil {
		if stored, failed := c.o.Store.Load(ctx); failed == nil { // it holds what is older than these tokens
			c.stored = stored
		}
		return fmt.Errorf("client: save tokens: %w", err)
	}
	c.stored = c.tokens
	return nil
}

// look reads what another process has stored since the store was last read or
// written here, and whether there is such a thing. It is called with the lock.
func (c *Client) look(ctx context.Context) (Tokens, bool) {
	stored, err := c.o.Store.Load(ctx)
	return stored, err == nil && (stored.Access != c.stored.Access || stored.Refresh != c.stored.Refresh)
}

// renewedElsewhere returns the tokens that another process has stored for the
// person of those given, if it has.
func (c *Client) renewedElsewhere(ctx context.Context, t Tokens) (Tokens, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stored, changed := c.look(ctx)
	return stored, changed && stored.samePerson(t)
}

// overtaken reports whether another process has logged in as somebody else, or
// out. Then that is what holds here from now on, in another generation. It is
// asked before the store is written, and called with the lock.
func (c *Client) overtaken(ctx context.Context) bool {
	stored, changed := c.look(ctx)
	if !changed || stored.samePerson(c.tokens) {
		return false
	}
	c.begin(stored)
	c.stored = stored
	return true
}

// access is what to send: tokens that are renewed if they are about to end.
func (c *Client) access(ctx context.Context) (held, error) {
	t, err := c.current(ctx)
	if err != nil {
		return held{}, err
	}
	left, life := time.Until(t.AccessUntil), lifetime(t.Access)
	if t.Access != "" && (life == 0 || left > min(early, life/3)) {
		return t, nil
	}
	next, err := c.renew(ctx, t)
	if err != nil && left > 0 && t.Access != "" && !errors.Is(err, ErrLoggedOut) && ctx.Err() == nil {
		return t, nil // it is good for a moment yet
	}
	return next, err
}

// renew returns others than the given tokens, whose access token was refused
// or is about to end: the present ones, if they were renewed meanwhile. Those
// of another login are none: a call that began as one person must not end as
// another.
func (c *Client) renew(ctx context.Context, old held) (held, error) {
	c.mu.Lock()
	switch {
	case c.generation != old.generation, c.tokens.Refresh == "":
		defer c.mu.Unlock()
		return held{}, ErrLoggedOut
	case c.tokens.Access != old.Access:
		defer c.mu.Unlock()
		return held{c.tokens, c.generation}, nil
	case c.flight == nil && time.Now().Before(c.notBefore):
		defer c.mu.Unlock()
		return held{}, c.paused()
	case c.flight == nil:
		c.takeOff()
	}
	f := c.flight
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.tokens, f.err
	case <-ctx.Done():
		return held{}, &NetworkError{Method: http.MethodPost, Path: refreshPath, Err: ctx.Err()}
	}
}

// takeOff starts a renewal. It is called with the lock.
func (c *Client) takeOff() {
	c.flight = &flight{done: make(chan struct{})}
	go c.fly(c.flight, held{c.tokens, c.generation})
}

// followHint renews a token that the server says is about to end, once for
// each token, without anybody waiting. A server whose hint is longer than
// its tokens live would hint at each: so a third of a token's life passes first.
func (c *Client) followHint(access string) {
	life := lifetime(access)
	c.mu.Lock()
	defer c.mu.Unlock()
	obtained := c.tokens.AccessUntil.Add(-life)
	if c.tokens.Access != access || c.hintedFor == access || c.flight != nil || c.tokens.Refresh == "" ||
		time.Since(obtained) < life/3 || time.Now().Before(c.notBefore) {
		return
	}
	c.hintedFor = access
	c.takeOff()
}

// fly renews, and belongs to no caller: who stops waiting stops alone.
func (c *Client) fly(f *flight, t held) {
	ctx, cancel := context.WithTimeout(context.Background(), (refreshTries+1)*refreshLimit)
	defer cancel()
	next, err := c.exchange(ctx, t.Tokens)
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(f.done)
	if t.generation != c.generation || c.overtaken(ctx) { // somebody logged in or out meanwhile
		f.err = ErrLoggedOut
		return
	}
	c.flight = nil
	switch {
	case c.tokens.Access != t.Access:
		// Confirmed meanwhile. The server gave those tokens last, or would give
		// the same refresh token for the one before: they stay, whatever came here.
		f.tokens = held{c.tokens, c.generation}
		return
	case errors.Is(err, ErrLoggedOut):
		next, f.err = Tokens{}, err
	case err != nil:
		f.err, c.lastErr, c.failedAt = err, err, time.Now()
		c.notBefore = c.failedAt.Add(c.backOff(err))
		return
	}
	f.tokens, c.tokens, c.notBefore, c.lastErr, c.failures = held{next, c.generation}, next, time.Time{}, nil, 0
	if err := c.save(ctx); err != nil { // memory goes on
		c.o.Log.Warn("renewed tokens could not be saved: after a restart the ones before are tried", "error", err.Error())
	}
}

// backOff is how long no renewal is tried after one that failed: what the
// server says, up to Options.LongestPause, or longer each time. It is called
// with the lock.
func (c *Client) backOff(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return min(e.RetryAfter, max(c.o.LongestPause, firstBackOff))
	}
	c.failures++
	return min(lastBackOff, firstBackOff<<min(c.failures-1, 8))
}

// paused is the error of the renewal that failed last, with what is left now
// of the time that the server named, in whole seconds. It is called with the
// lock.
func (c *Client) paused() error {
	var e *Error
	if !errors.As(c.lastErr, &e) || e.RetryAfter == 0 {
		return c.lastErr
	}
	now := *e
	left := e.RetryAfter - time.Since(c.failedAt)
	now.RetryAfter = (left + time.Second - 1).Truncate(time.Second)
	return &now
}

// exchange gets the next tokens for those given. Another process may have
// exchanged them already, and stored what it got. Where it has stored those of
// somebody else, [Client.fly] sees to it.
func (c *Client) exchange(ctx context.Context, t Tokens) (Tokens, error) {
	if stored, ok := c.renewedElsewhere(ctx, t); ok {
		if stored.Access != t.Access && time.Until(stored.AccessUntil) > 0 {
			return stored, nil
		}
		t = stored
	}
	next, err := c.refresh(ctx, t)
	if !errors.Is(err, ErrLoggedOut) {
		return next, err
	}
	// Refused: is it only that another process was quicker?
	if stored, ok := c.renewedElsewhere(ctx, t); ok && stored.Refresh != t.Refresh {
		return c.refresh(ctx, stored)
	}
	return next, err
}

// refresh asks the server, and again with the same token when nothing, or
// nothing to be understood, came back.
func (c *Client) refresh(ctx context.Context, t Tokens) (Tokens, error) {
	var err error
	for range refreshTries {
		var out struct {
			Access  string `json:"access"`
			Refresh string `json:"refresh"`
		}
		began := time.Now()
		try, cancel := context.WithTimeout(ctx, refreshLimit)
		err = c.callOpen(try, refreshPath, map[string]string{"refresh": t.Refresh}, &out)
		cancel()
		var e *Error
		switch {
		case err == nil && out.Access == "":
			err = &NetworkError{Method: http.MethodPost, Path: refreshPath, Err: errors.New("the answer has no token: is this the server?")}
		case err == nil:
			if out.Refresh != "" { // without rotation the one before stays
				t.Refresh = out.Refresh
			}
			t.Access, t.AccessUntil = out.Access, began.Add(lifetime(out.Access))
			return t, nil
		case errors.As(err, &e) && endsSession(e):
			return Tokens{}, fmt.Errorf("%w: %w", ErrLoggedOut, err)
		case errors.As(err, &e) && (e.Status < 500 || e.RetryAfter > 0):
			return Tokens{}, err
		}
	}
	return Tokens{}, err
}

// endsSession reports whether the server, and not something in front of it,
// says that the session is over.
func endsSession(e *Error) bool {
	over := []string{"token_not_valid", "user_not_found", "user_inactive"}
	return e.Status == http.StatusUnauthorized && (slices.Contains(over, e.bodyCode) || slices.Contains(over, e.Code))
}

// lifetime is how long an access token is good for, which its own dates say,
// whatever the clock here; 0 if it is no token.
func lifetime(access string) time.Duration {
	var claims struct{ Exp, Iat int64 }
	if !readClaims(access, &claims) || claims.Exp < claims.Iat {
		return 0
	}
	return time.Duration(claims.Exp-claims.Iat) * time.Second
}

// samePerson reports whether both are of one person, by their access tokens.
// Where that cannot be told they are not.
func (t Tokens) samePerson(other Tokens) bool {
	who := t.person()
	return who != "" && who == other.person()
}

// sameSession reports whether both are of one login, by their access tokens.
// Where that cannot be told they are not.
func (t Tokens) sameSession(other Tokens) bool {
	var one, two struct{ Sid string }
	return readClaims(t.Access, &one) && readClaims(other.Access, &two) && one.Sid != "" && one.Sid == two.Sid
}

// person is the number of whom the tokens name, which those of Django's
// simplejwt have in user_id alone; empty if they name nobody.
func (t Tokens) person() string {
	var claims struct {
		Sub    json.RawMessage `json:"sub"`
		UserID json.RawMessage `json:"user_id"`
	}
	if !readClaims(cmp.Or(t.Access, t.Refresh), &claims) {
		return ""
	}
	return strings.Trim(cmp.Or(string(claims.Sub), string(claims.UserID)), `"`)
}

// readClaims reads what a token says, which is believed of our own tokens only,
// and reports whether it is a token.
func readClaims(token string, claims any) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && json.Unmarshal(payload, claims) == nil
}
