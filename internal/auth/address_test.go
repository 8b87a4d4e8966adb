package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

func TestProvedAddressBeatsEveryClaim(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		s.Has(t, "before", "amina@example.ma")
		amina := s.Has(t, "amina", "amina@example.ma")
		s.Opens(t, "amina@example.ma", "amina", false) // two claims
		s.Opens(t, "amina", "amina", true)
		s.Prove(t, amina)
		s.Has(t, "after", "AMINA@example.ma")
		s.Has(t, "idn", "amina@exämple.ma")
		for _, name := range []string{"amina@example.ma", "AMINA@Example.MA"} {
			s.Opens(t, name, "amina", true)
			for _, other := range []string{"before", "after"} {
				s.Opens(t, name, other, false)
				s.Opens(t, other, other, true)
			}
		}
		s.Opens(t, "amina@xn--exmple-cua.ma", "idn", true)
		s.Opens(t, "amina@EXÄMPLE.ma", "idn", true)
		// Somebody else's proved address is no username, however it is written.
		for _, name := range []string{"amina@example.ma", "Amina@Example.ma", "ａmina@example.ma"} {
			r := authtest.Registration(name)
			r.Email = account.TextInput("amina@example.ma")
			_, err := s.Register(t.Context(), authtest.Elsewhere(), r)
			if want := map[string][]string{"username": {"username.taken"}}; !cmp.Equal(authtest.FieldKeys(err), want) {
				t.Errorf("username %s: %v", name, err)
			}
		}
		g, err := s.SignIn(t, "after", authtest.PasswordOf("after"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.UpdateProfile(t.Context(), s.CallerOf(t, g), auth.ProfileChange{Username: account.TextInput("amina@example.ma"), Password: account.TextInput(authtest.PasswordOf("after"))})
		if want := map[string][]string{"username": {"username.taken"}}; !cmp.Equal(authtest.FieldKeys(err), want) {
			t.Errorf("rename: %v", err)
		}
		byStaff := authtest.Registration("amina@example.ma")
		byStaff.Email = account.TextInput("")
		if _, err := s.Staff.Create(t.Context(), authtest.Req, byStaff); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"username": {"username.taken"}}) {
			t.Errorf("by staff: %v", err)
		}
		// Her own is one.
		g, err = s.SignIn(t, "amina", authtest.PasswordOf("amina"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.UpdateProfile(t.Context(), s.CallerOf(t, g), auth.ProfileChange{Username: account.TextInput("amina@example.ma"), Password: account.TextInput(authtest.PasswordOf("amina"))}); err != nil {
			t.Errorf("her own address as a name: %v", err)
		}
	})
}

// A username that was an address before somebody else proved it still opens
// its own account, and never the other's.
func TestUsernameThatIsAnotherAddressOpensItsOwnAccount(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		s.Has(t, "amina@example.ma", "other@example.ma")
		amina := s.Has(t, "amina", "amina@example.ma")
		s.Opens(t, "amina@example.ma", "amina@example.ma", true)
		s.Opens(t, "amina@example.ma", "amina", false) // unproved: the name goes alone
		s.Prove(t, amina)
		s.Opens(t, "amina@example.ma", "amina", true)
		s.Opens(t, "amina@example.ma", "amina@example.ma", true)
		s.Opens(t, "amina@example.ma", "nobody", false)
	})
}

// whetherItDelivers runs a test where mails reach people and where they do not,
// on both engines.
func whetherItDelivers(t *testing.T, test func(t *testing.T, s *authtest.Server)) {
	t.Helper()
	for name, more := range map[string][]authtest.Setting{"delivering": nil, "not delivering": {authtest.NoDelivery}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) { test(t, s) }, more...)
		})
	}
}

// Shops register with the address as the username.
func TestUsernameMayBeOnesOwnAddress(t *testing.T) {
	t.Parallel()
	whetherItDelivers(t, func(t *testing.T, s *authtest.Server) {
		s.Has(t, "squatter", "amina@example.ma")
		s.Has(t, "amina@example.ma", "amina@example.ma")
		s.Has(t, "0612345678", "")
		s.Opens(t, "amina@example.ma", "amina@example.ma", true)
		s.Opens(t, "0612345678", "0612345678", true)
		s.Opens(t, "squatter", "squatter", true)
	})
}

// Our page registers with the address in the form in which addresses are compared.
// However its owner writes it at a login, a stranger's claim does not keep them
// out.
func TestAddressThatIsAUsernameLogsInHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	whetherItDelivers(t, func(t *testing.T, s *authtest.Server) {
		const own = "amina@example.ma"
		s.Has(t, "stranger", "AMINA@example.ma")
		s.Has(t, own, "Amina@Example.ma")
		for _, typed := range []string{own, "Amina@Example.ma", "AMINA@EXAMPLE.MA"} {
			s.Opens(t, typed, own, true)
			s.Opens(t, typed, "nobody", false)
		}
		// A name in just these letters is its own account's, and keeps nobody
		// from another's.
		s.Has(t, "OMAR@example.ma", "")
		s.Has(t, "omar@example.ma", "")
		s.Has(t, "claims", "omar@example.ma")
		s.Opens(t, "OMAR@example.ma", "OMAR@example.ma", true)
		s.Opens(t, "OMAR@example.ma", "omar@example.ma", false)
		s.Opens(t, "Omar@example.ma", "omar@example.ma", true)
		s.Opens(t, "Omar@example.ma", "claims", true)
		s.Opens(t, "Omar@example.ma", "OMAR@example.ma", false)
	})
}

// Where nobody can prove an address, who was first keeps it.
func TestOldestOpenAccountKeepsAnAddressWithoutMail(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		hind := s.Has(t, "hind", "hind@example.ma")
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, hind), account.TextInput(authtest.PasswordOf("hind"))); err != nil {
			t.Fatal(err)
		}
		s.Has(t, "hind2", "hind@example.ma")
		s.Has(t, "stranger", "HIND@example.ma")
		s.Has(t, "hind@example.ma", "")
		s.Opens(t, "hind@example.ma", "hind2", true)
		s.Opens(t, "hind@example.ma", "hind@example.ma", true) // their own name
		s.Opens(t, "hind@example.ma", "stranger", false)
		s.Opens(t, "hind@example.ma", "hind", false)
	}, authtest.NoDelivery)
}

