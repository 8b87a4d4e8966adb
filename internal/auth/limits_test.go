package auth_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/smtptest"
)

// TestResetRequestTellsNobodyWhoHasAnAccount: until the answer, what is done
// for an address that somebody has and for one that nobody has is the same.
func TestResetRequestTellsNobodyWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	forEachPost(t, func(t *testing.T, s *server, smtp *smtptest.Server) {
		s.register(t, "amina")
		s.register(t, "gone")
		if err := s.SetActive(t.Context(), "gone", false); err != nil {
			t.Fatal(err)
		}
		s.deliver(t)
		before := len(s.outbox(t))
		var rows []account.Mail
		for _, email := range []string{"AMINA@example.ma", "nobody@example.ma", "gone@example.ma"} {
			s.requestReset(t, email)
			all := s.outbox(t)
			m := all[len(all)-1]
			m.ID, m.Email = 0, ""
			rows = append(rows, m)
			if len(all) != before+1 {
				t.Errorf("%s: %d rows were added, want 1", email, len(all)-before)
			}
			before = len(all)
		}
		if !cmp.Equal(rows[0], rows[1]) || !cmp.Equal(rows[0], rows[2]) || rows[0].UserID != 0 || rows[0].Kind != account.MailResetRequest {
			t.Errorf("rows differ: %+v", rows)
		}
		sent := len(smtp.Messages())
		s.deliver(t)
		if got := smtp.Messages()[sent:]; len(got) != 1 || got[0].To != "amina@example.ma" {
			t.Errorf("%d mails were sent, want one to the address as it was registered", len(got))
		}
	})
}

// TestEveryAccountOfAnAddressGetsALink, each its own.
func TestEveryAccountOfAnAddressGetsALink(t *testing.T) {
	t.Parallel()
	forEachPost(t, func(t *testing.T, s *server, smtp *smtptest.Server) {
		for _, name := range []string{"a1", "a2"} {
			r := registration(name)
			r.Email = account.TextInput("shared@example.ma")
			if _, err := s.Register(t.Context(), peer, r); err != nil {
				t.Fatal(err)
			}
		}
		s.requestReset(t, "shared@example.ma")
		s.deliver(t)
		wantTokens(t, smtp, account.ResetPassword, 2)
		for _, m := range smtp.Messages() {
			found := linkPattern.FindStringSubmatch(m.Text)
			name := regexp.MustCompile(`a[12]`).FindString(m.Text)
			if found == nil || found[1] != string(account.ResetPassword) {
				continue // the mails of registration
			}
			if err := s.reset(t, account.TextInput(found[2]), "another-Pass-of-"+name); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"a1", "a2"} {
			if _, err := s.login(t, name, "another-Pass-of-"+name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestStrangersCannotFillAMailbox(t *testing.T) {
	t.Parallel()
	forEachPost(t, func(t *testing.T, s *server, smtp *smtptest.Server) {
		g := s.register(t, "amina") // one of five
		for n := range 10 {
			p := peer
			p.IP = fmt.Sprint("198.51.100.", n) // each from elsewhere
			if err := s.RequestReset(t.Context(), p, account.TextInput("Amina@example.MA")); err != nil {
				t.Errorf("request %d: %v; want no word of a limit", n, err)
			}
		}
		s.deliver(t)
		if n := len(smtp.Messages()); n != 5 {
			t.Errorf("%d mails to one address, want 5", n)
		}
		var e *account.Error
		if err := s.ResendVerification(t.Context(), s.caller(t, g)); !errors.As(err, &e) || e.Kind != account.Throttled {
			t.Errorf("one more: %v, want a limit", err)
		}
		r := registration("badr")
		r.Email = account.TextInput("amina@example.ma")
		if _, err := s.Register(t.Context(), peer, r); err != nil {
			t.Errorf("registration: %v; want it done, without a mail", err)
		}
		s.deliver(t)
		if n := len(smtp.Messages()); n != 5 {
			t.Errorf("%d mails to one address, want 5", n)
		}
		s.clock.advance(time.Hour)
		g, err := s.login(t, "amina", good)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.ResendVerification(t.Context(), s.caller(t, g)); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

func TestOneAddressOnTheNetworkCannotMailEverybody(t *testing.T) {
	t.Parallel()
	forEachPost(t, func(t *testing.T, s *server, smtp *smtptest.Server) {
		for n := range 35 {
			name := fmt.Sprint("user", n)
			r := registration(name)
			if _, err := s.Register(t.Context(), peer, r); err != nil {
				t.Fatal(err)
			}
		}
		s.deliver(t)
		if n := len(smtp.Messages()); n != 30 {
			t.Errorf("%d mails because of one IP address, want 30", n)
		}
		elsewhere := peer
		elsewhere.IP = "198.51.100.1"
		if _, err := s.Register(t.Context(), elsewhere, registration("badr")); err != nil {
			t.Fatal(err)
		}
		s.deliver(t)
		if n := len(smtp.Messages()); n != 31 {
			t.Errorf("%d mails, want one more from elsewhere", n)
		}
	})
}

// TestChangesOfAddressCount, also those whose mail is void by the next.
func TestChangesOfAddressCount(t *testing.T) {
	t.Parallel()
	forEachPost(t, func(t *testing.T, s *server, smtp *smtptest.Server) {
		g := s.register(t, "amina")
		refused := 0
		for n := range 10 {
			email := "victim@example.com"
			if n%2 == 1 {
				email = "VICTIM@example.com"
			}
			err := s.changeEmail(t, g, email)
			if e := (*account.Error)(nil); errors.As(err, &e) && e.Kind == account.Throttled {
				refused++
			} else if err != nil {
				t.Fatal(err)
			}
			s.deliver(t)
		}
		if n := smtp.Attempts("victim@example.com") + smtp.Attempts("VICTIM@example.com"); n != 5 || refused != 5 {
			t.Errorf("%d mails, %d refusals; want 5 and 5", n, refused)
		}
	})
}
