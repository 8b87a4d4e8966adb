// Package model plays random lives of accounts on two servers that share a
// database, and compares each answer, each mail and each row with a small
// model of what must be allowed.
//
// The model (reference_test.go, factors_test.go and codes_test.go) is written
// from the rules, those of docs/decisions/0013-addresses.md and of 0029 to 0032
// above all, and asks the product for nothing. A life has few addresses, names
// and passwords, so that accounts claim what is another's all the time. Whoever
// knows a password may do whatever the rules allow: most lives have a thief.
// Half of the lives are more about second factors than about addresses.
//
// There are eight worlds: both engines, rotation on and off, mails delivered
// or not. Each plays -rapid.checks lives of about -rapid.steps acts.
//
// The lives are the same in every run, so that whoever's change breaks one
// sees it; -rapid.seed=0 plays others.
//
//	go test ./model                                               40 lives, as make test
//	go test ./model -rapid.checks=1250 -rapid.seed=0 -timeout 8h  10,000 others, as make test-long
package model

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/yoozaktest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	set := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { set[f.Name] = true })
	// The eight worlds go on side by side: each waits for its database more than it computes.
	for name, value := range map[string]string{"rapid.checks": "5", "rapid.steps": "120", "rapid.seed": "1", "test.parallel": "8"} {
		if !set[name] {
			_ = flag.Set(name, value)
		}
	}
	os.Exit(m.Run())
}

// TestNoLifeGivesMoreThanTheModel is the property: whatever happens in
// whatever order on whichever server, what the product allows is what the
// model allows, no more and no less; and whoever had a proved address first
// can take their account back at the end.
func TestNoLifeGivesMoreThanTheModel(t *testing.T) {
	t.Parallel()
	for _, rotation := range []bool{false, true} {
		for _, delivers := range []bool{false, true} {
			t.Run(fmt.Sprintf("rotation=%t,delivers=%t", rotation, delivers), func(t *testing.T) {
				t.Parallel()
				storetest.ForEachURL(t, func(t *testing.T, url string) {
					w := newWorld(t, url, rotation, delivers)
					rapid.Check(t, func(rt *rapid.T) { w.newLife(rt).play(rt) })
				})
			})
		}
	}
}

// world is two servers on one database, with their clock and their mails.
type world struct {
	t                  *testing.T
	url                string
	rotation, delivers bool
	rows               *store.Store // what is stored, and what an earlier release left there
	mails              *sql.DB      // of the same database, for what is asked after each act
	servers            [2]*server
	mailboxes          *mailboxes
	clock              *yoozaktest.Clock
	lives              int
	lastID             int64 // of all accounts so far
}

func newWorld(t *testing.T, url string, rotation, delivers bool) *world {
	w := &world{
		t: t, url: url, rotation: rotation, delivers: delivers,
		rows:      storetest.Open(t, url), // migrated
		mails:     openMails(t, url),
		mailboxes: newMailboxes(t),
		clock:     yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 56, 56, 789e6, time.UTC)),
	}
	for i := range w.servers {
		w.servers[i] = w.start()
		w.servers[i].startMail()
	}
	t.Cleanup(func() {
		for _, s := range w.servers {
			s.stop()
		}
	})
	return w
}

// server is what a process is.
type server struct {
	*auth.Service
	*app.App
	close    func()
	stopMail func()
}

