package model

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/totp"
)

// beginsWithFactors has accounts with an address that is proved, most of which
// have a factor.
func (l *life) beginsWithFactors(rt *rapid.T) {
	for range 2 {
		l.registers(rt)
		l.check(rt)
	}
	for _, k := range l.model.links {
		l.use(rt, k, "")
		l.check(rt)
	}
	for range 3 {
		l.setsUp(rt)
		l.check(rt)
		if len(l.fresh()) > 0 {
			l.confirmsApp(rt)
			l.check(rt)
		}
	}
}

// waits notes a login that waits for its second factor, and says what may be
// shown.
func (l *life) waits(rt *rapid.T, what string, u *user, err error) {
	rt.Helper()
	var e *account.Error
	if !errors.As(err, &e) || !e.Is(account.ErrSecondFactor) || e.Challenge == "" {
		rt.Fatalf("%s: %v, in the model a second factor is due", what, err)
	}
	want := []string{"totp"}
	if len(u.left()) > 0 {
		want = append(want, "recovery_code")
	}
	if !slices.Equal(e.Methods, want) {
		rt.Fatalf("%s: methods %v, in the model %v", what, e.Methods, want)
	}
	rt.Logf("%s: waits", what)
	l.model.waiting = append(l.model.waiting, &waiting{raw: e.Challenge, user: u, set: u.set(), expires: l.now().Add(waitingLifetime)})
}

// logsInWithFactor is somebody who has a factor and knows the password.
func (l *life) logsInWithFactor(rt *rapid.T) { l.logsInAs(rt, one(rt, "user", l.withFactor())) }

func (l *life) withFactor() []*user {
	return without(l.model.users, func(u *user) bool { return !u.open() || u.password == "" || len(u.factors()) == 0 })
}

// logins are those that wait and can go on.
func (l *life) logins() []*waiting {
	return without(l.model.waiting, func(w *waiting) bool { return !w.good(l.now()) })
}

// anyDevice is what somebody comes on to log in as a user, or nil: mostly one
// that is trusted, if there is one, and sometimes one that is not, or not any
// more, or another's.
func (l *life) anyDevice(rt *rapid.T, u *user) *trusted {
	all := l.model.devices
	if len(all) == 0 || someTimes(rt, "new device", 4) {
		return nil
	}
	if own := without(all, func(d *trusted) bool { return d.user != u }); len(own) > 0 && !someTimes(rt, "another's device", 6) {
		all = own
	}
	return one(rt, "device", all)
}

// secondOf is what somebody shows as a second factor of a user: mostly a code that
// is right.
func (l *life) secondOf(rt *rapid.T, u *user) (auth.Proof, shown) {
	now := l.now()
	apps := without(l.model.apps, func(f *factor) bool { return f.user != u })
	codes := l.model.given
	switch n := rapid.IntRange(0, 9).Draw(rt, "second factor"); {
	case n < 6 && len(apps) > 0:
		if live := u.factors(); len(live) > 0 && n < 5 {
			apps = live
		}
		f := one(rt, "app", apps)
		step := totp.StepAt(now) + rapid.SampledFrom([]int64{0, 0, -1, 1, 1, -2, 2}).Draw(rt, "phone is off by")
		if n < 4 && step <= f.last { // they wait for another code, or their phone is ahead
			step = totp.StepAt(now) + 1
		}
		return auth.Proof{Code: text(totp.Code(f.seed, step))}, l.byCode(u, shown{factor: f, step: step})
	case n < 8 && len(codes) > 0:
		if left := u.left(); len(left) > 0 && n < 7 {
			codes = left
		}
		c := one(rt, "recovery code", codes)
		return auth.Proof{RecoveryCode: text(c.text)}, shown{recovery: c}
	case len(l.model.apps) > 0 && n == 8:
		f := one(rt, "anybody's app", l.model.apps)
		return auth.Proof{Code: text(totp.Code(f.seed, totp.StepAt(now)))}, l.byCode(u, shown{factor: f, step: totp.StepAt(now)})
	}
	return auth.Proof{Code: text(l.wrongCode(u))}, shown{}
}

