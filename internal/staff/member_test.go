package staff_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
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
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// linked has the links of roles be their tokens.
func linked(o *app.Options, _ *token.Options) {
	o.Mail.Link = func(_ account.ChallengeKind, raw, _ string) string { return raw }
}

func twoPersons(o *app.Options, _ *token.Options) { o.TwoPersons = true }

// refuseRoles keeps roles from being stored until allow is called: as a full
// disk does, or a server that is killed.
func refuseRoles(t *testing.T, url string) (allow func()) {
	t.Helper()
	db := authtest.OpenSQL(t, url)
	refuse, drop := []string{
		`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the disk is full''; END'`,
		`CREATE TRIGGER refuse BEFORE INSERT ON staff FOR EACH ROW EXECUTE FUNCTION refuse()`,
	}, `DROP TRIGGER refuse ON staff`
	if strings.HasPrefix(url, "sqlite:") {
		refuse, drop = []string{`CREATE TRIGGER refuse BEFORE INSERT ON staff BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`}, `DROP TRIGGER refuse`
	}
	authtest.Execute(t, db, refuse...)
	return func() { authtest.Execute(t, db, drop) }
}

// TestInvitationIsWhole: an account and its role are made together, or neither;
// and a first owner's offer that fails leaves the one before.
func TestInvitationIsWhole(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		ctx := t.Context()
		s := authtest.New(t, storetest.Open(t, url), linked)
		before, err := s.Staff.FirstOwner(ctx, "before@example.ma", "fr")
		if err != nil {
			t.Fatal(err)
		}
		events := len(s.AllEvents(t))
		invite := func() error {
			_, err := s.Staff.InviteMember(ctx, auth.Invited{Email: account.TextInput("salma@example.ma")}, account.Support, "fr")
			return err
		}
		first := func() error {
			_, err := s.Staff.FirstOwner(ctx, "nadia@example.ma", "fr")
			return err
		}
		nobody := func(email string) {
			t.Helper()
			if users, err := s.Store.UsersByEmail(ctx, email, 9); err != nil || len(users) != 0 {
				t.Errorf("%s: %d accounts without a role; %v", email, len(users), err)
			}
		}
		allow := refuseRoles(t, url)
		for _, do := range []func() error{invite, first} {
			if err := do(); err == nil {
				t.Fatal("it is stored on a full disk")
			}
		}
		nobody("salma@example.ma")
		nobody("nadia@example.ma")
		if n := len(s.AllEvents(t)); n != events {
			t.Errorf("%d events of what was not done", n-events)
		}
		if _, err := s.RoleOffer(ctx, authtest.Req, before); err != nil {
			t.Errorf("the offer before: %v", err)
		}
		allow()
		for _, do := range []func() error{invite, first} {
			if err := do(); err != nil {
				t.Errorf("once there is room: %v", err)
			}
		}
		if _, err := s.RoleOffer(ctx, authtest.Req, before); err == nil {
			t.Error("two offers of the first owner")
		}
		members, err := s.Staff.Members(ctx)
		if err != nil || len(members) != 2 {
			t.Errorf("%d have a role, %v; want the two", len(members), err)
		}
	})
}

