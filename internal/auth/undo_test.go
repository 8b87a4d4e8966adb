package auth_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// plants has a thief in somebody's session add an app of theirs, and returns
// the links that were mailed.
func plants(t *testing.T, s *authtest.Server, smtp *smtptest.Server, g auth.LoginResult) []account.Input {
	t.Helper()
	s.Enrols(t, s.CallerOf(t, g))
	s.Deliver(t)
	return authtest.TokensOf(smtp, account.UndoFactor)
}

// errWaits says that nothing is undone: a recovery waits.
var errWaits = errors.New("a recovery waits")

func undo(t *testing.T, s *authtest.Server, link account.Input, password string) error {
	t.Helper()
	in := auth.FactorUndo{Token: link}
	if password != "" {
		in.Password = text(password)
	}
	waitsUntil, err := s.UndoFactor(t.Context(), authtest.Elsewhere(), in)
	if !waitsUntil.IsZero() {
		return errWaits
	}
	return err
}

// TestNewFactorIsUndone by who has the link and the password of before: it
// goes, with its codes, its sessions and the password.
func TestNewFactorIsUndone(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "omar")
		s.Prove(t, g)
		link := plants(t, s, smtp, g)[0]
		// The thief changes the password as well, and adds another.
		if _, err := s.ChangePassword(t.Context(), s.CallerOf(t, g), auth.PasswordChange{New: text("tr0ub4dor&zellige")}); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(time.Minute)
		s.Enrols(t, s.CallerOf(t, g))
		wants(t, "the thief's password", undo(t, s, link, "tr0ub4dor&zellige"), "password", "password_wrong")
		if err := undo(t, s, link, ""); !errors.Is(err, errWaits) {
			t.Errorf("no password: %v", err)
		}
		c := s.CallerOf(t, g)
		if err := undo(t, s, link, authtest.Good); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("the thief's session: %v", err)
		}
		list, err := s.Factors(t.Context(), c)
		if err != nil || len(list.Factors) != 0 || list.RecoveryCodesLeft != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		for _, password := range []string{authtest.Good, "tr0ub4dor&zellige"} {
			if _, err := s.SignIn(t, "omar", password); !errors.Is(err, account.ErrInvalidCredentials) {
				t.Errorf("a password of before: %v", err)
			}
		}
		wants(t, "the link again", undo(t, s, link, authtest.Good), "token", "challenge_used")
		s.Deliver(t)
		for _, other := range authtest.TokensOf(smtp, account.UndoFactor)[1:] {
			wants(t, "the link of another that is gone", undo(t, s, other, "tr0ub4dor&zellige"), "token", "challenge_invalid")
		}
		if err := s.Reset(t, authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0], "vermicelle-9-zellige"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(t, "omar", "vermicelle-9-zellige"); err != nil {
			t.Errorf("the owner: %v", err)
		}
		if s.Sent(t, account.MailFactorRemoved) != 1 {
			t.Error("nobody was told that it is gone")
		}
	})
}

// TestUndoLeavesOlderFactors: what the owner had before the thief came.
func TestUndoLeavesOlderFactors(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "omar")
		s.Prove(t, g)
		seed, _ := s.Enrols(t, s.CallerOf(t, g))
		own := onlyFactor(t, s, g).ID
		s.Clock.Advance(time.Minute)
		s.Deliver(t)
		links := plants(t, s, smtp, g)
		if err := undo(t, s, links[1], authtest.Good); err != nil {
			t.Fatal(err)
		}
		if got := onlyFactor(t, s, g); got.ID != own {
			t.Error("the older one is gone")
		}
		s.Deliver(t)
		if err := s.Reset(t, authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0], "vermicelle-9-zellige"); err != nil {
			t.Fatal(err)
		}
		if _, err := second(t, s, s.Waits(t, "omar", "vermicelle-9-zellige"), auth.Proof{Code: s.TOTPCode(seed, 0)}); err != nil {
			t.Errorf("the owner's app: %v", err)
		}
	})
}

