package pages_test

import (
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/store"
)

const registerPage = "/account/register/"

// signUp fills in the page, but for what is given otherwise as name, value
// pairs.
func (b *visitor) signUp(t *testing.T, path string, fields ...string) answer {
	t.Helper()
	return b.send(t, path, append([]string{
		"first_name", "Amina", "last_name", "El Alaoui", "email", address("amina"), "password", firstPassword, "repeat", firstPassword,
	}, fields...)...)
}

// nobody fails if there is a user with the name.
func (s *server) nobody(t *testing.T, username string) {
	t.Helper()
	if _, err := s.store.UserByUsername(t.Context(), username); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("there is an account %q: %v", username, err)
	}
}

// field is the tag of a field with its attributes.
func (a answer) field(t *testing.T, name string) string {
	t.Helper()
	tag := regexp.MustCompile(`(?s)<input id="` + name + `"[^>]*>`).FindString(a.body)
	if tag == "" {
		t.Errorf("there is no field %s:\n%s", name, a.body)
	}
	return tag
}

func TestRegisterAndBeIn(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		b := s.visitor()
		login := b.open(t, "/account/login/?lang=ar")
		if !strings.Contains(login.body, `<a href="../register/?lang=ar">`+locale.Text("ar", "page.register.title", nil)) {
			t.Errorf("no way from the login:\n%s", login.body)
		}
		form := b.open(t, registerPage+"?lang=ar")
		form.shows(t, http.StatusOK, locale.Text("ar", "page.register.title", nil), locale.Text("ar", "page.register.for_login", nil), locale.Text("ar", "page.reset.hint", locale.Args{"n": 8}))
		form.lacks(t, `name="username"`, "<script")
		if !strings.Contains(form.body, `<a href="../login/?lang=ar">`+locale.Text("ar", "page.register.login", nil)) {
			t.Errorf("no way back to the login:\n%s", form.body)
		}
		for name, want := range map[string]string{
			"first_name": `autocomplete="given-name" autocapitalize="words"`, "last_name": `autocomplete="family-name" autocapitalize="words"`,
			"email": `autocomplete="email" autocapitalize="none"`, "password": `autocomplete="new-password"`, "repeat": `autocomplete="new-password"`,
		} {
			if tag := form.field(t, name); !strings.Contains(tag, want) {
				t.Errorf("%s, want %s", tag, want)
			}
		}

		b.signUp(t, registerPage+"?lang=ar", "first_name", "أمينة", "email", " Amina@Example.MA ",
			"is_staff", "true", "email_verified_at", "2026-01-01T00:00:00Z", "id", "1").leadsTo(t, registerPage, "/account/?lang=ar")
		if c := b.set[0]; c.Name != "yoozak_account" || c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 0 {
			t.Errorf("session cookie: %v", c)
		}
		a := b.open(t, "/account/?lang=ar")
		a.shows(t, http.StatusOK, locale.Text("ar", "page.register.done_mail", nil), "Amina@example.ma", "أمينة El Alaoui", locale.Text("ar", "page.code.enter", nil), locale.Text("ar", "event.registered", nil))
		b.open(t, "/account/?lang=ar").lacks(t, locale.Text("ar", "page.register.done_mail", nil)) // said once

		u := s.user(t, address("amina")) // which is what one logs in with
		if u.Email != "Amina@example.ma" || u.FirstName != "أمينة" || u.LastName != "El Alaoui" || u.Language != "ar" || !u.Active || u.Staff || !u.EmailVerifiedAt.IsZero() {
			t.Errorf("%+v", u)
		}
		if !s.opens(t, "AMINA@example.ma", firstPassword) || !s.opens(t, address("amina"), firstPassword) {
			t.Error("the address and the password open nothing")
		}
		m := s.received(t, account.MailVerifyEmail, "Amina@example.ma")
		if m.Language != "ar" {
			t.Errorf("mail in %s", m.Language)
		}
		b.send(t, "/account/code/", "code", codeIn(t, m)).shows(t, http.StatusOK, fr("page.verify.done"))
		if s.user(t, address("amina")).EmailVerifiedAt.IsZero() {
			t.Error("the code of the mail verified nothing")
		}

		// Who is in has nothing to do there, nor has a button that is pressed twice.
		b.open(t, registerPage+"?to=password").leadsTo(t, registerPage, "/account/password/")
		b.signUp(t, registerPage, "email", "other@example.ma").leadsTo(t, registerPage, "/account/")
		s.nobody(t, "other@example.ma")
		for _, secret := range []string{firstPassword, b.cookies["yoozak_account /"]} {
			if strings.Contains(s.log.String(), secret) {
				t.Errorf("the log has %q", secret)
			}
		}
		if !strings.Contains(s.log.String(), `"route":"Page register"`) {
			t.Error("the log does not name the page")
		}
	})
}