// TestFirstOwner is the first day: a link, a password, a login, a factor, and
// only then the role.
func TestFirstOwner(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx := t.Context()
		var link string
		for _, email := range []string{"wrong@example.ma", "nadia@example.ma", "wrong@example.ma", "nadia@example.ma", "Nadia@example.ma"} { // links get lost
			void := link
			var err error
			if link, err = s.Staff.FirstOwner(ctx, email, "fr"); err != nil {
				t.Fatalf("%s: %v", email, err)
			}
			if _, err := s.RoleOffer(ctx, authtest.Req, void); err == nil {
				t.Error("two offers of the first owner")
			}
		}
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { // of Django, without an address and a password
			return tx.CreateUser(ctx, &account.User{Username: "nobody", Active: true, JoinedAt: s.Clock.Now(), PasswordAt: s.Clock.Now(), PasswordHash: "!"})
		})
		if _, err := s.Staff.FirstOwner(ctx, "", "fr"); len(authtest.FieldKeys(err)["email"]) == 0 {
			t.Errorf("no address: %v", err)
		}
		s.SignUp(t, "claims") // claims@example.ma, and proves nothing
		if _, err := s.Staff.FirstOwner(ctx, "claims@example.ma", "fr"); len(authtest.FieldKeys(err)["email"]) == 0 {
			t.Errorf("somebody's who has not proved it: %v", err)
		}
		offer, err := s.RoleOffer(ctx, authtest.Req, link)
		if err != nil || !offer.NeedsPassword || offer.Role != account.Owner || offer.Email != "nadia@example.ma" {
			t.Fatalf("%+v %v", offer, err)
		}
		in := account.TextInput(link)
		if err := s.ChoosePasswordOfRole(ctx, authtest.Req, in, account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		if err := s.ChoosePasswordOfRole(ctx, authtest.Req, in, account.TextInput("another-Pass-77")); err == nil {
			t.Error("a second password by the link")
		}
		g, err := s.SignIn(t, "nadia@example.ma", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		c := s.CallerOf(t, g)
		if err := s.AcceptRole(ctx, c, in); len(authtest.FieldKeys(err)["non_field_errors"]) == 0 {
			t.Errorf("without a factor: %v", err)
		}
		s.Enrols(t, c)
		c = s.CallerOf(t, g)
		if _, err := s.Staff.Agent(ctx, c); !errors.Is(err, account.ErrPermissionDenied) {
			t.Errorf("before it is accepted: %v", err)
		}
		other := s.Employs(t, "other", account.Support)
		if err := s.AcceptRole(ctx, other, in); len(authtest.FieldKeys(err)["token"]) == 0 {
			t.Errorf("somebody else: %v", err)
		}
		before := *c
		before.OpenedAt = before.OpenedAt.Add(-time.Hour)
		if err := s.AcceptRole(ctx, &before, in); !errors.Is(err, account.ErrStaffLogin) {
			t.Errorf("a session of before: %v", err)
		}
		if err := s.AcceptRole(ctx, c, in); err != nil {
			t.Fatal(err)
		}
		if a := s.AgentOf(t, c); a.Role != account.Owner {
			t.Errorf("%+v", a)
		}
		if err := s.AcceptRole(ctx, c, in); len(authtest.FieldKeys(err)["token"]) == 0 {
			t.Errorf("the link again: %v", err)
		}
		if _, err := s.Staff.FirstOwner(ctx, "second@example.ma", "fr"); !errors.Is(err, staff.ErrOwner) {
			t.Errorf("another first owner: %v", err)
		}
	}, linked)
}

// TestRoleLinkExpires after 72 hours.
func TestRoleLinkExpires(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "nadia")
		if _, err := s.Staff.OfferByLink(t.Context(), g.User.ID, account.Support); len(authtest.FieldKeys(err)["email"]) == 0 {
			t.Errorf("an address that is not proved: %v", err)
		}
		s.Prove(t, g)
		link, err := s.Staff.OfferByLink(t.Context(), g.User.ID, account.Support)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(72*time.Hour - time.Second)
		if _, err := s.RoleOffer(t.Context(), authtest.Req, link); err != nil {
			t.Errorf("within: %v", err)
		}
		s.Clock.Advance(time.Second)
		if _, err := s.RoleOffer(t.Context(), authtest.Req, link); err == nil {
			t.Error("after 72 hours")
		}
	}, linked)
}

// TestNobodyRaisesThemselves, and the last owner stays.
func TestNobodyRaisesThemselves(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		owner, manager := s.Employs(t, "owner", account.Owner), s.Employs(t, "manager", account.Manager)
		client := s.SignUp(t, "client").User.ID
		m, o := s.Staff.As(s.AgentOf(t, manager)), s.Staff.As(s.AgentOf(t, owner))
		for name, err := range map[string]error{
			"a manager raises themselves": m.Change(t.Context(), manager.User.ID, account.Owner, ""),
			"a manager takes an owner's":  m.Take(t.Context(), owner.User.ID, ""),
			"a manager offers a role":     m.Offer(t.Context(), client, account.Support),
			"an owner changes their own":  o.Change(t.Context(), owner.User.ID, account.Support, ""),
			"an owner takes their own":    o.Take(t.Context(), owner.User.ID, ""),
		} {
			if !errors.Is(err, account.ErrPermissionDenied) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, err := range map[string]error{
			"take":   s.Staff.Take(t.Context(), owner.User.ID, ""),
			"change": s.Staff.Change(t.Context(), owner.User.ID, account.Manager, ""),
		} {
			if !errors.Is(err, account.ErrLastOwner) {
				t.Errorf("%s the last owner: %v", name, err)
			}
		}
		if err := o.Change(t.Context(), manager.User.ID, account.Owner, ""); err != nil {
			t.Fatal(err)
		}
		if a := s.AgentOf(t, manager); a.Role != account.Owner {
			t.Errorf("at the next click: %+v", a)
		}
		if err := o.Take(t.Context(), manager.User.ID, "left the shop today"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Staff.Agent(t.Context(), manager); !errors.Is(err, account.ErrPermissionDenied) {
			t.Errorf("after it was taken: %v", err)
		}
	})
}