// TestMailboxAloneUndoesNothing: neither with a guess, nor with a password that
// was reset by it; nor after seven days.
func TestMailboxAloneUndoesNothing(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		link := plants(t, s, smtp, g)[0] // her own
		for range 10 {
			wants(t, "a guess", undo(t, s, link, "guess-9-zellige"), "password", "password_wrong")
		}
		if err := undo(t, s, link, authtest.Good); !authtest.Throttled(err) {
			t.Errorf("after ten guesses: %v", err)
		}
		if _, err := s.Export(t.Context(), s.CallerOf(t, g)); err != nil {
			t.Errorf("the owner pays for it: %v", err)
		}
		s.Clock.Advance(time.Hour)
		s.AskReset(t, "amina@example.ma")
		s.Deliver(t)
		if err := s.Reset(t, authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0], "tr0ub4dor&zellige"); err != nil {
			t.Fatal(err)
		}
		if err := undo(t, s, link, "tr0ub4dor&zellige"); !errors.Is(err, errWaits) {
			t.Errorf("after a reset: %v", err)
		}
		if err := undo(t, s, link, authtest.Good); !errors.Is(err, account.ErrRecoveryRefused) {
			t.Errorf("again: %v", err)
		}
		onlyFactor(t, s, g)

		other := s.SignUp(t, "omar")
		s.Prove(t, other)
		late := plants(t, s, smtp, other)[1]
		s.Clock.Advance(7*24*time.Hour + time.Second)
		s.SweepAll(t)
		wants(t, "after seven days", undo(t, s, late, authtest.Good), "token", "challenge_expired")
		if onlyFactor(t, s, other).PasswordBefore != "" {
			t.Error("the password of before is kept")
		}
	}, authtest.Limited)
}

// TestFormerAddressUndoes: a thief who moved the account to a mailbox of theirs
// has not shut the owner out.
func TestFormerAddressUndoes(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		if err := s.AskEmailChange(t, g, "thief@example.com"); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		if err := s.ConfirmEmail(t.Context(), authtest.Req, authtest.WantTokens(t, smtp, account.ConfirmEmail, 1)[0]); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		plants(t, s, smtp, g)
		var link account.Input
		to := map[string]int{}
		for _, m := range smtp.Messages() {
			if found := authtest.LinkPattern.FindStringSubmatch(m.Text); found != nil && found[1] == string(account.UndoFactor) {
				to[m.To]++
				if m.To == "amina@example.ma" {
					link = text(found[2])
				}
			}
		}
		if len(to) != 2 || to["amina@example.ma"] != 1 || to["thief@example.com"] != 1 {
			t.Fatalf("told are %v", to)
		}
		if err := undo(t, s, link, authtest.Good); err != nil {
			t.Fatal(err)
		}
		u, err := s.Store.UserByID(t.Context(), g.User.ID)
		if err != nil || u.Email != "amina@example.ma" || u.EmailVerifiedAt.IsZero() {
			t.Errorf("the address is %s, %v", u.Email, err)
		}
	})
}

const thiefs = "thief@thief.example"

// linksTo are the tokens of the links of a kind that were mailed to an address,
// the oldest first.
func linksTo(smtp *smtptest.Server, kind account.ChallengeKind, to string) (all []account.Input) {
	for _, m := range smtp.Messages() {
		if found := authtest.LinkPattern.FindStringSubmatch(m.Text); found != nil && found[1] == string(kind) && m.To == to {
			all = append(all, text(found[2]))
		}
	}
	return all
}

// robs moves amina's account to a mailbox of the thief, who adds an app. It
// returns the owner's way back.
func (th thief) robs(amina auth.LoginResult) (undoEmail account.Input) {
	th.t.Helper()
	th.moves(amina, thiefs)
	plants(th.t, th.Server, th.smtp, amina)
	th.Clock.Advance(time.Minute)
	return linksTo(th.smtp, account.UndoEmail, "amina@example.ma")[0]
}