func TestClosedAndDisabledAccountsClaimNothing(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		hind := s.Has(t, "hind", "hind@example.ma")
		s.Prove(t, hind)
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, hind), account.TextInput(authtest.PasswordOf("hind"))); err != nil {
			t.Fatal(err)
		}
		again := s.Has(t, "hind2", "hind@example.ma")
		s.Opens(t, "hind@example.ma", "hind2", true)
		s.Prove(t, again)
		if err := s.Staff.Restore(t.Context(), s.IDOf(t, "hind"), ""); err != nil {
			t.Fatal(err)
		}
		u, err := s.Store.UserByUsername(t.Context(), "hind")
		if err != nil || !u.EmailVerifiedAt.IsZero() {
			t.Errorf("the restored account kept its proof: %v, %v", u.EmailVerifiedAt, err)
		}
		s.Opens(t, "hind@example.ma", "hind2", true)
		s.Opens(t, "hind@example.ma", "hind", false)
		for _, active := range []bool{false, true} {
			set := s.Staff.Disable
			if active {
				set = s.Staff.Enable
			}
			if err := set(t.Context(), s.IDOf(t, "hind2"), ""); err != nil {
				t.Fatal(err)
			}
			s.Opens(t, "hind@example.ma", "hind", !active)
			s.Opens(t, "hind@example.ma", "hind2", active)
		}
		_ = smtp
	})
}

// The username of an account that is not open does not keep an address from
// whoever claims it.
func TestNameOfAClosedAccountShadowsNoAddress(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		s.Has(t, "hind@example.ma", "other@example.ma")
		s.Has(t, "hind", "hind@example.ma")
		s.Opens(t, "hind@example.ma", "hind", false) // the name goes alone
		if err := s.Staff.Disable(t.Context(), s.IDOf(t, "hind@example.ma"), ""); err != nil {
			t.Fatal(err)
		}
		s.Opens(t, "hind@example.ma", "hind", true)
		s.Opens(t, "hind@example.ma", "hind@example.ma", false)
	})
}

func TestOneAccountProvesAnAddress(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		for n := range 3 {
			s.Has(t, fmt.Sprint("user", n), "shared@example.ma")
		}
		mover := s.Has(t, "mover", "mover@example.ma")
		if err := s.ChangeEmail(t.Context(), s.CallerOf(t, mover), auth.EmailChange{Password: account.TextInput(authtest.PasswordOf("mover")), Email: account.TextInput("Shared@example.ma")}); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		var links []account.Input
		for _, m := range smtp.Messages() {
			if found := authtest.LinkPattern.FindStringSubmatch(m.Text); m.To == "shared@example.ma" && found[1] == string(account.VerifyEmail) {
				links = append(links, account.TextInput(found[2]))
			}
		}
		if len(links) != 3 {
			t.Fatalf("%d links, want 3", len(links))
		}
		confirm := authtest.WantTokens(t, smtp, account.ConfirmEmail, 1)[0]
		var wg sync.WaitGroup
		results := make([]error, 4)
		for i, link := range links {
			wg.Go(func() { results[i] = s.VerifyEmail(t.Context(), authtest.Req, link) })
		}
		wg.Go(func() { results[3] = s.ConfirmEmail(t.Context(), authtest.Req, confirm) })
		wg.Wait()
		proved := 0
		for i, err := range results {
			if err == nil {
				proved++
			} else if want := map[string][]string{"token": {"email.proved_elsewhere"}}; !cmp.Equal(authtest.FieldKeys(err), want) {
				t.Errorf("link %d: %v", i, err)
			}
		}
		if proved != 1 {
			t.Errorf("%d accounts proved one address", proved)
		}
		if ids, err := s.Store.DoubleProofs(t.Context(), 10); err != nil || len(ids) != 0 {
			t.Errorf("double proofs: %v, %v", ids, err)
		}
	})
}

// TestOtherSpellingsDoNotKeepTheOwnerFromAReset: they share a mailbox and its
// quota, and a mail to one of them is none to another.
func TestOtherSpellingsDoNotKeepTheOwnerFromAReset(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		owners          string
		claimed, proved bool
	}{
		"nobody's":                                {owners: "amina@example.ma"},
		"a stranger's":                            {owners: "amina@example.ma", claimed: true},
		"nobody's, beside one that is proved":     {owners: "amina+shop@example.ma", proved: true},
		"a stranger's, beside one that is proved": {owners: "amina+shop@example.ma", claimed: true, proved: true},
		"a stranger's, beside another spelling":   {owners: "amina+shop@example.ma", claimed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
				owner := s.Has(t, "amina", row.owners)
				if row.proved {
					s.Prove(t, owner)
				}
				if row.claimed {
					s.Has(t, "stranger", "amina+x@example.ma")
				}
				s.Deliver(t)
				ask := func(email, ip string) {
					t.Helper()
					if err := s.RequestReset(t.Context(), account.RequestInfo{IP: ip, Language: "fr"}, account.TextInput(email), account.Input{}); err != nil {
						t.Fatal(err)
					}
				}
				for n := range 7 {
					ask("amina+x@example.ma", fmt.Sprintf("203.0.113.%d", n/3))
				}
				ask(row.owners, "198.51.100.7")
				for range 2 {
					s.Clock.Advance(13 * time.Minute)
					s.Deliver(t)
					ask("amina+x@example.ma", "203.0.113.9")
				}
				resets := map[string]int{}
				for _, m := range smtp.Messages() {
					if strings.Contains(m.Text, "/reset-password#") {
						resets[m.To]++
					}
				}
				if n := resets["amina+x@example.ma"]; resets[row.owners] != 1 || row.claimed != (n > 0) || n > 7 {
					t.Errorf("links were mailed to %v", resets)
				}
			}, authtest.Limited)
		})
	}
}