// TestTwoPersonsAreTwo.
func TestTwoPersonsAreTwo(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx, why := t.Context(), authtest.Reason
		s.Employs(t, "owner", account.Owner)
		first, second := s.Employs(t, "first", account.Manager), s.Employs(t, "second", account.Manager)
		a, b := s.Staff.As(s.AgentOf(t, first)), s.Staff.As(s.AgentOf(t, second))
		client := s.SignUp(t, "client").User.ID
		ask := func() string {
			t.Helper()
			waits, err := a.Erase(ctx, client, why)
			if err != nil || waits == nil {
				t.Fatal(waits, err)
			}
			return waits.ID
		}
		id := ask()
		if _, err := a.Decide(ctx, id, true, ""); !errors.Is(err, account.ErrPermissionDenied) {
			t.Errorf("the same person: %v", err)
		}
		if err := a.EraseApproved(ctx, id); !errors.Is(err, account.ErrApprovalOver) {
			t.Errorf("not approved: %v", err)
		}
		if _, err := b.Decide(ctx, id, true, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Decide(ctx, id, false, ""); !errors.Is(err, account.ErrApprovalOver) {
			t.Errorf("decided twice: %v", err)
		}
		if err := b.EraseApproved(ctx, id); !errors.Is(err, account.ErrPermissionDenied) {
			t.Errorf("done by the other: %v", err)
		}
		s.Gives(t, second.User.ID, account.Support)
		if err := a.EraseApproved(ctx, id); !errors.Is(err, account.ErrApprovalOver) {
			t.Errorf("approved by who was demoted: %v", err)
		}
		s.Gives(t, second.User.ID, account.Manager)
		s.Clock.Advance(24 * time.Hour)
		if err := a.EraseApproved(ctx, id); !errors.Is(err, account.ErrApprovalOver) {
			t.Errorf("after a day: %v", err)
		}
		id = ask()
		if _, err := b.Decide(ctx, id, true, ""); err != nil {
			t.Fatal(err)
		}
		if err := a.EraseApproved(ctx, id); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Staff.User(ctx, client); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("not erased: %v", err)
		}
		if err := a.EraseApproved(ctx, id); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("twice: %v", err)
		}
		other := s.SignUp(t, "other").User.ID
		waits, err := a.Erase(ctx, other, why)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Staff.Take(ctx, first.User.ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Decide(ctx, waits.ID, true, ""); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("asked for by who left: %v", err)
		}
	}, twoPersons)
}

// TestManyAtOnce: repeating does nobody twice.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx := t.Context()
		c, other := s.Employs(t, "boss", account.Manager), s.Employs(t, "colleague", account.Support)
		for _, name := range []string{"client1", "client2", "client3"} {
			s.SignUp(t, name)
		}
		svc := s.Staff.As(s.AgentOf(t, c))
		if err := svc.Disable(ctx, s.IDOf(t, "client3"), authtest.Reason); err != nil {
			t.Fatal(err)
		}
		all := staff.Query{Search: account.TextInput("example.ma")}
		count := func(r staff.Report, why staff.LeftWhy) (n int) {
			for _, l := range r.Left {
				if l.Why == why {
					n++
				}
			}
			return n
		}
		for _, dry := range []bool{true, false} {
			r, err := svc.Do(ctx, staff.BulkDisable, staff.Bulk{Query: all, Reason: authtest.Reason, DryRun: dry})
			if err != nil || len(r.Done) != 2 || count(r, staff.LeftSelf) != 1 || count(r, staff.LeftStaff) != 1 || count(r, staff.LeftAlready) != 1 {
				t.Fatalf("dry %v: %+v %v", dry, r, err)
			}
		}
		r, err := svc.Do(ctx, staff.BulkDisable, staff.Bulk{Query: all, Reason: authtest.Reason})
		if err != nil || len(r.Done) != 0 || s.EventKinds(t)[account.EventUserDisabled] != 3 {
			t.Errorf("again: %+v %v", r, err)
		}
		for name, b := range map[string]staff.Bulk{
			"nobody named": {Reason: authtest.Reason},
			"both":         {IDs: account.TextInput("1"), Query: all, Reason: authtest.Reason},
			"no reason":    {Query: all},
			"no numbers":   {IDs: account.TextInput("1,x"), Reason: authtest.Reason},
			"blanks":       {Query: staff.Query{Search: account.TextInput(" \u2028\u3000")}, Reason: authtest.Reason},
		} {
			if r, err := svc.Do(ctx, staff.BulkDisable, b); err == nil {
				t.Errorf("%s: %+v", name, r)
			}
		}
		_ = other
	})
}

