package model

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/totp"
)

var req = account.RequestInfo{IP: "203.0.113.7", UserAgent: "Phone/1.0", Language: "fr"}

func text(s string) account.Input { return account.TextInput(s) }

// one of these. What is young does more: small numbers are drawn more often.
func one[T any](rt *rapid.T, label string, of []T) T {
	return of[len(of)-1-rapid.IntRange(0, len(of)-1).Draw(rt, label)]
}

// even is a number below n, each as often as any other, which rapid's own
// are not.
func even(rt *rapid.T, n int) int {
	const bits = 11
	drawn := 0
	for _, bit := range rapid.SliceOfN(rapid.Bool(), bits, bits).Draw(rt, "even") {
		drawn *= 2
		if bit {
			drawn++
		}
	}
	return drawn * n >> bits
}

// someTimes is true one time in n.
func someTimes(rt *rapid.T, label string, n int) bool {
	return rapid.IntRange(1, n).Draw(rt, label) == n
}

// passwords is how many there are: few, so that two accounts have the same.
const passwords = 4

func nthPassword(n int) string { return fmt.Sprintf("kV7#pazouk-%dlemon", n) }

func newPassword(rt *rapid.T) string {
	return nthPassword(rapid.IntRange(0, passwords-1).Draw(rt, "password"))
}

// address is one of three in one of four spellings. What stands after a plus
// makes another address of it.
func (l *life) address(rt *rapid.T) string {
	return l.spelled(rt, rapid.SampledFrom([]string{"amina", "amina+1", "salma"}).Draw(rt, "local part"))
}

func (l *life) spelled(rt *rapid.T, local string) string {
	domain := fmt.Sprintf("l%d.%s", l.number, unicodeDomain)
	switch rapid.IntRange(0, 3).Draw(rt, "spelling") {
	case 1:
		return strings.ToUpper(local + "@" + domain)
	case 2:
		return local + "@" + strings.ReplaceAll(domain, unicodeDomain, asciiDomain)
	case 3:
		return norm.NFD.String(local + "@" + domain)
	}
	return local + "@" + domain
}

// username is one of a few names, or an address.
func (l *life) username(rt *rapid.T) string {
	if rapid.Bool().Draw(rt, "an address as name") {
		return norm.NFC.String(l.address(rt)) // a mark alone is not allowed in names
	}
	return fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"driss", "hind", "omar"}).Draw(rt, "name"), l.number)
}

// proof is what somebody does to be this user: they give a password, mostly the
// right one, or none, and rely on what they have shown in the session.
func (l *life) proof(rt *rapid.T, s *session) (in account.Input, proves bool) {
	right, given := s.user.password != "", true
	switch rapid.IntRange(0, 7).Draw(rt, "proof") {
	case 0, 1, 2:
		given = false
	case 3:
		right = false
	}
	switch {
	case given && right:
		in = text(s.user.password)
	case given:
		in = text("not-the-password-9")
	}
	return in, l.model.proves(s, given, right, l.now())
}

// somebody is an account that is not erased.
func (l *life) somebody(rt *rapid.T) *user { return one(rt, "user", l.somebodies()) }

func (l *life) somebodies() []*user {
	return without(l.model.users, func(u *user) bool { return u.erased })
}

func without[T any](all []T, which func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), which)
}

// opened notes a login, which is a proof.
func (l *life) opened(u *user, g auth.LoginResult) *session {
	at := seconds(l.now())
	s := &session{user: u, expires: at.Add(refreshLifetime), proof: l.now()}
	s.newest = &refresh{raw: g.Refresh, session: s, expires: s.expires}
	u.sessions = append(u.sessions, s)
	l.refreshes = append(l.refreshes, s.newest)
	l.given(s, g.Access)
	return s
}

// given notes an access token.
func (l *life) given(s *session, raw string) {
	s.access = seconds(l.now()).Add(accessLifetime)
	l.accesses = append(l.accesses, &access{raw: raw, session: s, expires: s.access, with: s.newest})
}

