package auth_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

var (
	emailTaken = map[string][]string{"email": {"email.taken"}}
	emailKnown = map[string][]string{"email": {"email.known"}}
)

// refuses fails unless an error is about these fields.
func refuses(t *testing.T, what string, err error, want map[string][]string) {
	t.Helper()
	if err == nil || !cmp.Equal(authtest.FieldKeys(err), want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// registers tries to register an account, which has a password of its own.
func registers(t *testing.T, s *authtest.Server, username, email string) error {
	t.Helper()
	_, err := s.Register(t.Context(), authtest.Elsewhere(), auth.Registration{
		Username: account.TextInput(username), Password: account.TextInput(authtest.PasswordOf(username)), Email: account.TextInput(email),
	})
	return err
}

func edits(t *testing.T, s *authtest.Server, g auth.LoginResult, email string) error {
	t.Helper()
	u, err := s.Staff.User(t.Context(), g.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Staff.Edit(t.Context(), u.ID, auth.UserEdit{Version: account.TextInput(auth.Version(u, account.Recovery{})), Email: account.TextInput(email)})
	return err
}

func TestAnAddressIsForOneAccount(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		amina := s.Claims(t, "amina", "amina@exämple.ma")
		other := s.Claims(t, "other", "other@example.ma")
		for proved := range 2 {
			for i, email := range []string{"amina@exämple.ma", "AMINA@EXÄMPLE.MA", "Amina@xn--exmple-cua.ma"} {
				name := fmt.Sprintf("thief%d%d", proved, i)
				refuses(t, "register with "+email, registers(t, s, name, email), emailTaken)
				_, err := s.Staff.Create(t.Context(), authtest.Req, auth.Registration{
					Username: account.TextInput(name), Password: account.TextInput(authtest.Good), Email: account.TextInput(email),
				})
				refuses(t, "command with "+email, err, emailTaken)
				refuses(t, "change to "+email, s.AskEmailChange(t, other, email), emailTaken)
				refuses(t, "correct to "+email, s.Staff.SetEmail(t.Context(), other.User.ID, email, ""), emailKnown)
				refuses(t, "edit to "+email, edits(t, s, other, email), emailKnown)
				_, err = s.Staff.Invite(t.Context(), auth.Invited{Email: account.TextInput(email)}, "fr")
				refuses(t, "invite "+email, err, emailKnown)
			}
			s.Prove(t, amina)
		}
		_, err := s.Register(t.Context(), authtest.Req, auth.Registration{Username: account.TextInput("amina"), Email: account.TextInput("amina@exämple.ma")})
		refuses(t, "with other mistakes", err, map[string][]string{"username": {"username.taken"}, "password": {"field.required"}, "email": {"email.taken"}})

		// Another spelling of one's own is not another's.
		if err := s.AskEmailChange(t, amina, "Amina@exämple.ma"); err != nil {
			t.Errorf("her own, spelled differently: %v", err)
		}
		if err := edits(t, s, amina, "AMINA@exämple.ma"); err != nil {
			t.Errorf("the same by the staff: %v", err)
		}
		// No address is nobody's.
		s.Has(t, "phone1", "")
		s.Has(t, "phone2", "")
	}, authtest.OnePerAddress)
}

// Who is not open claims nothing, and comes back without what another proved
// meanwhile.
func TestAddressOfAClosedAccountIsFree(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		for _, name := range []string{"closed", "disabled"} {
			email := name + "@example.ma"
			g := s.Claims(t, name, email)
			s.Prove(t, g)
			leave, back := s.Staff.Close, s.Staff.Restore
			if name == "disabled" {
				leave, back = s.Staff.Disable, s.Staff.Enable
			}
			if err := leave(t.Context(), g.User.ID, ""); err != nil {
				t.Fatal(err)
			}
			next := s.Claims(t, "next"+name, email)
			s.Prove(t, next)
			if err := back(t.Context(), g.User.ID, ""); err != nil {
				t.Fatalf("%s: it does not come back: %v", name, err)
			}
			u, err := s.Store.UserByID(t.Context(), g.User.ID)
			if err != nil || !u.Active || u.Email != g.User.Email || !u.EmailVerifiedAt.IsZero() {
				t.Errorf("%s is back as %+v, %v; want open, with the address, without its proof", name, u, err)
			}
			refuses(t, "a third", registers(t, s, "third"+name, email), emailTaken)
		}
	}, authtest.OnePerAddress)
}