// TestMailboxThatALostAccountLeftUndoesNothing: once its owner has taken the
// account back, whoever reads the mailbox that it was moved to neither begins a
// recovery nor stops the owner's.
func TestMailboxThatALostAccountLeftUndoesNothing(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		back := th.robs(amina)
		owners := linksTo(th.smtp, account.UndoFactor, "amina@example.ma")[0]
		if err := undo(t, th.Server, owners, ""); !errors.Is(err, errWaits) {
			t.Fatal(err)
		}
		th.Deliver(t)
		stop := linksTo(th.smtp, account.StopRecovery, thiefs)[0]
		th.smtp.Judge(func(to string, _ int) smtptest.Verdict {
			if to == thiefs {
				return smtptest.Verdict{Rcpt: 451}
			}
			return smtptest.Verdict{}
		})
		plants(t, th.Server, th.smtp, amina) // the mail about another is owed
		if err := th.UndoEmail(t.Context(), authtest.Req, back); err != nil {
			t.Fatal(err)
		}
		wants(t, "the thief stops it", th.StopRecoveryByLink(t.Context(), authtest.Req, stop), "token", "challenge_used")
		wants(t, "the thief begins one", undo(t, th.Server, linksTo(th.smtp, account.UndoFactor, thiefs)[0], ""), "token", "challenge_used")
		th.reachable()
		if n := len(linksTo(th.smtp, account.UndoFactor, thiefs)); n != 1 {
			t.Errorf("%d links in the thief's mailbox, want no more than before", n)
		}
		th.Clock.Advance(auth.DefaultRecoveryWait)
		tell(t, th.Server)
		th.Deliver(t)
		if err := th.FinishRecovery(t.Context(), authtest.Req, linksTo(th.smtp, account.FinishRecovery, "amina@example.ma")[0]); err != nil {
			t.Errorf("the owner's: %v", err)
		}
		if list, err := th.Store.Factors(t.Context(), amina.User.ID); err != nil || len(list) != 0 {
			t.Errorf("%d factors are left, %v", len(list), err)
		}
	})
}

// TestRecoveryForAMailboxThatALostAccountLeft ends when its owner takes the
// account back, by the link about the address or about the factor, and does not
// hold up theirs.
func TestRecoveryForAMailboxThatALostAccountLeft(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		back := th.robs(amina)
		if err := undo(t, th.Server, linksTo(th.smtp, account.UndoFactor, thiefs)[0], ""); !errors.Is(err, errWaits) {
			t.Fatal(err)
		}
		if err := th.UndoEmail(t.Context(), authtest.Req, back); err != nil {
			t.Fatal(err)
		}
		if _, err := th.Staff.Recovery(t.Context(), amina.User.ID); err == nil {
			t.Error("the thief's goes on")
		}
		if n := th.EventKinds(t)[account.EventRecoveryStopped]; n != 1 {
			t.Errorf("%d events that it was stopped, want 1", n)
		}
		if err := undo(t, th.Server, linksTo(th.smtp, account.UndoFactor, "amina@example.ma")[0], ""); !errors.Is(err, errWaits) {
			t.Errorf("the owner's: %v", err)
		}
		th.Clock.Advance(auth.DefaultRecoveryWait)
		tell(t, th.Server)
		th.Deliver(t)
		if a, b := len(linksTo(th.smtp, account.FinishRecovery, thiefs)), len(linksTo(th.smtp, account.FinishRecovery, "amina@example.ma")); a != 0 || b != 1 {
			t.Errorf("%d links to finish for the thief, %d for the owner", a, b)
		}
	})
}

// finishes lets the waiting time of the thief's recovery pass, and finishes it.
func (th thief) finishes() {
	th.t.Helper()
	th.Clock.Advance(auth.DefaultRecoveryWait)
	tell(th.t, th.Server)
	th.Deliver(th.t)
	if err := th.FinishRecovery(th.t.Context(), authtest.Req, linksTo(th.smtp, account.FinishRecovery, thiefs)[0]); err != nil {
		th.t.Fatal(err)
	}
}

// TestRecoveryVoidsNoWayBackElsewhere: a thief who moved the account, and has a
// recovery begin by a link in their own mailbox, takes it from its owner for a
// while only.
func TestRecoveryVoidsNoWayBackElsewhere(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		back := th.robs(amina)
		if err := undo(t, th.Server, linksTo(th.smtp, account.UndoFactor, thiefs)[0], ""); !errors.Is(err, errWaits) {
			t.Fatal(err)
		}
		th.finishes()
		th.Clock.Advance(time.Hour)
		if err := th.UndoEmail(t.Context(), authtest.Req, back); err != nil {
			t.Fatalf("the owner's way back: %v", err)
		}
		u, err := th.Store.UserByID(t.Context(), amina.User.ID)
		if err != nil || u.Email != "amina@example.ma" {
			t.Errorf("the address is %s, %v", u.Email, err)
		}
	})
}

