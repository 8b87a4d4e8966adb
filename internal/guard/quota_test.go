package guard_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/yoozaktest"
)

func TestNetworksOfAnAddress(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"203.0.113.7":               "203.0.113.7",
		"::ffff:203.0.113.7":        "203.0.113.7",
		"::ffff:cb00:7107":          "203.0.113.7",
		"::ffff:203.0.113.7%eth0":   "203.0.113.7",
		"2001:db8:1:203:a:b:c:d":    "2001:db8:1:203::/64 2001:db8:1:200::/56 2001:db8:1::/48",
		"2001:DB8:1:203::1%eth0":    "2001:db8:1:203::/64 2001:db8:1:200::/56 2001:db8:1::/48",
		"::1":                       "::/64 ::/56 ::/48",
		"":                          "unknown",
		"@":                         "unknown",
		"203.0.113.7:443":           "unknown",
		"203.0.113.07":              "unknown",
		"unknown\x00":               "unknown",
		strings.Repeat("1", 100000): "unknown",
	} {
		if got := strings.Join(guard.Networks(ip), " "); got != want {
			t.Errorf("%.30q: %s, want %s", ip, got, want)
		}
	}
}

// passed is how many times an act goes through until it is throttled, at most
// most.
func passed(t *testing.T, most int, act func(i int) error) int {
	t.Helper()
	for i := range most {
		if authtest.Throttled(act(i)) {
			return i
		}
	}
	return most
}

// spend uses up so much of a quota, by asking it as the acts do.
func spend(t *testing.T, n int, ask func(i int) error) {
	t.Helper()
	for i := range n {
		if err := ask(i); err != nil {
			t.Fatalf("%d of %d: %v", i, n, err)
		}
	}
}

// leave is how much of a quota is left to the acts that a test is about; what
// is before it is spent at the guard, but in make test-long.
func leave(all int) (spent, left int) {
	left = yoozaktest.Long(20, all)
	return all - left, left
}

// TestWideNetworksOfIPv6Count: a customer who has a /48 has no more than ten
// times the quota of one who has a /64, by using up all of it.
func TestWideNetworksOfIPv6Count(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		// Of one address: 60 for each /64.
		for name, test := range map[string]struct {
			ip   func(i int) string
			want int
		}{
			"a/64": {func(i int) string { return fmt.Sprintf("2001:db8:1:1::%x", i) }, 60},
			"a/56": {func(i int) string { return fmt.Sprintf("2001:db8:2:%x::1", i%256) }, 240},
			"a/48": {func(i int) string { return fmt.Sprintf("2001:db8:3:%x::1", i<<8&0xffff) }, 600},
			"a/44": {func(i int) string { return fmt.Sprintf("2001:db8:1%x:%x::1", i%16, i<<8&0xffff) }, 700},
		} {
			got := passed(t, 700, func(i int) error {
				return s.Guard.AllowAbout(t.Context(), guard.ResetPerPair, account.RequestInfo{IP: test.ip(i)}, "amina of "+name)
			})
			if got != test.want {
				t.Errorf("%s: %d, want %d", name, got, test.want)
			}
		}
		got := passed(t, 300, func(i int) error {
			p := authtest.Req
			p.IP = fmt.Sprintf("2001:db8:2:%x::1", i%256)
			return s.RequestReset(t.Context(), p, account.TextInput("amina@example.ma"), account.Input{})
		})
		if got != 240 {
			t.Errorf("%d resets from a/56, want 240", got)
		}
	}, authtest.Limited, authtest.MailFreely)
}

// TestRequestsWithoutATokenCountForTheirNetwork, whoever hands them on: the
// API, a page or a command.
func TestRequestsWithoutATokenCountForTheirNetwork(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		none := account.Input{}
		acts := map[string]func(p account.RequestInfo) error{
			"token": func(p account.RequestInfo) error { _, err := s.Refresh(t.Context(), p, none); return err },
			"reset": func(p account.RequestInfo) error { return s.RequestReset(t.Context(), p, none, none) },
			"link":  func(p account.RequestInfo) error { return s.VerifyEmail(t.Context(), p, none) },
		}
		quotas := map[string]guard.Quota{"token": guard.TokenPerNetwork, "reset": guard.ResetPerNetwork, "link": guard.LinkPerNetwork}
		for name, act := range acts {
			spent, left := leave(quotas[name].Count)
			spend(t, spent, func(int) error { return s.Guard.AllowRequest(t.Context(), quotas[name], authtest.Req) })
			if n := passed(t, left+1, func(int) error { return act(authtest.Req) }); n != left {
				t.Errorf("%s: %d of the last %d", name, n, left)
			}
		}
		same := map[string]func(p account.RequestInfo) error{
			"verify":  func(p account.RequestInfo) error { return s.VerifyToken(t.Context(), p, none) },
			"logout":  func(p account.RequestInfo) error { return s.Logout(t.Context(), p, none) },
			"confirm": func(p account.RequestInfo) error { return s.ConfirmEmail(t.Context(), p, none) },
			"undo":    func(p account.RequestInfo) error { return s.UndoEmail(t.Context(), p, none) },
			"reset": func(p account.RequestInfo) error {
				_, err := s.ResetPassword(t.Context(), p, auth.PasswordReset{})
				return err
			},
			"look": func(p account.RequestInfo) error {
				_, _, err := s.CheckChallenge(t.Context(), p, account.ResetPassword, "x")
				return err
			},
		}
		for name, act := range same {
			if err := act(authtest.Req); !authtest.Throttled(err) {
				t.Errorf("%s shares no quota: %v", name, err)
			}
			if err := act(authtest.Elsewhere()); authtest.Throttled(err) || err == nil {
				t.Errorf("%s from elsewhere: %v", name, err)
			}
		}
	}, authtest.Limited)
}

