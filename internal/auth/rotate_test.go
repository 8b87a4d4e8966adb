package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// rotated is a session after one exchange: the tokens of the login, and
// those that they were exchanged for in the same second.
type rotated struct {
	*authtest.Server
	login auth.LoginResult
	next  auth.TokenPair
}

func rotate(t *testing.T, s *authtest.Server, name string) rotated { //nolint:unparam // whose it is, is said where it is asked
	t.Helper()
	r := rotated{Server: s, login: s.SignUp(t, name)}
	var err error
	if r.next, err = s.Renew(t, r.login.Refresh); err != nil || r.next.Refresh == "" || r.next.Refresh == r.login.Refresh {
		t.Fatalf("exchange: %+v, %v", r.next, err)
	}
	return r
}

// repeats exchanges the first token again and checks that it gets the same.
func (r rotated) repeats(t *testing.T, when string) auth.TokenPair {
	t.Helper()
	if err := r.VerifyToken(t.Context(), authtest.Req, account.TextInput(r.login.Refresh)); err != nil {
		t.Errorf("%s: verification of the first token: %v", when, err)
	}
	again, err := r.Renew(t, r.login.Refresh)
	if err != nil || again.Refresh != r.next.Refresh {
		t.Fatalf("%s: %v, or another successor; want the same", when, err)
	}
	return again
}

// alarms exchanges the first token again and checks that the session ends.
func (r rotated) alarms(t *testing.T, when string) {
	t.Helper()
	if err := r.VerifyToken(t.Context(), authtest.Req, account.TextInput(r.login.Refresh)); !errors.Is(err, account.ErrTokenInvalid) {
		t.Errorf("%s: verification of the first token: %v, want ErrTokenInvalid", when, err)
	}
	if _, err := r.Authenticate(t.Context(), r.next.Access); err != nil {
		t.Errorf("%s: the session ended before its time: %v", when, err)
	}
	if _, err := r.Renew(t, r.login.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
		t.Fatalf("%s: %v, want ErrTokenInvalid", when, err)
	}
	// It ended for the thief and for the owner.
	if _, err := r.Authenticate(t.Context(), r.next.Access); !errors.Is(err, account.ErrTokenInvalid) {
		t.Errorf("%s: the access token is still good: %v", when, err)
	}
	if _, err := r.Renew(t, r.next.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
		t.Errorf("%s: the newest token is still good: %v", when, err)
	}
}

// TestALostAnswerIsGivenAgain: as long as nothing was seen of the successor,
// for as long as the token itself is good.
func TestALostAnswerIsGivenAgain(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		r := rotate(t, s, "amina")
		for _, d := range []time.Duration{9 * time.Second, 2 * time.Second, time.Hour, 22 * time.Hour} {
			s.Clock.Advance(d)
			// The tokens of the login tell nothing of what came after them.
			if _, err := s.Authenticate(t.Context(), r.login.Access); err != nil && d < time.Hour {
				t.Fatal(err)
			}
			r.repeats(t, d.String()+" later")
		}
		s.Clock.Advance(time.Hour)
		if _, err := s.Renew(t, r.login.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("after its own end: %v", err)
		}
		if _, err := s.Renew(t, r.next.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("the successor after its end: %v", err)
		}
	}, authtest.Rotation)
}

// TestAnExchangedTokenIsAnAlarmOnceItsSuccessorWasSeen: by whatever shows
// that somebody holds it.
func TestAnExchangedTokenIsAnAlarmOnceItsSuccessorWasSeen(t *testing.T) {
	t.Parallel()
	text := account.TextInput
	service := &account.OAuthClient{ID: "orders", Scopes: []account.Scope{account.ScopeIntrospect}}
	for name, use := range map[string]func(t *testing.T, r rotated) error{
		"access token": func(t *testing.T, r rotated) error { _, err := r.Authenticate(t.Context(), r.next.Access); return err },
		"verified access token": func(t *testing.T, r rotated) error {
			return r.VerifyToken(t.Context(), authtest.Req, text(r.next.Access))
		},
		"verified refresh token": func(t *testing.T, r rotated) error {
			return r.VerifyToken(t.Context(), authtest.Req, text(r.next.Refresh))
		},
		"introspected access token": func(t *testing.T, r rotated) error {
			_, err := r.Introspect(t.Context(), service, text(r.next.Access), account.Input{})
			return err
		},
		"introspected refresh token": func(t *testing.T, r rotated) error {
			_, err := r.Introspect(t.Context(), service, text(r.next.Refresh), text("refresh_token"))
			return err
		},
		"access token of a repetition": func(t *testing.T, r rotated) error {
			_, err := r.Authenticate(t.Context(), r.repeats(t, "at once").Access)
			return err
		},
		"access token of a later repetition": func(t *testing.T, r rotated) error {
			r.Clock.Advance(time.Minute)
			_, err := r.Authenticate(t.Context(), r.repeats(t, "later").Access)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
				r := rotate(t, s, "amina")
				if err := use(t, r); err != nil {
					t.Fatal(err)
				}
				if name != "access token of a later repetition" {
					s.Clock.Advance(10 * time.Second)
					r.repeats(t, "within ten seconds of the exchange")
					s.Clock.Advance(time.Second)
				}
				r.alarms(t, "after that")
			}, authtest.Rotation)
		})
	}
}