// TestRecoveryVoidsTheWayBackOfItsMailbox, which has nothing more to take back;
// and one that the staff began, who vouch for its mailbox, voids every one.
func TestRecoveryVoidsTheWayBackOfItsMailbox(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		back := th.robs(amina)
		if err := undo(t, th.Server, linksTo(th.smtp, account.UndoFactor, "amina@example.ma")[0], ""); !errors.Is(err, errWaits) {
			t.Fatal(err)
		}
		th.Clock.Advance(auth.DefaultRecoveryWait)
		tell(t, th.Server)
		th.Deliver(t)
		if err := th.FinishRecovery(t.Context(), authtest.Req, linksTo(th.smtp, account.FinishRecovery, "amina@example.ma")[0]); err != nil {
			t.Fatal(err)
		}
		wants(t, "the owner's way back", th.UndoEmail(t.Context(), authtest.Req, back), "token", "challenge_used")
	})
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		back := th.robs(amina)
		if err := th.Staff.Recover(t.Context(), amina.User.ID, thiefs, "showed a card"); err != nil {
			t.Fatal(err)
		}
		th.finishes()
		wants(t, "the way back elsewhere", th.UndoEmail(t.Context(), authtest.Req, back), "token", "challenge_used")
	})
}

// TestThiefWhoStopsARecoveryHoldsNobodyUp once the owner has taken the account
// back: neither them nor the staff.
func TestThiefWhoStopsARecoveryHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for name, stops := range map[string]func(t *testing.T, th thief, amina auth.LoginResult){
		"by their factor": func(t *testing.T, th thief, amina auth.LoginResult) {
			if err := th.StopRecovery(t.Context(), th.CallerOf(t, amina)); err != nil {
				t.Fatal(err)
			}
		},
		"by the link in their mailbox": func(t *testing.T, th thief, _ auth.LoginResult) {
			th.Deliver(t)
			if err := th.StopRecoveryByLink(t.Context(), authtest.Req, linksTo(th.smtp, account.StopRecovery, thiefs)[0]); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, staff := range []bool{false, true} {
				forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
					back := th.robs(amina)
					link := linksTo(th.smtp, account.UndoFactor, "amina@example.ma")[0]
					if err := undo(t, th.Server, link, ""); !errors.Is(err, errWaits) {
						t.Fatal(err)
					}
					stops(t, th, amina)
					if err := th.UndoEmail(t.Context(), authtest.Req, back); err != nil {
						t.Fatal(err)
					}
					th.Deliver(t)
					if err := th.Reset(t, linksTo(th.smtp, account.ResetPassword, "amina@example.ma")[0], "vermicelle-9-zellige"); err != nil {
						t.Fatal(err)
					}
					if staff {
						if err := th.Staff.Recover(t.Context(), amina.User.ID, "", "showed her card"); err != nil {
							t.Errorf("the staff: %v", err)
						}
					} else if err := undo(t, th.Server, link, ""); !errors.Is(err, errWaits) {
						t.Errorf("the owner: %v", err)
					}
				})
			}
		})
	}
}

// TestUndoElsewhereStopsNoRecovery of the address to which the account can be
// taken back: who undoes a factor of their own in another mailbox has the
// password, which a thief has.
func TestUndoElsewhereStopsNoRecovery(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.robs(amina)
		if err := undo(t, th.Server, linksTo(th.smtp, account.UndoFactor, "amina@example.ma")[0], ""); !errors.Is(err, errWaits) {
			t.Fatal(err)
		}
		if err := undo(t, th.Server, linksTo(th.smtp, account.UndoFactor, thiefs)[0], authtest.PasswordOf("amina")); err != nil {
			t.Fatal(err)
		}
		if r, err := th.Staff.Recovery(t.Context(), amina.User.ID); err != nil || r.Email != "amina@example.ma" {
			t.Errorf("the owner's: for %q, %v", r.Email, err)
		}
	})
}

// TestYoungFactorHoldsUpNoStaff with a reason: it may be a thief's, who stopped
// the owner's recovery. A factor that is the owner's does, and a link is
// still held up.
func TestYoungFactorHoldsUpNoStaff(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		link := plants(t, th.Server, th.smtp, amina)[0]
		th.Clock.Advance(time.Minute)
		if err := undo(t, th.Server, link, ""); !errors.Is(err, errWaits) {
			t.Fatal(err)
		}
		if err := th.StopRecovery(t.Context(), th.CallerOf(t, amina)); err != nil {
			t.Fatal(err)
		}
		if err := undo(t, th.Server, link, ""); !errors.Is(err, account.ErrRecoveryRefused) {
			t.Errorf("by the link again: %v", err)
		}
		if err := th.Staff.Recover(t.Context(), amina.User.ID, "", "showed her card"); err != nil {
			t.Errorf("the staff: %v", err)
		}
	})
}