func TestNoMailIsPromisedWhereNoneIsSent(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		b := s.visitor()
		b.signUp(t, registerPage).leadsTo(t, registerPage, "/account/")
		a := b.open(t, "/account/")
		a.shows(t, http.StatusOK, fr("page.register.done"))
		a.lacks(t, html.EscapeString(fr("page.register.done_mail")), fr("page.code.enter"))
	}, func(o *app.Options) { o.Mail.Verify = false })
}

// TestRefusedRegistrationSaysWhyBesideTheField goes through the messages in every
// language: what was typed stays, but for passwords.
func TestRefusedRegistrationSaysWhyBesideTheField(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "taken")
		s.visitor().signUp(t, registerPage, "email", "Known@example.ma").leadsTo(t, registerPage, "/account/")
		long := strings.Repeat("é", 151)
		for _, lang := range locale.Languages() {
			say := func(key string, args locale.Args) string { return locale.Text(lang, key, args) }
			similar := func(name string) string {
				return say("password_too_similar", locale.Args{"attribute": say("attribute."+name, nil)})
			}
			for _, test := range []struct {
				fields  []string
				field   string
				message string
			}{
				{[]string{"email", ""}, "email", say("page.field.blank", nil)},
				{[]string{"email", "", "username", "amina"}, "email", say("page.field.blank", nil)}, // a form that nobody was shown
				{[]string{"email", " \t"}, "email", say("page.field.blank", nil)},
				{[]string{"email", "amina"}, "email", say("page.field.email", nil)},
				{[]string{"email", "amina@"}, "email", say("page.field.email", nil)},
				{[]string{"email", "a b@example.ma"}, "email", say("page.field.email", nil)},
				{[]string{"email", strings.Repeat("a", 250) + "@example.ma"}, "email", say("field.max_length", locale.Args{"max": 254})},
				{[]string{"email", "known@EXAMPLE.ma"}, "email", say("page.register.taken", nil)},
				{[]string{"email", "d'artagnan@example.ma"}, "username", say("page.register.needs_username", nil)},
				{[]string{"email", strings.Repeat("a", 140) + "@example.ma"}, "username", say("page.register.needs_username", nil)},
				{[]string{"username", "taken"}, "username", say("username.taken", nil)},
				{[]string{"username", "two words"}, "username", say("username.invalid", nil)},
				{[]string{"first_name", long}, "first_name", say("field.max_length", locale.Args{"max": 150})},
				{[]string{"last_name", long}, "last_name", say("field.max_length", locale.Args{"max": 150})},
				{[]string{"password", "", "repeat", ""}, "password", say("page.field.blank", nil)},
				{[]string{"password", "xK4#", "repeat", "xK4#"}, "password", say("page.field.short", locale.Args{"n": 8})},
				{[]string{"password", "password1", "repeat", "password1"}, "password", say("page.field.common", nil)},
				{[]string{"password", "83749261058", "repeat", "83749261058"}, "password", say("password_entirely_numeric", nil)},
				{[]string{"password", "Khadijah", "repeat", "Khadijah"}, "password", say("password_breached", nil)},
				// Nobody was asked for a username.
				{[]string{"email", "zinebtazi@example.ma", "password", "zinebtazi-1", "repeat", "zinebtazi-1"}, "password", similar("email")},
				{[]string{"username", "zinebtazi", "password", "zinebtazi-1", "repeat", "zinebtazi-1"}, "password", similar("username")},
				{[]string{"password", firstPassword, "repeat", nextPassword}, "password", say("page.reset.mismatch", nil)},
				{[]string{"password", firstPassword, "repeat", ""}, "password", say("page.reset.mismatch", nil)},
			} {
				b := s.visitor()
				a := b.signUp(t, registerPage+"?lang="+lang, test.fields...)
				a.shows(t, http.StatusBadRequest, test.message)
				a.lacks(t, firstPassword, nextPassword)
				if len(b.set) > 0 {
					t.Errorf("%v: set %v", test.fields, b.set)
				}
				form := url.Values{"first_name": {"Amina"}, "last_name": {"El Alaoui"}, "email": {address("amina")}}
				for i := 0; i < len(test.fields); i += 2 {
					form.Set(test.fields[i], test.fields[i+1])
				}
				for _, name := range []string{"first_name", "last_name", "email", "username"} {
					if typed := form.Get(name); typed != "" && !strings.Contains(a.field(t, name), ` value="`+html.EscapeString(typed)+`"`) {
						t.Errorf("%s: %q has to be typed again:\n%s", name, typed, a.body)
					}
				}
				for _, name := range []string{"password", "repeat"} {
					if tag := a.field(t, name); strings.Contains(tag, " value=") {
						t.Errorf("a password is sent back: %s", tag)
					}
				}
				about := regexp.MustCompile(`(?s)<input id="` + test.field + `"[^>]* aria-describedby="` + test.field + `-about" aria-invalid="true" autofocus>\s*<div id="` + test.field + `-about"><p class="error">`)
				if !about.MatchString(a.body) || strings.Count(a.body, " autofocus") != 1 || strings.Count(a.body, "aria-invalid") != 1 || strings.Count(a.body, `class="error"`) != 1 {
					t.Errorf("%s, %v: the message is not tied to %s alone:\n%s", lang, test.fields, test.field, a.body)
				}
				if want := "<title>" + html.EscapeString(say("page.problem", nil)) + " – "; !strings.Contains(a.body, want) {
					t.Errorf("%s: the window's title does not begin with %s", lang, want)
				}
			}
		}
		s.nobody(t, address("amina"))

		// All that is to mend is said at once, also of a password that was typed in two ways.
		a := s.visitor().signUp(t, registerPage, "email", "amina", "first_name", long, "repeat", nextPassword)
		a.shows(t, http.StatusBadRequest, fr("page.field.email"), fr("page.reset.mismatch"), locale.Text("fr", "field.max_length", locale.Args{"max": 150}))
		if n := strings.Count(a.body, `class="error"`); n != 3 {
			t.Errorf("%d messages, want 3:\n%s", n, a.body)
		}
	})
}