// byCode is what a code shows: by chance it is another app's, too.
func (l *life) byCode(u *user, x shown) shown {
	for _, f := range u.factors() {
		step, ok := totp.Match(f.seed, totp.Code(x.factor.seed, x.step), l.now())
		if ok && step > f.last {
			return shown{factor: f, step: step}
		}
	}
	return x
}

// wrongCode is one that no app of a user shows.
func (l *life) wrongCode(u *user) string {
	for n := 0; ; n++ {
		digits := fmt.Sprintf("%06d", n)
		shows := func(f *factor) bool { _, ok := totp.Match(f.seed, digits, l.now()); return ok }
		if !slices.ContainsFunc(u.apps, shows) {
			return digits
		}
	}
}

// goesOn is somebody who shows the second factor of a login that waits, and
// may have the device trusted.
func (l *life) goesOn(rt *rapid.T) {
	w := l.someLogin(rt)
	u, now := w.user, l.now()
	p, x := l.secondOf(rt, u)
	in := auth.SecondStep{Challenge: text(w.raw), Proof: p}
	trust := rapid.Bool().Draw(rt, "trust")
	if trust {
		in.Trust = text("true")
	}
	g, err := l.server(rt).LoginSecond(context.Background(), req, in)
	good := w.good(now)
	agree(rt, "second step of "+u.name, err, good && u.accepts(x, now))
	switch {
	case !good:
	case err != nil:
		w.tries++
		l.model.refuse(u, now)
	default:
		l.wentOn(rt, w, x, trust, g)
	}
}

// someLogin is one that waits, mostly one that still can go on.
func (l *life) someLogin(rt *rapid.T) *waiting {
	logins := l.logins()
	if len(logins) == 0 || someTimes(rt, "any login", 4) {
		logins = l.model.waiting
	}
	return one(rt, "login", logins)
}

// wentOn notes a login whose second factor was shown.
func (l *life) wentOn(rt *rapid.T, w *waiting, x shown, trust bool, g auth.LoginResult) {
	u, now := w.user, l.now()
	w.void = true
	if g.User.ID != u.id {
		rt.Fatalf("a second step of %s opened account %d", u.name, g.User.ID)
	}
	trust = trust && l.model.mayTrust(w, x)
	if trust != (g.Trusted != "") {
		rt.Fatalf("a device of %s is trusted: %t, in the model %t", u.name, g.Trusted != "", trust)
	}
	l.model.spend(u, x, now)
	s := l.opened(u, g)
	s.prove(x, now)
	if trust {
		s.device = &trusted{raw: g.Trusted, user: u, set: u.set(), made: now, expire: now.Add(trustLifetime)}
		l.model.trust(s.device, now)
		if devices := l.devicesOf(rt, u); len(devices) > 0 {
			s.device.id = devices[0].ID
		}
	}
}

// goOnAtOnce is one login and one right factor, on both servers at the same
// time. One of them gets in.
func (l *life) goOnAtOnce(rt *rapid.T) {
	w := l.someLogin(rt)
	u, now := w.user, l.now()
	p, x := l.secondOf(rt, u)
	if !w.good(now) || !u.accepts(x, now) || w.tries > waitingTries-2 {
		return
	}
	type answer struct {
		g   auth.LoginResult
		err error
	}
	step := func(s *server) (a answer) {
		a.g, a.err = s.LoginSecond(context.Background(), req, auth.SecondStep{Challenge: text(w.raw), Proof: p})
		return a
	}
	other := make(chan answer, 1)
	go func() { other <- step(l.servers[1]) }()
	a, b := step(l.servers[0]), <-other
	agree(rt, "second step at once", a.err, b.err != nil)
	agree(rt, "second step at once", b.err, a.err != nil)
	if a.err != nil {
		a = b
	}
	l.wentOn(rt, w, x, false, a.g)
}

