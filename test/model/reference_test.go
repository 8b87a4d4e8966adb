// Package model plays random lives of accounts on two servers that share a
// database, and compares each answer with a small model of what must be
// allowed.
package model

import "time"

// The model's own constants: it must not ask the product for them.
const (
	accessLifetime  = time.Hour
	refreshLifetime = 24 * time.Hour
	grace           = 10 * time.Second
	resetLifetime   = time.Hour
	confirmLifetime = 24 * time.Hour
	undoLifetime    = 7 * 24 * time.Hour
)

// user is what the model knows of a person.
type user struct {
	name, password, email string
	disabled, closed      bool
	sessions              []*session
}

func (u *user) active() bool { return !u.disabled && !u.closed }

// end ends every session but one.
func (u *user) end(keep *session) {
	for _, s := range u.sessions {
		if s != keep {
			s.ended = true
		}
	}
}

// session is one login.
type session struct {
	user      *user
	ended     bool
	expires   time.Time
	newest    *refresh
	previous  *refresh
	rotatedAt time.Time
	seen      bool // something of the newest, since the last rotation
}

// ends is when no token of the session is good any more.
func (s *session) ends(accesses []*access) time.Time {
	last := s.expires
	for _, a := range accesses {
		if a.session == s && a.expires.After(last) {
			last = a.expires
		}
	}
	return last
}

// refresh is a refresh token, of which the product may have given several
// equal ones.
type refresh struct {
	raw     string
	session *session
	expires time.Time
}

// access is an access token.
type access struct {
	raw     string
	session *session
	with    *refresh // the newest refresh token when it was given
	expires time.Time
}

// shown notes that the product has seen it.
func (a *access) shown() {
	if a.with == a.session.newest {
		a.session.seen = true
	}
}

// link is a token that was mailed.
type link struct {
	raw     string
	kind    string
	user    *user
	email   string
	expires time.Time
	dead    bool
}

// allows says whether an access token gives access now.
func (a *access) allows(now time.Time) bool {
	return now.Before(a.expires) && !a.session.ended && a.session.user.active()
}

// renew says what a refresh token gets, and what that does to its session.
func (r *refresh) renew(now time.Time, rotation bool) (allowed, rotated bool) {
	s := r.session
	switch {
	case !now.Before(r.expires), s.ended, !now.Before(s.expires), !s.user.active():
		return false, false
	case !rotation || r == s.newest:
		return true, rotation
	case r == s.previous && (!s.seen || now.Sub(s.rotatedAt) <= grace):
		return true, false
	}
	s.ended = true // somebody uses a token that was exchanged
	return false, false
}

// seconds is how tokens write a time.
func seconds(t time.Time) time.Time { return t.Truncate(time.Second) }
