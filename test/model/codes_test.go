package model

import (
	"slices"
	"time"
)

// The rules of codes by mail, those of docs/decisions/0030-codes-by-mail.md.
const (
	codeLifetime  = 10 * time.Minute
	codeRenewal   = 8 * time.Minute
	codeTries     = 5
	wrongADay     = 10
	wrongInMonth  = 50
	month         = 30 * 24 * time.Hour
	nobodysCode   = 24 * time.Hour
	tokenLifetime = 10 * time.Minute // of what a code to reset gives
)

type purpose string

const (
	forReset   purpose = "reset"
	forVerify  purpose = "verify"
	forLogin   purpose = "login"
	forConfirm purpose = "confirm"
)

// code is a request for one, that only the asker can use.
type code struct {
	id            string
	purpose       purpose
	email         string // as it was asked for, then where it was mailed to
	typed         string // the key of the former
	user          *user  // nil: nobody knows before the mail
	asker         *session
	made          time.Time
	mail          *debt // the first that has it
	sent, expires time.Time
	tries         int
	used, void    bool
	digits        string // that somebody read
}

// again says whether the same code is mailed to who asks once more.
func (c *code) again(want *code) bool {
	return c.purpose == want.purpose && c.typed == want.typed && c.asker == want.asker &&
		c.tries < codeTries && !c.used && want.made.Sub(c.made) < codeRenewal
}

// spent says whether an account had so many wrong codes that none is compared.
func (r *reference) spent(u *user, known bool, now time.Time) bool {
	day, all := 0, 0
	for _, c := range r.codes {
		if c.user != u || (c.asker != nil) != known || !c.made.After(now.Add(-month)) {
			continue
		}
		all += c.tries
		if c.made.After(now.Add(-24 * time.Hour)) {
			day += c.tries
		}
	}
	return day >= wrongADay || all >= wrongInMonth
}

// issue begins the life of the code in a mail, and says whether the mail has
// one.
func (r *reference) issue(d *debt, u *user, now time.Time) *code {
	c := d.code
	if c == nil || c.tries >= codeTries || c.used || c.void || c.user != nil && c.user != u || r.spent(u, c.asker != nil, now) ||
		c.mail != nil && c.mail != d && !now.Before(c.expires) {
		return nil
	}
	c.user, c.email = u, d.email
	if c.mail == nil {
		c.mail = d
	}
	if c.mail == d {
		c.sent, c.expires = now, now.Add(codeLifetime)
	}
	return c
}

// try looks at a code that somebody types, in a session or none, for one of
// some purposes, and counts it.
func (r *reference) try(c *code, digits string, asker *session, now time.Time, purposes ...purpose) bool {
	if !slices.Contains(purposes, c.purpose) || c.used || c.tries >= codeTries {
		return false
	}
	u := c.user
	right := u != nil && u.open() && !r.spent(u, c.asker != nil, now) && !c.void && !c.sent.IsZero() && now.Before(c.expires) &&
		(c.asker == nil || c.asker == asker) && same(c.email, u.email) && digits == c.digits && digits != ""
	switch c.purpose {
	case forVerify:
		right = right && !u.proved
	case forConfirm:
		right = right && u.proved
	}
	if !right {
		c.tries++
	}
	return right
}

// does says whether a right code does what it is for.
func (r *reference) does(c *code, now time.Time) bool { //nolint:unparam // as its siblings
	switch c.purpose {
	case forVerify:
		return r.prover(c.user.email, c.user) == nil
	case forLogin:
		return c.user.proved || len(c.user.factors()) > 0 || r.prover(c.user.email, c.user) == nil
	case forConfirm:
		return len(c.user.factors()) == 0
	}
	return true
}

// proveFirst is the first proof of an address, by a code to log in: whoever
// was in the account is out. It says whether a password was made void.
func (r *reference) proveFirst(u *user, now time.Time) (voided bool) {
	u.proved = true
	r.sessionsEnd(u, nil)
	r.void(u, linksOfAddress...)
	r.tell(&debt{user: u, email: u.email}, "address proved", now)
	voided = u.password != ""
	u.password = ""
	return voided
}
