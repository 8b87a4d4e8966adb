package pages_test

import (
	"encoding/base32"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/mailtest"
)

var (
	secretOfPage = regexp.MustCompile(`<p class="secret" dir="ltr"><code>([A-Z2-7 ]+)</code></p>`)
	pendingID    = regexp.MustCompile(`name="id" value="([0-9a-f]{32})"`)
	codesOfPage  = regexp.MustCompile(`<li><code>([0-9A-Z-]+)</code></li>`)
	manageLink   = regexp.MustCompile(`href="\./factors/\?id=([0-9a-f]{32})"`)
)

// enrol goes through the page of an authenticator app and returns its secret
// and the recovery codes.
func (b *visitor) enrol(t *testing.T, name string) (seed []byte, codes []string) {
	t.Helper()
	const page = "/account/factors/totp/"
	a := b.send(t, page, "name", name)
	a.shows(t, http.StatusOK, fr("page.totp.scan"), fr("page.totp.secret"))
	secret, id := secretOfPage.FindStringSubmatch(a.body), pendingID.FindStringSubmatch(a.body)
	if secret == nil || id == nil {
		t.Fatalf("no secret, or no form:\n%s", a.body)
	}
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secret[1], " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	done := b.send(t, page, "id", id[1], "code", b.code(seed))
	done.shows(t, http.StatusOK, fr("page.factors.added"))
	for _, m := range codesOfPage.FindAllStringSubmatch(done.body, -1) {
		codes = append(codes, m[1])
	}
	return seed, codes
}

// TestResetShowsWhatWasAddedLately: a reset leaves a thief's app where it is, so
// its page says that it is there, by the link and by the code.
func TestResetShowsWhatWasAddedLately(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.logIn(t, "amina")
		b.enrol(t, "<i>telefoon")
		told := []string{fr("page.reset.factors"), fr("page.reset.factors_why"), fr("page.reset.factors_late"), "telefoon", fr("page.factors.totp")}

		owner := s.visitor()
		owner.send(t, "/account/forgot-password/", "email", address("amina"))
		m := s.received(t, account.MailResetPassword, address("amina"))
		form := owner.send(t, "/account/code/", "code", codeIn(t, m))
		token := regexp.MustCompile(`name="token" value="([A-Za-z0-9_-]{43})"`).FindStringSubmatch(form.body)[1]
		owner.send(t, "/account/code/", "token", token, "new_password", nextPassword, "repeat", nextPassword).shows(t, http.StatusOK, append(told, fr("page.reset.done"))...)

		s.clock.Advance(31 * 24 * time.Hour)
		owner.send(t, "/account/forgot-password/", "email", address("amina"))
		m = mailtest.Wait(t, s.folder, string(account.MailResetPassword), address("amina"), 2)
		done := s.post(t, m.Path, "new_password", nextPassword+"2", "repeat", nextPassword+"2")
		done.shows(t, http.StatusOK, fr("page.reset.done"))
		done.lacks(t, told...)
	})
}

