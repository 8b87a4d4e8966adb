package model

import (
	"context"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// asked notes a request for a code, and returns what it is: whoever gave the
// code_id of an earlier one may have got that again.
func (l *life) asked(c *code) *code {
	c.made, c.typed = l.now(), key(c.email)
	for _, other := range l.model.codes {
		if other.id == c.id {
			return other
		}
	}
	l.model.codes = append(l.model.codes, c)
	return c
}

// sameCode is the code_id of an earlier request, or nothing.
func (l *life) sameCode(rt *rapid.T) account.Input {
	l.again = nil
	codes := without(l.model.codes, func(c *code) bool { // of two mails at once any may be the first
		return slices.ContainsFunc(l.model.owed, func(d *debt) bool { return d.code == c })
	})
	if len(codes) == 0 || !someTimes(rt, "the same code", 3) {
		return account.Input{}
	}
	l.again = one(rt, "code", codes)
	return text(l.again.id)
}

// sameAgain compares which code was given with that of the model.
func (l *life) sameAgain(rt *rapid.T, want *code) {
	want.made, want.typed = l.now(), key(want.email)
	if again := l.again != nil && l.again.again(want); again != (l.again != nil && l.again.id == want.id) {
		rt.Fatalf("the same code again: %t in the model", again)
	}
}

// asksForCode is by anybody, or by somebody who is logged in about their own
// address.
func (l *life) asksForCode(rt *rapid.T) {
	ctx, s := context.Background(), l.server(rt)
	which := rapid.SampledFrom([]purpose{forReset, forLogin, forConfirm, forVerify}).Draw(rt, "purpose")
	r := auth.CodeRequest{Purpose: text(string(which)), CodeID: l.sameCode(rt)}
	c := &code{purpose: which}
	if which == forReset || which == forLogin {
		c.email = l.address(rt)
		r.To = text(c.email)
		d := &debt{kind: resetLink, email: c.email, request: true}
		if which == forLogin {
			d.kind = loginMail
		}
		var err error
		c.id, err = s.RequestCode(ctx, req, nil, r)
		agree(rt, fmt.Sprintf("ask for a code to %s", which), err, which == forReset || l.delivers)
		if err == nil {
			l.sameAgain(rt, c)
			d.code = l.asked(c)
			l.model.owed = append(l.model.owed, d)
		}
		return
	}
	if len(l.callers()) == 0 {
		_, err := s.RequestCode(ctx, req, nil, r)
		agree(rt, "ask for a code as nobody", err, false)
		return
	}
	s, caller, a := l.caller(rt)
	u := a.session.user
	c.user, c.email, c.asker = u, u.email, a.session
	d := &debt{kind: verifyLink, user: u, email: u.email}
	allowed := u.email != "" && !u.proved
	if which == forConfirm {
		d.kind = confirmMail
		allowed = u.proved && len(u.factors()) == 0 && l.delivers
	}
	var err error
	c.id, err = s.RequestCode(ctx, req, caller, r)
	agree(rt, fmt.Sprintf("ask for a code to %s as %s", which, u.name), err, allowed)
	if err == nil {
		l.sameAgain(rt, c)
		d.code = l.asked(c)
		l.model.owed = append(l.model.owed, d)
	}
}

// codesFor are requests, mostly such for a purpose whose code somebody has read.
func (l *life) codesFor(which ...purpose) []*code {
	read := without(l.model.codes, func(c *code) bool {
		return !slices.Contains(which, c.purpose) || c.digits == "" || c.used || c.void
	})
	if len(read) > 0 && l.checks%4 != 0 {
		return read
	}
	return l.model.codes
}

// digits are what somebody types: mostly those of the mail.
func (l *life) digits(rt *rapid.T, c *code) string {
	if c.digits == "" || someTimes(rt, "wrong digits", 5) {
		other := one(rt, "another's", l.model.codes)
		if other.digits != "" && other.digits != c.digits {
			return other.digits
		}
		if c.digits != "123456" {
			return "123456"
		}
		return "123457"
	}
	return c.digits
}

// usesCode is somebody who types a code, in a session or in none.
func (l *life) usesCode(rt *rapid.T) {
	c := one(rt, "code", l.codesFor(forReset, forVerify, forLogin))
	digits, now, s := l.digits(rt, c), l.now(), l.server(rt)
	var caller *auth.Caller
	var sess *session
	if callers := l.callers(); len(callers) > 0 && !someTimes(rt, "nobody", 4) {
		if own := without(callers, func(a *access) bool { return a.session != c.asker }); len(own) > 0 && !someTimes(rt, "another session", 4) {
			callers = own
		}
		a := one(rt, "caller", callers)
		var err error
		if caller, err = s.Authenticate(context.Background(), a.raw); err != nil {
			rt.Fatal(err)
		}
		a.used()
		caller.Request, sess = req, a.session
	}
	purposes := []purpose{forReset, forVerify}
	if l.delivers {
		purposes = append(purposes, forLogin)
	}
	allowed := l.model.try(c, digits, sess, now, purposes...) && l.model.does(c, now)
	from := req
	if d := l.anyDevice(rt, c.user); d != nil && c.user != nil { // which stands in for a factor after a password alone
		from.TrustedToken = d.raw
	}
	out, err := s.UseCode(context.Background(), from, caller, text(c.id), text(digits))
	u := c.user
	what := fmt.Sprintf("use a code to %s", c.purpose)
	if !allowed {
		agree(rt, what, err, false)
		return
	}
	c.used = true
	switch c.purpose {
	case forReset:
		agree(rt, what, err, true)
		l.chooses(u, out.Token)
	case forVerify:
		agree(rt, what, err, true)
		u.proved = true
		l.model.void(u, verifyLink)
	case forLogin:
		voided := !u.proved && len(u.factors()) == 0 && l.model.proveFirst(u, now)
		if len(u.factors()) > 0 {
			l.waits(rt, what, u, err)
			return
		}
		agree(rt, what, err, true)
		if voided != (out.Token != "") || out.Login.User.ID != u.id {
			rt.Fatalf("%s: another password offered: %t, in the model %t", what, out.Token != "", voided)
		}
		l.opened(u, *out.Login)
		if voided {
			l.chooses(u, out.Token)
		}
	}
}

// chooses notes a token by which somebody chooses another password.
func (l *life) chooses(u *user, raw string) {
	l.model.links = append(l.model.links, &link{raw: raw, kind: resetLink, user: u, email: u.email, made: l.now(), expires: l.now().Add(tokenLifetime)})
}

// resetsByCode is a reset in one step.
func (l *life) resetsByCode(rt *rapid.T) {
	c := one(rt, "code", l.codesFor(forReset))
	digits, next, now := l.digits(rt, c), newPassword(rt), l.now()
	allowed := l.model.try(c, digits, nil, now, forReset)
	_, err := l.server(rt).ResetPassword(context.Background(), req, auth.PasswordReset{CodeID: text(c.id), Code: text(digits), New: text(next)})
	agree(rt, "reset by a code", err, allowed)
	if allowed {
		c.used = true
		l.model.reset(c.user, next, now)
	}
}