// TestStrangersSpellingsDoNotHoldUpTheOwner: an account that is older than theirs
// does not wait for each of them, nor one that is younger without end; and no more
// mails than the quota go to the mailbox.
func TestStrangersSpellingsDoNotHoldUpTheOwner(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		before, after int // strangers
		turns         int // in which the owner's mail comes
	}{
		"of an older account":   {after: 20, turns: 2},
		"of a younger account":  {before: 3, turns: 10},
		"of one between theirs": {before: 1, after: 3, turns: 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
				var strangers []string
				claim := func(n int) {
					for range n {
						strangers = append(strangers, fmt.Sprintf("am.ina+%d@gmail.com", len(strangers)))
						s.Has(t, fmt.Sprint("stranger", len(strangers)), strangers[len(strangers)-1])
					}
				}
				claim(row.before)
				s.Has(t, "amina", "am.ina@gmail.com")
				claim(row.after)
				s.Deliver(t)
				ask := func(emails ...string) {
					t.Helper()
					for _, email := range emails {
						if err := s.RequestReset(t.Context(), authtest.Elsewhere(), account.TextInput(email), account.Input{}); err != nil {
							t.Fatal(err)
						}
					}
				}
				for range 5 {
					ask(strangers...)
				}
				ask("am.ina@gmail.com")
				for range row.turns {
					s.Deliver(t)
					s.Clock.Advance(12*time.Minute + time.Second)
					ask(strangers...)
				}
				s.Deliver(t)
				resets := map[string]int{}
				all := 0
				for _, m := range smtp.Messages() {
					if strings.Contains(m.Text, "/reset-password#") {
						resets[m.To]++
						all++
					}
				}
				if resets["am.ina@gmail.com"] != 1 || all != 5+row.turns {
					t.Errorf("links were mailed to %v", resets)
				}
			}, authtest.Limited)
		})
	}
}

// TestOtherNamesDoNotKeepTheOwnerFromAReset: a request that names an account
// stands in for none that names another, nor does a name that nobody has at that
// address use up anything; and however many names there are, no more mails than
// the quota go to the mailbox.
func TestOtherNamesDoNotKeepTheOwnerFromAReset(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		claimed, proved bool
	}{
		"nobody's":                          {},
		"nobody's, at a proved address":     {proved: true},
		"a stranger's":                      {claimed: true},
		"a stranger's, at a proved address": {claimed: true, proved: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
				const email = "amina@example.ma"
				owner := s.Has(t, "amina", email)
				if row.proved {
					s.Prove(t, owner)
				}
				for n := range 12 {
					if row.claimed {
						s.Has(t, fmt.Sprint("stranger", n), email)
					}
				}
				s.Deliver(t)
				s.Clock.Advance(2 * time.Hour)
				s.Deliver(t)
				sent := func() (all, owners int) {
					for _, m := range smtp.Messages() {
						if strings.Contains(m.Text, "/reset-password#") {
							all++
							if strings.Contains(m.Text, "stranger") {
								continue
							}
							owners++
						}
					}
					return all, owners
				}
				ask := func(name account.Input) {
					t.Helper()
					if err := s.RequestReset(t.Context(), authtest.Elsewhere(), account.TextInput(email), name); err != nil {
						t.Fatal(err)
					}
				}
				flood := func() {
					t.Helper()
					for n := range 12 {
						ask(account.TextInput(fmt.Sprint("stranger", n)))
					}
				}
				flood()
				ask(account.TextInput("amina"))
				if !row.claimed { // else it lists the strangers', too
					ask(account.Input{})
				}
				for range 3 { // turns
					s.Deliver(t)
					s.Clock.Advance(12*time.Minute + time.Second)
					flood()
				}
				s.Deliver(t)
				all, owners := sent()
				if want := map[bool]int{true: 1, false: 2}[row.claimed]; owners != want || all > 5+3+1 || (all > owners) != (row.claimed && !row.proved) {
					t.Errorf("%d mails, of them %d the owner's, want %d", all, owners, want)
				}
			}, authtest.Limited)
		})
	}
}

// Ten squatters of an address, before and after, do not keep its owner from a
// reset; one request is one mail.
func TestSquattersDoNotKeepTheOwnerFromAReset(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		squat := func(from, to int) {
			for n := from; n < to; n++ {
				s.Has(t, fmt.Sprint("squatter", n), "amina@example.ma")
			}
		}
		squat(0, 10)
		amina := s.Has(t, "amina", "amina@example.ma")
		squat(10, 20)
		s.Deliver(t)
		before := len(smtp.Messages())
		s.AskReset(t, "amina@example.ma")
		s.Deliver(t)
		mails := smtp.Messages()[before:]
		if len(mails) != 1 || strings.Count(mails[0].Text, "/reset-password#") != 21 {
			t.Fatalf("%d mails, with %d links; want one with 21", len(mails), strings.Count(mails[0].Text, "/reset-password#"))
		}
		_, after, _ := strings.Cut(mails[0].Text, "\namina")
		link := authtest.LinkPattern.FindStringSubmatch(after)
		if err := s.Reset(t, account.TextInput(link[2]), "another-Pass-77"); err != nil {
			t.Fatal(err)
		}
		if g, err := s.SignIn(t, "amina@example.ma", "another-Pass-77"); err != nil || g.User.ID != amina.User.ID {
			t.Errorf("the owner's login by address: %v", err) // the reset proved it
		}
		s.Deliver(t)
		before = len(smtp.Messages())
		s.AskReset(t, "Amina@example.ma")
		if err := s.RequestReset(t.Context(), authtest.Req, account.TextInput("amina@example.ma"), account.TextInput("squatter3")); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		if mails := smtp.Messages()[before:]; len(mails) != 1 || strings.Count(mails[0].Text, "/reset-password#") != 1 {
			t.Errorf("%d mails after the proof, want one with one link", len(mails))
		}
	})
}

