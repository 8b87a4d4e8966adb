package model

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

func TestMain(m *testing.M) {
	flag.Parse()
	set := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { set[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": "40", "rapid.steps": "80"} { // -rapid.checks=5000 for a night
		if !set[name] {
			_ = flag.Set(name, value)
		}
	}
	os.Exit(m.Run())
}

// world is two servers on one database, with their clock and mails.
type world struct {
	t        *testing.T
	url      string
	rotation bool
	at       atomic.Int64 // nanoseconds
	servers  [2]*server
	mu       sync.Mutex
	mailed   map[string]string // "kind address" to the newest token
	names    int
}

type server struct {
	*auth.Service
	stop func()
}

func (w *world) now() time.Time { return time.Unix(0, w.at.Load()).UTC() }

// start starts one of the servers, as a process would.
func (w *world) start(i int) {
	st, err := store.Open(context.Background(), w.url, store.Options{Conns: 4})
	if err != nil {
		w.t.Fatal(err)
	}
	sender, err := mail.NewFolder(filepath.Join(w.t.TempDir(), "mails"), "Yoozak <no-reply@yoozak.ma>")
	if err != nil {
		w.t.Fatal(err)
	}
	hasher := password.NewHasher(password.Options{Params: password.Params{Memory: 8, Time: 1, Threads: 1}})
	tokens := token.New(token.Options{Algorithm: "ES256", Issuer: "yoozak", AccessLifetime: accessLifetime, RefreshLifetime: refreshLifetime})
	s := auth.New(st, tokens, hasher, auth.Options{
		Algorithm: "ES256", AccessLifetime: accessLifetime, RefreshLifetime: refreshLifetime, Rotation: w.rotation,
		EraseAfter: 100 * 365 * 24 * time.Hour, Now: w.now, Log: slog.New(slog.DiscardHandler),
		Mail: auth.MailOptions{Sender: sender, PerAddress: 1 << 20, Link: w.link},
	})
	if err := s.LoadKeys(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var delivery sync.WaitGroup
	delivery.Go(func() { s.RunMail(ctx) })
	w.servers[i] = &server{s, func() {
		cancel()
		delivery.Wait()
		hasher.Close()
		_ = st.Close()
	}}
}

// link sees the tokens of mails on their way out.
func (w *world) link(kind account.ChallengeKind, raw, _ string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mailed[string(kind)] = raw
	return raw
}

// take waits for the next mail of a kind. Lives are played one act after the
// other, so the next is the one that was asked for.
func (w *world) take(rt *rapid.T, kind account.ChallengeKind) string {
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		w.mu.Lock()
		raw := w.mailed[string(kind)]
		delete(w.mailed, string(kind))
		w.mu.Unlock()
		if raw != "" {
			w.settle(rt)
			return raw
		}
	}
	rt.Fatalf("no %s mail came", kind)
	return ""
}

// settle waits until the outbox is empty: time here passes in leaps, and a
// mail whose lease ends before its delivery is noted goes out twice.
func (w *world) settle(rt *rapid.T) {
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		mails, err := w.servers[0].Mails(context.Background(), 10)
		if err != nil {
			rt.Fatal(err)
		}
		if !slices.ContainsFunc(mails, func(m account.Mail) bool { return !m.DueAt.IsZero() }) {
			return
		}
	}
	rt.Fatal("mails are still under way")
}

// TestNoLifeGivesMoreThanTheModel is the property: whatever happens in
// whatever order on whichever server, what the product allows is what the
// model allows, no more and no less.
func TestNoLifeGivesMoreThanTheModel(t *testing.T) {
	t.Parallel()
	for _, rotation := range []bool{false, true} {
		t.Run(fmt.Sprintf("rotation=%t", rotation), func(t *testing.T) {
			t.Parallel()
			storetest.ForEachURL(t, func(t *testing.T, url string) {
				storetest.Open(t, url) // migrated
				w := &world{t: t, url: url, rotation: rotation, mailed: map[string]string{}}
				w.at.Store(time.Date(2026, 6, 5, 12, 56, 56, 789e6, time.UTC).UnixNano())
				for i := range w.servers {
					w.start(i)
				}
				t.Cleanup(func() {
					for _, s := range w.servers {
						s.stop()
					}
				})
				rapid.Check(t, func(rt *rapid.T) { newLife(w).play(rt) })
			})
		})
	}
}

