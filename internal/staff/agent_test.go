package staff_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// TestOnlyAFreshSessionWithAFactorWorksForStaff.
func TestOnlyAFreshSessionWithAFactorWorksForStaff(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		agent := func(c *auth.Caller) error {
			_, err := s.Staff.Agent(t.Context(), c)
			return err
		}
		client := s.CallerOf(t, s.SignUp(t, "client"))
		if err := agent(client); !errors.Is(err, account.ErrPermissionDenied) {
			t.Errorf("a client: %v", err)
		}
		c := s.Employs(t, "nadia", account.Support)
		if err := agent(c); err != nil {
			t.Fatalf("staff: %v", err)
		}
		for name, change := range map[string]func(*auth.Caller){
			"a password alone, or a trusted device": func(c *auth.Caller) { c.AMR = account.AMRPassword },
			"a token of Django's":                   func(c *auth.Caller) { c.SessionID = "" },
			"adopted before the role":               func(c *auth.Caller) { c.OpenedAt = c.OpenedAt.Add(-time.Hour) },
			"twelve hours after the factor":         func(c *auth.Caller) { c.ProvedAt = c.ProvedAt.Add(-staff.MaxAge) },
			"no proof":                              func(c *auth.Caller) { c.ProvedAt = time.Time{} },
		} {
			other := *c
			change(&other)
			if err := agent(&other); !errors.Is(err, account.ErrStaffLogin) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for range 4 { // two hours, never idle for long
			s.Clock.Advance(staff.MaxIdle - time.Minute)
			if err := agent(c); err != nil {
				t.Fatalf("at work: %v", err)
			}
		}
		s.Clock.Advance(staff.MaxIdle)
		if err := agent(c); !errors.Is(err, account.ErrStaffLogin) {
			t.Errorf("after half an hour without doing anything: %v", err)
		}
	})
}

// TestRemovedFactorOpensNothingToTheStaff: whoever has added one to an account of
// the staff, and came in by it, is out when it is taken away.
func TestRemovedFactorOpensNothingToTheStaff(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c := s.Employs(t, "nadia", account.Support)
		s.Clock.Advance(time.Minute)
		planted, _ := s.Enrols(t, c)
		s.Clock.Advance(time.Minute)
		thief, err := s.LoginSecond(t.Context(), authtest.Elsewhere(), auth.SecondStep{
			Challenge: s.Waits(t, "nadia", authtest.Good), Proof: auth.Proof{Code: s.TOTPCode(planted, 0)},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.AgentOf(t, s.CallerOf(t, thief))
		list, err := s.Factors(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveFactor(t.Context(), c, list.Factors[1].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Staff.Agent(t.Context(), s.CallerOf(t, thief)); !errors.Is(err, account.ErrStaffLogin) {
			t.Errorf("who came in by what is gone: %v", err)
		}
		s.AgentOf(t, c)
	})
}

// TestRoleIsAskedOfTheDatabaseEachTime.
func TestRoleIsAskedOfTheDatabaseEachTime(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c := s.Employs(t, "nadia", account.Manager)
		id := c.User.ID
		if a := s.AgentOf(t, c); a.Role != account.Manager {
			t.Fatalf("%+v", a)
		}
		s.Gives(t, id, account.Support)
		if a := s.AgentOf(t, c); a.Role != account.Support {
			t.Errorf("after another was given: %+v", a)
		}
		for name, m := range map[string]account.StaffMember{
			"not accepted": {UserID: id, Role: account.Owner, GivenAt: c.OpenedAt},
			"suspended":    {UserID: id, Role: account.Owner, GivenAt: c.OpenedAt, AcceptedAt: c.OpenedAt, SuspendedAt: s.Clock.Now()},
		} {
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.SetStaff(ctx, m) })
			if _, err := s.Staff.Agent(t.Context(), c); !errors.Is(err, account.ErrPermissionDenied) {
				t.Errorf("%s: %v", name, err)
			}
		}
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.DeleteStaff(ctx, id) })
		if _, err := s.Staff.Agent(t.Context(), c); !errors.Is(err, account.ErrPermissionDenied) {
			t.Errorf("taken: %v", err)
		}
	})
}

// TestDjangosTokensDoNotOpenAccountsWithARole, not even while it waits to be
// accepted.
func TestDjangosTokensDoNotOpenAccountsWithARole(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "nadia")
		s.Clock.Advance(time.Second)
		access, refresh := authtest.DjangoToken(t, s, token.Access, g.User.ID, "a"), authtest.DjangoToken(t, s, token.Refresh, g.User.ID, "b")
		if _, err := s.Authenticate(t.Context(), access); err != nil {
			t.Fatalf("without a role: %v", err)
		}
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			return tx.SetStaff(ctx, account.StaffMember{UserID: g.User.ID, Role: account.Support, GivenAt: s.Clock.Now()})
		})
		if _, err := s.Authenticate(t.Context(), access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("access: %v", err)
		}
		if _, err := s.Renew(t, refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("refresh: %v", err)
		}
	}, authtest.Accepting)
}

