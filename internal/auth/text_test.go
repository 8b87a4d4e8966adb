package auth_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// steering are addresses that Django takes, and that act on the terminal on
// which somebody lists them; the last ones it refuses, too.
var steering = []string{
	"\"\x1b]0;pwned\x07\x1b[2J\x1b[31mroot\"@x.example", "\"\x07\"@x.example", "\"a\x7f\"@x.example", "\"\\\x1b\"@x.example", "\"\x01\"@x.example",
	"\"\\\t\"@x.example", "a@x\u202egro.example", "a@\u200fx.example", "a\u009b31m@x.example", "a@x.exa\u2028mple", "\"\u2066\"@x.example",
}

// TestAddressesThatSteerATerminalAreRefused at every door.
func TestAddressesThatSteerATerminalAreRefused(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, storetest.Open(t, storetest.SQLite(t)))
	g, err := s.Register(t.Context(), authtest.Req, authtest.Registration("amina"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"email": {"email.invalid"}}
	for _, email := range steering {
		r := authtest.Registration("badr")
		r.Email = account.TextInput(email)
		_, err := s.Register(t.Context(), authtest.Req, r)
		if diff := cmp.Diff(want, authtest.FieldKeys(err)); diff != "" {
			t.Errorf("register %q (-want +got):\n%s", email, diff)
		}
		_, err = s.Staff.Create(t.Context(), authtest.Req, r)
		if diff := cmp.Diff(want, authtest.FieldKeys(err)); diff != "" {
			t.Errorf("create %q (-want +got):\n%s", email, diff)
		}
		if diff := cmp.Diff(want, authtest.FieldKeys(s.AskEmailChange(t, g, email))); diff != "" {
			t.Errorf("change %q (-want +got):\n%s", email, diff)
		}
		if diff := cmp.Diff(want, authtest.FieldKeys(s.RequestReset(t.Context(), authtest.Req, account.TextInput(email), account.Input{}))); diff != "" {
			t.Errorf("reset %q (-want +got):\n%s", email, diff)
		}
	}
}

// TestUsernameIsJudgedAsItIsStored: in NFKC, in which it may have other
// letters, and more.
func TestUsernameIsJudgedAsItIsStored(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st)
		g, err := s.Register(t.Context(), authtest.Req, authtest.Registration("amina"))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string][]string{
			"admin⑴":                       {"username.invalid"},
			"½half":                        {"username.invalid"},
			"ﷺ":                            {"username.invalid"},
			strings.Repeat("ﷺ", 150):       {"username.invalid", "field.max_length"},
			strings.Repeat("ﬃ", 51):        {"field.max_length"},
			"क़":                           {"username.invalid"},
			"a b":                          {"username.invalid"},
			strings.Repeat("x", 151):       {"field.max_length"},
			"(" + strings.Repeat("x", 151): {"username.invalid", "field.max_length"},
		} {
			r := authtest.Registration(name)
			r.Email = account.Input{}
			_, err := s.Register(t.Context(), authtest.Req, r)
			if diff := cmp.Diff(map[string][]string{"username": want}, authtest.FieldKeys(err)); diff != "" {
				t.Errorf("register %.20q (-want +got):\n%s", name, diff)
			}
			_, err = s.UpdateProfile(t.Context(), s.CallerOf(t, g), auth.ProfileChange{Username: account.TextInput(name)})
			if diff := cmp.Diff(map[string][]string{"username": want}, authtest.FieldKeys(err)); diff != "" {
				t.Errorf("rename to %.20q (-want +got):\n%s", name, diff)
			}
		}
		for name, want := range map[string]string{"oﬃce": "office", strings.Repeat("ﬃ", 50): strings.Repeat("ffi", 50), "Ⅳ": "IV", "ｄｕｎｉａ": "dunia"} {
			r := authtest.Registration(name)
			r.Email = account.Input{}
			g, err := s.Register(t.Context(), authtest.Req, r)
			if err != nil || g.User.Username != want {
				t.Errorf("%q: %q, %v; want %q", name, g.User.Username, err, want)
			}
		}
	})
}

// TestPasswordIsJudgedAsItIsHashed: the name in full width is the name.
func TestPasswordIsJudgedAsItIsHashed(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, storetest.Open(t, storetest.SQLite(t)))
	for plain, want := range map[string][]string{
		"ｓａｌｍａｂｅｎｎａｎｉ":          {"password_too_similar"},
		"e\u0301é\u0300í\u0301": {"password_too_short"},
	} {
		r := authtest.Registration("salmabennani")
		r.Password = account.TextInput(plain)
		_, err := s.Register(t.Context(), authtest.Req, r)
		if diff := cmp.Diff(map[string][]string{"password": want}, authtest.FieldKeys(err)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", plain, diff)
		}
	}
}

// TestAddressIsJudgedAsItIsStored: its domain in lower case, which may be
// longer.
func TestAddressIsJudgedAsItIsStored(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, storetest.Open(t, storetest.SQLite(t)))
	domain := strings.Repeat("İ.", 15) + "ma"
	r := authtest.Registration("amina")
	r.Email = account.TextInput(strings.Repeat("a", 254-1-32) + "@" + domain)
	_, err := s.Register(t.Context(), authtest.Req, r)
	if diff := cmp.Diff(map[string][]string{"email": {"field.max_length"}}, authtest.FieldKeys(err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.Email = account.TextInput(strings.Repeat("a", 254-1-32-15) + "@" + domain)
	g, err := s.Register(t.Context(), authtest.Req, r)
	if n := len([]rune(g.User.Email)); err != nil || n != 254 {
		t.Errorf("%d characters, %v; want 254", n, err)
	}
}