// A stranger who types somebody's address must not keep them out: not for good,
// and not from what they can prove.
func TestSquattersDoNotKeepAnAddress(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		// The mail of the squatter's registration frees it at once.
		s.Claims(t, "squatter1", "a@example.ma")
		s.Deliver(t)
		verify := authtest.WantTokens(t, smtp, account.VerifyEmail, 1)[0]
		refuses(t, "a claim of today", registers(t, s, "a", "a@example.ma"), emailTaken)
		if err := s.DisownEmail(t.Context(), authtest.Req, verify); err != nil {
			t.Fatal(err)
		}
		s.Claims(t, "a", "a@example.ma")

		// Else it is free when the link of that mail is over, and whoever then
		// proves it has it.
		s.Claims(t, "squatter2", "b@example.ma")
		s.Clock.Advance(24*time.Hour - time.Second)
		refuses(t, "a claim of nearly a day", registers(t, s, "b", "b@example.ma"), emailTaken)
		s.Clock.Advance(time.Second)
		b := s.Claims(t, "b", "b@example.ma")
		refuses(t, "beside two claims", registers(t, s, "b2", "b@example.ma"), emailTaken)
		s.Prove(t, b)
		s.Clock.Advance(24 * time.Hour)
		refuses(t, "a proof of yesterday", registers(t, s, "b2", "b@example.ma"), emailTaken)

		// Whoever asked before the squatter came proves it by the link.
		owner := s.Claims(t, "owner", "old@example.ma")
		if err := s.AskEmailChange(t, owner, "c@example.ma"); err != nil {
			t.Fatal(err)
		}
		s.Claims(t, "squatter3", "c@example.ma")
		refuses(t, "who asks after it", s.AskEmailChange(t, s.Claims(t, "late", "late@example.ma"), "c@example.ma"), emailTaken)
		s.Deliver(t)
		if err := s.ConfirmEmail(t.Context(), authtest.Req, authtest.WantTokens(t, smtp, account.ConfirmEmail, 1)[0]); err != nil {
			t.Errorf("a claim keeps out who reads the mailbox: %v", err)
		}

		// And so do the staff who vouch for its reader, unless another proved it.
		s.Claims(t, "squatter4", "d@example.ma")
		refuses(t, "a correction", s.Staff.SetEmail(t.Context(), b.User.ID, "d@example.ma", ""), emailKnown)
		if err := s.Staff.Recover(t.Context(), b.User.ID, "d@example.ma", authtest.Reason); err != nil {
			t.Errorf("a claim keeps out whom the staff vouch for: %v", err)
		}
		refuses(t, "against a proof", s.Staff.Recover(t.Context(), b.User.ID, "C@example.ma", authtest.Reason), emailKnown)
		if err := s.Staff.Recover(t.Context(), b.User.ID, "", authtest.Reason); err != nil {
			t.Errorf("to its own address: %v", err)
		}
	}, authtest.OnePerAddress)
}

// TestOwnersTakeWhatASquatterMade: a claim that keeps an address from its owner is
// of an account that they can have by a reset. A second factor shuts it to them.
func TestOwnersTakeWhatASquatterMade(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.Claims(t, "squatter1", "a@example.ma")
		refuses(t, "a claim", registers(t, s, "a", "a@example.ma"), emailTaken)
		s.AskReset(t, "a@example.ma")
		s.Deliver(t)
		if err := s.Reset(t, authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0], authtest.PasswordOf("a")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(t, "a@example.ma", authtest.PasswordOf("a")); err != nil {
			t.Errorf("the owner, with the password that they chose: %v", err)
		}

		squatter := s.Claims(t, "squatter2", "b@example.ma")
		s.AddTOTP(t, squatter.User.ID)
		b := s.Claims(t, "b", "b@example.ma")
		s.Prove(t, b)
		s.AddTOTP(t, b.User.ID)
		refuses(t, "a proof beside a factor", registers(t, s, "b2", "b@example.ma"), emailTaken)
	}, authtest.OnePerAddress)
}

