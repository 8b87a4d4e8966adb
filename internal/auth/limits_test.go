package auth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
)

// TestResetRequestTellsNobodyWhoHasAnAccount: until the answer, what is done
// for an address that somebody has and for one that nobody has is the same.
func TestResetRequestTellsNobodyWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.SignUp(t, "amina")
		s.SignUp(t, "gone")
		if err := s.Staff.Disable(t.Context(), s.IDOf(t, "gone"), ""); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		before := len(s.AllMails(t))
		var rows []account.Mail
		for _, email := range []string{"AMINA@example.ma", "nobody@example.ma", "gone@example.ma"} {
			s.AskReset(t, email)
			all := s.AllMails(t)
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
		s.Deliver(t)
		if got := smtp.Messages()[sent:]; len(got) != 1 || got[0].To != "amina@example.ma" {
			t.Errorf("%d mails were sent, want one to the address as it was registered", len(got))
		}
	})
}
