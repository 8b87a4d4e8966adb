package auth_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// withFactor is amina, who proved her address and has had a factor for a week.
func withFactor(t *testing.T, s *authtest.Server) (g auth.LoginResult, seed []byte) {
	t.Helper()
	g = s.SignUp(t, "amina")
	s.Prove(t, g)
	seed = s.AddTOTPOf(t, g.User.ID, s.Clock.Now().Add(-7*24*time.Hour))
	s.Clock.Advance(time.Minute)
	return g, seed
}

func startRecovery(t *testing.T, s *authtest.Server) {
	t.Helper()
	if err := s.Staff.Recover(t.Context(), s.IDOf(t, "amina"), "", "lost her phone, showed her card"); err != nil {
		t.Fatal(err)
	}
}

// ready lets the waiting time pass and returns the link that finishes it.
func ready(t *testing.T, s *authtest.Server, smtp *smtptest.Server) account.Input {
	t.Helper()
	s.Clock.Advance(auth.DefaultRecoveryWait)
	tell(t, s)
	s.Deliver(t)
	return authtest.WantTokens(t, smtp, account.FinishRecovery, 1)[0]
}

func tell(t *testing.T, s *authtest.Server) {
	t.Helper()
	if err := s.TellRecoveries(t.Context(), s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
}

func refusedRecovery(err error) bool {
	var why *auth.RecoveryRefused
	return errors.As(err, &why) && errors.Is(err, account.ErrRecoveryRefused)
}

func TestRecoveryWaitsAndThenTakesTheFactorAway(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g, seed := withFactor(t, s)
		recovery := s.AddRecoveryCode(t, g.User.ID)
		device := trust(t, s, seed)
		if err := s.Staff.Recover(t.Context(), s.IDOf(t, "amina"), "", " "); !refusedRecovery(err) {
			t.Errorf("without a reason: %v", err)
		}
		startRecovery(t, s)
		// Nothing has changed, and it is seen.
		if _, err := loginOn(t, s, device.Trusted); err != nil {
			t.Errorf("login meanwhile: %v", err)
		}
		r, err := s.Recovery(t.Context(), s.CallerOf(t, device))
		if err != nil || !r.ByStaff || r.ReadyAt.Sub(r.StartedAt) != auth.DefaultRecoveryWait {
			t.Fatalf("%+v, %v", r, err)
		}
		s.Clock.Advance(auth.DefaultRecoveryWait - time.Second)
		tell(t, s)
		s.Deliver(t)
		authtest.WantTokens(t, smtp, account.StopRecovery, 1)
		authtest.WantTokens(t, smtp, account.FinishRecovery, 0)
		s.Clock.Advance(time.Second)
		tell(t, s)
		tell(t, s) // the other server
		s.Deliver(t)
		finish := authtest.WantTokens(t, smtp, account.FinishRecovery, 1)[0]
		isAsked(t, s, "", "before it is finished")
		if err := s.FinishRecovery(t.Context(), authtest.Req, finish); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), device.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("a session: %v", err)
		}
		s.Deliver(t)
		if err := s.Reset(t, authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0], "nV7#another-31plum"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(t, "amina", "nV7#another-31plum"); err != nil {
			t.Errorf("login without the factor: %v", err)
		}
		if left, err := s.Store.RecoveryCodesLeft(t.Context(), g.User.ID); err != nil || left != 0 {
			t.Errorf("%d recovery codes are left (%s), %v", left, recovery, err)
		}
		if err := s.FinishRecovery(t.Context(), authtest.Req, finish); authtest.FieldKeys(err)["token"] == nil {
			t.Errorf("the link again: %v", err)
		}
		if owed(t, s, account.MailRecoveryDone) != 1 {
			t.Error("nobody was told that it is done")
		}
	})
}