// TestEachActOfAnAgentIsAnEvent, which names them.
func TestEachActOfAnAgentIsAnEvent(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx := t.Context()
		c := s.Employs(t, "owner", account.Owner)
		svc := s.Staff.As(s.AgentOf(t, c))
		g := s.SignUp(t, "client")
		id := g.User.ID
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		invited, err := svc.Invite(ctx, auth.Invited{Email: account.TextInput("new@example.ma")}, "fr")
		must(err)
		if _, err := svc.Invite(ctx, auth.Invited{Email: account.TextInput("NEW@example.ma")}, "fr"); len(authtest.FieldKeys(err)["email"]) == 0 {
			t.Errorf("an address that is known: %v", err)
		}
		for range 3 {
			_, err = svc.See(ctx, id)
			must(err)
		}
		_, err = svc.AddNote(ctx, id, account.TextInput("called in the morning"))
		must(err)
		_, err = svc.List(ctx, staff.Query{Search: account.TextInput("a secret search")})
		must(err)
		_, err = svc.EndSessions(ctx, id, "")
		must(err)
		must(svc.Unlock(ctx, id, ""))
		u, err := svc.User(ctx, id)
		must(err)
		_, err = svc.Edit(ctx, id, auth.UserEdit{Version: account.TextInput(auth.Version(u, account.Recovery{})), FirstName: account.TextInput("Amina")})
		must(err)
		for _, ids := range []string{"", "1"} {
			q, list := staff.Query{Search: account.TextInput("")}, account.Input{}
			if ids != "" {
				q, list = staff.Query{}, account.TextInput(ids)
			}
			e, _, err := svc.Exports(ctx, list, q, staff.CSV, authtest.Reason)
			must(err)
			must(e.Write(ctx, io.Discard))
		}
		s.Prove(t, g)
		must(svc.Offer(ctx, id, account.Support))
		must(svc.Take(ctx, id, ""))
		_ = invited
		events, err := s.Store.Events(ctx, store.EventFilter{Agent: c.User.ID}, 0)
		must(err)
		n := map[account.EventKind]int{}
		for _, e := range events {
			n[e.Kind]++
			if e.Actor != account.ActorStaff || strings.Contains(e.Details+e.Reason, "secret search") {
				t.Errorf("%+v", e)
			}
		}
		for kind, want := range map[account.EventKind]int{
			account.EventUserInvited: 1, account.EventUserSeen: 1, account.EventNoteAdded: 1, account.EventUsersListed: 1, account.EventSessionsEndedByStaff: 1,
			account.EventLoginUnlocked: 1, account.EventUserEdited: 1, account.EventUsersExported: 3, account.EventUserExported: 1, account.EventRoleGiven: 1, account.EventRoleTaken: 1,
		} {
			if n[kind] != want {
				t.Errorf("%s: %d, want %d", kind, n[kind], want)
			}
		}
		own, err := s.Events(ctx, s.CallerOf(t, mustSignIn(t, s)), account.Input{})
		must(err)
		for _, e := range own {
			if e.Kind == account.EventUserSeen || e.Kind == account.EventNoteAdded {
				t.Errorf("the client is shown %s", e.Kind)
			}
		}
		s.Clock.Advance(time.Hour)
		must(s.Store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.SeeStaff(ctx, c.SessionID, s.Clock.Now()) }))
		_, err = svc.See(ctx, id)
		must(err)
		if n := s.EventKinds(t)[account.EventUserSeen]; n != 2 {
			t.Errorf("an hour later: %d looks", n)
		}
	})
}