// TestOneAddressCannotBeAskedForOverAndOver: a quota of its own for each
// network, in whatever case it is typed.
func TestOneAddressCannotBeAskedForOverAndOver(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		names := []string{"amina@example.ma", "AMINA@example.ma", "amina@EXAMPLE.ma"}
		ask := func(p account.RequestInfo, email string) error {
			return s.RequestReset(t.Context(), p, account.TextInput(email), account.Input{})
		}
		if n := passed(t, 90, func(i int) error { return ask(authtest.Req, names[i%3]) }); n != 60 {
			t.Errorf("%d, want 60", n)
		}
		if err := ask(authtest.Req, "badr@example.ma"); err != nil {
			t.Errorf("another address: %v", err)
		}
		if err := ask(authtest.Elsewhere(), "amina@example.ma"); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
	}, authtest.Limited, authtest.MailFreely)
}

// writes are what a caller may do that may change something, each in a way
// that is refused for another reason, or changes nothing.
func writes(t *testing.T, s *authtest.Server) map[string]func(c *auth.Caller) error {
	t.Helper()
	ctx := t.Context()
	return map[string]func(c *auth.Caller) error{
		"profile":  func(c *auth.Caller) error { _, err := s.UpdateProfile(ctx, c, auth.ProfileChange{}); return err },
		"session":  func(c *auth.Caller) error { return s.EndSession(ctx, c, "x") },
		"password": func(c *auth.Caller) error { _, err := s.ChangePassword(ctx, c, auth.PasswordChange{}); return err },
		"email":    func(c *auth.Caller) error { return s.ChangeEmail(ctx, c, auth.EmailChange{}) },
		"resend":   func(c *auth.Caller) error { _, err := s.ResendVerification(ctx, c, account.Input{}); return err },
		"close":    func(c *auth.Caller) error { return s.CloseAccount(ctx, c, account.Input{}) },
	}
}

// TestCallersShareAQuotaOfWrites, each user for all their sessions.
func TestCallersShareAQuotaOfWrites(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		amina, badr := s.CallerOf(t, s.SignUp(t, "amina")), s.CallerOf(t, s.SignUp(t, "badr"))
		g, err := s.Try(t, "amina", authtest.Good, "")
		if err != nil {
			t.Fatal(err)
		}
		phone := s.CallerOf(t, g)
		all := writes(t, s)
		if n := passed(t, 130, func(i int) error {
			c := []*auth.Caller{amina, phone}[i%2]
			return all["profile"](c)
		}); n != 120 {
			t.Errorf("%d writes, want 120", n)
		}
		for name, write := range all {
			if err := write(phone); !authtest.Throttled(err) {
				t.Errorf("%s is not counted: %v", name, err)
			}
			if err := write(badr); authtest.Throttled(err) {
				t.Errorf("%s of somebody else: %v", name, err)
			}
		}
		// The way out is open.
		if err := s.LogoutAll(t.Context(), phone); err != nil {
			t.Errorf("log out everywhere: %v", err)
		}
	}, authtest.Limited, authtest.MailFreely)
}