// A letter that Unicode takes for another makes no other mailbox: a reset for
// several accounts goes where their owner reads it.
func TestResetIsNotMailedToALookAlike(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.Has(t, "karim", "karim@example.ma")
		s.Has(t, "thief", "karim@example.ma")
		s.Deliver(t)
		before := len(smtp.Messages())
		s.AskReset(t, "\u212aarim@example.ma") // the Kelvin sign
		s.Deliver(t)
		mails := smtp.Messages()[before:]
		if len(mails) != 1 || !strings.EqualFold(mails[0].To, "karim@example.ma") || strings.Contains(mails[0].To, "\u212a") {
			t.Errorf("%d mails, the first to %q", len(mails), mails[0].To)
		}
	})
}

func TestOwnerOfAMailboxDisownsAnAccount(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		stranger := s.Has(t, "stranger", "amina@example.ma")
		s.Deliver(t)
		s.AskReset(t, "amina@example.ma")
		s.Deliver(t)
		verify, reset := authtest.WantTokens(t, smtp, account.VerifyEmail, 1)[0], authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0]
		if err := s.DisownEmail(t.Context(), authtest.Req, reset); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"token": {"challenge_invalid"}}) {
			t.Errorf("by another link: %v", err)
		}
		if err := s.DisownEmail(t.Context(), authtest.Req, verify); err != nil {
			t.Fatal(err)
		}
		u, err := s.Store.UserByID(t.Context(), stranger.User.ID)
		if err != nil || u.Email != "" {
			t.Errorf("address %q, %v", u.Email, err)
		}
		if s.VerifyEmail(t.Context(), authtest.Req, verify) == nil || s.DisownEmail(t.Context(), authtest.Req, verify) == nil || s.Reset(t, reset, "another-Pass-77") == nil {
			t.Error("a link of the account still works")
		}
		s.Opens(t, "stranger", "stranger", true)
		s.Opens(t, "amina@example.ma", "stranger", false)
	})
}

// thief plays what somebody does who knows the password.
type thief struct {
	*authtest.Server
	t    *testing.T
	smtp *smtptest.Server
}

func (th thief) moves(g auth.LoginResult, email string) {
	th.t.Helper()
	before := len(authtest.TokensOf(th.smtp, account.ConfirmEmail))
	if err := th.ChangeEmail(th.t.Context(), th.CallerOf(th.t, g), auth.EmailChange{Password: account.TextInput(authtest.PasswordOf("amina")), Email: account.TextInput(email)}); err != nil {
		th.t.Fatal(err)
	}
	th.Deliver(th.t)
	links := authtest.TokensOf(th.smtp, account.ConfirmEmail)
	if len(links) != before+1 {
		th.t.Fatalf("%d links to confirm, want %d", len(links), before+1)
	}
	if err := th.ConfirmEmail(th.t.Context(), authtest.Req, links[len(links)-1]); err != nil {
		th.t.Fatal(err)
	}
	th.Deliver(th.t)
}

// unreachable has the owner's address take no mail for now.
func (th thief) unreachable() {
	th.smtp.Judge(func(to string, _ int) smtptest.Verdict {
		if to == "amina@example.ma" {
			return smtptest.Verdict{Rcpt: 451}
		}
		return smtptest.Verdict{}
	})
}

// reachable ends that: what waited is delivered.
func (th thief) reachable() {
	th.t.Helper()
	th.smtp.Judge(nil)
	th.Clock.Advance(time.Hour)
	th.Deliver(th.t)
}

func forEachThief(t *testing.T, test func(t *testing.T, th thief, amina auth.LoginResult)) {
	t.Helper()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.Has(t, "amina", "amina@example.ma")
		s.Deliver(t)
		if err := s.VerifyEmail(t.Context(), authtest.Req, authtest.WantTokens(t, smtp, account.VerifyEmail, 1)[0]); err != nil {
			t.Fatal(err)
		}
		test(t, thief{s, t, smtp}, g)
	})
}

// TestDisabledAccountHasNoChangeWaiting: what a thief asked for in a session is
// not done when the account is enabled again.
func TestDisabledAccountHasNoChangeWaiting(t *testing.T) {
	t.Parallel()
	for _, delivered := range []bool{true, false} {
		forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
			change := auth.EmailChange{Password: account.TextInput(authtest.PasswordOf("amina")), Email: account.TextInput(thiefs)}
			if err := th.ChangeEmail(t.Context(), th.CallerOf(t, amina), change); err != nil {
				t.Fatal(err)
			}
			if delivered {
				th.Deliver(t)
			}
			if err := th.Staff.Disable(t.Context(), amina.User.ID, ""); err != nil {
				t.Fatal(err)
			}
			if err := th.Staff.Enable(t.Context(), amina.User.ID, ""); err != nil {
				t.Fatal(err)
			}
			th.Deliver(t)
			links := linksTo(th.smtp, account.ConfirmEmail, thiefs)
			if !delivered {
				if len(links) != 0 {
					t.Error("the link was mailed after all")
				}
				return
			}
			wants(t, "the thief", th.ConfirmEmail(t.Context(), authtest.Req, links[0]), "token", "challenge_used")
		})
	}
}

// TestChangeOfAddressEndsWithTheSessionsThatMayHaveAsked: an owner who turns a thief
// out does not know what they asked for, and A is mailed nothing of it before.
func TestChangeOfAddressEndsWithTheSessionsThatMayHaveAsked(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(t *testing.T, th thief, own *auth.Caller, stolen auth.LoginResult) error{
		"logout everywhere": func(t *testing.T, th thief, own *auth.Caller, _ auth.LoginResult) error {
			return th.LogoutAll(t.Context(), own)
		},
		"the other session": func(t *testing.T, th thief, own *auth.Caller, stolen auth.LoginResult) error {
			return th.EndSession(t.Context(), own, th.CallerOf(t, stolen).SessionID)
		},
		"a factor": func(t *testing.T, th thief, own *auth.Caller, _ auth.LoginResult) error {
			th.Enrols(t, own)
			return nil
		},
		"the staff, all": func(t *testing.T, th thief, own *auth.Caller, _ auth.LoginResult) error {
			_, err := th.Staff.EndSessions(t.Context(), own.User.ID, "")
			return err
		},
		"the staff, one": func(t *testing.T, th thief, own *auth.Caller, stolen auth.LoginResult) error {
			return th.Staff.EndSession(t.Context(), own.User.ID, th.CallerOf(t, stolen).SessionID, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
				if err := th.ChangeEmail(t.Context(), th.CallerOf(t, amina), auth.EmailChange{Password: text(authtest.PasswordOf("amina")), Email: text(thiefs)}); err != nil {
					t.Fatal(err)
				}
				th.Deliver(t)
				own, err := th.SignIn(t, "amina", authtest.PasswordOf("amina"))
				if err != nil {
					t.Fatal(err)
				}
				if err := act(t, th, th.CallerOf(t, own), amina); err != nil {
					t.Fatal(err)
				}
				wants(t, "the thief", th.ConfirmEmail(t.Context(), authtest.Req, linksTo(th.smtp, account.ConfirmEmail, thiefs)[0]), "token", "challenge_used")
			})
		})
	}
}

