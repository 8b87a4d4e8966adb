package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/store"
)

// giveRole gives a person a role at once.
func (p *person) giveRole(t *testing.T, change func(m *account.StaffMember)) {
	t.Helper()
	u := p.user(t, p.name)
	m := account.StaffMember{UserID: u.ID, Role: account.Owner, GivenAt: u.JoinedAt, AcceptedAt: p.clock.now()}
	change(&m)
	if err := p.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.SetStaff(ctx, m) }); err != nil {
		t.Fatal(err)
	}
}

// staffSessions are tokens of owners that open none of the staff's routes, and
// what is answered. They are made one after another, by one clock.
var staffSessions = []struct {
	name, want string
	token      func(t *testing.T, s *server) string
}{
	{"a trusted device, which showed the password alone", "403 staff_login_required", func(t *testing.T, s *server) string {
		p := newPerson(t, s)
		seed := p.addTOTP(t)
		p.prove(t)
		trusted := p.second(t, seed, "true").header.Get("X-Trusted-Device")
		a := p.post(t, loginPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`, "X-Trusted-Device", trusted)
		if a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		p.giveRole(t, func(*account.StaffMember) {})
		return a.field("access")
	}},
	{"nobody ever showed a factor", "403 staff_login_required", func(t *testing.T, s *server) string {
		p := newPerson(t, s)
		p.giveRole(t, func(*account.StaffMember) {})
		return p.access
	}},
	{"opened before the role was offered", "403 staff_login_required", func(t *testing.T, s *server) string {
		p := employed(t, s, account.Owner)
		p.giveRole(t, func(m *account.StaffMember) { m.GivenAt = s.clock.now().Add(time.Second) })
		return p.access
	}},
	{"half an hour without doing anything", "403 staff_login_required", func(t *testing.T, s *server) string {
		p := employed(t, s, account.Owner)
		s.clock.advance(30*time.Minute + time.Second)
		return p.access
	}},
	{"twelve hours after the last proof, and busy since", "403 staff_login_required", func(t *testing.T, s *server) string {
		p := employed(t, s, account.Owner)
		for range 27 {
			s.clock.advance(27 * time.Minute)
			p.access = p.post(t, refreshPath, `{"refresh":"`+p.refresh+`"}`).field("access")
			if a := p.as(t, http.MethodGet, "/api/clients/staff/approvals/", ""); a.status != http.StatusOK {
				if a.header.Get("X-Error-Code") == "staff_login_required" {
					return p.access
				}
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		t.Fatal("a session never ends for staff")
		return ""
	}},
	{"a role that waits to be accepted", "403 permission_denied", func(t *testing.T, s *server) string {
		p := employed(t, s, account.Owner)
		p.giveRole(t, func(m *account.StaffMember) { m.AcceptedAt = time.Time{} })
		return p.access
	}},
	{"a role that is suspended", "403 permission_denied", func(t *testing.T, s *server) string {
		p := employed(t, s, account.Owner)
		p.giveRole(t, func(m *account.StaffMember) { m.SuspendedAt = s.clock.now() })
		return p.access
	}},
	{"an account that is disabled", "401 user_inactive", func(t *testing.T, s *server) string {
		p := employed(t, s, account.Owner)
		employed(t, s, account.Owner) // the last stays
		if err := s.app.Staff.Disable(t.Context(), s.user(t, p.name).ID, ""); err != nil {
			t.Fatal(err)
		}
		return p.access
	}},
	{"a token of Django's", "401 token_not_valid", func(t *testing.T, s *server) string {
		return djangoToken(t, "access", s.user(t, employed(t, s, account.Owner).name).ID, nil)
	}},
	{"a token of Django's from before there was a factor", "401 token_not_valid", func(t *testing.T, s *server) string {
		p := newPerson(t, s)
		id := s.user(t, p.name).ID
		a := s.post(t, refreshPath, `{"refresh":"`+djangoToken(t, "refresh", id, nil)+`"}`)
		p.giveRole(t, func(*account.StaffMember) {})
		if a.status == http.StatusOK && s.call(t, http.MethodGet, "/api/clients/clients/", "", "Authorization", "Bearer "+a.field("access")).status == http.StatusOK {
			t.Error("a session adopted from Django opens the list of clients")
		}
		return djangoToken(t, "access", id, nil)
	}},
	{"a refresh token", "401 token_not_valid", func(t *testing.T, s *server) string { return employed(t, s, account.Owner).refresh }},
}

// TestNoOtherSessionOpensTheStaffsRoutes: not one of them.
func TestNoOtherSessionOpensTheStaffsRoutes(t *testing.T) {
	t.Parallel()
	forEachEngine(t, accepting, func(t *testing.T, s *server) {
		for _, row := range staffSessions {
			access := row.token(t, s)
			for _, rt := range api.Routes() {
				if rt.Requires != api.Staff {
					continue
				}
				path := strings.NewReplacer("{id}", "999999", "{sid}", "none").Replace(rt.Path)
				a := s.call(t, rt.Method, path, `{"reason":"a reason that is long"}`, "Content-Type", "application/json", "Authorization", "Bearer "+access)
				if a.status != statusOf(row.want) || a.header.Get("X-Error-Code") != row.want[4:] {
					t.Errorf("%s: %s %s: %d %s, want %s", row.name, rt.Method, path, a.status, a.body, row.want)
				}
			}
		}
		// What opens no route of the staff is enough to accept a role, by its link.
		if a := s.post(t, "/api/clients/staff/accept/", `{"token":"x"}`); a.status != http.StatusUnauthorized {
			t.Errorf("accept without a token: %d %s", a.status, a.body)
		}
	})
}

func statusOf(want string) int {
	if strings.HasPrefix(want, "401") {
		return http.StatusUnauthorized
	}
	return http.StatusForbidden
}