// TestOnlyOwnersActOnStaff: and nobody on themselves.
func TestOnlyOwnersActOnStaff(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		owner, manager, other := s.Employs(t, "owner", account.Owner), s.Employs(t, "manager", account.Manager), s.Employs(t, "other", account.Support)
		client := s.SignUp(t, "client").User.ID
		why := authtest.Reason
		acts := map[string]func(svc *staff.Service, id int64) error{
			"email": func(svc *staff.Service, id int64) error { return svc.SetEmail(t.Context(), id, "new@example.ma", why) },
			"reset": func(svc *staff.Service, id int64) error { _, err := svc.StartReset(t.Context(), id, why); return err },
			"resend": func(svc *staff.Service, id int64) error {
				_, err := svc.ResendVerification(t.Context(), id, why)
				return err
			},
			"sign out": func(svc *staff.Service, id int64) error { _, err := svc.EndSessions(t.Context(), id, why); return err },
			"unlock":   func(svc *staff.Service, id int64) error { return svc.Unlock(t.Context(), id, why) },
			"recover":  func(svc *staff.Service, id int64) error { return svc.Recover(t.Context(), id, "", why) },
			"enable":   func(svc *staff.Service, id int64) error { return svc.Enable(t.Context(), id, why) },
			"restore":  func(svc *staff.Service, id int64) error { return svc.Restore(t.Context(), id, why) },
			"stop":     func(svc *staff.Service, id int64) error { return svc.StopRecovery(t.Context(), id, why) },
			"note": func(svc *staff.Service, id int64) error {
				_, err := svc.AddNote(t.Context(), id, account.TextInput("not to be trusted"))
				return err
			},
			"close":   func(svc *staff.Service, id int64) error { return svc.Close(t.Context(), id, why) },
			"erase":   func(svc *staff.Service, id int64) error { _, err := svc.Erase(t.Context(), id, why); return err },
			"disable": func(svc *staff.Service, id int64) error { return svc.Disable(t.Context(), id, why) },
			"edit": func(svc *staff.Service, id int64) error {
				_, err := svc.Edit(t.Context(), id, auth.UserEdit{Version: account.TextInput("x"), FirstName: account.TextInput("X")})
				return err
			},
		}
		as := s.Staff.As(s.AgentOf(t, manager))
		for name, act := range acts {
			for who, id := range map[string]int64{"an owner": owner.User.ID, "an equal": other.User.ID, "themselves": manager.User.ID} {
				if err := act(as, id); !errors.Is(err, account.ErrPermissionDenied) {
					t.Errorf("a manager: %s of %s: %v", name, who, err)
				}
			}
			if err := act(s.Staff.As(s.AgentOf(t, owner)), owner.User.ID); !errors.Is(err, account.ErrPermissionDenied) {
				t.Errorf("an owner: %s of themselves: %v", name, err)
			}
		}
		if n := s.EventKinds(t)[account.EventStaffRefused]; n == 0 {
			t.Error("nothing of it is an event")
		}
		if err := as.Disable(t.Context(), client, why); err != nil {
			t.Errorf("a client: %v", err)
		}
		if err := s.Staff.As(s.AgentOf(t, owner)).Disable(t.Context(), other.User.ID, why); err != nil {
			t.Errorf("an owner disables support: %v", err)
		}
		for _, reason := range []string{"", "too short", strings.Repeat("x", 501)} {
			if err := as.Disable(t.Context(), client, reason); len(authtest.FieldKeys(err)["reason"]) == 0 {
				t.Errorf("the reason %.12q: %v", reason, err)
			}
		}
		if err := s.Staff.Disable(t.Context(), owner.User.ID, ""); !errors.Is(err, account.ErrLastOwner) {
			t.Errorf("the last owner, by a command: %v", err)
		}
		if err := s.CloseAccount(t.Context(), owner, account.Input{}); !errors.Is(err, account.ErrLastOwner) {
			t.Errorf("the last owner leaves: %v", err)
		}
	}, authtest.EraseAfter30Days)
}