// TestUndoByPasswordInAnyOrder: who has shown that they are the owner, by the way
// back or by the password before, still takes the thief's other factors
// away at once; whatever is wrong is said to be.
func TestUndoByPasswordInAnyOrder(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(t *testing.T, th thief, links []account.Input, back account.Input){
		"after the address": func(t *testing.T, th thief, _ []account.Input, back account.Input) {
			if err := th.UndoEmail(t.Context(), authtest.Req, back); err != nil {
				t.Fatal(err)
			}
		},
		"after a younger factor": func(t *testing.T, th thief, links []account.Input, _ account.Input) {
			if err := undo(t, th.Server, links[1], authtest.PasswordOf("amina")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
				back := th.robs(amina)
				plants(t, th.Server, th.smtp, amina)
				links := linksTo(th.smtp, account.UndoFactor, "amina@example.ma")
				before(t, th, links, back)
				wants(t, "a guess", undo(t, th.Server, links[0], "guess-9-zellige"), "password", "password_wrong")
				if err := undo(t, th.Server, links[0], authtest.PasswordOf("amina")); err != nil {
					t.Errorf("the password before: %v", err)
				}
				if list, err := th.Store.Factors(t.Context(), amina.User.ID); err != nil || len(list) != 0 {
					t.Errorf("%d factors are left, %v", len(list), err)
				}
			})
		})
	}
}

// TestGuessesInAnotherMailboxHoldNobodyUp: a thief in the mailbox that they moved
// the account to spends no try of the owner's.
func TestGuessesInAnotherMailboxHoldNobodyUp(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.Has(t, "amina", "amina@example.ma")
		s.Prove(t, g)
		th := thief{s, t, smtp}
		th.robs(g)
		theirs, owners := linksTo(smtp, account.UndoFactor, thiefs)[0], linksTo(smtp, account.UndoFactor, "amina@example.ma")[0]
		for range 10 {
			wants(t, "a guess", undo(t, s, theirs, "guess-9-zellige"), "password", "password_wrong")
		}
		if err := undo(t, s, theirs, "guess-9-zellige"); !authtest.Throttled(err) {
			t.Errorf("after ten guesses: %v", err)
		}
		if err := undo(t, s, owners, authtest.PasswordOf("amina")); err != nil {
			t.Errorf("the owner: %v", err)
		}
	}, authtest.Limited)
}

// TestAccountThatIsTakenBackWhileAThiefBeginsARecovery, on two servers: there is
// none then, whoever was quicker.
func TestAccountThatIsTakenBackWhileAThiefBeginsARecovery(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		for range 10 {
			smtp := smtptest.Start(t, smtptest.Options{})
			a := authtest.New(t, st, authtest.Mailing(t, smtp))
			b := authtest.New(t, st, authtest.Mailing(t, smtp))
			g := a.Has(t, "amina", "amina@example.ma")
			a.Prove(t, g)
			th := thief{a, t, smtp}
			back := th.robs(g)
			b.Clock.Advance(a.Clock.Now().Sub(b.Clock.Now()))
			theirs := linksTo(smtp, account.UndoFactor, thiefs)[0]
			done := make([]error, 2)
			together(2, func(i int) {
				if i == 0 {
					done[i] = a.UndoEmail(t.Context(), authtest.Req, back)
				} else {
					_, done[i] = b.UndoFactor(t.Context(), authtest.Elsewhere(), auth.FactorUndo{Token: theirs})
				}
			})
			if done[0] != nil || done[1] != nil && authtest.FieldKeys(done[1])["token"] == nil {
				t.Errorf("the owner %v, the thief %v", done[0], done[1])
			}
			if r, err := a.Staff.Recovery(t.Context(), g.User.ID); err == nil {
				t.Errorf("a recovery for %s runs", r.Email)
			}
			a.Forget(t, "amina")
		}
	})
}