// confirms is somebody who shows again that it is them.
func (l *life) confirms(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	sess, u, now := a.session, a.session.user, l.now()
	renewable := now.Before(sess.expires)
	has := len(u.factors()) > 0
	var p auth.Proof
	var x shown
	var allowed bool
	if codes := l.codesFor(forConfirm); len(codes) > 0 && someTimes(rt, "by mail", 3) {
		c := one(rt, "code", codes)
		digits := l.digits(rt, c)
		p = auth.Proof{CodeID: text(c.id), Code: text(digits)}
		allowed = !has && renewable && l.model.try(c, digits, sess, now, forConfirm)
		if allowed {
			c.used = true
		}
	} else if someTimes(rt, "by password", 3) != has { // what is asked, or what is not
		right := u.password != "" && !someTimes(rt, "wrong", 4)
		p.Password = text("not-the-password-9")
		if right {
			p.Password = text(u.password)
		}
		allowed = renewable && right && !has
	} else {
		p, x = l.secondOf(rt, u)
		allowed = renewable && has && u.accepts(x, now)
		if has && renewable && !allowed {
			l.model.refuse(u, now)
		}
	}
	out, err := s.Confirm(context.Background(), caller, p)
	agree(rt, "confirm as "+u.name, err, allowed)
	if err != nil {
		return
	}
	if has {
		l.model.spend(u, x, now)
	}
	sess.prove(x, now)
	if l.rotation {
		l.rotated(sess, out.Refresh)
	}
	l.given(sess, out.Access)
}

// setsUp is the first step of an authenticator app.
func (l *life) setsUp(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	sess, u, now := a.session, a.session.user, l.now()
	password, proves := l.proof(rt, sess)
	setup, err := s.EnrolTOTP(context.Background(), caller, auth.TOTPEnrolment{Password: password})
	agree(rt, "set an app up as "+u.name, err, proves && len(u.factors()) < mostApps)
	if err != nil {
		return
	}
	if password.State != account.Missing && len(u.factors()) == 0 {
		sess.prove(shown{}, now) // the request that confirms the set-up has no password
	}
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(setup.Secret)
	if err != nil {
		rt.Fatal(err)
	}
	mine := without(u.apps, func(f *factor) bool {
		return f.session != sess || f.gone || !f.confirmed.IsZero() || !now.Before(f.expires)
	})
	for _, old := range mine[:max(0, len(mine)-mostSetups+1)] {
		old.gone = true
	}
	f := &factor{id: setup.ID, seed: seed, user: u, session: sess, created: now, expires: now.Add(setupLifetime)}
	u.apps, l.model.apps = append(u.apps, f), append(l.model.apps, f)
}

// setups are those that can be confirmed by somebody who is logged in, or
// could be once.
func (l *life) setups() []*factor {
	return without(l.model.apps, func(f *factor) bool {
		return !slices.ContainsFunc(l.callers(), func(a *access) bool { return a.session.user == f.user })
	})
}

// fresh are the set-ups that wait.
func (l *life) fresh() []*factor {
	return without(l.setups(), func(f *factor) bool { return f.gone || !f.confirmed.IsZero() || !l.now().Before(f.expires) })
}