func mustSignIn(t *testing.T, s *authtest.Server) auth.LoginResult {
	t.Helper()
	g, err := s.SignIn(t, "client", authtest.Good)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestDiagnosisSaysWhy.
// TestUnlocksOfADayAreCounted, of each client, whoever of the staff presses;
// not those at the terminal.
func TestUnlocksOfADayAreCounted(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		agents := []*staff.Service{s.Staff.As(s.AgentOf(t, s.Employs(t, "first", account.Support))), s.Staff.As(s.AgentOf(t, s.Employs(t, "second", account.Support)))}
		amina, salma := s.SignUp(t, "amina").User.ID, s.SignUp(t, "salma").User.ID
		for i := range guard.UnlocksPerUser.Count {
			if err := agents[i%2].Unlock(t.Context(), amina, authtest.Reason); err != nil {
				t.Fatal(err)
			}
		}
		var e *account.Error
		if err := agents[0].Unlock(t.Context(), amina, authtest.Reason); !errors.As(err, &e) || e.Kind != account.Throttled || e.Wait <= 0 {
			t.Errorf("one more: %v", err)
		}
		if err := agents[0].Unlock(t.Context(), salma, authtest.Reason); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		if err := s.Staff.Unlock(t.Context(), amina, ""); err != nil {
			t.Errorf("at the terminal: %v", err)
		}
	}, authtest.Limited)
}

// TestVeryManyLooksAreSlowedAndTold: an agent who copies everybody is held up, and
// an owner hears of it, once; who was looked at within the hour is no other person.
func TestVeryManyLooksAreSlowedAndTold(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.Employs(t, "owner", account.Owner)
		agent := s.Staff.As(s.AgentOf(t, s.Employs(t, "agent", account.Support)))
		ids := make([]int64, guard.LooksPerAgent.Count+2)
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			for i := range ids {
				u := account.User{Username: fmt.Sprintf("client-%d", i), PasswordHash: "!", Active: true, JoinedAt: s.Clock.Now()}
				if err := tx.CreateUser(ctx, &u); err != nil {
					return err
				}
				ids[i] = u.ID
			}
			return nil
		})
		for _, id := range ids[:guard.LooksPerAgent.Count] {
			if err := agent.Look(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.EventKinds(t)[account.EventUserSeen]; n != guard.LooksPerAgent.Count {
			t.Errorf("%d events", n)
		}
		for _, id := range ids[guard.LooksPerAgent.Count:] {
			var e *account.Error
			if err := agent.Look(t.Context(), id); !errors.As(err, &e) || e.Kind != account.Throttled {
				t.Errorf("one more: %v", err)
			}
		}
		if err := agent.Look(t.Context(), ids[0]); err != nil {
			t.Errorf("somebody who was looked at: %v", err)
		}
		s.Deliver(t)
		told := 0
		for _, m := range smtp.Messages() {
			if strings.HasPrefix(m.To, "owner@") && strings.Contains(m.Text, strconv.Itoa(guard.LooksPerAgent.Count)) {
				told++
			}
		}
		if told != 1 {
			t.Errorf("the owner was told %d times", told)
		}
	}, authtest.Limited)
}

// TestAddressThenResetWarns: the ways in which one of the staff would take an
// account.
func TestAddressThenResetWarns(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		amina, salma, omar := s.SignUp(t, "amina").User.ID, s.SignUp(t, "salma").User.ID, s.SignUp(t, "omar").User.ID
		hind, badr := s.SignUp(t, "hind").User.ID, s.SignUp(t, "badr").User.ID
		want := func(want ...int64) {
			t.Helper()
			got, err := manager.AddressesThenLinks(t.Context())
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, %v; want %v", got, err, want)
			}
		}
		for _, id := range []int64{amina, salma, omar} {
			if err := s.Staff.SetEmail(t.Context(), id, fmt.Sprintf("other%d@example.ma", id), "they asked at the counter"); err != nil {
				t.Fatal(err)
			}
		}
		want()
		s.AskReset(t, fmt.Sprintf("other%d@example.ma", salma)) // as anybody does who reads it
		s.Deliver(t)
		want(salma)
		s.Clock.Advance(50 * time.Minute)
		if _, err := manager.StartReset(t.Context(), amina, authtest.Reason); err != nil {
			t.Fatal(err)
		}
		want(salma, amina)
		s.Clock.Advance(20 * time.Hour) // who is watched for an hour waits for two
		if _, err := manager.StartReset(t.Context(), omar, authtest.Reason); err != nil {
			t.Fatal(err)
		}
		want(omar, salma, amina)
		if err := manager.Recover(t.Context(), hind, "", authtest.Reason); err != nil { // at the address that it had
			t.Fatal(err)
		}
		want(omar, salma, amina)
		if err := manager.Recover(t.Context(), badr, "thief@example.ma", authtest.Reason); err != nil {
			t.Fatal(err)
		}
		want(badr, omar, salma, amina)
		for i := range 205 { // of one account, so that the others fall out of sight
			if err := s.Staff.SetEmail(t.Context(), hind, fmt.Sprintf("hind%d@example.ma", i), authtest.Reason); err != nil {
				t.Fatal(err)
			}
		}
		want(badr, omar, salma, amina)
		s.Clock.Advance(49 * time.Hour)
		want()
	})
}