// TestAUsernameIsAskedForWhereTheAddressCannotBeIt, and then it is what one logs in
// with.
func TestAUsernameIsAskedForWhereTheAddressCannotBeIt(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		for email, username := range map[string]string{"d'artagnan@example.ma": "artagnan", "omar@example.ma": "omar2"} {
			s.visitor().signUp(t, registerPage, "email", "omar@example.ma") // whose name is taken from now on
			b := s.visitor()
			a := b.signUp(t, registerPage, "email", email)
			if tag := a.field(t, "username"); !strings.Contains(tag, `autocomplete="username"`) {
				t.Errorf("%s: %s", email, tag)
			}
			if n := strings.Count(a.body, html.EscapeString(fr("page.register.for_login"))); n > 1 {
				t.Errorf("%d fields say that one logs in with them:\n%s", n, a.body)
			}
			// Left empty it is asked for again, and stays when something else is wrong.
			b.signUp(t, registerPage, "email", email, "username", "").field(t, "username")
			a = b.signUp(t, registerPage, "email", email, "username", username, "password", "short", "repeat", "short")
			a.shows(t, http.StatusBadRequest, fr("page.register.for_login"))
			if tag := a.field(t, "username"); !strings.Contains(tag, ` value="`+username+`"`) {
				t.Errorf("%s has to be typed again: %s", username, tag)
			}
			b.signUp(t, registerPage, "email", email, "username", username).leadsTo(t, registerPage, "/account/")
			if u := s.user(t, username); u.Email != email {
				t.Errorf("%+v", u)
			}
			if !s.opens(t, username, firstPassword) {
				t.Errorf("%s opens nothing", username)
			}
		}
	})
}