// TestOneOfManyUndoes what was done.
func TestOneOfManyUndoes(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "omar")
		s.Prove(t, g)
		link := plants(t, s, smtp, g)[0]
		var mu sync.Mutex
		done := 0
		together(20, func(int) {
			err := undo(t, s, link, authtest.Good)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if authtest.FieldKeys(err)["token"] == nil {
				t.Errorf("%v", err)
			}
		})
		s.Deliver(t)
		if done != 1 || s.EventKinds(t)[account.EventFactorUndone] != 1 {
			t.Errorf("%d undid it, %d events", done, s.EventKinds(t)[account.EventFactorUndone])
		}
		authtest.WantTokens(t, smtp, account.ResetPassword, 1)
	})
}

// TestThiefWhoChangesThePasswordFirst and then adds a factor has not made their
// password the one of before.
func TestThiefWhoChangesThePasswordFirst(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		for _, byPasskey := range []bool{false, true} {
			g := s.SignUp(t, fmt.Sprint("omar-", byPasskey))
			s.Prove(t, g)
			for _, plain := range []string{"tr0ub4dor&zellige", "vermicelle-9-zellige"} {
				s.Clock.Advance(time.Minute)
				if _, err := s.ChangePassword(t.Context(), s.CallerOf(t, g), auth.PasswordChange{New: text(plain)}); err != nil {
					t.Fatal(err)
				}
			}
			before := len(authtest.TokensOf(smtp, account.UndoFactor))
			if byPasskey {
				s.AddPasskeyTo(t, s.CallerOf(t, g))
			} else {
				s.Enrols(t, s.CallerOf(t, g))
			}
			s.Deliver(t)
			link := authtest.TokensOf(smtp, account.UndoFactor)[before]
			for _, plain := range []string{"tr0ub4dor&zellige", "vermicelle-9-zellige"} {
				wants(t, "the thief's password", undo(t, s, link, plain), "password", "password_wrong")
			}
			if err := undo(t, s, link, authtest.Good); err != nil {
				t.Errorf("the owner's: %v", err)
			}
		}

		// A week later it is the owner's own change, and forgotten.
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		if _, err := s.ChangePassword(t.Context(), s.CallerOf(t, g), auth.PasswordChange{New: text("tr0ub4dor&zellige")}); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(7 * 24 * time.Hour)
		s.SweepAll(t)
		if hash, err := s.Store.FormerPassword(t.Context(), g.User.ID, time.Time{}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after a week: %q, %v", hash, err)
		}
		g, err := s.SignIn(t, "amina", "tr0ub4dor&zellige")
		if err != nil {
			t.Fatal(err)
		}
		before := len(authtest.TokensOf(smtp, account.UndoFactor))
		s.Enrols(t, s.CallerOf(t, g))
		s.Deliver(t)
		link := authtest.TokensOf(smtp, account.UndoFactor)[before]
		wants(t, "the password of a week ago", undo(t, s, link, authtest.Good), "password", "password_wrong")
		if err := undo(t, s, link, "tr0ub4dor&zellige"); err != nil {
			t.Errorf("the owner's: %v", err)
		}
	})
}

// TestResetForgetsFormerPasswords: whoever read the mail may have had any of
// them set.
func TestResetForgetsFormerPasswords(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "omar")
		s.Prove(t, g)
		if _, err := s.ChangePassword(t.Context(), s.CallerOf(t, g), auth.PasswordChange{New: text("tr0ub4dor&zellige")}); err != nil {
			t.Fatal(err)
		}
		s.AskReset(t, g.User.Email)
		s.Deliver(t)
		s.Deliver(t)
		if err := s.Reset(t, authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0], "vermicelle-9-zellige"); err != nil {
			t.Fatal(err)
		}
		if hash, err := s.Store.FormerPassword(t.Context(), g.User.ID, time.Time{}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after a reset: %q, %v", hash, err)
		}
	})
}