// TestOwnLogoutLeavesTheChangeOfAddress: who leaves one device opens the mail on
// another.
func TestOwnLogoutLeavesTheChangeOfAddress(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		own := th.CallerOf(t, amina)
		if err := th.ChangeEmail(t.Context(), own, auth.EmailChange{Password: text(authtest.PasswordOf("amina")), Email: text("new@example.com")}); err != nil {
			t.Fatal(err)
		}
		th.Deliver(t)
		if err := th.EndSession(t.Context(), own, own.SessionID); err != nil {
			t.Fatal(err)
		}
		if err := th.ConfirmEmail(t.Context(), authtest.Req, linksTo(th.smtp, account.ConfirmEmail, "new@example.com")[0]); err != nil {
			t.Error(err)
		}
	})
}

// TestMailThatIsTriedAgainWeeksLaterOpensNothing: neither what a thief asked for
// then, nor a mailbox that the account left.
func TestMailThatIsTriedAgainWeeksLaterOpensNothing(t *testing.T) {
	t.Parallel()
	for _, days := range []int{6, 25} {
		forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
			th.smtp.Judge(func(to string, _ int) smtptest.Verdict {
				if to == "new@example.com" {
					return smtptest.Verdict{}
				}
				return smtptest.Verdict{Rcpt: 550}
			})
			th.moves(amina, "new@example.com") // the one before is not told
			again, err := th.SignIn(t, "amina", authtest.PasswordOf("amina"))
			if err != nil {
				t.Fatal(err)
			}
			if err := th.ChangeEmail(t.Context(), th.CallerOf(t, again), auth.EmailChange{Password: text(authtest.PasswordOf("amina")), Email: text(thiefs)}); err != nil {
				t.Fatal(err)
			}
			th.Deliver(t)
			th.smtp.Judge(nil)
			th.Clock.Advance(time.Duration(days) * 24 * time.Hour)
			if _, err := th.Staff.RetryMails(t.Context()); err != nil {
				t.Fatal(err)
			}
			th.Deliver(t)
			want := 1
			if days > 7 {
				want = 0
			}
			if undo, confirm := linksTo(th.smtp, account.UndoEmail, "amina@example.ma"), linksTo(th.smtp, account.ConfirmEmail, thiefs); len(undo) != want || len(confirm) != want {
				t.Errorf("after %d days: %d and %d links, want %d", days, len(undo), len(confirm), want)
			}
		})
	}
}

// TestFormerAddressHasNoSayAfterItsWayBack: not by the notice of a factor that came
// in its last hour, nor by that of a recovery.
func TestFormerAddressHasNoSayAfterItsWayBack(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
			th.moves(amina, "new@example.com")
			th.Clock.Advance(7*24*time.Hour - time.Hour)
			g, err := th.SignIn(t, "amina", authtest.PasswordOf("amina"))
			if err != nil {
				t.Fatal(err)
			}
			th.Enrols(t, th.CallerOf(t, g))
			th.Deliver(t)
			if err := th.Staff.Recover(t.Context(), amina.User.ID, "", authtest.Reason); err != nil {
				t.Fatal(err)
			}
			th.Deliver(t)
			factor, stop := linksTo(th.smtp, account.UndoFactor, "amina@example.ma")[0], linksTo(th.smtp, account.StopRecovery, "amina@example.ma")[0]
			own := linksTo(th.smtp, account.StopRecovery, "new@example.com")[0]
			if late {
				th.Clock.Advance(time.Hour + time.Minute)
				wants(t, "the factor", undo(t, th.Server, factor, authtest.PasswordOf("amina")), "token", "challenge_expired")
				wants(t, "the recovery", th.StopRecoveryByLink(t.Context(), authtest.Req, stop), "token", "challenge_expired")
				if err := th.StopRecoveryByLink(t.Context(), authtest.Req, own); err != nil {
					t.Errorf("by the address of today: %v", err)
				}
				return
			}
			if err := undo(t, th.Server, factor, authtest.PasswordOf("amina")); err != nil {
				t.Errorf("within the seven days: %v", err)
			}
		})
	}
}

// goesBack uses the owner's link, and the link to choose a password after it.
func (th thief) goesBack(undo account.Input) {
	th.t.Helper()
	if err := th.UndoEmail(th.t.Context(), authtest.Req, undo); err != nil {
		th.t.Fatalf("the owner's way back: %v", err)
	}
	th.Deliver(th.t)
	resets := authtest.TokensOf(th.smtp, account.ResetPassword)
	if len(resets) == 0 {
		th.t.Fatal("no link to choose a password")
	}
	if err := th.Reset(th.t, resets[len(resets)-1], "another-Pass-77"); err != nil {
		th.t.Fatal(err)
	}
	if g, err := th.SignIn(th.t, "amina@example.ma", "another-Pass-77"); err != nil || g.User.Username != "amina" {
		th.t.Fatalf("the owner is not in: %v", err)
	}
}

func TestWayBackOutlivesASecondChange(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.moves(amina, "b@thief.example")
		th.moves(amina, "c@thief.example")
		undo := authtest.WantTokens(t, th.smtp, account.UndoEmail, 1)[0] // the thief gets none
		th.goesBack(undo)
		if err := th.UndoEmail(t.Context(), authtest.Req, undo); err == nil {
			t.Error("the link works twice")
		}
		last := th.smtp.Messages()
		if !slices.ContainsFunc(last, func(m smtptest.Message) bool { return m.To == "c@thief.example" && !strings.Contains(m.Text, "#") }) {
			t.Error("the address that was there was not told")
		}
	})
}