func (w *world) start() *server {
	st, err := store.Open(context.Background(), w.url, store.Options{Conns: 4})
	if err != nil {
		w.t.Fatal(err)
	}
	sender, err := mail.NewSMTP(mail.SMTP{URL: w.mailboxes.URL(), From: "Yoozak <no-reply@yoozak.ma>"})
	if err != nil {
		w.t.Fatal(err)
	}
	hasher := password.NewHasher(password.Options{Params: password.Params{Memory: 8, Time: 1, Threads: 1}})
	tokens := token.New(token.Options{Algorithm: "ES256", Issuer: "yoozak", AccessLifetime: accessLifetime, RefreshLifetime: refreshLifetime})
	a := app.New(st, tokens, hasher, app.Options{
		Rotation:   w.rotation,
		EraseAfter: eraseAfter, Now: w.clock.Now, Log: slog.New(slog.DiscardHandler),
		Mail: app.Mail{Sender: sender, Verify: true, Delivers: w.delivers, LoginCode: w.delivers, Link: linkURL},
	})
	if err := a.Keys.Load(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return &server{Service: a.Auth, App: a, stopMail: func() {}, close: func() {
		hasher.Close()
		_ = st.Close()
	}}
}

func (s *server) startMail() {
	ctx, cancel := context.WithCancel(context.Background())
	var delivery sync.WaitGroup
	delivery.Go(func() { s.Outbox.Run(ctx) })
	s.stopMail = func() {
		cancel()
		delivery.Wait()
		s.stopMail = func() {}
	}
}

func (s *server) stop() {
	s.stopMail()
	s.close()
}

// life is one run: a few accounts, and every token that they ever had.
type life struct {
	*world
	model     *reference
	number    int
	after     int64 // its accounts have greater ids
	mailStops bool  // the servers deliver nothing for now
	passes    int   // of time, since an address cannot be reached
	checks    int
	accesses  []*access
	refreshes []*refresh
	again     *code // whose code_id was given with a request for another
	factors   bool  // it is more about second factors than about addresses
}

func (w *world) newLife(rt *rapid.T) *life {
	w.lives++
	l := &life{world: w, model: &reference{delivers: w.delivers}, number: w.lives, after: w.lastID}
	l.stopsEarlier(rt)
	l.goesOnMailing(rt) // a life that failed may have left what it owed
	l.reachesAll(rt)
	l.settle(rt)
	l.mailboxes.Take()
	l.forgetsMails(rt)
	return l
}

func (l *life) play(rt *rapid.T) {
	rt.Cleanup(func() {
		if rt.Failed() {
			for _, u := range l.model.users {
				rt.Logf("account %d: %s, password %q, disabled %t, erased %t, had %v", u.id, u.row(), u.password, u.disabled, u.erased, u.names)
			}
		}
	})
	if l.factors = rapid.Bool().Draw(rt, "a life with second factors"); l.factors {
		l.beginsWithFactors(rt)
	}
	rt.Repeat(map[string]func(*rapid.T){"act": l.act, "": l.check})
	l.takesBack(rt)
}

// act is one thing that somebody does, of those that can be done now.
func (l *life) act(rt *rapid.T) {
	acts := slices.DeleteFunc(l.acts(), func(a act) bool { return !a.possible })
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	n := even(rt, total)
	for _, a := range acts {
		if n -= a.weight; n < 0 {
			rt.Log(a.name)
			a.do(rt)
			return
		}
	}
}

// act is what can happen in a life, and how often.
type act struct {
	weight   int
	name     string
	possible bool
	do       func(*rapid.T)
}

func (l *life) acts() []act {
	somebody, links := len(l.somebodies()) > 0, len(l.model.links) > 0
	caller, session := len(l.callers()) > 0, len(l.refreshes) > 0
	often := 1
	if l.factors {
		often = 5
	}
	return []act{
		{6, "register", l.room(), l.registers},
		{10, "login", true, l.logsIn},
		{2, "authenticate", len(l.accesses) > 0, l.authenticates},
		{8, "refresh", session, l.renews},
		{2, "logout", session, l.logsOut},
		{often * 1, "log out everywhere", caller, l.logsOutEverywhere},
		{1, "end a session", caller, l.endsSession},
		{often * 4, "change the password", caller, l.changesPassword},
		{6, "rename", caller, l.renames},
		{6, "request a reset", true, l.requestsReset},
		{3, "ask for a verification", caller, l.asksToVerify},
		{8, "change the e-mail", caller, l.changesEmail},
		{22, "use a link", links, l.usesLink},
		{3, "disown", len(l.verifications()) > 0, l.disowns},
		{4, "prove at once", len(l.rivals()) > 0, l.proveAtOnce},
		{3, "close", caller, l.closes},
		{1, "staff create", l.room(), l.staffCreates},
		{1, "staff set a password", somebody, l.staffSetsPassword},
		{2, "staff disable", somebody, l.staffDisables},
		{3, "staff enable", somebody, l.staffEnables},
		{2, "staff restore", somebody, l.staffRestores},
		{1, "staff correct an e-mail", somebody, l.staffCorrects},
		{often * 1, "staff recover", somebody, l.staffRecovers},
		{1, "earlier release", somebody, l.earlierRelease},
		{1, "sweep", len(l.model.owed) == 0, l.sweeps},
		{2, "mail stops", !l.mailStops, l.stopsMailing},
		{6, "mail goes on", l.mailStops, l.goesOnMailing},
		{4, "mails do not arrive", l.mailboxes.unreached() == "", l.reachesAllBut},
		{4, "mails arrive", l.mailboxes.unreached() != "", l.reachesAll},
		{4, "time", l.patient(), l.time},
		{3, "moment", l.patient(), l.moment},
		{1, "restart", true, l.restarts},
		{often * 6, "half a minute", l.patient(), l.halfAMinute},
		{often * 10, "set an app up", caller, l.setsUp},
		{often * 40, "confirm an app", len(l.fresh()) > 0, l.confirmsApp},
		{often * 3, "confirm an app late", len(l.setups()) > 0, l.confirmsApp},
		{often * 14, "login of who has a factor", len(l.withFactor()) > 0, l.logsInWithFactor},
		{often * 50, "second step", len(l.logins()) > 0, l.goesOn},
		{often * 3, "second step too late", len(l.model.waiting) > 0, l.goesOn},
		{often * 6, "second step at once", len(l.logins()) > 0, l.goOnAtOnce},
		{often * 12, "confirm", caller, l.confirms},
		{often * 3, "remove an app", caller && len(l.model.apps) > 0, l.removesApp},
		{often * 2, "renew recovery codes", caller, l.renewsCodes},
		{often * 4, "end trust", caller && len(l.model.devices) > 0, l.endsTrust},
		{10, "ask for a code", true, l.asksForCode},
		{14, "use a code", len(l.model.codes) > 0, l.usesCode},
		{4, "reset by a code", len(l.model.codes) > 0, l.resetsByCode},
		{often * 4, "stop a recovery", caller, l.stopsRecovery},
		{1, "staff stop a recovery", somebody, l.staffStopsRecovery},
		{4, "tell of recoveries", true, l.tellsReady},
	}
}

// server is one of the two.
func (l *life) server(rt *rapid.T) *server {
	return l.servers[rapid.IntRange(0, 1).Draw(rt, "server")]
}

// now is the time of an act.
func (l *life) now() time.Time { return l.clock.Now() }

// agree ends the life when the product and the model differ. What is
// refused must be refused with an error that a client may see.
func agree(rt *rapid.T, what string, err error, allowed bool) {
	rt.Helper()
	rt.Logf("%s: allowed %t", what, allowed)
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

// agreeIs is agree for what staff are refused.
func agreeIs(rt *rapid.T, what string, err, want error) {
	rt.Helper()
	if !errors.Is(err, want) {
		rt.Fatalf("%s: got the error %v, the model says %v", what, err, want)
	}
}

// check compares everything after every act, and lets a little time pass:
// no two acts are at one time.
func (l *life) check(rt *rapid.T) {
	l.compareMails(rt)
	l.compareRows(rt)
	l.compareFactors(rt)
	l.compareTokens(rt)
	l.clock.Advance(time.Millisecond)
}

// compareRows asks what is stored, and whether two accounts have one address.
func (l *life) compareRows(rt *rapid.T) {
	rows, err := l.rows.Users(context.Background(), l.after, 100)
	if err != nil {
		rt.Fatal(err)
	}
	stored := map[int64]string{}
	provers := map[string]string{}
	for _, row := range rows {
		u := user{
			id: row.ID, name: row.Username, email: row.Email, proved: !row.EmailVerifiedAt.IsZero(),
			disabled: !row.Active, closed: !row.ClosedAt.IsZero(),
		}
		stored[u.id] = u.row()
		if row.Active && u.proved {
			if other := provers[key(u.email)]; other != "" {
				rt.Fatalf("%s and %s have both proved %s", other, u.name, u.email)
			}
			provers[key(u.email)] = u.name
		}
	}
	for _, u := range l.model.users {
		if got := stored[u.id]; !u.erased && got != u.row() {
			rt.Fatalf("account %d is %s, in the model %s", u.id, got, u.row())
		}
		if _, there := stored[u.id]; there && u.erased {
			rt.Fatalf("account %d should be erased", u.id)
		}
	}
}

// compareTokens asks about every young token, by turns on both servers, but
// for those whose use would tell something. It asks for all at once: so a
// server looks them up in one query.
func (l *life) compareTokens(rt *rapid.T) {
	l.checks++
	var (
		young = l.accesses[max(0, len(l.accesses)-12):]
		whose = make([]int64, len(young))
		errs  = make([]error, len(young))
		asked sync.WaitGroup
	)
	tells := func(a *access) bool { return a.allows(l.now()) && a.tells() }
	for i, a := range young {
		if tells(a) {
			continue
		}
		asked.Go(func() {
			var caller *auth.Caller
			if caller, errs[i] = l.servers[(l.checks+i)%2].Authenticate(context.Background(), a.raw); errs[i] == nil {
				whose[i] = caller.User.ID
			}
		})
	}
	asked.Wait()
	for i, a := range young {
		if tells(a) {
			continue
		}
		agree(rt, "access", errs[i], a.allows(l.now()))
		if errs[i] == nil && whose[i] != a.session.user.id {
			rt.Fatalf("%s's token is that of account %d", a.session.user.name, whose[i])
		}
	}
}