// TestTheAddressLogsInAsItWasTyped, also while a stranger claims it, which anybody
// can by giving another username.
func TestTheAddressLogsInAsItWasTyped(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		const typed = "Amina@Exämple.ma"
		s.visitor().signUp(t, registerPage, "email", typed).leadsTo(t, registerPage, "/account/")
		s.visitor().signUp(t, registerPage, "email", typed, "username", "stranger", "password", nextPassword, "repeat", nextPassword).leadsTo(t, registerPage, "/account/")
		for _, name := range []string{typed, "AMINA@EXÄMPLE.MA", "amina@xn--exmple-cua.ma"} {
			if !s.opens(t, name, firstPassword) {
				t.Errorf("%s does not log in", name)
			}
			if s.opens(t, name, nextPassword) {
				t.Errorf("%s opens the stranger's", name)
			}
		}
	})
}

// TestTheUsernameIsTheAddressOrAskedFor: a letter that a username has in another
// form would make another's address of it, which gets no mail about that.
func TestTheUsernameIsTheAddressOrAskedFor(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		const email = "\u017fara@example.ma" // a long s
		s.visitor().signUp(t, registerPage, "email", email).shows(t, http.StatusBadRequest, fr("page.register.needs_username"))
		s.nobody(t, address("sara"))
		s.visitor().signUp(t, registerPage, "email", email, "username", "long").leadsTo(t, registerPage, "/account/")
		s.visitor().signUp(t, registerPage, "email", address("sara")).leadsTo(t, registerPage, "/account/")
	})
}

// TestAddressThatAStrangerTypedIsItsReaders: who asks for another password has the
// account; who says that it is not theirs makes another.
func TestAddressThatAStrangerTypedIsItsReaders(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.visitor().signUp(t, registerPage).leadsTo(t, registerPage, "/account/")
		s.visitor().send(t, "/account/forgot-password/", "email", address("amina")).shows(t, http.StatusAccepted)
		s.press(t, s.received(t, account.MailResetPassword, address("amina")).Path).shows(t, http.StatusOK, fr("page.reset.done"))
		if s.opens(t, address("amina"), firstPassword) || !s.opens(t, address("amina"), nextPassword) {
			t.Error("the account is still the stranger's")
		}

		s.visitor().signUp(t, registerPage, "email", address("zineb")).leadsTo(t, registerPage, "/account/")
		s.post(t, s.received(t, account.MailVerifyEmail, address("zineb")).Path, "disown", "1").shows(t, http.StatusOK, fr("page.verify.disowned"))
		b := s.visitor()
		b.signUp(t, registerPage, "email", address("zineb")).shows(t, http.StatusBadRequest, fr("page.register.taken"))
		b.signUp(t, registerPage, "email", address("zineb"), "username", "zineb", "password", nextPassword, "repeat", nextPassword).leadsTo(t, registerPage, "/account/")
		if !s.opens(t, "zineb", nextPassword) {
			t.Error("the reader of the mailbox does not get in")
		}
		s.post(t, mailtest.Wait(t, s.folder, string(account.MailVerifyEmail), address("zineb"), 2).Path).shows(t, http.StatusOK, fr("page.verify.done"))
		if !s.opens(t, address("zineb"), nextPassword) {
			t.Error("the address, which is proved, does not log in")
		}
	})
}

// TestRegistrationWhereAnAddressIsForOneAccount, by another name too.
func TestRegistrationWhereAnAddressIsForOneAccount(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		a := s.visitor().signUp(t, registerPage)
		a.shows(t, http.StatusBadRequest, fr("page.register.known"))
		a.lacks(t, `name="username"`) // another would not do
		s.visitor().signUp(t, registerPage, "username", "amina2").shows(t, http.StatusBadRequest, fr("page.register.known"))
		s.nobody(t, address("amina"))
		s.nobody(t, "amina2")
	}, func(o *app.Options) { o.OnePerAddress = true })
}