// TestActsOfAnAgentNameThem.
func TestActsOfAnAgentNameThem(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c := s.Employs(t, "manager", account.Manager)
		client := s.SignUp(t, "client").User.ID
		if err := s.Staff.As(s.AgentOf(t, c)).Disable(t.Context(), client, "fraud was reported"); err != nil {
			t.Fatal(err)
		}
		events, err := s.Store.Events(t.Context(), store.EventFilter{Agent: c.User.ID}, 10)
		if err != nil || len(events) != 1 {
			t.Fatal(events, err)
		}
		if e := events[0]; e.Kind != account.EventUserDisabled || e.Actor != account.ActorStaff || e.UserID != client || e.Reason != "fraud was reported" || e.ReadDetails().Agent != c.User.ID {
			t.Errorf("%+v", e)
		}
	})
}

// TestEditsOfTwoAgentsAreNotLost.
func TestEditsOfTwoAgentsAreNotLost(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "client")
		u, err := s.Staff.User(t.Context(), g.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		seen := account.TextInput(auth.Version(u, account.Recovery{}))
		edit := func(first, last, email account.Input) (account.User, error) {
			return s.Staff.Edit(t.Context(), u.ID, auth.UserEdit{Version: seen, FirstName: first, LastName: last, Email: email})
		}
		now, err := edit(account.TextInput("Amina"), account.Input{}, account.Input{})
		if err != nil || now.FirstName != "Amina" || now.LastName != u.LastName {
			t.Fatal(now, err)
		}
		if _, err := edit(account.Input{}, account.TextInput("Alaoui"), account.Input{}); !errors.Is(err, account.ErrEditConflict) {
			t.Errorf("by what was before: %v", err)
		}
		seen = account.TextInput(auth.Version(now, account.Recovery{}))
		now, err = edit(account.Input{}, account.TextInput("Alaoui"), account.TextInput("amina@example.ma"))
		if err != nil || now.LastName != "Alaoui" || now.FirstName != "Amina" || now.Email != "amina@example.ma" || !now.EmailVerifiedAt.IsZero() {
			t.Errorf("%+v %v", now, err)
		}
		seen = account.TextInput(auth.Version(now, account.Recovery{}))
		if _, err := edit(account.Input{}, account.Input{}, account.TextInput("")); len(authtest.FieldKeys(err)["email"]) == 0 {
			t.Errorf("no address: %v", err)
		}
	})
}

// TestMailToANewAddressIsInTheNewLanguage, where one edit gives both.
func TestMailToANewAddressIsInTheNewLanguage(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		u, err := s.Staff.User(t.Context(), s.SignUp(t, "client").User.ID)
		if err != nil {
			t.Fatal(err)
		}
		edit := auth.UserEdit{Version: account.TextInput(auth.Version(u, account.Recovery{})), Email: account.TextInput("amina@example.ma"), Language: account.TextInput("en")}
		if _, err := s.Staff.Edit(t.Context(), u.ID, edit); err != nil {
			t.Fatal(err)
		}
		sent := 0
		for _, m := range s.AllMails(t) {
			if m.Email == "amina@example.ma" {
				sent++
				if m.Language != "en" {
					t.Errorf("%s is in %s", m.Kind, m.Language)
				}
			}
		}
		if sent != 1 {
			t.Errorf("%d mails to the new address", sent)
		}
	})
}

// TestRoleIsSuspendedWithTheLastFactor, by whatever takes it.
func TestRoleIsSuspendedWithTheLastFactor(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c := s.Employs(t, "nadia", account.Support)
		factors, err := s.Factors(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveFactor(t.Context(), c, factors.Factors[0].ID); err != nil {
			t.Fatal(err)
		}
		m, err := s.Store.StaffMember(t.Context(), c.User.ID)
		if err != nil || m.Counts() || m.SuspendedAt.IsZero() || s.EventKinds(t)[account.EventRoleSuspended] != 1 {
			t.Errorf("%+v %v", m, err)
		}
		s.Enrols(t, c)
		if _, err := s.Staff.Agent(t.Context(), c); !errors.Is(err, account.ErrPermissionDenied) {
			t.Errorf("another factor gives the role back: %v", err)
		}
	})
}

