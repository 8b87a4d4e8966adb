package pages_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/store"
)

var mailedCode = regexp.MustCompile(`\b([0-9]{3}) ([0-9]{3})\b`)

// codeIn is the code that a mail shows.
func codeIn(t *testing.T, m mailtest.Mail) string {
	t.Helper()
	code := mailedCode.FindString(m.Text)
	if code == "" {
		t.Fatalf("no code in the mail:\n%s", m.Text)
	}
	return code
}

// proved gives amina's address the proof that a link would.
func (s *server) proved(t *testing.T) {
	t.Helper()
	u := s.user(t, "amina")
	err := s.store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
		return tx.SetProof(t.Context(), u.ID, u.Email, u.JoinedAt)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// known is amina, whose address is proved, logged in.
func (s *server) known(t *testing.T) *visitor {
	t.Helper()
	s.register(t, "amina")
	s.proved(t)
	b := s.visitor()
	b.logIn(t, "amina")
	return b
}

// TestResetByTheCodeOfTheMail, in the browser that asked for it and in no
// other. The token that it gives is in the form and in no address.
func TestResetByTheCodeOfTheMail(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		const page = "/account/code/"
		b.open(t, page).shows(t, http.StatusGone, fr("page.code.gone"), fr("page.code.gone_why"))
		b.send(t, "/account/forgot-password/", "email", address("amina")).shows(t, http.StatusAccepted, fr("page.forgot.done"), fr("page.code.enter"))
		code := codeIn(t, s.received(t, account.MailResetPassword, address("amina")))
		s.visitor().send(t, page, "code", code).shows(t, http.StatusGone, fr("page.code.gone"))

		b.open(t, page).shows(t, http.StatusOK, fr("page.code.intro"), fr("page.code.hint"))
		b.send(t, page, "code", "12345").shows(t, http.StatusBadRequest, fr("factor_format"))
		form := b.send(t, page, "code", code)
		form.shows(t, http.StatusOK, fr("page.reset.title"), fr("page.account"), "amina")
		if !strings.Contains(form.body, `autocomplete="username" value="amina"`) {
			t.Errorf("a password manager does not know whose password it is:\n%s", form.body)
		}
		token := regexp.MustCompile(`name="token" value="([A-Za-z0-9_-]{43})"`).FindStringSubmatch(form.body)
		if token == nil {
			t.Fatalf("no token:\n%s", form.body)
		}
		b.send(t, page, "token", token[1], "new_password", "123", "repeat", "123").shows(t, http.StatusBadRequest, fr("page.reset.title"))
		b.send(t, page, "token", token[1], "new_password", nextPassword, "repeat", nextPassword).shows(t, http.StatusOK, fr("page.reset.done"), "../login/")
		b.send(t, page, "token", token[1], "new_password", nextPassword, "repeat", nextPassword).shows(t, http.StatusGone, fr("page.code.gone"))
		if !s.opens(t, "amina", nextPassword) || b.cookies["yoozak_code /"] != "" {
			t.Error("the password did not change, or the browser still waits for a code")
		}
	})
}

func TestVerifyByTheCodeOfTheMail(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		mailtest.Wait(t, s.folder, string(account.MailVerifyEmail), address("amina"), 1)
		b := s.visitor()
		b.logIn(t, "amina")
		b.send(t, "/account/", "act", "verify").leadsTo(t, "/account/", "/account/")
		b.open(t, "/account/").shows(t, http.StatusOK, fr("page.overview.verify_sent"), fr("page.code.enter"))
		asks := b.open(t, "/account/code/")
		asks.shows(t, http.StatusOK, fr("page.code.again"))
		asks.lacks(t, "forgot-password") // it is another code that they want, not another password
		code := codeIn(t, mailtest.Wait(t, s.folder, string(account.MailVerifyEmail), address("amina"), 2))
		b.send(t, "/account/code/", "code", code).shows(t, http.StatusOK, fr("page.verify.done"))
		if s.user(t, "amina").EmailVerifiedAt.IsZero() {
			t.Error("the address is not verified")
		}
	})
}

func TestConfirmByACodeOfAMail(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		b := s.known(t)
		s.clock.Advance(10 * time.Minute)
		const page = "/account/confirm/?to=factors%2Ftotp"
		b.open(t, page).shows(t, http.StatusOK, fr("page.factor.password_intro"), fr("page.factor.use_email"))
		b.open(t, page+"&with=email").shows(t, http.StatusOK, fr("page.code.send_intro"), fr("page.code.send"))
		b.send(t, page+"&with=email", "send", "1").leadsTo(t, "/account/confirm/", "/account/confirm/?to=factors%2Ftotp&with=email")
		b.open(t, page+"&with=email").shows(t, http.StatusOK, fr("page.factor.code"), fr("page.code.again"))
		code := codeIn(t, s.received(t, account.MailConfirmCode, address("amina")))
		b.send(t, page+"&with=email", "code", "000000").shows(t, http.StatusBadRequest)
		b.send(t, page+"&with=email", "code", code).leadsTo(t, "/account/confirm/", "/account/factors/totp/")
		b.open(t, "/account/factors/totp/").shows(t, http.StatusOK, fr("page.totp.show"))
	})
}