// room says whether there may be another account.
func (l *life) room() bool {
	return len(without(l.model.users, func(u *user) bool { return !u.open() })) < 5
}

// newcomer is somebody who would have an account.
func (l *life) newcomer(rt *rapid.T) (*user, auth.Registration) {
	u := &user{name: l.username(rt), password: newPassword(rt)}
	r := auth.Registration{Username: text(u.name), Password: text(u.password)}
	if !someTimes(rt, "no address", 5) {
		typed := l.address(rt)
		u.email, r.Email = normalEmail(typed), text(typed)
	}
	return u, r
}

func (l *life) registers(rt *rapid.T) {
	u, r := l.newcomer(rt)
	g, err := l.server(rt).Register(context.Background(), req, r)
	agree(rt, "register", err, l.model.free(u.name, nil, l.now()))
	if err == nil {
		u.id = g.User.ID
		l.lastID = u.id
		l.model.register(u)
		s := l.opened(u, g)
		if u.email != "" {
			l.asked(&code{id: g.CodeID, purpose: forVerify, user: u, email: u.email, asker: s})
			l.model.owed[len(l.model.owed)-1].code = l.model.codes[len(l.model.codes)-1]
		}
	}
}

func (l *life) staffCreates(rt *rapid.T) {
	u, r := l.newcomer(rt)
	created, err := l.server(rt).Staff.Create(context.Background(), account.RequestInfo{Language: "fr"}, r)
	agree(rt, "create user", err, l.model.free(u.name, nil, l.now()))
	if err == nil {
		u.id = created.ID
		l.lastID = u.id
		l.model.users = append(l.model.users, u)
	}
}

// logsIn tries a name and a password, mostly such as fit an account.
func (l *life) logsIn(rt *rapid.T) {
	name, plain := l.username(rt), newPassword(rt)
	if len(l.model.users) > 0 && !someTimes(rt, "at random", 4) {
		u := one(rt, "user", l.model.users)
		name = u.name
		if local, _, has := strings.Cut(key(u.email), "@"); has && rapid.Bool().Draw(rt, "by address") {
			name = l.spelled(rt, local)
		}
		if u.password != "" && !someTimes(rt, "wrong", 4) {
			plain = u.password
		}
	}
	l.tries(rt, name, plain)
}

// logsInAs is with the right password, by the name.
func (l *life) logsInAs(rt *rapid.T, u *user) { l.tries(rt, u.name, u.password) }

// tries a name and a password.
func (l *life) tries(rt *rapid.T, name, plain string) {
	u := l.model.login(name, plain)
	from := req
	device := l.anyDevice(rt, u)
	if device != nil {
		from.TrustedToken = device.raw
	}
	g, err := l.server(rt).Login(context.Background(), from, auth.Credentials{Username: text(name), Password: text(plain)})
	if u != nil && len(u.factors()) > 0 && !slices.Contains(l.model.trusts(u, l.now()), device) {
		l.waits(rt, "login as "+name, u, err)
		return
	}
	agree(rt, "login as "+name, err, u != nil)
	if err != nil {
		return
	}
	if g.User.ID != u.id {
		rt.Fatalf("login as %s opened account %d, %d in the model", name, g.User.ID, u.id)
	}
	s := l.opened(u, g)
	if len(u.factors()) > 0 {
		s.device, s.proof = device, time.Time{} // the device shows nothing of its user
	}
}

func (l *life) renews(rt *rapid.T) {
	r := one(rt, "refresh", l.refreshes)
	now := l.now()
	allowed, rotated := r.renew(now, l.rotation)
	out, err := l.server(rt).Refresh(context.Background(), req, text(r.raw))
	agree(rt, "refresh", err, allowed)
	if !allowed {
		return
	}
	s := r.session
	switch {
	case rotated:
		l.rotated(s, out.Refresh)
	case l.rotation && out.Refresh != s.newest.raw:
		// Signed again: another text may be the same token; its successor is
		// found through the session in any case.
		l.refreshes = append(l.refreshes, s.newest)
	case !l.rotation && out.Refresh != "":
		rt.Fatal("a refresh token although rotation is off")
	}
	l.given(s, out.Access)
}