// TestThiefWhoForgetsThePasswordElsewhere: a reset, or whatever else gives another
// password, in the mailbox to which a thief moved the account does not make
// the owner's worthless, before the factor is added or after.
func TestThiefWhoForgetsThePasswordElsewhere(t *testing.T) {
	t.Parallel()
	const next = "vermicelle-9-zellige"
	reset := func(t *testing.T, th thief) auth.LoginResult {
		t.Helper()
		th.Deliver(t)
		th.Deliver(t)
		links := linksTo(th.smtp, account.ResetPassword, thiefs)
		if err := th.Reset(t, links[len(links)-1], next); err != nil {
			t.Fatal(err)
		}
		in, err := th.SignIn(t, "amina", next)
		if err != nil && !errors.Is(err, account.ErrSecondFactor) {
			t.Fatal(err)
		}
		return in
	}
	for name, loses := range map[string]func(t *testing.T, th thief, amina auth.LoginResult){
		"a reset, then the factor": func(t *testing.T, th thief, _ auth.LoginResult) {
			th.AskReset(t, thiefs)
			plants(t, th.Server, th.smtp, reset(t, th))
		},
		"the factor, then a reset": func(t *testing.T, th thief, amina auth.LoginResult) {
			plants(t, th.Server, th.smtp, amina)
			th.AskReset(t, thiefs)
			reset(t, th)
		},
		"it was not me": func(t *testing.T, th thief, amina auth.LoginResult) {
			if _, err := th.UpdateProfile(t.Context(), th.CallerOf(t, amina), auth.ProfileChange{Username: text("amina2")}); err != nil {
				t.Fatal(err)
			}
			th.Deliver(t)
			if err := th.NotMe(t.Context(), authtest.Req, linksTo(th.smtp, account.NotMe, thiefs)[0]); err != nil {
				t.Fatal(err)
			}
			th.Deliver(t)
			if err := th.Reset(t, linksTo(th.smtp, account.ResetPassword, thiefs)[0], next); err != nil {
				t.Fatal(err)
			}
			in, err := th.SignIn(t, "amina2", next)
			if err != nil {
				t.Fatal(err)
			}
			plants(t, th.Server, th.smtp, in)
		},
		"a factor undone by the thief, and another": func(t *testing.T, th thief, amina auth.LoginResult) {
			plants(t, th.Server, th.smtp, amina)
			if err := undo(t, th.Server, linksTo(th.smtp, account.UndoFactor, thiefs)[0], authtest.PasswordOf("amina")); err != nil {
				t.Fatal(err)
			}
			plants(t, th.Server, th.smtp, reset(t, th))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
				th.moves(amina, thiefs)
				loses(t, th, amina)
				links := linksTo(th.smtp, account.UndoFactor, "amina@example.ma")
				link := links[len(links)-1]
				wants(t, "the thief's password", undo(t, th.Server, link, next), "password", "password_wrong")
				if err := undo(t, th.Server, link, authtest.PasswordOf("amina")); err != nil {
					t.Errorf("the owner's: %v", err)
				}
				u, err := th.Store.UserByID(t.Context(), amina.User.ID)
				if err != nil || u.Email != "amina@example.ma" {
					t.Errorf("the address is %s, %v", u.Email, err)
				}
				if hash, err := th.Store.FormerPassword(t.Context(), amina.User.ID, time.Time{}); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("a password is kept after the owner's act: %q, %v", hash, err)
				}
			})
		})
	}
}

// TestNoiseHidesNoWayBack: whoever adds and takes away five factors in an hour
// does not have the sixth come without the link that undoes it; and nobody adds
// so many that a mailbox is flooded.
func TestNoiseHidesNoWayBack(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "omar")
		s.Prove(t, g)
		for i := range 14 {
			if i%2 == 0 {
				s.Enrols(t, s.CallerOf(t, g))
			} else {
				s.AddPasskeyTo(t, s.CallerOf(t, g))
			}
			s.Clock.Advance(time.Second)
			if err := s.RemoveFactor(t.Context(), s.CallerOf(t, g), onlyFactor(t, s, g).ID); err != nil {
				t.Fatal(err)
			}
		}
		c := s.CallerOf(t, g)
		s.AddPasskeyTo(t, c)
		if _, err := s.Enrol(t, c, newKey(), nil); !authtest.Throttled(err) {
			t.Errorf("the sixteenth in an hour: %v", err)
		}
		setup, err := s.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{Code: s.TOTPCode(authtest.Seed(t, setup.Secret), 0)})
		if !authtest.Throttled(err) {
			t.Errorf("an app instead: %v", err)
		}
		s.Deliver(t)
		links := authtest.TokensOf(smtp, account.UndoFactor)
		if len(links) != 15 {
			t.Fatalf("%d links, want one of each of 15 factors", len(links))
		}
		undone := 0
		for _, link := range links { // in whatever order they arrived
			if undo(t, s, link, authtest.Good) == nil {
				undone++
			}
		}
		if undone != 1 {
			t.Errorf("%d links undo something, want that of the one that is left", undone)
		}
		if list, err := s.Factors(t.Context(), c); err != nil || len(list.Factors) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	}, authtest.Limited)
}