// confirmsApp is the second step of it.
func (l *life) confirmsApp(rt *rapid.T) {
	apps := l.fresh()
	if len(apps) == 0 || someTimes(rt, "any app", 6) {
		apps = l.setups()
	}
	f := one(rt, "app", apps)
	callers := without(l.callers(), func(a *access) bool { return a.session.user != f.user })
	own := without(callers, func(a *access) bool { return a.session != f.session })
	if len(own) > 0 && !someTimes(rt, "another session", 6) {
		callers = own
	}
	a := one(rt, "caller", callers)
	s := l.server(rt)
	caller, err := s.Authenticate(context.Background(), a.raw)
	agree(rt, "authenticate", err, true)
	a.used()
	caller.Request = req
	now := l.now()
	step := totp.StepAt(now) + rapid.SampledFrom([]int64{0, 0, 0, -1, 1, 3}).Draw(rt, "phone is off by")
	code := totp.Code(f.seed, step)
	if at, ok := totp.Match(f.seed, code, now); ok {
		step = at
	}
	right := -1 <= step-totp.StepAt(now) && step-totp.StepAt(now) <= 1
	added, err := s.ConfirmTOTP(context.Background(), caller, auth.TOTPConfirmation{ID: text(f.id), Code: text(code)})
	agree(rt, "confirm an app of "+f.user.name, err, right && f.mayAdd(a.session, now))
	if err != nil {
		return
	}
	first := l.model.add(f, shown{factor: f, step: step}, now)
	if first != (added.RecoveryCodes != nil) {
		rt.Fatalf("%d recovery codes with the first factor (%t) of %s", len(added.RecoveryCodes), first, f.user.name)
	}
	if first {
		l.givesCodes(rt, f.user, added.RecoveryCodes)
	}
}

func (l *life) givesCodes(rt *rapid.T, u *user, texts []string) {
	if len(texts) != recoveryCodes {
		rt.Fatalf("%d recovery codes", len(texts))
	}
	u.codes = nil
	for _, t := range texts {
		c := &recoveryCode{text: t, user: u, made: l.now()}
		u.codes = append(u.codes, c)
		l.model.given = append(l.model.given, c)
	}
}

func (l *life) removesApp(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	apps := l.model.apps
	if own := a.session.user.factors(); len(own) > 0 && !someTimes(rt, "any app", 4) {
		apps = own
	}
	f := one(rt, "app", apps)
	err := s.RemoveFactor(context.Background(), caller, f.id)
	agree(rt, "remove an app of "+f.user.name, err, f.live() && f.user == a.session.user && l.model.proves(a.session, false, false, l.now()))
	if err == nil {
		l.model.remove(f, a.session, l.now())
	}
}

func (l *life) renewsCodes(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	u := a.session.user
	codes, err := s.RenewRecoveryCodes(context.Background(), caller)
	agree(rt, "renew the recovery codes of "+u.name, err, len(u.factors()) > 0 && l.model.proves(a.session, false, false, l.now()))
	if err == nil {
		l.givesCodes(rt, u, codes)
		u.provesNothing(a.session, func(s *session) bool { return s.byCode })
		l.model.notice(u, "recovery renewed", "", l.now())
	}
}

func (l *life) endsTrust(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	u := a.session.user
	devices := l.model.devices
	if own := l.model.trusts(u, l.now()); len(own) > 0 && !someTimes(rt, "any device", 4) {
		devices = own
	}
	d := one(rt, "device", devices)
	err := s.EndTrust(context.Background(), caller, d.id)
	live := slices.Contains(l.model.trusts(u, l.now()), d)
	agree(rt, "end the trust in a device of "+d.user.name, err, live && l.model.proves(a.session, false, false, l.now()))
	if err != nil {
		return
	}
	d.void = true
	for _, other := range u.sessions {
		if other.device == d && other != a.session {
			other.ended = true
		}
	}
}

// undoesFactor is whoever reads the notice of a new factor, with the password that
// was in force before, or another, or none.
func (l *life) undoesFactor(rt *rapid.T, s *server, k *link) {
	now := l.now()
	before, given := k.factor.before, ""
	switch rapid.IntRange(0, 3).Draw(rt, "password before") {
	case 0, 1:
		given = before
	case 2:
		given = newPassword(rt)
	}
	in := auth.FactorUndo{Token: text(k.raw)}
	if given != "" {
		in.Password = text(given)
	}
	allowed := l.model.allows(k, now)
	atOnce := before != "" && given != ""
	if atOnce {
		allowed = allowed && given == before
	} else {
		allowed = allowed && l.model.mayRecover(k.user, false, false, now)
	}
	waitsUntil, err := s.UndoFactor(context.Background(), req, in)
	agree(rt, fmt.Sprintf("undo a factor of %s", k.user.name), err, allowed)
	switch {
	case err != nil:
	case atOnce:
		k.void = true
		l.model.undoFactor(k, now)
	default:
		l.model.begin(&recovery{user: k.user, email: k.email}, now)
		if y := k.user.running(now); !waitsUntil.Equal(y.ready()) {
			rt.Fatalf("a recovery can be finished at %v, in the model %v", waitsUntil, y.ready())
		}
	}
}

