package browser

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/store/storetest"
)

// mailKinds are all that a customer may receive.
var mailKinds = []string{
	"verify_email", "reset_password", "password_changed", "username_changed", "confirm_email", "email_changed", "account_closed", "email_restored",
}

// life has every kind of mail sent to somebody, and returns the mails and
// links to each kind of page that were not used yet.
func life(t *testing.T, s *server, lang string) map[string]mailtest.Mail {
	t.Helper()
	const first, second = firstAddress, "amina.alaoui@example.ma"
	access := s.register(t, lang, "amina")
	mails := map[string]mailtest.Mail{"verify_email": s.received(t, "verify_email", first)}
	do := func(want int, method, path string, body ...string) {
		t.Helper()
		if status, answer := s.call(t, method, path, lang, access, body...); status != want {
			t.Fatalf("%s %s: status %d, want %d: %v", method, path, status, want, answer)
		}
	}
	do(http.StatusNoContent, http.MethodPost, "auth/email/verify/", "token", mails["verify_email"].Token)
	do(http.StatusAccepted, http.MethodPost, "auth/password/reset/", "email", first)
	mails["reset_password"] = s.received(t, "reset_password", first)
	do(http.StatusNoContent, http.MethodPost, "auth/password/change/", "current_password", firstPassword, "new_password", nextPassword)
	mails["password_changed"] = s.received(t, "password_changed", first)
	do(http.StatusOK, http.MethodPatch, "clients/me/", "username", "amina.alaoui", "password", nextPassword)
	mails["username_changed"] = s.received(t, "username_changed", first)
	do(http.StatusAccepted, http.MethodPost, "auth/email/change/", "password", nextPassword, "email", second)
	mails["confirm_email"] = s.received(t, "confirm_email", second)
	do(http.StatusNoContent, http.MethodPost, "auth/email/change/confirm/", "token", mails["confirm_email"].Token)
	mails["email_changed"] = s.received(t, "email_changed", first)
	do(http.StatusNoContent, http.MethodDelete, "clients/me/", "password", nextPassword)
	mails["account_closed"] = s.received(t, "account_closed", second)
	access = ""
	do(http.StatusNoContent, http.MethodPost, "auth/email/change/undo/", "token", mails["email_changed"].Token)
	mails["email_restored"] = s.received(t, "email_restored", second)
	return mails
}

// buttonOf returns the kind of mail whose button a kind has: notices about an
// act share one.
func buttonOf(kind string) string {
	switch kind {
	case "password_changed", "username_changed":
		return "not_me"
	}
	return kind
}

// reader shows a mail as a careful mail program does: no image, no script,
// nothing from elsewhere.
func reader(t *testing.T, m mailtest.Mail) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, _ = w.Write([]byte(m.HTML))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// shownCode is six digits in two groups, which an Arabic line keeps in order.
var shownCode = regexp.MustCompile("^\u2066?\\d{3}[ \u00a0]\\d{3}\u2069?$")

func TestMailsAreReadableWithoutImages(t *testing.T) {
	t.Parallel()
	for _, lang := range locale.Languages() {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := start(t, storetest.SQLite(t))
			mails := life(t, s, lang)
			b := openTab(t, tabOptions{language: lang})
			for _, kind := range mailKinds {
				m := mails[kind]
				b.status(b.open(reader(t, m)), http.StatusOK)
				p := b.shows(lang, "mail."+kind+".subject")
				says := m.Subject == p.H1
				if kind == "verify_email" { // whose code is read on a locked screen
					subject, code, _ := strings.Cut(locale.Text(lang, "mail.verify_email.subject_code", locale.Args{"code": "|"}), "|")
					says = code == "" && strings.HasPrefix(m.Subject, subject) && shownCode.MatchString(strings.TrimPrefix(m.Subject, subject))
				}
				if !says || m.Language != lang {
					t.Errorf("%s: subject %q in %s", kind, m.Subject, m.Language)
				}
				hasLink := m.Link != ""
				if want := locale.Text(lang, "mail."+buttonOf(kind)+".action", nil); hasLink && !strings.Contains(p.Text, want) {
					t.Errorf("%s has no button %q:\n%s", kind, want, p.Text)
				}
				// Whoever cannot press the button, or reads the text alone, has the address.
				if hasLink && (!strings.Contains(p.Text, m.Link) || !strings.Contains(m.Text, m.Link)) {
					t.Errorf("%s does not spell out its link:\n%s", kind, p.Text)
				}
				b.readsInOrder(kind)
				images, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.querySelectorAll('img, picture, svg, object, link, script').length`))
				if err != nil || images != 0 {
					t.Errorf("%s: %d images or the like, %v", kind, images, err)
				}
			}
		})
	}
}

// readsInOrder fails when the words of a line of facts stand in another
// order than they are read in: "Chrome on Android" begins with foreign
// letters, which must not turn an Arabic line round.
func (b *tab) readsInOrder(kind string) {
	b.t.Helper()
	const ask = `[...document.querySelectorAll('td bdi')].filter(fact => fact.textContent.startsWith('Chrome')).map(fact => {
		const place = word => {
			const range = document.createRange(), at = fact.textContent.indexOf(word);
			range.setStart(fact.firstChild, at), range.setEnd(fact.firstChild, at + word.length);
			return range.getBoundingClientRect();
		};
		const first = place('Chrome'), last = place('Android');
		return first.y < last.y || (first.x < last.x) === (document.documentElement.dir === 'ltr');
	})`
	facts, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]bool](ask))
	if err != nil {
		b.t.Fatal(err)
	}
	about := []string{"verify_email", "reset_password", "password_changed", "username_changed", "email_changed"} // what somebody asked for or did with a device
	if want := slices.Contains(about, kind); len(facts) > 0 != want || slices.Contains(facts, false) {
		b.t.Errorf("%s: devices in the order of their words: %v", kind, facts)
	}
}