// The thief's address gets no link to sleep with, when the owner changes it back.
func TestWayBackIsNotForWhoCameLater(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.moves(amina, "b@thief.example")
		th.moves(amina, "amina@example.ma")
		authtest.WantTokens(t, th.smtp, account.UndoEmail, 1)
		u, err := th.Store.UserByUsername(t.Context(), "amina")
		if err != nil || u.Email != "amina@example.ma" || u.EmailVerifiedAt.IsZero() {
			t.Errorf("%q, %v", u.Email, err)
		}
	})
}

func TestWayBackOutlivesClosingAndTellsOfIt(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.moves(amina, "b@thief.example")
		before := len(th.smtp.Messages())
		if err := th.CloseAccount(t.Context(), th.CallerOf(t, amina), account.TextInput(authtest.PasswordOf("amina"))); err != nil {
			t.Fatal(err)
		}
		th.Deliver(t)
		var told []string
		for _, m := range th.smtp.Messages()[before:] {
			told = append(told, m.To)
		}
		slices.Sort(told)
		if want := []string{"amina@example.ma", "b@thief.example"}; !slices.Equal(told, want) {
			t.Errorf("told of the closing: %v, want %v", told, want)
		}
		th.goesBack(authtest.WantTokens(t, th.smtp, account.UndoEmail, 1)[0])
	})
}

// A mail with the way back that is still owed is one that is open.
func TestWayBackThatIsOwedCounts(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.unreachable()
		th.moves(amina, "b@thief.example")
		th.moves(amina, "c@thief.example")
		authtest.WantTokens(t, th.smtp, account.UndoEmail, 0)
		th.reachable()
		th.goesBack(authtest.WantTokens(t, th.smtp, account.UndoEmail, 1)[0])
	})
}

// The owner's mail is delayed, and before it arrives staff disable the
// account. When they enable it again, the owner has the way back.
func TestWayBackIsMailedForADisabledAccount(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.unreachable()
		th.moves(amina, "b@thief.example")
		if err := th.Staff.Disable(t.Context(), th.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		th.reachable()
		undo := authtest.WantTokens(t, th.smtp, account.UndoEmail, 1)[0]
		if err := th.UndoEmail(t.Context(), authtest.Req, undo); err == nil {
			t.Error("the link opens an account that staff disabled")
		}
		if err := th.Staff.Enable(t.Context(), th.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		th.goesBack(undo)
	})
}

// A mail that was tried twice has a link of each attempt, and only the last
// one was read. Once it was used, the other is not a way back that is open:
// the owner gets another when the thief comes again.
func TestWayBackThatWasTriedTwiceIsUsedOnce(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.unreachable()
		th.moves(amina, "b@thief.example")
		th.reachable()
		th.goesBack(authtest.WantTokens(t, th.smtp, account.UndoEmail, 1)[0])
		if err := th.Staff.SetPassword(t.Context(), th.IDOf(t, "amina"), account.TextInput(authtest.PasswordOf("amina")), authtest.Reason); err != nil {
			t.Fatal(err)
		}
		again, err := th.SignIn(t, "amina", authtest.PasswordOf("amina"))
		if err != nil {
			t.Fatal(err)
		}
		th.moves(again, "c@thief.example")
		th.goesBack(authtest.WantTokens(t, th.smtp, account.UndoEmail, 2)[1])
	})
}

// earlierWayBack is a link that an earlier release mailed, which gave every
// address before one.
func (th thief) earlierWayBack(userID int64, email string) account.Input {
	th.t.Helper()
	const raw = "way-back-of-an-earlier-release"
	sum := sha256.Sum256([]byte(raw))
	authtest.Write(th.t, th.Store, func(ctx context.Context, tx *store.Store) error {
		return tx.CreateChallenge(ctx, account.Challenge{
			Hash: base64.RawURLEncoding.EncodeToString(sum[:]), Kind: account.UndoEmail, UserID: userID, Email: email,
			CreatedAt: th.Clock.Now(), ExpiresAt: th.Clock.Now().Add(time.Hour * 24),
		})
	})
	return account.TextInput(raw)
}

// A way back is as old as the change that it undoes: its mail, which came
// after many tries, is not overtaken by a link to somebody later.
func TestWayBackIsAsOldAsTheChange(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.unreachable()
		th.moves(amina, "b@thief.example")
		th.Clock.Advance(time.Minute)
		later := th.earlierWayBack(amina.User.ID, "c@thief.example")
		th.reachable()
		undo := authtest.WantTokens(t, th.smtp, account.UndoEmail, 1)[0]
		if err := th.UndoEmail(t.Context(), authtest.Req, later); err != nil {
			t.Fatal(err)
		}
		th.goesBack(undo)
	})
}

// A mail with the way back is not wanted any more once the same reader used
// another, however the address is spelled in it.
func TestWayBackIsOwedOnceForAllSpellings(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.unreachable()
		th.moves(amina, "b@thief.example")
		th.Clock.Advance(time.Minute)
		other := th.earlierWayBack(amina.User.ID, "AMINA@example.ma")
		th.goesBack(other)
		th.reachable()
		authtest.WantTokens(t, th.smtp, account.UndoEmail, 0)
	})
}

// An address that holds a way back is told of the closing once, also when it
// is the account's own, which nobody proved.
func TestClosingIsToldOnceToEachAddress(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.moves(amina, "b@thief.example")
		if err := th.Staff.SetEmail(t.Context(), th.IDOf(t, "amina"), "AMINA@example.ma", ""); err != nil {
			t.Fatal(err)
		}
		now := th.Clock.Now()
		err := th.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			return tx.CreateChallenge(ctx, account.Challenge{ // as an earlier release left them
				Hash: "of-an-earlier-release", Kind: account.UndoEmail, UserID: amina.User.ID, Email: "Amina@Example.ma",
				CreatedAt: now, ExpiresAt: now.Add(time.Hour),
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		th.Deliver(t)
		before := len(th.smtp.Messages())
		if err := th.CloseAccount(t.Context(), th.CallerOf(t, amina), account.TextInput(authtest.PasswordOf("amina"))); err != nil {
			t.Fatal(err)
		}
		th.Deliver(t)
		told := th.smtp.Messages()[before:]
		if len(told) != 1 || account.EmailKey(told[0].To) != "amina@example.ma" {
			t.Errorf("%d mails about the closing: %v", len(told), told)
		}
	})
}