// TestTokensFromBeforeAnExchangeTellNothingOfIt: also those of its second.
func TestTokensFromBeforeAnExchangeTellNothingOfIt(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		r := rotate(t, s, "amina")
		for range 3 {
			if _, err := s.Authenticate(t.Context(), r.login.Access); err != nil {
				t.Fatal(err)
			}
			if err := s.VerifyToken(t.Context(), authtest.Req, account.TextInput(r.login.Access)); err != nil {
				t.Fatal(err)
			}
			if err := s.VerifyToken(t.Context(), authtest.Req, account.TextInput(r.login.Refresh)); err != nil {
				t.Fatal(err)
			}
		}
		s.Clock.Advance(time.Minute)
		r.repeats(t, "a minute later")
	}, authtest.Rotation)
}

// TestReuseOfAnOlderTokenEndsTheSession: two exchanges later there is no
// doubt, even within the grace.
func TestReuseOfAnOlderTokenEndsTheSession(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		r := rotate(t, s, "amina")
		if _, err := s.Renew(t, r.next.Refresh); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Renew(t, r.login.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("grandparent: %v", err)
		}
		if _, err := s.Authenticate(t.Context(), r.next.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("session lives on: %v", err)
		}
	}, authtest.Rotation)
}

// TestSeenIsWrittenOnceForEachExchange: the requests after it cost no write.
func TestSeenIsWrittenOnceForEachExchange(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		r := rotate(t, s, "amina")
		caller, err := s.Authenticate(t.Context(), r.login.Access)
		if err != nil {
			t.Fatal(err)
		}
		unseen := func() string {
			sess, _, err := s.Store.SessionUser(t.Context(), caller.SessionID)
			if err != nil {
				t.Fatal(err)
			}
			return sess.UnseenID
		}
		if unseen() == "" {
			t.Fatal("an exchange is taken for seen")
		}
		if _, err := s.Authenticate(t.Context(), r.next.Access); err != nil || unseen() != "" {
			t.Fatalf("not noted: %v", err)
		}
		again := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			sess, _, err := s.Store.SessionUser(t.Context(), caller.SessionID)
			if err != nil {
				return err
			}
			return tx.SeeRefreshToken(t.Context(), sess.ID, sess.RefreshID)
		})
		if !errors.Is(again, store.ErrNotFound) {
			t.Errorf("noting it again: %v, want ErrNotFound", again)
		}
	}, authtest.Rotation)
}

// TestSeenByAnotherServer: they share the database, and what one has seen the
// other knows.
func TestSeenByAnotherServer(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		one, two := authtest.New(t, storetest.Open(t, url), authtest.Rotation), authtest.New(t, storetest.Open(t, url), authtest.Rotation)
		r := rotate(t, one, "amina")
		one.Clock.Advance(time.Minute)
		two.Clock.Set(one.Clock.Now())
		again, err := two.Renew(t, r.login.Refresh)
		if err != nil || again.Refresh != r.next.Refresh {
			t.Fatalf("the other server: %v, or another successor", err)
		}
		if _, err := two.Authenticate(t.Context(), again.Access); err != nil {
			t.Fatal(err)
		}
		r.alarms(t, "after the other server has seen it")
	})
}