// life is one run: a few people, and every token that they ever had.
type life struct {
	*world
	users     []*user
	accesses  []*access
	refreshes []*refresh
	links     []*link
}

func newLife(w *world) *life { return &life{world: w} }

func (l *life) play(rt *rapid.T) {
	rt.Repeat(map[string]func(*rapid.T){
		"register":    l.register,
		"login":       l.login,
		"login2":      l.login, // more often
		"refresh":     l.refresh,
		"refresh2":    l.refresh,
		"refresh3":    l.refresh,
		"logout":      l.logout,
		"logout all":  l.logoutAll,
		"end session": l.endSession,
		"change":      l.change,
		"reset":       l.reset,
		"new e-mail":  l.changeEmail,
		"use link":    l.useLink,
		"use link2":   l.useLink,
		"disable":     l.disable,
		"close":       l.close,
		"time":        l.time,
		"moment":      l.moment,
		"moment2":     l.moment,
		"restart":     l.restart,
		"":            l.check,
	})
}

func (l *life) server(rt *rapid.T) *server {
	return l.servers[rapid.IntRange(0, 1).Draw(rt, "server")]
}

func one[T any](rt *rapid.T, label string, of []T) T {
	if len(of) == 0 {
		rt.Skip("nobody did that yet")
	}
	// Small numbers are drawn more often, and what is young does more.
	return of[len(of)-1-rapid.IntRange(0, len(of)-1).Draw(rt, label)]
}

// agree ends the life when the product and the model differ. What is
// refused must be refused with an error that a client may see.
func agree(rt *rapid.T, what string, err error, allowed bool) {
	rt.Helper()
	var e *account.Error
	switch {
	case allowed && err != nil:
		rt.Fatalf("%s: refused (%v), the model allows it", what, err)
	case !allowed && err == nil:
		rt.Fatalf("%s: allowed, the model refuses it", what)
	case err != nil && (!errors.As(err, &e) || e.Kind == account.Unavailable):
		rt.Fatalf("%s: %v", what, err)
	}
}

var peer = account.Peer{IP: "203.0.113.7", UserAgent: "Phone/1.0", Language: "fr"}

func text(s string) account.Input { return account.TextInput(s) }

func newPassword(rt *rapid.T) string {
	return fmt.Sprintf("kV7#pazouk-%06dlemon", rapid.IntRange(0, 999_999).Draw(rt, "password"))
}

// opened notes a login.
func (l *life) opened(u *user, g auth.Grant) {
	at := seconds(l.now())
	s := &session{user: u, expires: at.Add(refreshLifetime)}
	s.newest = &refresh{raw: g.Refresh, session: s, expires: s.expires}
	u.sessions = append(u.sessions, s)
	l.refreshes = append(l.refreshes, s.newest)
	l.accesses = append(l.accesses, &access{raw: g.Access, session: s, with: s.newest, expires: at.Add(accessLifetime)})
}

func (l *life) register(rt *rapid.T) {
	if len(l.users) >= 3 {
		rt.Skip("enough people")
	}
	l.names++
	u := &user{name: fmt.Sprintf("user%d", l.names), password: newPassword(rt)}
	u.email = u.name + "@example.ma"
	g, err := l.server(rt).Register(context.Background(), peer, auth.Registration{Username: text(u.name), Password: text(u.password), Email: text(u.email)})
	agree(rt, "register", err, true)
	l.users = append(l.users, u)
	l.opened(u, g)
}

func (l *life) login(rt *rapid.T) {
	u := one(rt, "user", l.users)
	plain, allowed := u.password, u.active()
	if rapid.IntRange(0, 3).Draw(rt, "wrong") == 0 {
		plain, allowed = newPassword(rt), false
		if plain == u.password {
			rt.Skip("by chance")
		}
	}
	if u.password == "" { // taken away by an undone change of address
		plain, allowed = "anything-at-all-7", false
	}
	g, err := l.server(rt).Login(context.Background(), peer, auth.Credentials{Username: text(u.name), Password: text(plain)})
	agree(rt, "login", err, allowed)
	if allowed {
		l.opened(u, g)
	}
}

