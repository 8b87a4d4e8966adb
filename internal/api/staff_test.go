package api_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// imported is a person who came from Django with the password of another.
func imported(t *testing.T, s *server, like *person, staff bool) *person {
	t.Helper()
	u := s.user(t, like.name)
	u.ID, u.Username, u.Staff, u.Superuser = 0, randomName("d"), staff, staff
	u.Email = u.Username + "@example.ma"
	if err := s.store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) }); err != nil {
		t.Fatal(err)
	}
	p := &person{server: s, name: u.Username, email: u.Email}
	a := p.login(t, goodPassword)
	if a.status != http.StatusOK || strings.Contains(a.body, "staff") || strings.Contains(a.body, "superuser") {
		t.Fatalf("login: %d %s", a.status, a.body)
	}
	p.access, p.refresh = a.field("access"), a.field("refresh")
	p.session = like.session // which is not theirs
	return p
}

// TestStaffOfDjangoIsNobodySpecialHere: is_staff and is_superuser are kept
// for the way back. They open nothing, and no token has them.
func TestStaffOfDjangoIsNobodySpecialHere(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		victim := newPerson(t, s)
		names := func(access string) []string { return slices.Sorted(maps.Keys(payloadOf(access))) }
		for _, r := range lifeRows {
			if !r.access {
				continue
			}
			staff, ordinary := imported(t, s, victim, true), imported(t, s, victim, false)
			if diff := cmp.Diff(names(ordinary.access), names(staff.access)); diff != "" {
				t.Fatalf("claims of staff (-ordinary +staff):\n%s", diff)
			}
			got, want := r.ask(t, staff, staff.access), r.ask(t, ordinary, ordinary.access)
			if got.status != want.status {
				t.Errorf("%s %s by staff: %d %s; by others: %d", r.method, r.path, got.status, got.body, want.status)
			}
			if strings.Contains(got.body, victim.name) {
				t.Errorf("%s %s tells staff of others: %s", r.method, r.path, got.body)
			}
		}
		staff := imported(t, s, victim, true)
		for _, path := range []string{"/admin/", "/api/clients/clients/", "/api/clients/clients/1/", "/api/clients/users/"} {
			want := http.StatusForbidden
			if path == "/admin/" || path == "/api/clients/users/" {
				want = http.StatusNotFound
			}
			if a := staff.as(t, http.MethodGet, path, ""); a.status != want {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
		a := staff.post(t, introspectPath, `{"token":"`+victim.access+`"}`, "Authorization", "Bearer "+staff.access)
		if a.status != http.StatusUnauthorized && a.status != http.StatusForbidden {
			t.Errorf("staff asks about another's token: %d %s", a.status, a.body)
		}
		if me := victim.as(t, http.MethodGet, mePath, ""); me.status != http.StatusOK {
			t.Errorf("the other's session ended: %d %s", me.status, me.body)
		}
		if u := s.user(t, staff.name); !u.Staff || !u.Superuser {
			t.Errorf("the flags are not kept for the way back: %+v", account.User{Staff: u.Staff, Superuser: u.Superuser})
		}
	})
}