func TestDiagnosisSaysWhy(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx := t.Context()
		c := s.Employs(t, "manager", account.Manager)
		svc := s.Staff.As(s.AgentOf(t, c))
		id := s.SignUp(t, "client").User.ID
		blocks := func() (kinds []staff.FindingKind) {
			t.Helper()
			d, err := svc.Diagnose(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range d.Findings {
				if f.Blocks {
					kinds = append(kinds, f.Kind)
				}
			}
			if d.Possible != (len(kinds) == 0) {
				t.Errorf("%+v", d)
			}
			return kinds
		}
		if got := blocks(); len(got) != 0 {
			t.Errorf("at first: %v", got)
		}
		if err := svc.Disable(ctx, id, "fraud was reported"); err != nil {
			t.Fatal(err)
		}
		d, err := svc.Diagnose(ctx, id)
		if f := d.Findings[0]; err != nil || f.Kind != staff.FindDisabled || f.By != c.User.ID || f.Reason != "fraud was reported" || f.At.IsZero() {
			t.Errorf("%+v %v", f, err)
		}
		if err := svc.Enable(ctx, id, ""); err != nil {
			t.Fatal(err)
		}
		s.Claims(t, "twin", "client@example.ma")
		d, err = svc.Diagnose(ctx, id)
		if err != nil || !d.Possible {
			t.Errorf("%+v %v", d, err)
		}
		found := false
		for _, f := range d.Findings {
			found = found || f.Kind == staff.FindSharedAddress && len(f.Others) == 1
		}
		if !found {
			t.Errorf("the other account with the address: %+v", d)
		}
		if err := svc.Close(ctx, id, authtest.Reason); err != nil {
			t.Fatal(err)
		}
		if got := blocks(); len(got) != 1 || got[0] != staff.FindClosed {
			t.Errorf("closed: %v", got)
		}
	}, authtest.EraseAfter30Days)
}

// TestWhoeverGetsMailCanBeInvited, also where their address cannot be a username.
func TestWhoeverGetsMailCanBeInvited(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx := t.Context()
		invite := func(in auth.Invited) (string, error) {
			u, err := s.Staff.Invite(ctx, in, "fr")
			return u.Username, err
		}
		long := strings.Repeat("a", 60) + "@" + strings.Repeat("b", 60) + "." + strings.Repeat("c", 60) + ".ma"
		for _, row := range [][2]string{
			{"amina@example.ma", "amina@example.ma"},
			{"o'brien@example.ma", "obrien"},
			{"!#$@example.ma", "client"},
			{long, strings.Repeat("a", 60)},
		} {
			if got, err := invite(auth.Invited{Email: account.TextInput(row[0])}); err != nil || got != row[1] {
				t.Errorf("%s: %q, %v", row[0], got, err)
			}
		}
		if got, err := invite(auth.Invited{Email: account.TextInput("o'brien@example.com"), Username: account.TextInput("")}); err != nil || !strings.HasPrefix(got, "obrien-") || len(got) != len("obrien-")+8 {
			t.Errorf("somebody is called so: %q, %v", got, err)
		}
		if _, err := s.Register(ctx, authtest.Req, auth.Registration{
			Username: account.TextInput("salma@example.ma"), Password: account.TextInput(authtest.Good), Email: account.TextInput("other@example.ma"),
			FirstName: account.TextInput("Salma"), LastName: account.TextInput("Alaoui"),
		}); err != nil {
			t.Fatal(err)
		}
		if got, err := invite(auth.Invited{Email: account.TextInput("salma@example.ma")}); err != nil || got != "salma" {
			t.Errorf("a stranger is called as the address: %q, %v", got, err)
		}
		if _, err := invite(auth.Invited{Email: account.TextInput("karim@example.ma"), Username: account.TextInput("salma@example.ma")}); err == nil {
			t.Error("a username that was given is somebody's")
		}
	})
}