// rotated notes a refresh token that took another's place.
func (l *life) rotated(s *session, raw string) {
	s.expires = seconds(l.now()).Add(refreshLifetime)
	s.previous, s.rotatedAt, s.seen = s.newest, l.now(), false
	s.newest = &refresh{raw: raw, session: s, expires: s.expires}
	l.refreshes = append(l.refreshes, s.newest)
}

// logsOut is with any token of a session, however old. Whose session is over
// is told nothing else.
func (l *life) logsOut(rt *rapid.T) {
	r := one(rt, "refresh", l.refreshes)
	agree(rt, "logout", l.server(rt).Logout(context.Background(), req, text(r.raw)), true)
	r.session.ended = true
}

func (l *life) authenticates(rt *rapid.T) {
	a := one(rt, "access", l.accesses)
	_, err := l.server(rt).Authenticate(context.Background(), a.raw)
	agree(rt, "authenticate", err, a.allows(l.now()))
	if err == nil {
		a.used()
	}
}

// callers are the access tokens that are good.
func (l *life) callers() []*access {
	return without(l.accesses, func(a *access) bool { return !a.allows(l.now()) })
}

// caller is somebody who is logged in, and the server that they ask.
func (l *life) caller(rt *rapid.T) (*server, *auth.Caller, *access) {
	a := one(rt, "caller", l.callers())
	s := l.server(rt)
	caller, err := s.Authenticate(context.Background(), a.raw)
	agree(rt, "authenticate", err, true)
	a.used()
	caller.Request = req
	return s, caller, a
}

func (l *life) logsOutEverywhere(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	agree(rt, "logout all", s.LogoutAll(context.Background(), caller), true)
	l.model.sessionsEnd(a.session.user, nil)
}

func (l *life) endsSession(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	target := one(rt, "session", l.refreshes).session
	err := s.EndSession(context.Background(), caller, sessionOf(rt, target))
	mine := target.live(l.now()) && target.user == a.session.user
	agree(rt, "end session", err, mine && (target == a.session || l.model.proves(a.session, false, false, l.now())))
	if err == nil {
		target.ended = true
		if target != a.session {
			l.model.void(target.user, confirmLink)
		}
	}
}

func (l *life) changesPassword(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	u := a.session.user
	current, right := l.proof(rt, a.session)
	next := newPassword(rt)
	_, err := s.ChangePassword(context.Background(), caller, auth.PasswordChange{Current: current, New: text(next)})
	agree(rt, "change password", err, right)
	if err == nil {
		u.changed(l.now())
		l.model.setPassword(u, next, a.session)
		l.model.notice(u, "password", notMeLink, l.now())
	}
}

func (l *life) renames(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	u, name := a.session.user, l.username(rt)
	current, right := l.proof(rt, a.session)
	allowed := name == u.name || right && l.model.renamable(u, name, l.now())
	_, err := s.UpdateProfile(context.Background(), caller, auth.ProfileChange{Username: text(name), Password: current})
	agree(rt, fmt.Sprintf("rename %s to %s", u.name, name), err, allowed)
	if err == nil && name != u.name {
		l.model.rename(u, name, l.now())
	}
}

// requestsReset is anybody's: by an address, for all that it opens or for
// one name.
func (l *life) requestsReset(rt *rapid.T) {
	d := &debt{kind: resetLink, email: l.address(rt), request: true}
	var only account.Input
	if len(l.model.users) > 0 && someTimes(rt, "of one name", 4) {
		d.only = one(rt, "user", l.model.users).name
		only = text(d.only)
	}
	agree(rt, "request reset", l.server(rt).RequestReset(context.Background(), req, text(d.email), only), true)
	l.model.owed = append(l.model.owed, d)
}