func TestWhoStopsARecovery(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(t *testing.T, s *authtest.Server, smtp *smtptest.Server, g auth.LoginResult, seed []byte){
		"by the factor": func(t *testing.T, s *authtest.Server, _ *smtptest.Server, _ auth.LoginResult, seed []byte) {
			in := trust(t, s, seed)
			// With the password alone, on a trusted device: not.
			skipped, err := loginOn(t, s, in.Trusted)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.StopRecovery(t.Context(), s.CallerOf(t, skipped)); !errors.Is(err, account.ErrConfirmRequired) {
				t.Errorf("with the password alone: %v", err)
			}
			if err := s.StopRecovery(t.Context(), s.CallerOf(t, in)); err != nil {
				t.Fatal(err)
			}
			if err := s.StopRecovery(t.Context(), s.CallerOf(t, in)); !errors.Is(err, account.ErrNotFound) {
				t.Errorf("again: %v", err)
			}
		},
		"by the link": func(t *testing.T, s *authtest.Server, smtp *smtptest.Server, _ auth.LoginResult, _ []byte) {
			s.Deliver(t)
			link := authtest.WantTokens(t, smtp, account.StopRecovery, 1)[0]
			if err := s.StopRecoveryByLink(t.Context(), authtest.Req, link); err != nil {
				t.Fatal(err)
			}
			if err := s.StopRecoveryByLink(t.Context(), authtest.Req, link); authtest.FieldKeys(err)["token"] == nil {
				t.Errorf("again: %v", err)
			}
		},
		"by the staff": func(t *testing.T, s *authtest.Server, _ *smtptest.Server, _ auth.LoginResult, _ []byte) {
			if err := s.Staff.StopRecovery(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
				t.Fatal(err)
			}
		},
		"by a restore of the database": func(t *testing.T, s *authtest.Server, _ *smtptest.Server, _ auth.LoginResult, _ []byte) {
			if _, err := s.Staff.Restored(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
				g, seed := withFactor(t, s)
				startRecovery(t, s)
				stop(t, s, smtp, g, seed)
				s.Clock.Advance(auth.DefaultRecoveryWait)
				tell(t, s)
				s.Deliver(t)
				authtest.WantTokens(t, smtp, account.FinishRecovery, 0)
				isAsked(t, s, "", "it was stopped")
			})
		})
	}
}

// TestRecoveryThatIsStoppedLate: also when the link that finishes it is there.
func TestRecoveryThatIsStoppedLate(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g, seed := withFactor(t, s)
		startRecovery(t, s)
		finish := ready(t, s, smtp)
		in := trust(t, s, seed)
		if err := s.StopRecovery(t.Context(), s.CallerOf(t, in)); err != nil {
			t.Fatal(err)
		}
		if err := s.FinishRecovery(t.Context(), authtest.Req, finish); authtest.FieldKeys(err)["token"] == nil {
			t.Errorf("after it was stopped: %v", err)
		}
		if factors, err := s.Store.Factors(t.Context(), g.User.ID); err != nil || len(factors) != 1 {
			t.Errorf("%d factors, %v", len(factors), err)
		}
	})
}

// TestLinkOfAnEarlierRecoveryStopsNoLaterOne: it may have gone to an address
// that is the owner's no more.
func TestLinkOfAnEarlierRecoveryStopsNoLaterOne(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		withFactor(t, s)
		startRecovery(t, s)
		s.Deliver(t)
		if err := s.Staff.StopRecovery(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(8 * 24 * time.Hour)
		startRecovery(t, s)
		s.Deliver(t)
		links := authtest.WantTokens(t, smtp, account.StopRecovery, 2)
		if err := s.StopRecoveryByLink(t.Context(), authtest.Req, links[0]); authtest.FieldKeys(err)["token"] == nil {
			t.Errorf("by the link of the one before: %v", err)
		}
		if err := s.StopRecoveryByLink(t.Context(), authtest.Req, links[1]); err != nil {
			t.Error(err)
		}
	})
}

// TestRecoveryOfAnAccountThatIsNotOpen goes on: what finishes it is mailed once the
// account is open again, or was on its way before; and it can be stopped.
func TestRecoveryOfAnAccountThatIsNotOpen(t *testing.T) {
	t.Parallel()
	type act func(s *authtest.Server) error
	for name, acts := range map[string][2]act{
		"disabled": {
			func(s *authtest.Server) error { return s.Staff.Disable(t.Context(), s.IDOf(t, "amina"), "") },
			func(s *authtest.Server) error { return s.Staff.Enable(t.Context(), s.IDOf(t, "amina"), "") },
		},
		"closed": {
			func(s *authtest.Server) error { return s.Staff.Close(t.Context(), s.IDOf(t, "amina"), "") },
			func(s *authtest.Server) error { return s.Staff.Restore(t.Context(), s.IDOf(t, "amina"), "") },
		},
	} {
		shut, open := acts[0], acts[1]
		try := func(t *testing.T, s *authtest.Server, do act) {
			t.Helper()
			if err := do(s); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
				withFactor(t, s)
				startRecovery(t, s)
				try(t, s, shut)
				s.Clock.Advance(auth.DefaultRecoveryWait)
				tell(t, s)
				s.Deliver(t)
				authtest.WantTokens(t, smtp, account.FinishRecovery, 0)
				try(t, s, open)
				tell(t, s)
				s.Deliver(t)
				if err := s.FinishRecovery(t.Context(), authtest.Req, authtest.WantTokens(t, smtp, account.FinishRecovery, 1)[0]); err != nil {
					t.Error(err)
				}
			})
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
				withFactor(t, s)
				startRecovery(t, s)
				s.Clock.Advance(auth.DefaultRecoveryWait)
				tell(t, s)
				try(t, s, shut)
				s.Deliver(t)
				try(t, s, open)
				if err := s.FinishRecovery(t.Context(), authtest.Req, authtest.WantTokens(t, smtp, account.FinishRecovery, 1)[0]); err != nil {
					t.Errorf("the mail was on its way: %v", err)
				}
			})
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
				withFactor(t, s)
				startRecovery(t, s)
				try(t, s, shut)
				s.Deliver(t)
				if err := s.StopRecoveryByLink(t.Context(), authtest.Req, authtest.WantTokens(t, smtp, account.StopRecovery, 1)[0]); err != nil {
					t.Errorf("by the link: %v", err)
				}
				if _, err := s.Staff.Recovery(t.Context(), s.IDOf(t, "amina")); err == nil {
					t.Error("it goes on")
				}
			})
		})
	}
}