func (l *life) refresh(rt *rapid.T) {
	r := one(rt, "refresh", l.refreshes)
	now := l.now()
	allowed, rotated := r.renew(now, l.rotation)
	out, err := l.server(rt).Refresh(context.Background(), peer, text(r.raw))
	agree(rt, "refresh", err, allowed)
	if !allowed {
		return
	}
	s := r.session
	a := &access{raw: out.Access, session: s, expires: seconds(now).Add(accessLifetime)}
	l.accesses = append(l.accesses, a)
	defer func() { a.with = s.newest }()
	switch {
	case rotated:
		s.expires = seconds(now).Add(refreshLifetime)
		s.previous, s.rotatedAt, s.seen = s.newest, now, false
		s.newest = &refresh{raw: out.Refresh, session: s, expires: s.expires}
		l.refreshes = append(l.refreshes, s.newest)
	case l.rotation && out.Refresh != s.newest.raw:
		// Signed again: another text may be the same token; its successor is
		// found through the session in any case.
		l.refreshes = append(l.refreshes, s.newest)
	case !l.rotation && out.Refresh != "":
		rt.Fatal("a refresh token although rotation is off")
	}
}

func (l *life) logout(rt *rapid.T) {
	r := one(rt, "refresh", l.refreshes)
	// Of a session that is over there is nothing to end, which is no error.
	agree(rt, "logout", l.server(rt).Logout(context.Background(), peer, text(r.raw)), true)
	r.session.ended = true
}

// caller is who an access token belongs to, or the end of the act.
func (l *life) caller(rt *rapid.T, s *server) (*auth.Caller, *access) {
	a := one(rt, "access", l.accesses)
	caller, err := s.Authenticate(context.Background(), a.raw)
	agree(rt, "authenticate", err, a.allows(l.now()))
	if err != nil {
		rt.Skip("no access")
	}
	a.shown()
	caller.Peer = peer
	return caller, a
}

func (l *life) logoutAll(rt *rapid.T) {
	s := l.server(rt)
	caller, a := l.caller(rt, s)
	agree(rt, "logout all", s.LogoutAll(context.Background(), caller), true)
	a.session.user.end(nil)
}

func (l *life) endSession(rt *rapid.T) {
	s := l.server(rt)
	caller, a := l.caller(rt, s)
	target := one(rt, "session", l.refreshes).session
	live := !target.ended && l.now().Before(target.ends(l.accesses))
	id := sessionOf(rt, target)
	err := s.EndSession(context.Background(), caller, id)
	agree(rt, "end session", err, live && target.user == a.session.user)
	if err == nil {
		target.ended = true
	}
}

func (l *life) change(rt *rapid.T) {
	s := l.server(rt)
	caller, a := l.caller(rt, s)
	u := a.session.user
	right := rapid.IntRange(0, 3).Draw(rt, "right") > 0 && u.password != ""
	current, next := "not-the-password-9", newPassword(rt)
	if right {
		current = u.password
	}
	_, err := s.ChangePassword(context.Background(), caller, auth.PasswordChange{Current: text(current), New: text(next)})
	agree(rt, "change password", err, right)
	if err == nil {
		l.settle(rt)
		u.password = next
		u.end(a.session)
		l.kill(u, account.ResetPassword, account.ConfirmEmail)
	}
}

func (l *life) reset(rt *rapid.T) {
	u := one(rt, "user", l.users)
	s := l.server(rt)
	agree(rt, "request reset", s.RequestReset(context.Background(), peer, text(u.email), account.Input{}), true)
	if !u.active() {
		l.settle(rt)
	} else {
		l.links = append(l.links, &link{raw: l.take(rt, account.ResetPassword), kind: string(account.ResetPassword), user: u, email: u.email, expires: l.now().Add(resetLifetime)})
	}
}

func (l *life) changeEmail(rt *rapid.T) {
	s := l.server(rt)
	caller, a := l.caller(rt, s)
	u := a.session.user
	if u.password == "" {
		rt.Skip("no password")
	}
	l.names++
	email := fmt.Sprintf("new%d@example.ma", l.names)
	agree(rt, "change e-mail", s.ChangeEmail(context.Background(), caller, auth.EmailChange{Password: text(u.password), Email: text(email)}), true)
	l.kill(u, account.ConfirmEmail)
	l.links = append(l.links, &link{raw: l.take(rt, account.ConfirmEmail), kind: string(account.ConfirmEmail), user: u, email: email, expires: l.now().Add(confirmLifetime)})
}