func TestNoWayBackToAnAddressThatNobodyProved(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.Has(t, "amina", "victim@example.ma")
		s.Deliver(t)
		thief{s, t, smtp}.moves(g, "amina@example.ma")
		authtest.WantTokens(t, smtp, account.UndoEmail, 0)
		for _, m := range smtp.Messages() {
			if m.To == "victim@example.ma" && !strings.Contains(m.Text, "/verify-email#") {
				t.Errorf("a notice to somebody who may know nothing of it: %s", m.Text)
			}
		}
	})
}

func TestOldUsernameIsKeptForItsOwner(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.Has(t, "amina", "amina@example.ma")
		s.Deliver(t)
		s.Prove(t, g)
		rename := func(name, plain string) error {
			_, err := s.UpdateProfile(t.Context(), s.CallerOf(t, g), auth.ProfileChange{Username: account.TextInput(name), Password: account.TextInput(plain)})
			return err
		}
		if err := rename("amina2", "wrong-password-1"); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"password": {"password_wrong"}}) {
			t.Errorf("wrong password: %v", err)
		}
		before := len(smtp.Messages())
		if err := rename("amina2", authtest.PasswordOf("amina")); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		if mails := smtp.Messages()[before:]; len(mails) != 1 || mails[0].To != "amina@example.ma" || !strings.Contains(mails[0].Text, "amina2") {
			t.Errorf("the notice: %+v", mails)
		}
		taken := map[string][]string{"username": {"username.taken"}}
		if _, err := s.Register(t.Context(), authtest.Elsewhere(), authtest.Registration("amina")); !cmp.Equal(authtest.FieldKeys(err), taken) {
			t.Errorf("a stranger registers the old name: %v", err)
		}
		stranger := s.Has(t, "stranger", "")
		_, err := s.UpdateProfile(t.Context(), s.CallerOf(t, stranger), auth.ProfileChange{Username: account.TextInput("amina"), Password: account.TextInput(authtest.PasswordOf("stranger"))})
		if !cmp.Equal(authtest.FieldKeys(err), taken) {
			t.Errorf("a stranger takes the old name: %v", err)
		}
		if _, err := s.SignIn(t, "amina", authtest.PasswordOf("amina")); !errors.Is(err, account.ErrInvalidCredentials) {
			t.Errorf("the old name logs in: %v", err)
		}
		if err := rename("amina", authtest.PasswordOf("amina")); err != nil {
			t.Errorf("back to her own: %v", err)
		}
		if err := rename("amina3", authtest.PasswordOf("amina")); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"username": {"username.changed_too_often"}}) {
			t.Errorf("a third change: %v", err)
		}
		s.Clock.Advance(30*24*time.Hour + time.Minute)
		s.SweepAll(t)
		if _, err := s.Register(t.Context(), authtest.Elsewhere(), authtest.Registration("amina2")); err != nil {
			t.Errorf("a name that was given up a month ago: %v", err)
		}
	})
}

// Whoever knew the password changed the name as often as it may be changed:
// its owner can still take it back, before it is free for everybody.
func TestFirstUsernameCanBeTakenBack(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.Has(t, "amina", "")
		rename := func(name string) error {
			s.Clock.Advance(time.Minute)
			_, err := s.UpdateProfile(t.Context(), s.CallerOf(t, g), auth.ProfileChange{Username: account.TextInput(name), Password: account.TextInput(authtest.PasswordOf("amina"))})
			return err
		}
		for _, name := range []string{"thief", "thief2"} {
			if err := rename(name); err != nil {
				t.Fatal(err)
			}
		}
		often := map[string][]string{"username": {"username.changed_too_often"}}
		for _, name := range []string{"thief", "thief3"} {
			if err := rename(name); !cmp.Equal(authtest.FieldKeys(err), often) {
				t.Errorf("a third change, to %s: %v", name, err)
			}
		}
		if err := rename("amina"); err != nil {
			t.Errorf("back to the first: %v", err)
		}
		for _, name := range []string{"thief2", "thief3"} { // or it could be changed for ever
			if err := rename(name); !cmp.Equal(authtest.FieldKeys(err), often) {
				t.Errorf("a fourth change, to %s: %v", name, err)
			}
		}
	})
}

// However many ask for it at once, an account holds two names.
func TestUsernameChangesAtOnce(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.Has(t, "amina", "")
		c := s.CallerOf(t, g)
		var wg sync.WaitGroup
		for n := range 8 {
			wg.Go(func() {
				_, _ = s.UpdateProfile(t.Context(), c, auth.ProfileChange{Username: account.TextInput(fmt.Sprint("amina", n)), Password: account.TextInput(authtest.PasswordOf("amina"))})
			})
		}
		wg.Wait()
		changes, err := s.Store.UsernameChanges(t.Context(), g.User.ID, time.Time{})
		if err != nil || len(changes) == 0 || len(changes) > 2 {
			t.Errorf("%d names are held, %v", len(changes), err)
		}
	})
}

// Proofs that two accounts made before there could be one only.
func TestDoubleProofsAreToldAndTheEarlierCounts(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		var log yoozaktest.Buffer
		s := authtest.New(t, st, authtest.Quietly(&log))
		second := s.Has(t, "second", "shared@example.ma")
		first := s.Has(t, "first", "shared@example.ma")
		s.Prove(t, first)
		s.Clock.Advance(time.Second)
		s.Prove(t, second)
		s.Opens(t, "shared@example.ma", "first", true)
		s.Opens(t, "shared@example.ma", "second", false)
		for range 3 {
			if err := s.Accounts.RefillAddresses(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(log.String(), "double-addresses"); n != 1 {
			t.Errorf("told %d times, want once:\n%s", n, log.String())
		}
	})
}