// TestPasswordOfAMomentAgoStopsNothing: it was a proof before the factor came.
func TestPasswordOfAMomentAgoStopsNothing(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		g, _ := withFactor(t, s)
		startRecovery(t, s)
		if err := s.StopRecovery(t.Context(), s.CallerOf(t, g)); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("with the password alone: %v", err)
		}
		if _, err := s.Staff.Recovery(t.Context(), s.IDOf(t, "amina")); err != nil {
			t.Errorf("it was stopped: %v", err)
		}
	})
}

// TestFactorThatCameLaterStopsNothing: whoever stops it had it before.
func TestFactorThatCameLaterStopsNothing(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		g, _ := withFactor(t, s)
		startRecovery(t, s)
		s.Clock.Advance(time.Minute)
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.DeleteFactors(ctx, g.User.ID) })
		late := s.AddTOTP(t, g.User.ID)
		in := trust(t, s, late)
		if err := s.StopRecovery(t.Context(), s.CallerOf(t, in)); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("by a factor that came later: %v", err)
		}
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.DeleteFactors(ctx, g.User.ID) })
		in, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.StopRecovery(t.Context(), s.CallerOf(t, in)); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("by the password of an account that has none now: %v", err)
		}
	})
}

// TestOneRecoveryInSevenDays: so that nobody learns to ignore its mails, and
// nobody who stopped it has to again and again.
func TestOneRecoveryInSevenDays(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g, seed := withFactor(t, s)
		byLink := func() error {
			u, err := s.Store.UserByID(t.Context(), g.User.ID)
			if err != nil {
				t.Fatal(err)
			}
			return s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				return s.Accounts.StartRecovery(ctx, tx, u, auth.RecoveryStart{}, audit.ByUser("", u.ID, "", authtest.Req, s.Clock.Now()))
			})
		}
		if err := byLink(); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if err := s.Staff.Recover(t.Context(), s.IDOf(t, "amina"), "", "again"); !refusedRecovery(err) {
				t.Errorf("while one runs: %v", err)
			}
		}
		if n := owed(t, s, account.MailRecoveryStarted); n != 1 {
			t.Errorf("%d mails that one was started, want 1", n)
		}
		in := trust(t, s, seed)
		if err := s.StopRecovery(t.Context(), s.CallerOf(t, in)); err != nil {
			t.Fatal(err)
		}
		if err := s.Staff.Recover(t.Context(), s.IDOf(t, "amina"), "", "again"); !refusedRecovery(err) {
			t.Errorf("on the same day: %v", err)
		}
		s.Clock.Advance(7 * 24 * time.Hour)
		if err := byLink(); !refusedRecovery(err) {
			t.Errorf("by a link, after the owner stopped one: %v", err)
		}
		if err := s.Staff.SetEmail(t.Context(), s.IDOf(t, "amina"), "amina.new@example.ma", ""); !refusedRecovery(err) {
			t.Errorf("by the staff without a reason: %v", err)
		}
		startRecovery(t, s)
		s.Deliver(t)
		authtest.WantTokens(t, smtp, account.StopRecovery, 2)
	})
}