func TestEnrolAnAuthenticatorApp(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.logIn(t, "amina")
		b.open(t, "/account/").shows(t, http.StatusOK, fr("page.factors.none"), fr("page.totp.title"))
		const page = "/account/factors/totp/"
		first := b.open(t, page)
		first.shows(t, http.StatusOK, fr("page.totp.intro"), fr("page.totp.show"))
		first.lacks(t, "<svg", `class="secret"`)

		a := b.send(t, page, "name", "téléphone de <b>Salma</b>")
		a.shows(t, http.StatusOK, fr("page.totp.scan"))
		a.lacks(t, "<b>Salma", "otpauth:") // and the address of the secret is in the picture alone
		if strings.Count(a.body, "<svg") != 1 || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("no picture, or it may be kept: %v", a.header)
		}
		id := pendingID.FindStringSubmatch(a.body)[1]
		wrong := b.send(t, page, "id", id, "code", "000000")
		wrong.shows(t, http.StatusBadRequest, fr("factor_wrong"), fr("page.totp.again"))
		wrong.lacks(t, "<svg", `class="secret"`) // it is shown once
		seed, codes := b.enrol(t, "téléphone de Salma")
		if len(codes) != 10 {
			t.Fatalf("%d recovery codes", len(codes))
		}
		over := b.open(t, "/account/")
		over.shows(t, http.StatusOK, "téléphone de Salma", fr("page.factors.totp"), fr("event.factor_added"))
		over.lacks(t, codes[0])

		// Another session asks for it now.
		s.clock.Advance(time.Minute)
		other := s.visitor()
		other.send(t, "/account/login/", "username", "amina", "password", firstPassword).leadsTo(t, "/account/login/", "/account/second/")
		form := other.open(t, "/account/second/?with=recovery")
		form.shows(t, http.StatusOK, fr("page.factor.recovery"), fr("page.factor.use_code"))
		form.lacks(t, "amina")
		bound := form.bound(t)
		other.send(t, "/account/second/?with=recovery", "bound", bound, "recovery_code", "not one").shows(t, http.StatusBadRequest, fr("factor_format"))
		other.send(t, "/account/second/?with=recovery", "bound", bound, "recovery_code", " 3. "+strings.ToLower(codes[2])).leadsTo(t, "/account/second/", "/account/")
		other.open(t, "/account/").shows(t, http.StatusOK, "Codes de secours", "il en reste 9")
		_ = seed

		// Secrets and codes are in no log.
		for _, secret := range append(codes, base32.StdEncoding.EncodeToString(seed)) {
			if strings.Contains(s.log.String(), secret) {
				t.Errorf("the log has %s", secret)
			}
		}
	})
}

// TestWhatWasTypedComesBack: a name that was typed before a login, or before a
// confirmation, is still there after it, in a cookie of our own.
func TestWhatWasTypedComesBack(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.logIn(t, "amina")
		const page, name = "/account/factors/totp/", "هاتف سلمى & 50 % \"x\""
		b.open(t, page).shows(t, http.StatusOK, fr("page.totp.show"))
		kept := b.cookies["yoozak_account /"]
		delete(b.cookies, "yoozak_account /") // the session ended meanwhile
		b.send(t, page, "name", name).leadsTo(t, page, "/account/login/?to=factors%2Ftotp")
		if c := b.cookies["yoozak_note /"]; c == "" || strings.Contains(c, firstPassword) {
			t.Fatalf("the note: %s", c)
		}
		b.open(t, "/account/login/?to=factors%2Ftotp").shows(t, http.StatusOK, fr("page.login.again"))
		b.send(t, "/account/login/?to=factors%2Ftotp", "username", "amina", "password", firstPassword).leadsTo(t, "/account/login/", page)
		b.open(t, page).shows(t, http.StatusOK, name)
		if b.cookies["yoozak_note /"] != "" {
			t.Error("the note is still there")
		}
		_ = kept
		s.clock.Advance(10 * time.Minute) // the proof is old
		b.send(t, page, "name", name).leadsTo(t, page, "/account/confirm/?to=factors%2Ftotp")
		b.send(t, "/account/confirm/?to=factors%2Ftotp", "password", firstPassword).leadsTo(t, "/account/confirm/", page)
		b.open(t, page).shows(t, http.StatusOK, name, fr("page.prove.done"))
	})
}