func (l *life) asksToVerify(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	u := a.session.user
	c := &code{purpose: forVerify, user: u, email: u.email, asker: a.session}
	var err error
	c.id, err = s.ResendVerification(context.Background(), caller, l.sameCode(rt))
	agree(rt, "resend verification", err, u.email != "" && !u.proved)
	if err == nil {
		l.sameAgain(rt, c)
		l.model.owed = append(l.model.owed, &debt{kind: verifyLink, user: u, email: u.email, code: l.asked(c)})
	}
}

func (l *life) changesEmail(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	u, email := a.session.user, l.address(rt)
	current, right := l.proof(rt, a.session)
	err := s.ChangeEmail(context.Background(), caller, auth.EmailChange{Password: current, Email: text(email)})
	agree(rt, "change e-mail", err, right && normalEmail(email) != u.email)
	if err == nil {
		l.model.void(u, confirmLink)
		l.model.owe(confirmLink, u, normalEmail(email))
	}
}

// usesLink is somebody who follows a link, mostly one that is good.
func (l *life) usesLink(rt *rapid.T) {
	links := without(l.model.links, func(k *link) bool { return !l.model.allows(k, l.now()) })
	if len(links) == 0 || someTimes(rt, "any link", 3) {
		links = l.model.links
	}
	l.use(rt, one(rt, "link", links), newPassword(rt))
}

// use does what a link is for, whoever has it; next is the password that
// they choose, if they may.
func (l *life) use(rt *rapid.T, k *link, next string) {
	s, now, ctx := l.server(rt), l.now(), context.Background()
	allowed := l.model.allows(k, now)
	var err error
	switch k.kind {
	case verifyLink:
		if err = s.VerifyEmail(ctx, req, text(k.raw)); err == nil && allowed {
			l.model.verify(k)
		}
	case resetLink:
		if _, err = s.ResetPassword(ctx, req, auth.PasswordReset{Token: text(k.raw), New: text(next)}); err == nil && allowed {
			l.model.reset(k.user, next, now)
		}
	case confirmLink:
		if err = s.ConfirmEmail(ctx, req, text(k.raw)); err == nil && allowed {
			l.model.confirm(k, now)
		}
	case undoLink:
		if err = s.UndoEmail(ctx, req, text(k.raw)); err == nil && allowed {
			l.model.undo(k, now)
		}
	case undoFactorLink:
		l.undoesFactor(rt, s, k)
		return
	case notMeLink:
		if err = s.NotMe(ctx, req, text(k.raw)); err == nil && allowed {
			k.void = true
			l.model.lockOut(k.user, k.user.email, now, linksOfPassword...)
		}
	case stopLink:
		if err = s.StopRecoveryByLink(ctx, req, text(k.raw)); err == nil && allowed {
			l.model.stop(k.recovery, false, now)
		}
	case finishLink:
		if err = s.FinishRecovery(ctx, req, text(k.raw)); err == nil && allowed {
			l.model.finish(k, now)
		}
	}
	agree(rt, fmt.Sprintf("%s of %s", k.kind, k.user.name), err, allowed)
}

func (l *life) verifications() []*link {
	return without(l.model.links, func(k *link) bool { return k.kind != verifyLink })
}

func (l *life) disowns(rt *rapid.T) {
	k := one(rt, "link", l.verifications())
	err := l.server(rt).DisownEmail(context.Background(), req, text(k.raw))
	agree(rt, "disown", err, l.model.disowns(k, l.now()))
	if err == nil {
		l.model.disown(k)
	}
}