// TestStaffGiveNoAddressAtOnce where there is a factor: the mailbox would be the
// way to all the rest. When the time is over the factor stays.
func TestStaffGiveNoAddressAtOnce(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g, _ := withFactor(t, s)
		if err := s.Staff.SetEmail(t.Context(), s.IDOf(t, "amina"), "amina.new@example.ma", ""); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Staff.Recovery(t.Context(), s.IDOf(t, "amina")); err != nil || !r.Keeps || r.Email != "amina.new@example.ma" {
			t.Fatalf("%+v, %v", r, err)
		}
		u, err := s.Store.UserByID(t.Context(), g.User.ID)
		if err != nil || u.Email != "amina@example.ma" {
			t.Fatalf("%s, %v: the address changed at once", u.Email, err)
		}
		finish := ready(t, s, smtp)
		if err := s.FinishRecovery(t.Context(), authtest.Req, finish); err != nil {
			t.Fatal(err)
		}
		if u, err = s.Store.UserByID(t.Context(), g.User.ID); err != nil || u.Email != "amina.new@example.ma" || u.EmailVerifiedAt.IsZero() {
			t.Errorf("%+v, %v", u, err)
		}
		isAsked(t, s, "", "another address")
		s.Deliver(t)
		authtest.WantTokens(t, smtp, account.UndoEmail, 1) // the one before can go back
	})
}

// TestRecoveryOfWhoHasNoFactorIsDoneAtOnce, as it was before.
func TestRecoveryOfWhoHasNoFactorIsDoneAtOnce(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.Prove(t, s.SignUp(t, "amina"))
		if err := s.Staff.Recover(t.Context(), s.IDOf(t, "amina"), "", ""); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		authtest.WantTokens(t, smtp, account.ResetPassword, 1)
	})
}

// TestNoChainOfCommandsOpensAnAccountWithAFactor: every ordered pair of what the
// staff can do to a user, and then a login.
func TestNoChainOfCommandsOpensAnAccountWithAFactor(t *testing.T) {
	t.Parallel()
	const fresh = "nV7#another-31plum"
	acts := map[string]func(ctx context.Context, s *authtest.Server) error{
		"set-email": func(ctx context.Context, s *authtest.Server) error {
			return s.Staff.SetEmail(ctx, s.IDOf(t, "amina"), "a@example.ma", "x")
		},
		"recover": func(ctx context.Context, s *authtest.Server) error {
			return s.Staff.Recover(ctx, s.IDOf(t, "amina"), "b@example.ma", "x")
		},
		"stop": func(ctx context.Context, s *authtest.Server) error {
			return s.Staff.StopRecovery(ctx, s.IDOf(t, "amina"), "")
		},
		"set-password": func(ctx context.Context, s *authtest.Server) error {
			return s.Staff.SetPassword(ctx, s.IDOf(t, "amina"), account.TextInput(fresh), authtest.Reason)
		},
		"unlock": func(ctx context.Context, s *authtest.Server) error {
			return s.Staff.Unlock(ctx, s.IDOf(t, "amina"), "")
		},
		"disable": func(ctx context.Context, s *authtest.Server) error {
			return s.Staff.Disable(ctx, s.IDOf(t, "amina"), "")
		},
		"enable": func(ctx context.Context, s *authtest.Server) error {
			return s.Staff.Enable(ctx, s.IDOf(t, "amina"), "")
		},
		"restore": func(ctx context.Context, s *authtest.Server) error {
			return s.Staff.Restore(ctx, s.IDOf(t, "amina"), "")
		},
	}
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for first, do := range acts {
			for then, doThen := range acts {
				g, _ := withFactor(t, s)
				_, _ = do(t.Context(), s), doThen(t.Context(), s) // what may not be is refused
				if err := s.Staff.Enable(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
					t.Fatal(err)
				}
				u, err := s.Store.UserByID(t.Context(), g.User.ID)
				if err != nil || u.Email != "amina@example.ma" {
					t.Errorf("%s, %s: address %s, %v", first, then, u.Email, err)
				}
				password := authtest.Good
				if first == "set-password" || then == "set-password" {
					password = fresh
				}
				if _, err := s.SignIn(t, "amina", password); !errors.Is(err, account.ErrSecondFactor) {
					t.Errorf("%s, %s, login: %v", first, then, err)
				}
				s.Forget(t, "amina")
			}
		}
	})
}