// TestRoleGoesWithPasskeysOfAnotherDomain: after a move nobody is asked for them, so
// the mailbox alone, or the password alone, opens the session; a factor that is
// added in it must not open the console.
func TestRoleGoesWithPasskeysOfAnotherDomain(t *testing.T) {
	t.Parallel()
	for name, moved := range map[string]auth.PasskeyOptions{
		"another": {RPID: "shop.ma", Name: "Yoozak", Origins: []string{"https://shop.ma"}}, "none": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
				g := s.SignUp(t, "owner")
				s.Prove(t, g)
				s.AddPasskeyTo(t, s.CallerOf(t, g))
				s.Gives(t, g.User.ID, account.Owner)
				s.AgentOf(t, s.CallerOf(t, g))
				other := authtest.New(t, s.Store, authtest.SameClock(s), func(o *app.Options, _ *token.Options) { o.Passkeys = moved })
				other.Clock = s.Clock
				in, err := other.SignIn(t, "owner", authtest.Good)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := other.StaffWithoutFactor(t.Context()); err != nil || n != 1 {
					t.Errorf("%d of the staff can show no factor, %v", n, err)
				}
				other.Enrols(t, other.CallerOf(t, in))
				if _, err := other.Staff.Agent(t.Context(), other.CallerOf(t, in)); !errors.Is(err, account.ErrPermissionDenied) {
					t.Errorf("an app that was added after a password alone opens the console: %v", err)
				}
				if n := s.EventKinds(t)[account.EventRoleSuspended]; n != 1 {
					t.Errorf("%d events of a role that is suspended", n)
				}
				// The terminal renews it.
				if err := other.Staff.Offer(t.Context(), g.User.ID, account.Owner); err != nil {
					t.Errorf("it is not offered again: %v", err)
				}
			})
		})
	}
}

// TestFactorBesidePasskeysOfAnotherDomainIsTheLast: they are asked for nowhere.
func TestFactorBesidePasskeysOfAnotherDomainIsTheLast(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for _, role := range []account.Role{account.Owner, account.Support} {
			g := s.SignUp(t, string(role))
			s.Prove(t, g)
			c := s.CallerOf(t, g)
			s.AddPasskeyTo(t, c)
			s.Enrols(t, c)
			s.Gives(t, g.User.ID, role)
			other := authtest.New(t, s.Store, authtest.SameClock(s), func(o *app.Options, _ *token.Options) { o.Passkeys = auth.PasskeyOptions{} })
			c = s.CallerOf(t, g)
			if n, err := other.StaffWithoutFactor(t.Context()); err != nil || n != 0 {
				t.Errorf("%s: %d of the staff can show no factor, %v", role, n, err)
			}
			all, err := s.Factors(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			app := slices.IndexFunc(all.Factors, func(f account.Factor) bool { return f.Kind == account.TOTP })
			err = other.RemoveFactor(t.Context(), c, all.Factors[app].ID)
			if role == account.Owner {
				if !errors.Is(err, account.ErrLastOwner) {
					t.Errorf("the last factor of the last owner: %v", err)
				}
				continue
			}
			if m, merr := s.Store.StaffMember(t.Context(), g.User.ID); err != nil || merr != nil || m.Counts() {
				t.Errorf("%s: %v; the role counts: %v, %v", role, err, m.Counts(), merr)
			}
		}
	})
}

// TestLastOwnerKeepsTheLastFactor: the role would go with it, and nobody could
// give it back; and whose role is suspended all the same does not leave.
func TestLastOwnerKeepsTheLastFactor(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		owner := s.Employs(t, "owner", account.Owner)
		factors, err := s.Factors(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveFactor(t.Context(), owner, factors.Factors[0].ID); !errors.Is(err, account.ErrLastOwner) {
			t.Errorf("the last factor of the last owner: %v", err)
		}
		s.AgentOf(t, owner)
		suspend := func(at time.Time) {
			t.Helper()
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
				m, err := tx.StaffMember(ctx, owner.User.ID)
				if err != nil {
					return err
				}
				m.SuspendedAt = at
				return tx.SetStaff(ctx, m)
			})
		}
		suspend(s.Clock.Now())
		if err := s.CloseAccount(t.Context(), owner, account.Input{}); !errors.Is(err, account.ErrLastOwner) {
			t.Errorf("suspended, and the last: %v", err)
		}
		suspend(time.Time{})
		s.Employs(t, "second", account.Owner)
		if err := s.RemoveFactor(t.Context(), owner, factors.Factors[0].ID); err != nil {
			t.Fatalf("beside another owner: %v", err)
		}
		again, err := s.SignIn(t, "owner", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, again), account.TextInput(authtest.Good)); err != nil {
			t.Errorf("suspended, beside another owner: %v", err)
		}
	}, authtest.EraseAfter30Days)
}