func (l *life) stopsRecovery(rt *rapid.T) {
	s, caller, a := l.caller(rt)
	y := a.session.user.running(l.now())
	err := s.StopRecovery(context.Background(), caller)
	agree(rt, "stop the recovery of "+a.session.user.name, err, y != nil && l.model.mayStop(a.session, y, l.now()))
	if err == nil {
		l.model.stop(y, true, l.now())
	}
}

func (l *life) staffStopsRecovery(rt *rapid.T) {
	u := l.somebody(rt)
	y := u.running(l.now())
	err := l.server(rt).Staff.StopRecovery(context.Background(), l.id(rt, u.name), "")
	if y == nil {
		agreeIs(rt, "staff stop a recovery", err, staff.ErrNoRecovery)
		return
	}
	agree(rt, "staff stop a recovery", err, true)
	y.stoppedByStaff = true
	l.model.stop(y, false, l.now())
}

// tellsReady is the job of the servers that mails what finishes recoveries.
func (l *life) tellsReady(rt *rapid.T) {
	l.betweenLooks(func() {
		if err := l.server(rt).TellRecoveries(context.Background(), l.now()); err != nil {
			rt.Fatal(err)
		}
		l.model.tellReady(l.now())
	})
}

// compareFactors asks what one after another sees of their second factors and
// trusted devices, and of a recovery.
func (l *life) compareFactors(rt *rapid.T) {
	users := l.somebodies()
	if len(users) == 0 {
		return
	}
	u := users[l.checks/2%len(users)]
	ctx, caller := context.Background(), &auth.Caller{User: account.User{ID: u.id}}
	s := l.servers[l.checks%2]
	f, err := s.Factors(ctx, caller)
	if err != nil {
		rt.Fatal(err)
	}
	got := user{}
	for _, one := range f.Factors {
		got.apps = append(got.apps, &factor{id: one.ID, confirmed: one.ConfirmedAt})
	}
	for range f.RecoveryCodesLeft {
		got.codes = append(got.codes, &recoveryCode{})
	}
	if got.state() != u.state() {
		rt.Fatalf("%s has %s, in the model %s", u.name, got.state(), u.state())
	}
	if devices, want := l.devicesOf(rt, u), l.model.trusts(u, l.now()); len(devices) != len(want) {
		rt.Fatalf("%s trusts %d devices, in the model %d", u.name, len(devices), len(want))
	}
	r, err := s.Recovery(ctx, caller)
	y := u.running(l.now())
	if running := err == nil; running != (y != nil) || running && !r.ReadyAt.Equal(y.ready()) {
		rt.Fatalf("a recovery of %s that runs: %t, in the model %t", u.name, running, y != nil)
	}
}

// devicesOf are those that a user sees, the newest first.
func (l *life) devicesOf(rt *rapid.T, u *user) []auth.TrustedDevice {
	devices, err := l.servers[l.checks%2].TrustedDevices(context.Background(), &auth.Caller{User: account.User{ID: u.id}})
	if err != nil {
		rt.Fatal(err)
	}
	return devices
}

// stopsEarlier has no recovery of an earlier life come to its end in this one.
func (l *life) stopsEarlier(rt *rapid.T) {
	err := l.rows.Tx(context.Background(), func(ctx context.Context, tx *store.Store) error { return tx.StopAllRecoveries(ctx, l.now()) })
	if err != nil {
		rt.Fatal(err)
	}
}