// Where nobody can prove an address, every claim counts, however old.
func TestEveryClaimKeepsAnAddressWithoutMail(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		amina := s.Claims(t, "amina", "amina@example.ma")
		s.Clock.Advance(400 * 24 * time.Hour)
		s.AddTOTP(t, amina.User.ID)
		refuses(t, "after a year", registers(t, s, "other", "Amina@example.ma"), emailTaken)
		if err := s.Staff.Disable(t.Context(), amina.User.ID, ""); err != nil {
			t.Fatal(err)
		}
		s.Claims(t, "other", "Amina@example.ma")
	}, authtest.OnePerAddress, authtest.NoDelivery)
}

// Two who come at once, to two servers, after both were told that the address
// is free; also who has the other's address as username.
func TestTwoAtOnceDoNotGetOneAddress(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		first := authtest.New(t, storetest.Open(t, url), authtest.OnePerAddress)
		second := authtest.New(t, storetest.Open(t, url), authtest.OnePerAddress)
		servers := []*authtest.Server{first, second, first, second}
		for round := range 12 {
			same := fmt.Sprintf("same%d@example.ma", round)
			x, y := fmt.Sprintf("x%d@example.ma", round), fmt.Sprintf("y%d@example.ma", round)
			users := make([]account.User, len(servers))
			for i, r := range [][2]string{{fmt.Sprint("a", round), same}, {fmt.Sprint("b", round), same}, {x, y}, {y, x}} {
				u, err := servers[i].Accounts.NewUser(t.Context(), authtest.Req, auth.Registration{
					Username: account.TextInput(r[0]), Password: account.TextInput(authtest.Good), Email: account.TextInput(r[1]),
				})
				if err != nil {
					t.Fatal(err)
				}
				users[i] = u
			}
			errs := make([]error, len(users))
			var wg sync.WaitGroup
			for i, s := range servers {
				wg.Go(func() {
					errs[i] = s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return s.Accounts.Create(ctx, tx, &users[i]) })
				})
			}
			wg.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("of two with one address: %v, %v", errs[0], errs[1])
			}
			for _, err := range errs[:2] {
				if err != nil {
					refuses(t, "the second", err, emailTaken)
				}
			}
			if errs[2] != nil || errs[3] != nil {
				t.Fatalf("each with the other's address as username: %v, %v", errs[2], errs[3])
			}
		}
	})
}

// Two whom the staff correct, and one who registers, at once.
func TestCorrectionsAndRegistrationAtOnce(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ids := []int64{s.SignUp(t, "one").User.ID, s.SignUp(t, "two").User.ID}
		for round := range 12 {
			email := fmt.Sprintf("a%d@example.ma", round)
			u, err := s.Accounts.NewUser(t.Context(), authtest.Req, authtest.Registration(fmt.Sprint("a", round)))
			if err != nil {
				t.Fatal(err)
			}
			errs := make([]error, len(ids)+1)
			var wg sync.WaitGroup
			for i, id := range ids {
				wg.Go(func() { errs[i] = s.Staff.SetEmail(t.Context(), id, email, "") })
			}
			wg.Go(func() {
				errs[len(ids)] = s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return s.Accounts.Create(ctx, tx, &u) })
			})
			wg.Wait()
			done := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err != nil })
			if len(done) != 1 {
				t.Fatalf("%d have the address: %v", len(done), errs)
			}
		}
	}, authtest.OnePerAddress)
}

// By default an address may be that of several, as in the reference.
func TestByDefaultAnAddressIsForSeveral(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		amina := s.Claims(t, "amina", "amina@example.ma")
		s.Prove(t, amina)
		other := s.Claims(t, "other", "amina@example.ma")
		if err := edits(t, s, other, "other@example.ma"); err != nil {
			t.Fatal(err)
		}
		if err := s.Staff.SetEmail(t.Context(), other.User.ID, "amina@example.ma", ""); err != nil {
			t.Error(err)
		}
	})
}