// TestASessionOfTheReleaseBefore: that release exchanges tokens without a
// word of what was seen, and then an exchanged token is an alarm after ten
// seconds, as it was.
func TestASessionOfTheReleaseBefore(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		r := rotate(t, s, "amina")
		caller, err := s.Authenticate(t.Context(), r.login.Access)
		if err != nil {
			t.Fatal(err)
		}
		sess, _, err := s.Store.SessionUser(t.Context(), caller.SessionID)
		if err != nil {
			t.Fatal(err)
		}
		sess.ID, sess.UnseenID, sess.UserAgent = "of-the-release-before", sess.PreviousID, authtest.Req.UserAgent // that of an exchange before
		authtest.Write(t, s.Store, func(_ context.Context, tx *store.Store) error { return tx.CreateSession(t.Context(), sess) })
		old, _, err := s.Tokens.Issue(token.Refresh, sess.UserID, sess.ID, sess.PreviousID, sess.RefreshAt)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Renew(t, old); err != nil {
			t.Errorf("within ten seconds: %v", err)
		}
		s.Clock.Advance(11 * time.Second)
		if _, err := s.Renew(t, old); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("later: %v, want ErrTokenInvalid", err)
		}
	}, authtest.Rotation)
}

func TestManyUsesOfOneTokenAtOnceGetOneSuccessor(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		s.Clock.Advance(time.Minute)
		var (
			wg         sync.WaitGroup
			mu         sync.Mutex
			successors = map[string]int{}
		)
		for range 20 {
			wg.Go(func() {
				r, err := s.Renew(t, g.Refresh)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				successors[r.Refresh]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if len(successors) != 1 {
			t.Errorf("%d different successors, want 1", len(successors))
		}
	}, authtest.Rotation)
}

// TestRepetitionsAreNotCounted: a page whose forty calls all renew is no
// flood, at once or later; new exchanges are counted.
func TestRepetitionsAreNotCounted(t *testing.T) {
	t.Parallel()
	counting := func(o *app.Options, _ *token.Options) {
		l := guard.NewLimiter(guard.LimiterOptions{Now: o.Now, Log: o.Log})
		o.Limits = l
	}
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := s.Renew(t, g.Refresh); err != nil {
					t.Errorf("at once: %v", err)
				}
			})
		}
		wg.Wait()
		for range 100 {
			if _, err := s.Renew(t, g.Refresh); err != nil {
				t.Fatalf("again: %v", err)
			}
		}
		raw, exchanges := g.Refresh, 0
		for ; exchanges < 100; exchanges++ {
			r, err := s.Renew(t, raw)
			if errors.Is(err, account.ThrottledFor(0)) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			raw = r.Refresh
		}
		if exchanges != 30 { // of 31 here the first is a repetition
			t.Errorf("%d exchanges in a moment, want 30", exchanges)
		}
	}, authtest.Rotation, counting)
}

// TestAnExchangedTokenWhenRotationIsTurnedOff: the same rule, but nobody is
// alarmed.
func TestAnExchangedTokenWhenRotationIsTurnedOff(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		r := rotate(t, authtest.New(t, st, authtest.Rotation), "amina")
		r.Clock.Advance(time.Minute)
		off := authtest.New(t, st)
		off.Clock.Set(r.Clock.Now())
		again, err := off.Renew(t, r.login.Refresh)
		if err != nil || again.Refresh != r.next.Refresh {
			t.Fatalf("nothing was seen of the successor: %v, or another one", err)
		}
		newest, err := off.Renew(t, r.next.Refresh)
		if err != nil || newest.Refresh != "" {
			t.Fatalf("the successor: %+v, %v", newest, err)
		}
		if _, err := off.Renew(t, r.login.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("after that: %v, want ErrTokenInvalid", err)
		}
		if err := off.VerifyToken(t.Context(), authtest.Req, account.TextInput(r.login.Refresh)); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("verification after that: %v, want ErrTokenInvalid", err)
		}
		if _, err := off.Renew(t, r.next.Refresh); err != nil {
			t.Errorf("the successor again: %v", err)
		}
	})
}

// TestClockSetBackGivesAThiefNoTime: an exchanged token is an alarm, though by
// the clock its exchange is still to come. Without the alarm's reason people
// log in again, by a clock that was set back as by another.
func TestClockSetBackGivesAThiefNoTime(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		s.Clock.Advance(time.Hour)
		next, err := s.Renew(t, g.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), next.Access); err != nil { // the exchange was seen
			t.Fatal(err)
		}
		s.Clock.Advance(-30 * time.Minute)
		if _, err := s.Renew(t, g.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("the token before: %v, want ErrTokenInvalid", err)
		}
		if _, err := s.Renew(t, next.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("its session goes on: %v", err)
		}
		again, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Renew(t, again.Refresh); err != nil {
			t.Errorf("a session after the change: %v", err)
		}
		s.Clock.Advance(-365 * 24 * time.Hour) // before the keys were made
		late, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatalf("a login before the keys: %v", err)
		}
		if _, err := s.Renew(t, late.Refresh); err != nil {
			t.Errorf("and its renewal: %v", err)
		}
	}, authtest.Rotation)
}