func TestManageAFactor(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.logIn(t, "amina")
		seed, codes := b.enrol(t, "")
		m := manageLink.FindStringSubmatch(b.open(t, "/account/").body)
		if m == nil {
			t.Fatal("no link to the factor")
		}
		page := "/account/factors/?id=" + m[1]
		b.open(t, page).lacks(t, fr("page.factors.remove_mail")) // nobody has shown who reads the address
		s.proved(t)
		b.open(t, page).shows(t, http.StatusOK, fr("page.factors.totp"), fr("page.factors.remove_last"), fr("page.factors.remove_mail"))
		b.send(t, page, "name", "a\u202eb").shows(t, http.StatusBadRequest, fr("factor_name"))
		b.send(t, page, "name", "Aegis").leadsTo(t, page, "/account/")
		b.open(t, "/account/").shows(t, http.StatusOK, "Aegis", fr("page.factors.renamed"))

		// Somebody else's, and none, look alike.
		other := s.visitor()
		s.register(t, "omar")
		other.logIn(t, "omar")
		for _, id := range []string{m[1], "00", "", "%3Cscript%3E"} {
			other.open(t, "/account/factors/?id="+id).shows(t, http.StatusNotFound, fr("page.not_found.gone"))
			other.send(t, "/account/factors/?id="+id, "remove", "1").shows(t, http.StatusNotFound, fr("page.not_found.gone"))
		}

		// New recovery codes and the removal need the factor, not long ago.
		s.clock.Advance(10 * time.Minute)
		b.open(t, "/account/recovery/").leadsTo(t, "/account/recovery/", "/account/confirm/?to=recovery")
		b.send(t, "/account/confirm/?to=recovery", "code", s.code(seed)).leadsTo(t, "/account/confirm/", "/account/recovery/")
		b.open(t, "/account/recovery/").shows(t, http.StatusOK, fr("page.codes.intro"))
		a := b.send(t, "/account/recovery/", "make", "1")
		a.shows(t, http.StatusOK, fr("page.codes.done"), fr("page.codes.keep"))
		if !strings.Contains(a.body, `<span class="unbroken">copiez-les</span>, et`) {
			t.Errorf("a line may break within a word:\n%s", a.body)
		}
		if n := len(codesOfPage.FindAllString(a.body, -1)); n != 10 || strings.Contains(a.body, codes[0]) {
			t.Errorf("%d codes, or old ones", n)
		}
		s.clock.Advance(10 * time.Minute)
		b.send(t, page, "remove", "1").leadsTo(t, page, "/account/confirm/?id="+m[1]+"&to=factors")
		b.send(t, "/account/confirm/?id="+m[1]+"&to=factors", "code", s.code(seed)).leadsTo(t, "/account/confirm/", "/account/factors/?id="+m[1])
		b.send(t, page, "remove", "1").leadsTo(t, page, "/account/")
		b.open(t, "/account/").shows(t, http.StatusOK, fr("page.factors.removed_mail"), fr("page.factors.none"))
		s.received(t, account.MailFactorRemoved, address("amina"))
	})
}

// TestNoMailIsPromisedToWhoGetsNone: notices go to proved addresses only.
func TestNoMailIsPromisedToWhoGetsNone(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.logIn(t, "amina")
		b.enrol(t, "")
		page := "/account/factors/?id=" + manageLink.FindStringSubmatch(b.open(t, "/account/").body)[1]
		b.send(t, page, "remove", "1").leadsTo(t, page, "/account/")
		a := b.open(t, "/account/")
		a.shows(t, http.StatusOK, fr("page.factors.removed"), fr("page.factors.none"))
		a.lacks(t, fr("page.factors.removed_mail"))
	})
	// Nobody looks into the folder where mails are written.
	forEachEngine(t, func(t *testing.T, s *server) {
		b := s.known(t)
		b.enrol(t, "")
		page := "/account/factors/?id=" + manageLink.FindStringSubmatch(b.open(t, "/account/").body)[1]
		b.open(t, page).lacks(t, fr("page.factors.remove_mail"))
		b.send(t, page, "remove", "1").leadsTo(t, page, "/account/")
		b.open(t, "/account/").lacks(t, fr("page.factors.removed_mail"))
	}, func(o *app.Options) { o.Mail.Delivers = false })
}