// proveAtOnce has two accounts prove one address at the same time, on both
// servers. One of them may.
func (l *life) proveAtOnce(rt *rapid.T) {
	pair := one(rt, "pair of links", l.rivals())
	prove := func(s *server, k *link) error {
		if k.kind == confirmLink {
			return s.ConfirmEmail(context.Background(), req, text(k.raw))
		}
		return s.VerifyEmail(context.Background(), req, text(k.raw))
	}
	other := make(chan error, 1)
	go func() { other <- prove(l.servers[1], pair[1]) }()
	err := prove(l.servers[0], pair[0])
	errOther := <-other
	agree(rt, "prove at once", err, errOther != nil)
	agree(rt, "prove at once", errOther, err != nil)
	winner := pair[0]
	if err != nil {
		winner = pair[1]
	}
	if winner.kind == confirmLink {
		l.model.confirm(winner, l.now())
	} else {
		l.model.verify(winner)
	}
}

// rivals are the pairs of links that would prove one address for two
// accounts.
func (l *life) rivals() [][2]*link {
	var proofs []*link
	var pairs [][2]*link
	for _, k := range l.model.links {
		if (k.kind != verifyLink || k.user.proved) && k.kind != confirmLink || !l.model.allows(k, l.now()) {
			continue
		}
		for _, other := range proofs {
			if other.user != k.user && same(other.email, k.email) {
				pairs = append(pairs, [2]*link{other, k})
			}
		}
		proofs = append(proofs, k)
	}
	return pairs
}

// earlierRelease leaves a way back that was mailed by an earlier release,
// which gave every address before one.
func (l *life) earlierRelease(rt *rapid.T) {
	u, now := l.somebody(rt), l.now()
	k := &link{
		raw: rand.Text(), kind: undoLink, user: u, email: normalEmail(l.address(rt)),
		made: now, expires: now.Add(lifetimes[undoLink]),
	}
	err := l.rows.Tx(context.Background(), func(ctx context.Context, tx *store.Store) error {
		return tx.CreateChallenge(ctx, account.Challenge{
			Hash: tokenHash(k.raw), Kind: account.UndoEmail, UserID: u.id, Email: k.email, CreatedAt: k.made, ExpiresAt: k.expires,
		})
	})
	if err != nil {
		rt.Fatal(err)
	}
	rt.Logf("an earlier release mailed a way back of %s to %s", u.name, k.email)
	l.model.links = append(l.model.links, k)
}

func (l *life) closes(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	current, right := l.proof(rt, a.session)
	err := s.CloseAccount(context.Background(), caller, current)
	agree(rt, "close", err, right)
	if err == nil {
		l.model.close(a.session.user, l.now())
	}
}

// id is a user's, by the name that they have.
func (l *life) id(rt *rapid.T, username string) int64 {
	u, err := l.servers[0].Staff.UserNamed(context.Background(), username)
	if err != nil {
		rt.Fatal(err)
	}
	return u.ID
}

func (l *life) staffSetsPassword(rt *rapid.T) {
	u, next := l.somebody(rt), newPassword(rt)
	agree(rt, "set password", l.server(rt).Staff.SetPassword(context.Background(), l.id(rt, u.name), text(next), "asked for by telephone"), true)
	u.forgetBefore()
	l.model.setPassword(u, next, nil)
	l.model.noticeOwners(u, "password", notMeLink, l.now())
}

func (l *life) staffDisables(rt *rapid.T) {
	u := l.somebody(rt)
	err := l.server(rt).Staff.Disable(context.Background(), l.id(rt, u.name), "")
	if u.closed {
		agreeIs(rt, "disable", err, staff.ErrClosed)
		return
	}
	agree(rt, "disable", err, true)
	if u.disabled { // it was so already: nobody is told again
		return
	}
	l.model.noticeOwners(u, "disabled", "", l.now())
	u.disabled = true
	l.model.sessionsEnd(u, nil)
	l.model.void(u, linksOfAddress...)
}

func (l *life) staffEnables(rt *rapid.T) {
	u := l.somebody(rt)
	err := l.server(rt).Staff.Enable(context.Background(), l.id(rt, u.name), "")
	if u.closed {
		agreeIs(rt, "enable", err, staff.ErrClosed)
		return
	}
	agree(rt, "enable", err, true)
	if !u.disabled {
		return
	}
	u.disabled = false
	l.model.reopened(u)
}