// TestThePageOfRegistrationIsCounted, as the API is and with it.
func TestThePageOfRegistrationIsCounted(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		b := s.visitor()
		b.signUp(t, registerPage).leadsTo(t, registerPage, "/account/")
		if b.cookies["yoozak_device /"] == "" {
			t.Error("the browser is not known")
		}
		s.visitor().signUp(t, registerPage, "email", "amina").shows(t, http.StatusBadRequest, fr("page.field.email"))
		left := 0
		for s.app.Guard.AllowRequest(t.Context(), guard.RegisterPerNetwork, account.RequestInfo{IP: "127.0.0.1"}) == nil {
			left++
		}
		if want := guard.RegisterPerNetwork.Count - 2; left != want {
			t.Errorf("%d are left, want %d", left, want)
		}
		for _, lang := range locale.Languages() {
			a := s.visitor().signUp(t, registerPage+"?lang="+lang, "email", "omar@example.ma")
			a.throttled(t, lang)
			a.shows(t, http.StatusTooManyRequests, "El Alaoui", `omar@example.ma`) // what was typed stays
			a.lacks(t, firstPassword)
		}
		if a := s.call(t, http.MethodPost, "/api/clients/auth/register/", `{"username":"omar"}`, "Content-Type", "application/json"); a.status != http.StatusTooManyRequests {
			t.Errorf("the API has a count of its own: %d", a.status)
		}
		s.nobody(t, "omar@example.ma")
		s.visitor().open(t, registerPage).shows(t, http.StatusOK, fr("page.register.title"))
		s.clock.Advance(time.Hour)
		s.visitor().signUp(t, registerPage, "email", "omar@example.ma").leadsTo(t, registerPage, "/account/")
	}, limited)
}

// TestThePageOfRegistrationCanBeLeftOut alone: the login stays, and so does the
// API.
func TestThePageOfRegistrationCanBeLeftOut(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.noForm = true
		s.serve(t, s.app)
		b := s.visitor()
		a := b.open(t, "/account/login/")
		a.shows(t, http.StatusOK, fr("page.login.title"))
		a.lacks(t, "register", fr("page.register.title"))
		b.open(t, registerPage).shows(t, http.StatusNotFound, fr("page.not_found"))
		b.signUp(t, registerPage).shows(t, http.StatusNotFound, fr("page.not_found"))
		s.nobody(t, address("amina"))
		if a := s.call(t, http.MethodPost, "/api/clients/auth/register/", `{"username":"amina","password":"`+firstPassword+`"}`, "Content-Type", "application/json"); a.status != http.StatusCreated {
			t.Errorf("the API: %d %s", a.status, a.body)
		}
		b.logIn(t, "amina")
	})
}

// TestRegistrationComesBack to the page that asked for a login, and to none of
// another site.
func TestRegistrationComesBack(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		b := s.visitor()
		if a := b.open(t, "/account/login/?to=passkeys&lang=en"); !strings.Contains(a.body, `href="../register/?lang=en&amp;to=passkeys"`) {
			t.Errorf("the login forgets where one came from:\n%s", a.body)
		}
		if a := b.open(t, registerPage+"?to=passkeys&lang=en"); !strings.Contains(a.body, `href="../login/?lang=en&amp;to=passkeys"`) {
			t.Errorf("the page forgets where one came from:\n%s", a.body)
		}
		b.signUp(t, registerPage+"?to=password&lang=en").leadsTo(t, registerPage, "/account/password/?lang=en")
		b.open(t, "/account/password/?lang=en").shows(t, http.StatusOK, locale.Text("en", "page.register.done_mail", nil))
		for i, to := range []string{"https://evil.example/", "//evil.example", "../../evil", "login", "register", "%0d%0aSet-Cookie:a=b", "\\\\evil"} {
			s.visitor().signUp(t, registerPage+"?to="+url.QueryEscape(to), "email", address("omar"+string(rune('a'+i)))).leadsTo(t, registerPage, "/account/")
		}
	})
}