// TestTrustThisDevice: asked for after a code, never after a recovery code; the
// next login there skips the factor, and it ends from the list.
func TestTrustThisDevice(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.logIn(t, "amina")
		seed, _ := b.enrol(t, "")
		b.send(t, "/account/", "act", "logout")
		const second = "/account/second/"
		b.send(t, "/account/login/", "username", "amina", "password", firstPassword).leadsTo(t, "/account/login/", second)
		s.clock.Advance(time.Minute)
		b.open(t, second+"?with=recovery").lacks(t, fr("page.trusted.trust"))
		form := b.open(t, second)
		form.shows(t, http.StatusOK, fr("page.trusted.trust"))
		b.send(t, second, "bound", form.bound(t), "code", s.code(seed), "trust", "true").leadsTo(t, second, "/account/")
		if b.cookies["yoozak_trusted /"] == "" {
			t.Fatalf("the browser is not trusted: %v", b.cookies)
		}
		b.open(t, "/account/").shows(t, http.StatusOK, fr("page.trusted.title"))
		b.send(t, "/account/", "act", "logout")
		b.logIn(t, "amina") // without the factor
		m := regexp.MustCompile(`name="untrust" value="([0-9a-f]{32})"`).FindStringSubmatch(b.open(t, "/account/").body)
		if m == nil {
			t.Fatal("no device in the list")
		}
		// Which is no proof.
		b.send(t, "/account/", "untrust", m[1]).leadsTo(t, "/account/", "/account/confirm/")
		s.clock.Advance(time.Minute)
		b.send(t, "/account/confirm/", "code", s.code(seed)).leadsTo(t, "/account/confirm/", "/account/")
		b.send(t, "/account/", "untrust", m[1]).leadsTo(t, "/account/", "/account/")
		a := b.open(t, "/account/")
		a.shows(t, http.StatusOK, fr("page.trusted.ended"))
		a.lacks(t, `name="untrust"`)
		b.send(t, "/account/", "act", "logout")
		b.send(t, "/account/login/", "username", "amina", "password", firstPassword).leadsTo(t, "/account/login/", second)
	})
}

// TestUndoAFactor by the link of its notice: looking does nothing, the wrong
// password neither, and the one before takes it away.
func TestUndoAFactor(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		b := s.known(t)
		b.enrol(t, "thief's")
		m := s.received(t, account.MailFactorAdded, address("amina"))
		for range 2 {
			s.get(t, m.Path).shows(t, http.StatusOK, fr("page.undo_factor.title"), fr("page.undo_factor.password"), "amina")
		}
		s.post(t, m.Path, "password", nextPassword).shows(t, http.StatusBadRequest, fr("password_wrong"))
		b.open(t, "/account/").shows(t, http.StatusOK, "thief's")
		s.post(t, m.Path, "password", "").shows(t, http.StatusOK, fr("page.undo_factor.waits"))
		refused := s.post(t, m.Path, "password", "") // for days: nobody is to try again in a moment
		refused.shows(t, http.StatusForbidden, fr("page.undo_factor.refused"), fr("page.undo_factor.password"))
		refused.lacks(t, fr("page.failed"))
		undone := s.post(t, m.Path, "password", firstPassword)
		undone.shows(t, http.StatusOK, fr("page.undo_factor.done"))
		undone.leadsToAnotherMail(t, address("amina"))
		b.open(t, "/account/").leadsTo(t, "/account/", "/account/login/")
		s.received(t, account.MailResetPassword, address("amina"))
		s.get(t, m.Path).shows(t, http.StatusGone, fr("page.link_used"), fr("page.undo.another"))
	})
}

// TestUndoAFactorAfterAReset: no password opens that way any more, who gives one is
// told so, and nobody is sent to look for one.
func TestUndoAFactorAfterAReset(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		b := s.known(t)
		b.enrol(t, "thief's")
		m := s.received(t, account.MailFactorAdded, address("amina"))
		s.visitor().send(t, "/account/forgot-password/", "email", address("amina"))
		s.post(t, s.received(t, account.MailResetPassword, address("amina")).Path, "new_password", nextPassword, "repeat", nextPassword).shows(t, http.StatusOK, fr("page.reset.done"))
		s.post(t, m.Path, "password", firstPassword).shows(t, http.StatusOK, fr("page.undo_factor.no_password"))
		refused := s.post(t, m.Path, "password", firstPassword)
		refused.shows(t, http.StatusForbidden, fr("page.undo_factor.refused"))
		refused.lacks(t, "Donnez le mot de passe d’avant,")
	})
}