func (l *life) staffRestores(rt *rapid.T) {
	u := l.somebody(rt)
	err := l.server(rt).Staff.Restore(context.Background(), l.id(rt, u.name), "")
	if !u.closed {
		agreeIs(rt, "restore", err, staff.ErrNotClosed)
		return
	}
	agree(rt, "restore", err, true)
	u.closed = false
	l.model.reopened(u)
}

func (l *life) staffCorrects(rt *rapid.T) {
	u, email, reason := l.somebody(rt), l.address(rt), l.reason(rt)
	l.betweenLooks(func() {
		now := l.now()
		err := l.server(rt).Staff.SetEmail(context.Background(), l.id(rt, u.name), email, reason)
		waits := len(u.factors()) > 0 && !same(email, u.email)
		agree(rt, "correct", err, normalEmail(email) != u.email && (u.open() || same(email, u.email)) && (!waits || l.model.mayRecover(u, reason != "", true, now)))
		switch {
		case err == nil && waits:
			l.model.begin(&recovery{user: u, email: normalEmail(email), keeps: true, byStaff: true}, now)
		case err == nil:
			l.model.correct(u, email, now)
		}
	})
}

func (l *life) staffRecovers(rt *rapid.T) {
	u, email, reason := l.somebody(rt), l.address(rt), l.reason(rt)
	l.betweenLooks(func() {
		now := l.now()
		err := l.server(rt).Staff.Recover(context.Background(), l.id(rt, u.name), email, reason)
		waits := len(u.factors()) > 0
		agree(rt, "recover", err, !u.disabled && !waits || reason != "" && l.model.mayRecover(u, true, false, now))
		switch {
		case err == nil && waits:
			l.model.begin(&recovery{user: u, email: normalEmail(email), byStaff: true}, now)
		case err == nil:
			l.model.recover(u, email, now)
		}
	})
}

// reason is what the staff say, if anything.
func (l *life) reason(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"showed a card", "wrote a letter", ""}).Draw(rt, "reason")
}

// betweenLooks does something after which the servers look for mails that are
// due: otherwise they do so every second, or when they know of one.
func (l *life) betweenLooks(do func()) {
	for _, s := range l.servers {
		s.stopMail()
	}
	do()
	if !l.mailStops {
		for _, s := range l.servers {
			s.startMail()
		}
	}
}

// sweeps forgets what is over.
func (l *life) sweeps(rt *rapid.T) {
	if err := l.server(rt).App.Sweep(context.Background(), l.now()); err != nil {
		rt.Fatal(err)
	}
	l.model.forget(l.now())
	l.model.erase(l.now())
}

// stopsMailing has no server deliver: what is owed waits.
func (l *life) stopsMailing(*rapid.T) { l.setMailing(false) }

func (l *life) goesOnMailing(*rapid.T) { l.setMailing(true) }

func (l *life) setMailing(on bool) {
	l.mailStops = !on
	l.betweenLooks(func() {})
}

// reachesAllBut is a mailbox that takes nothing for some time. The servers
// try again and again.
func (l *life) reachesAllBut(rt *rapid.T) {
	l.passes = 0
	l.mailboxes.reachAllBut(l.address(rt))
}

// reachesAll ends that.
func (l *life) reachesAll(rt *rapid.T) {
	l.betweenLooks(func() {
		l.mailboxes.reachAllBut("")
		for _, m := range l.waiting(rt) {
			if err := l.servers[0].Staff.RetryMail(context.Background(), m.ID); err != nil {
				rt.Fatal(err)
			}
		}
		l.model.retry()
	})
}

// patient says whether time may pass: in the end the servers give up what
// they cannot deliver, which is not played.
func (l *life) patient() bool { return l.mailboxes.unreached() == "" || l.passes < len(backOff)-1 }

// passTime passes time.
func (l *life) passTime(d time.Duration) {
	l.passes++
	l.betweenLooks(func() { l.clock.Advance(d) })
}