// TestRefusedUnlocksUseUpNothing: of the five of a day that an owner may need.
func TestRefusedUnlocksUseUpNothing(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		owner, agent := s.Staff.As(s.AgentOf(t, s.Employs(t, "owner", account.Owner))), s.Employs(t, "agent", account.Support)
		manager := s.Employs(t, "manager", account.Manager).User.ID
		for range guard.UnlocksPerUser.Count {
			if err := s.Staff.As(s.AgentOf(t, agent)).Unlock(t.Context(), manager, authtest.Reason); !errors.Is(err, account.ErrPermissionDenied) {
				t.Errorf("support unlocks a manager: %v", err)
			}
		}
		if err := owner.Unlock(t.Context(), manager, authtest.Reason); err != nil {
			t.Errorf("an owner does: %v", err)
		}
	}, authtest.Limited)
}

// TestRefusedMailsUseUpNothing: whoever may not have a mail sent to an account
// of the staff does not keep its own from going out.
func TestRefusedMailsUseUpNothing(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		owner := s.Employs(t, "owner", account.Owner).User.ID
		support := s.Staff.As(s.AgentOf(t, s.Employs(t, "support", account.Support)))
		for range 10 {
			if _, err := support.StartReset(t.Context(), owner, ""); !errors.Is(err, account.ErrPermissionDenied) {
				t.Fatalf("a reset of an owner: %v", err)
			}
		}
		due, err := s.Staff.StartReset(t.Context(), owner, "")
		if err != nil || due.After(s.Clock.Now()) {
			t.Errorf("the owner's mail waits until %v, %v", due, err)
		}
	}, authtest.Limited)
}

// TestWorkEndsWithTheRole: what an agent does takes longer than a request, and
// ends with the role, the account or the session.
func TestWorkEndsWithTheRole(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx := t.Context()
		s.Employs(t, "owner", account.Owner)
		client := s.SignUp(t, "client").User.ID
		for name, end := range map[string]func(c *auth.Caller) error{
			"taken":      func(c *auth.Caller) error { return s.Staff.Take(ctx, c.User.ID, "") },
			"lower":      func(c *auth.Caller) error { return s.Staff.Change(ctx, c.User.ID, account.Support, "") },
			"disabled":   func(c *auth.Caller) error { return s.Staff.Disable(ctx, c.User.ID, "") },
			"closed":     func(c *auth.Caller) error { return s.Staff.Close(ctx, c.User.ID, authtest.Reason) },
			"signed-out": func(c *auth.Caller) error { return s.LogoutAll(ctx, c) },
		} {
			c := s.Employs(t, name, account.Manager)
			svc := s.Staff.As(s.AgentOf(t, c))
			file, _, err := svc.Exports(ctx, account.TextInput(fmt.Sprint(client)), staff.Query{}, staff.CSV, authtest.Reason)
			if err != nil {
				t.Fatal(err)
			}
			if err := svc.AtWork(ctx); err != nil {
				t.Fatalf("%s: before: %v", name, err)
			}
			if err := end(c); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			report, err := svc.Do(ctx, staff.BulkDisable, staff.Bulk{IDs: account.TextInput(fmt.Sprint(client)), Reason: authtest.Reason})
			if !errors.Is(err, account.ErrStaffLogin) || len(report.Done) > 0 {
				t.Errorf("%s: %+v, %v", name, report, err)
			}
			if err := file.Write(ctx, io.Discard); !errors.Is(err, account.ErrStaffLogin) {
				t.Errorf("%s: a file: %v", name, err)
			}
		}
		if u, err := s.Staff.User(ctx, client); err != nil || !u.Active {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

// taker takes a role once something is written.
type taker struct{ take func() }

func (w *taker) Write(p []byte) (int, error) {
	w.take()
	return len(p), nil
}

// TestFileOfManyBreaksOffWithTheRole: it does not go on to the last of a million.
func TestFileOfManyBreaksOffWithTheRole(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx := t.Context()
		c := s.Employs(t, "manager", account.Manager)
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			for i := range 2 * store.MaxUserPage {
				u := account.User{Username: fmt.Sprint("client", i), FirstName: strings.Repeat("a", 150), LastName: strings.Repeat("b", 150), PasswordHash: "!", Active: true, Language: "fr", JoinedAt: s.Clock.Now(), PasswordAt: s.Clock.Now()}
				if err := tx.CreateUser(ctx, &u); err != nil {
					return err
				}
			}
			return nil
		})
		file, _, err := s.Staff.As(s.AgentOf(t, c)).Exports(ctx, account.Input{}, staff.Query{Search: account.TextInput("")}, staff.CSV, authtest.Reason)
		if err != nil {
			t.Fatal(err)
		}
		take := sync.OnceFunc(func() {
			if err := s.Staff.Take(ctx, c.User.ID, ""); err != nil {
				t.Error(err)
			}
		})
		if err := file.Write(ctx, &taker{take}); !errors.Is(err, account.ErrStaffLogin) {
			t.Errorf("%v", err)
		}
	})
}