// kill makes links of a person worthless.
func (l *life) kill(u *user, kinds ...account.ChallengeKind) {
	for _, k := range l.links {
		for _, kind := range kinds {
			if k.user == u && k.kind == string(kind) {
				k.dead = true
			}
		}
	}
}

func (l *life) useLink(rt *rapid.T) {
	k := one(rt, "link", l.links)
	s, u, now := l.server(rt), k.user, l.now()
	allowed := !k.dead && now.Before(k.expires) && u.active()
	switch account.ChallengeKind(k.kind) {
	case account.ResetPassword:
		next := newPassword(rt)
		_, err := s.ResetPassword(context.Background(), peer, auth.PasswordReset{Token: text(k.raw), New: text(next)})
		agree(rt, "reset password", err, allowed && k.email == u.email)
		if err == nil {
			l.settle(rt)
			u.password = next
			u.end(nil)
			l.kill(u, account.ResetPassword, account.ConfirmEmail)
		}
	case account.ConfirmEmail:
		err := s.ConfirmEmail(context.Background(), peer, text(k.raw))
		agree(rt, "confirm e-mail", err, allowed)
		if err == nil {
			before := u.email
			u.email = k.email
			l.kill(u, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail)
			l.links = append(l.links, &link{raw: l.take(rt, account.UndoEmail), kind: string(account.UndoEmail), user: u, email: before, expires: now.Add(undoLifetime)})
		}
	case account.UndoEmail:
		err := s.UndoEmail(context.Background(), peer, text(k.raw))
		agree(rt, "undo e-mail", err, allowed)
		if err == nil {
			u.email, u.password = k.email, ""
			u.end(nil)
			l.kill(u, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail, account.UndoEmail)
			l.links = append(l.links, &link{raw: l.take(rt, account.ResetPassword), kind: string(account.ResetPassword), user: u, email: u.email, expires: now.Add(resetLifetime)})
		}
	}
}

func (l *life) disable(rt *rapid.T) {
	u := one(rt, "user", l.users)
	active := rapid.Bool().Draw(rt, "active")
	err := l.server(rt).SetActive(context.Background(), u.name, active)
	switch {
	case active && u.closed:
		if !errors.Is(err, auth.ErrClosed) {
			rt.Fatalf("enable a closed account: %v", err)
		}
	case err != nil:
		rt.Fatalf("set active: %v", err)
	default:
		u.disabled = !active
		if !active {
			u.end(nil)
		}
	}
}

func (l *life) close(rt *rapid.T) {
	s := l.server(rt)
	caller, a := l.caller(rt, s)
	u := a.session.user
	if u.password == "" {
		rt.Skip("no password")
	}
	agree(rt, "close", s.Close(context.Background(), caller, text(u.password)), true)
	l.settle(rt)
	u.closed = true
	u.end(nil)
	l.kill(u, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail, account.UndoEmail)
	if rapid.Bool().Draw(rt, "restore") {
		if err := l.server(rt).Restore(context.Background(), u.name); err != nil {
			rt.Fatalf("restore: %v", err)
		}
		u.closed = false
	}
}

// moment passes: what decides whether a repeated request is one.
func (l *life) moment(_ *rapid.T) { l.at.Add(int64(grace/2 + time.Millisecond)) }

// time passes: a few minutes, or what ends something.
func (l *life) time(rt *rapid.T) {
	l.at.Add(int64(rapid.SampledFrom([]time.Duration{
		6 * time.Minute, accessLifetime - time.Second, accessLifetime, refreshLifetime - time.Minute, refreshLifetime, undoLifetime,
	}).Draw(rt, "passes")))
}

func (l *life) restart(rt *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(rt, "server")
	l.servers[i].stop()
	l.start(i)
}

// check asks about every token, on both servers, after every act.
func (l *life) check(rt *rapid.T) {
	now := l.now()
	for _, s := range l.servers {
		for _, a := range l.accesses[max(0, len(l.accesses)-12):] {
			if l.rotation && !a.session.seen && a.with == a.session.newest && a.session.previous != nil {
				continue // to ask would be to see it: that is for the acts
			}
			caller, err := s.Authenticate(context.Background(), a.raw)
			agree(rt, "access", err, a.allows(now))
			if err == nil && caller.User.Username != a.session.user.name {
				rt.Fatalf("%s's token is %s's", a.session.user.name, caller.User.Username)
			}
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