func TestStaffGiveAnAccountBack(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.moves(amina, "b@thief.example")
		th.Clock.Advance(8 * 24 * time.Hour) // nobody used the way back
		stolen, err := th.SignIn(t, "amina", authtest.PasswordOf("amina"))
		if err != nil {
			t.Fatal(err)
		}
		th.moves(stolen, "c@thief.example") // which gives the thief one
		undo := authtest.TokensOf(th.smtp, account.UndoEmail)
		if err := th.Staff.Recover(t.Context(), th.IDOf(t, "amina"), "amina@example.ma", ""); err != nil {
			t.Fatal(err)
		}
		th.Deliver(t)
		if err := th.UndoEmail(t.Context(), authtest.Req, undo[len(undo)-1]); err == nil {
			t.Error("the thief's way back still works")
		}
		if _, err := th.Authenticate(t.Context(), stolen.Access); err == nil {
			t.Error("the thief is still in")
		}
		th.Opens(t, "amina", "amina", false)
		resets := authtest.TokensOf(th.smtp, account.ResetPassword)
		if err := th.Reset(t, resets[len(resets)-1], "another-Pass-77"); err != nil {
			t.Fatal(err)
		}
		if _, err := th.SignIn(t, "amina@example.ma", "another-Pass-77"); err != nil {
			t.Errorf("the owner: %v", err)
		}

		// A correction proves nothing, and tells the address that was proved.
		if err := th.Staff.SetEmail(t.Context(), th.IDOf(t, "amina"), "Amina.New@example.ma", ""); err != nil {
			t.Fatal(err)
		}
		u, err := th.Store.UserByUsername(t.Context(), "amina")
		if err != nil || u.Email != "Amina.New@example.ma" || !u.EmailVerifiedAt.IsZero() {
			t.Errorf("%q, %v, %v", u.Email, u.EmailVerifiedAt, err)
		}
		if err := th.Staff.Recover(t.Context(), th.IDOf(t, "amina"), "not an address", ""); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"email": {"email.invalid"}}) {
			t.Errorf("no address: %v", err)
		}
		if err := th.Staff.Recover(t.Context(), th.IDOf(t, "nobody"), "a@example.ma", ""); !errors.Is(err, account.ErrUserNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}

// The way back opens an account that was closed, and staff's word stands: so
// an account is one or the other.
func TestStaffDoNotDisableAClosedAccount(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		th.moves(amina, "b@thief.example")
		if err := th.CloseAccount(t.Context(), th.CallerOf(t, amina), account.TextInput(authtest.PasswordOf("amina"))); err != nil {
			t.Fatal(err)
		}
		if err := th.Staff.Disable(t.Context(), th.IDOf(t, "amina"), ""); !errors.Is(err, staff.ErrClosed) {
			t.Errorf("disable a closed account: %v, want %v", err, staff.ErrClosed)
		}
		if err := th.Staff.Restore(t.Context(), th.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		if err := th.Staff.Disable(t.Context(), th.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		undo := authtest.WantTokens(t, th.smtp, account.UndoEmail, 1)[0]
		if err := th.UndoEmail(t.Context(), authtest.Req, undo); err == nil {
			t.Error("the link opens an account that staff disabled")
		}
	})
}

// TestWayBackIsNotCutShort: a thief who changes the address, takes it back, and
// changes it again when the owner's link is about to end.
func TestWayBackIsNotCutShort(t *testing.T) {
	t.Parallel()
	forEachThief(t, func(t *testing.T, th thief, amina auth.LoginResult) {
		in := func() auth.LoginResult {
			t.Helper()
			g, err := th.SignIn(t, "amina", authtest.PasswordOf("amina"))
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		th.moves(amina, "b@thief.example")
		th.moves(in(), "amina@example.ma")
		th.Clock.Advance(7*24*time.Hour - 10*time.Minute)
		th.moves(in(), "c@thief.example")
		links := authtest.TokensOf(th.smtp, account.UndoEmail)
		if len(links) != 2 {
			t.Fatalf("%d ways back were mailed, want the owner's two", len(links))
		}
		th.Clock.Advance(6 * 24 * time.Hour)
		th.goesBack(links[1])
	})
}

// TestOldestOfManyClaimantsIsMailed: whoever registers fifty accounts with an
// address that its owner has not proved keeps them from no link.
func TestOldestOfManyClaimantsIsMailed(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		for i := range 60 {
			s.Claims(t, fmt.Sprint("older", i), "amina@example.ma")
		}
		s.Claims(t, "amina", "amina@example.ma")
		s.Claims(t, "salma", "salma@example.ma")
		for i := range 60 {
			s.Claims(t, fmt.Sprint("younger", i), "salma@example.ma")
		}
		s.Deliver(t)
		for _, name := range []string{"amina", "salma"} {
			before := len(smtp.Messages())
			s.AskReset(t, name+"@example.ma")
			s.Deliver(t)
			mails := smtp.Messages()[before:]
			if len(mails) != 1 || !strings.Contains(mails[0].Text, "\n"+name+":\n") {
				t.Errorf("%s is not among those of %d mails:\n%.900s", name, len(mails), mails[0].Text)
			}
		}
	})
}

// TestAddressesAskedForAreCounted: each is mailed, and may be a stranger's.
func TestAddressesAskedForAreCounted(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		g := s.SignUp(t, "amina")
		sent := 0
		for i := range 3 * guard.AddressesPerUser.Count {
			err := s.ChangeEmail(t.Context(), s.CallerOf(t, g), auth.EmailChange{Email: text(fmt.Sprintf("stranger%d@example.ma", i))})
			var e *account.Error
			if err == nil {
				sent++
			} else if !errors.As(err, &e) || e.Kind != account.Throttled || e.Wait <= 0 {
				t.Fatal(err)
			}
		}
		if sent != guard.AddressesPerUser.Count {
			t.Errorf("%d were mailed", sent)
		}
	}, authtest.Limited)
}