// TestCallersHaveAQuotaOfReads, each session; so whoever stole a token does
// not keep its owner out.
func TestCallersHaveAQuotaOfReads(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		stolen := s.SignUp(t, "amina")
		read := func(access string) error { _, err := s.Authenticate(t.Context(), access); return err }
		c := s.CallerOf(t, stolen) // a read
		spent, left := leave(1199)
		spend(t, spent, func(int) error { return s.Guard.AllowRead(t.Context(), c.SessionID, c.User.ID) })
		if n := passed(t, left+100, func(int) error { return read(stolen.Access) }); n != left {
			t.Errorf("%d of the last %d reads of 1200", n, left)
		}
		g, err := s.Try(t, "amina", authtest.Good, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.LogoutAll(t.Context(), s.CallerOf(t, g)); err != nil {
			t.Errorf("the owner cannot log out everywhere: %v", err)
		}
		// A user has as much as five sessions, however many there are.
		var sessions []string
		for range 6 {
			s.Clock.Advance(time.Minute)
			g, err := s.Try(t, "amina", authtest.Good, "")
			if err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, g.Access)
		}
		spent, left = leave(6000)
		spend(t, spent, func(i int) error { return s.Guard.AllowRead(t.Context(), fmt.Sprint("another", i%6), c.User.ID) })
		if n := passed(t, left+100, func(i int) error { return read(sessions[i%6]) }); n != left {
			t.Errorf("%d of the last %d reads of a user, who has 6000", n, left)
		}
	}, authtest.Limited)
}

// TestTokenOfAnEndedSessionUsesUpNothing of what its user may do.
func TestTokenOfAnEndedSessionUsesUpNothing(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ended := s.SignUp(t, "amina")
		if err := s.Logout(t.Context(), authtest.Req, account.TextInput(ended.Refresh)); err != nil {
			t.Fatal(err)
		}
		spent, left := leave(6000)
		spend(t, spent, func(i int) error { return s.Guard.AllowRead(t.Context(), fmt.Sprint("another", i%6), ended.User.ID) })
		if n := passed(t, left+100, func(int) error { _, err := s.Authenticate(t.Context(), ended.Access); return err }); n != left+100 {
			t.Errorf("throttled after %d, want a word about the token each time", n)
		}
		g, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		s.CallerOf(t, g)
	}, authtest.Limited)
}

// TestConfirmationsAreFew: each of one's own password costs a hash, right or
// wrong; ten a minute for a user, whatever they are for.
func TestConfirmationsAreFew(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c, other := s.CallerOf(t, s.SignUp(t, "amina")), s.CallerOf(t, s.SignUp(t, "badr"))
		same := auth.EmailChange{Password: account.TextInput(authtest.Good), Email: account.TextInput("amina@Example.MA")}
		if n := passed(t, 20, func(int) error { return s.ChangeEmail(t.Context(), c, same) }); n != 10 {
			t.Errorf("%d right ones, want 10", n)
		}
		if err := s.CloseAccount(t.Context(), c, account.TextInput(authtest.Good)); authtest.Outcome(err) != "6s" {
			t.Errorf("for another act: %v", authtest.Outcome(err))
		}
		if err := s.ChangeEmail(t.Context(), other, same); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		s.Clock.Advance(6 * time.Second)
		if err := s.CloseAccount(t.Context(), c, account.TextInput(authtest.Good)); err != nil {
			t.Errorf("six seconds later: %v", err)
		}
	}, authtest.Limited, authtest.MailFreely)
}

// TestFewChangesOfPasswordAnHour: each that succeeds is mailed; those that
// are refused are not.
func TestFewChangesOfPasswordAnHour(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g) // who gets the notices
		c := s.CallerOf(t, g)
		change := func(old, plain string) error {
			s.Clock.Advance(10 * time.Second)
			_, err := s.ChangePassword(t.Context(), c, auth.PasswordChange{Current: account.TextInput(old), New: account.TextInput(plain)})
			return err
		}
		for i := range 8 {
			if err := change(authtest.Good, "short"); authtest.Outcome(err) != "invalid" {
				t.Errorf("%d, to a bad one: %v", i, authtest.Outcome(err))
			}
		}
		now := authtest.Good
		for i := range 5 {
			next := fmt.Sprintf("mK3+autre-lemon-%d", i)
			if err := change(now, next); err != nil {
				t.Fatalf("change %d: %v", i, err)
			}
			now = next
		}
		if err := change(now, authtest.Good); !authtest.Throttled(err) {
			t.Errorf("the sixth: %v", err)
		}
		if _, err := s.SignIn(t, "amina", now); err != nil {
			t.Errorf("the sixth changed something: %v", err)
		}
		n := 0
		for _, m := range s.AllMails(t) {
			if m.Kind == account.MailPasswordChanged {
				n++
			}
		}
		if n != 5 {
			t.Errorf("%d mails, want 5", n)
		}
	}, authtest.Limited, authtest.MailFreely)
}