// TestRecoveryThatIsStoppedAndFinishedAtOnce: one of the two happens, and it is
// said which.
func TestRecoveryThatIsStoppedAndFinishedAtOnce(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		for range 10 {
			smtp := smtptest.Start(t, smtptest.Options{})
			a := authtest.New(t, st, authtest.Mailing(t, smtp))
			b := authtest.New(t, st, authtest.Mailing(t, smtp))
			g, seed := withFactor(t, a)
			startRecovery(t, a)
			finish := ready(t, a, smtp)
			stopLink := authtest.WantTokens(t, smtp, account.StopRecovery, 1)[0]
			in := trust(t, a, seed)
			b.Clock.Advance(a.Clock.Now().Sub(b.Clock.Now()))
			caller := a.CallerOf(t, in)
			start := make(chan struct{})
			var all sync.WaitGroup
			done := make([]error, 3)
			for i, do := range []func() error{
				func() error { return a.StopRecovery(t.Context(), caller) },
				func() error { return b.FinishRecovery(t.Context(), authtest.Req, finish) },
				func() error { return b.StopRecoveryByLink(t.Context(), authtest.Req, stopLink) },
			} {
				all.Go(func() { <-start; done[i] = do() })
			}
			close(start)
			all.Wait()
			factors, err := st.Factors(t.Context(), g.User.ID)
			if err != nil {
				t.Fatal(err)
			}
			won := 0
			for _, err := range done {
				if err == nil {
					won++
				}
			}
			if won != 1 || (done[1] == nil) != (len(factors) == 0) {
				t.Errorf("stopped %v, finished %v, stopped by link %v; %d factors", done[0], done[1], done[2], len(factors))
			}
			for _, err := range done {
				var e *account.Error
				if err != nil && !errors.As(err, &e) {
					t.Errorf("the loser gets %v", err)
				}
			}
			a.Forget(t, "amina")
		}
	})
}

// TestRecoveryTellsFormerAddresses whose way back is open.
func TestRecoveryTellsFormerAddresses(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		if err := s.AskEmailChange(t, g, "thief@example.ma"); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		if err := s.ConfirmEmail(t.Context(), authtest.Req, authtest.WantTokens(t, smtp, account.ConfirmEmail, 1)[0]); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		s.AddTOTP(t, g.User.ID)
		startRecovery(t, s)
		s.Deliver(t)
		var told []string
		for _, m := range s.AllMails(t) {
			if m.Kind == account.MailRecoveryStarted {
				told = append(told, m.Email)
			}
		}
		slices.Sort(told)
		if want := []string{"amina@example.ma", "thief@example.ma"}; !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
		authtest.WantTokens(t, smtp, account.StopRecovery, 2)
	})
}

// TestYoungFactorStopsNoRecovery, as one that a thief has added: whoever has an
// older one does, by showing it, also in the same session.
func TestYoungFactorStopsNoRecovery(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		g, seed := withFactor(t, s)
		in := trust(t, s, seed)
		key := s.AddPasskeyTo(t, s.CallerOf(t, in))
		recovery := s.AddRecoveryCode(t, g.User.ID) // it is as young
		startRecovery(t, s)
		refused := func(what string, c *auth.Caller) {
			t.Helper()
			err := s.StopRecovery(t.Context(), c)
			var e *account.Error
			if !errors.Is(err, account.ErrConfirmRequired) || !errors.As(err, &e) || !slices.Equal(e.Methods, []string{"totp"}) {
				t.Errorf("%s: %v; want to be asked for the app", what, err)
			}
		}
		refused("in the session that showed the older one before", s.CallerOf(t, in))
		thief, err := s.SignInBy(t, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		refused("by the passkey", s.CallerOf(t, thief))
		if _, err := s.Confirm(t.Context(), s.CallerOf(t, thief), auth.Proof{RecoveryCode: text(recovery)}); err != nil {
			t.Fatal(err)
		}
		refused("by a recovery code of today", s.CallerOf(t, thief))
		s.Clock.Advance(30 * time.Second)
		if _, err := s.Confirm(t.Context(), s.CallerOf(t, in), auth.Proof{Code: code(t, s, seed)}); err != nil {
			t.Fatal(err)
		}
		if err := s.StopRecovery(t.Context(), s.CallerOf(t, in)); err != nil {
			t.Errorf("by the app: %v", err)
		}
	})
}

// TestOnlyFactorStopsWhatAMailboxBegan, however young it is: or whoever has the
// mailbox would be rid of it. What the staff began it does not.
func TestOnlyFactorStopsWhatAMailboxBegan(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		link := plants(t, s, smtp, g)[0]
		s.Clock.Advance(time.Minute)
		if err := undo(t, s, link, ""); !errors.Is(err, errWaits) {
			t.Fatal(err)
		}
		if err := s.StopRecovery(t.Context(), s.CallerOf(t, g)); err != nil {
			t.Errorf("by the factor: %v", err)
		}
		s.Forget(t, "amina")
		seed := s.AddTOTP(t, s.SignUp(t, "amina").User.ID)
		s.Prove(t, trust(t, s, seed))
		startRecovery(t, s)
		in := trust(t, s, seed)
		if err := s.StopRecovery(t.Context(), s.CallerOf(t, in)); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("what the staff began: %v", err)
		}
	})
}