// TestFinishARecovery leads on to the mail with the link for another password.
func TestFinishARecovery(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		b := s.known(t)
		b.enrol(t, "")
		if err := s.app.Staff.Recover(t.Context(), s.user(t, "amina").ID, "", "the telephone is lost"); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(25 * time.Hour)
		if err := s.app.Auth.TellRecoveries(t.Context(), s.clock.Now()); err != nil {
			t.Fatal(err)
		}
		m := s.received(t, account.MailRecoveryReady, address("amina"))
		s.get(t, m.Path).shows(t, http.StatusOK, fr("page.finish_recovery.intro"))
		done := s.post(t, m.Path)
		done.shows(t, http.StatusOK, fr("page.finish_recovery.done"))
		done.leadsToAnotherMail(t, address("amina"))
		s.received(t, account.MailResetPassword, address("amina"))
	})
}

// TestFinishACorrectionOfTheAddress: where the staff corrected the address of an
// account with a factor, its link gives the address and nothing else. No mail
// follows, and no session ends.
func TestFinishACorrectionOfTheAddress(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		b := s.known(t)
		b.enrol(t, "")
		const next = "amina.new@example.ma"
		if err := s.app.Staff.SetEmail(t.Context(), s.user(t, "amina").ID, next, ""); err != nil {
			t.Fatal(err)
		}
		b.open(t, "/account/").lacks(t, "sans seconde vérification")
		told := s.received(t, account.MailRecoveryStarted, address("amina"))
		if !strings.Contains(told.Text, "La seconde vérification reste la même.") || strings.Contains(told.Text, "sans la seconde vérification") {
			t.Errorf("the factor stays, but the mail says:\n%s", told.Text)
		}
		s.clock.Advance(25 * time.Hour)
		if err := s.app.Auth.TellRecoveries(t.Context(), s.clock.Now()); err != nil {
			t.Fatal(err)
		}
		m := s.received(t, account.MailRecoveryReady, next)
		if m.Subject != fr("mail.address_ready.subject") {
			t.Errorf("nobody recovers an account by %q", m.Subject)
		}
		asks := s.get(t, m.Path)
		asks.shows(t, http.StatusOK, fr("page.confirm.title"), fr("page.confirm.intro"), next)
		asks.lacks(t, fr("page.finish_recovery.title"), fr("page.finish_recovery.intro"))
		done := s.post(t, m.Path)
		done.shows(t, http.StatusOK, fr("page.confirm.done"), fr("page.overview.title"), fr("page.forgot.email"), next)
		done.lacks(t, fr("page.finish_recovery.title"), fr("page.finish_recovery.done"))
		if u := s.user(t, "amina"); u.Email != next {
			t.Errorf("the address is %s", u.Email)
		}
		if m := s.received(t, account.MailRecoveryDone, address("amina")); m.Subject != fr("mail.address_done.subject") {
			t.Errorf("nobody recovered an account: %q", m.Subject)
		}
	})
}

// TestStopACorrectionOfTheAddress: what was stopped is called what it was.
func TestStopACorrectionOfTheAddress(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.known(t).enrol(t, "")
		if err := s.app.Staff.SetEmail(t.Context(), s.user(t, "amina").ID, "amina.new@example.ma", ""); err != nil {
			t.Fatal(err)
		}
		s.post(t, s.received(t, account.MailRecoveryStarted, address("amina")).Path).shows(t, http.StatusOK, fr("page.stop_recovery.done"))
		if m := s.received(t, account.MailRecoveryStopped, address("amina")); m.Subject != fr("mail.address_stopped.subject") {
			t.Errorf("nobody recovered an account: %q", m.Subject)
		}
	})
}