// TestReadsAskNoDatabase for their quota, and writes are counted though the
// shared counts are out of reach.
func TestReadsAskNoDatabase(t *testing.T) {
	t.Parallel()
	away, err := store.Open(t.Context(), "postgres://yoozak@127.0.0.1:1/away", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = away.Close() })
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		var l *guard.Limiter
		s := authtest.New(t, st, func(o *app.Options, _ *token.Options) {
			l = guard.NewLimiter(guard.LimiterOptions{Now: o.Now, Store: away, Log: slog.New(slog.DiscardHandler)})
			o.Limits = l
		})
		g := s.SignUp(t, "amina")
		before := l.Outages()
		c := s.CallerOf(t, g)
		spent, left := leave(1199)
		spend(t, spent, func(int) error { return s.Guard.AllowRead(t.Context(), c.SessionID, c.User.ID) })
		if n := passed(t, left+100, func(int) error { _, err := s.Authenticate(t.Context(), g.Access); return err }); n != left {
			t.Errorf("%d of the last %d reads of 1200", n, left)
		}
		if n := l.Outages() - before; n != 0 {
			t.Errorf("reads asked the shared counts %d times", n)
		}
		if n := passed(t, 130, func(int) error { return writes(t, s)["profile"](c) }); n != 120 {
			t.Errorf("%d writes while the shared counts are away, want 120", n)
		}
		if l.Outages() == before {
			t.Error("writes did not ask the shared counts")
		}
	})
}

// TestWrongSecretsOfServicesAreFew: a network that shows some is throttled,
// and the services there are not.
func TestWrongSecretsOfServicesAreFew(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		shop, plain, err := s.Staff.CreateOAuthClient(t.Context(), account.OAuthClient{Name: "shop", Scopes: account.Scopes})
		if err != nil {
			t.Fatal(err)
		}
		show := func(p account.RequestInfo, id, plain string) error {
			_, err := s.AuthenticateOAuthClient(t.Context(), p, id, secret.NewText(plain))
			return err
		}
		ids := []string{shop.ID, "nobody", strings.Repeat("0", 32)}
		if n := passed(t, 70, func(i int) error { return show(authtest.Req, ids[i%3], "wrong") }); n != 60 {
			t.Errorf("%d wrong secrets, want 60", n)
		}
		if err := show(authtest.Req, shop.ID, plain.Reveal()); err != nil {
			t.Errorf("the right one: %v", err)
		}
		if err := show(authtest.Elsewhere(), shop.ID, "wrong"); !errors.Is(err, account.ErrServiceUnknown) {
			t.Errorf("a wrong one from elsewhere: %v", err)
		}
		for range guard.AskPerService.Count {
			_ = s.Guard.Allow(t.Context(), guard.AskPerService, shop.ID)
		}
		if err := show(authtest.Elsewhere(), shop.ID, plain.Reveal()); !authtest.Throttled(err) {
			t.Errorf("a service that asked 60,000 times: %v", err)
		}
	}, authtest.Limited)
}

// TestNobodyGoesAheadForEver: of hashes, however well a user is known.
func TestNobodyGoesAheadForEver(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ahead := func(userID int64) (n int) {
			for range 20 {
				if guard.GoesAhead(t.Context(), s.Guard, userID) {
					n++
				}
			}
			return n
		}
		if first, other := ahead(1), ahead(2); first != 10 || other != 10 {
			t.Errorf("%d and %d of 20, want 10 each", first, other)
		}
		s.Clock.Advance(time.Minute)
		if n := ahead(1); n != 10 {
			t.Errorf("%d a minute later, want 10", n)
		}
	}, authtest.Limited)
}

// TestLoginsOfAUserAreBounded, from wherever: each leaves a session and an
// event. Wrong ones use up nothing, or strangers could lock the owner out.
func TestLoginsOfAUserAreBounded(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		amina := s.SignUp(t, "amina").User.ID
		s.SignUp(t, "badr")
		if _, err := s.Try(t, "amina", authtest.Bad, ""); authtest.Outcome(err) != no {
			t.Fatal(err)
		}
		spent, left := leave(guard.LoginPerUser.Count)
		spend(t, spent, func(int) error { return s.Guard.AllowUser(t.Context(), guard.LoginPerUser, amina) })
		var wait sync.WaitGroup
		var through atomic.Int64
		for range 4 {
			wait.Go(func() {
				through.Add(int64(passed(t, left/4+25, func(int) error { _, err := s.Try(t, "amina", authtest.Good, ""); return err })))
			})
		}
		wait.Wait()
		if n := through.Load(); n != int64(left) {
			t.Errorf("%d of the last %d logins of 1200", n, left)
		}
		if _, err := s.Try(t, "badr", authtest.Good, ""); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		s.Clock.Advance(3 * time.Second)
		if _, err := s.Try(t, "amina", authtest.Good, ""); err != nil {
			t.Errorf("three seconds later: %v", err)
		}
	}, authtest.Limited)
}