// moment passes: what decides whether a repeated request is one.
func (l *life) moment(*rapid.T) { l.passTime(grace/2 + time.Millisecond) }

// halfAMinute passes: an app shows another code.
func (l *life) halfAMinute(*rapid.T) { l.passTime(totp.Step) }

// time passes: a few minutes, or what ends something.
func (l *life) time(rt *rapid.T) {
	l.passTime(rapid.SampledFrom([]time.Duration{
		6 * time.Minute, 6 * time.Minute, 8 * time.Minute, accessLifetime - time.Second, accessLifetime, refreshLifetime - time.Minute, refreshLifetime,
		lifetimes[undoLink], nameHeld,
	}).Draw(rt, "passes"))
}

func (l *life) restarts(rt *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(rt, "server")
	l.servers[i].stop()
	l.servers[i] = l.start()
	if !l.mailStops {
		l.servers[i].startMail()
	}
}

// takesBack is how every life ends. Of each account, whoever has the oldest
// way back has the account, and nobody else, whatever they know.
func (l *life) takesBack(rt *rapid.T) {
	l.goesOnMailing(rt)
	l.reachesAll(rt)
	l.check(rt)
	for _, u := range l.model.users {
		ways := l.model.undoes(u, l.now())
		if len(ways) == 0 || u.disabled || u.erased {
			continue
		}
		if !l.model.allows(ways[0], l.now()) {
			rt.Fatalf("the oldest way back of %s is closed, in the model", u.name)
		}
		l.use(rt, ways[0], "")
		l.check(rt)
		mailed := l.model.lastReset(u)
		l.nothingOpens(rt, u, mailed)
		own := fmt.Sprintf("kV7#pazouk-mine-again-%d", u.id) // nobody else has it
		l.use(rt, mailed, own)
		l.check(rt)
		g, err := l.server(rt).Login(context.Background(), req, auth.Credentials{Username: text(u.name), Password: text(own)})
		if len(u.factors()) > 0 { // which is another's perhaps: the notice of it has a link, too
			l.waits(rt, "login of who came back", u, err)
			continue
		}
		if err != nil || g.User.ID != u.id || !same(g.User.Email, ways[0].email) {
			rt.Fatalf("%s came back and does not get in with %s: %v", ways[0].email, u.name, err)
		}
	}
}

// nothingOpens tries all that anybody has of an account but one link.
func (l *life) nothingOpens(rt *rapid.T, u *user, but *link) {
	for _, k := range l.model.links {
		switch k.kind {
		case undoFactorLink, notMeLink, stopLink, finishLink: // take from whoever is in it, and give nothing at once
			continue
		}
		if k.user == u && k != but {
			if l.model.allows(k, l.now()) {
				rt.Fatalf("a %s link of %s survives, in the model", k.kind, u.name)
			}
			l.use(rt, k, newPassword(rt))
		}
	}
	for _, r := range l.refreshes {
		if r.session.user == u {
			_, err := l.server(rt).Refresh(context.Background(), req, text(r.raw))
			agree(rt, "refresh", err, false)
		}
	}
	for n := range passwords {
		g, err := l.server(rt).Login(context.Background(), req, auth.Credentials{Username: text(u.name), Password: text(nthPassword(n))})
		if err == nil && g.User.ID == u.id {
			rt.Fatalf("an old password opens %s", u.name)
		}
	}
}

// sessionOf reads the claim "sid".
func sessionOf(rt *rapid.T, s *session) string {
	parts := strings.Split(s.newest.raw, ".")
	if len(parts) != 3 {
		rt.Fatal("not a JWT")
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		rt.Fatal(err)
	}
	var claims struct {
		Sid string `json:"sid"`
	}
	if err := json.Unmarshal(data, &claims); err != nil || claims.Sid == "" {
		rt.Fatalf("no session in %s: %v", data, err)
	}
	return claims.Sid
}
