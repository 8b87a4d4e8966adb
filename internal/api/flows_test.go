package api_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

const (
	android = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

// another logs the person in on another device.
func (p *person) another(t *testing.T, userAgent string) *person {
	t.Helper()
	a := p.post(t, loginPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`, "User-Agent", userAgent)
	if a.status != http.StatusOK {
		t.Fatalf("login: %d %s", a.status, a.body)
	}
	q := *p
	q.access, q.refresh = a.field("access"), a.field("refresh")
	q.session, _ = payloadOf(q.access)["sid"].(string)
	return &q
}

func (p *person) alive(t *testing.T) bool {
	t.Helper()
	me, renewed := p.me(t, p.access), p.post(t, refreshPath, `{"refresh":"`+p.refresh+`"}`)
	if (me.status == http.StatusOK) != (renewed.status == http.StatusOK) {
		t.Errorf("access %d, refresh %d", me.status, renewed.status)
	}
	return me.status == http.StatusOK
}

func TestSessionsAreDevicesThatCanBeEnded(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		phone, tablet := p.another(t, android), p.another(t, iphone)
		a := p.as(t, http.MethodGet, "/api/clients/auth/sessions/", "")
		var list []struct {
			ID, Device, IP string
			Current        bool
		}
		if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list) != 3 {
			t.Fatalf("%s: %v", a.body, err)
		}
		devices := map[string]string{}
		for _, n := range list {
			devices[n.ID] = n.Device
			if n.Current != (n.ID == p.session) || n.IP != "127.0.0.1" {
				t.Errorf("%+v", n)
			}
		}
		if devices[phone.session] != "Chrome on Android" || devices[tablet.session] != "Safari on iOS" {
			t.Errorf("devices: %v", devices)
		}
		french := p.call(t, http.MethodGet, "/api/clients/auth/sessions/", "", "Authorization", "Bearer "+p.access, "Accept-Language", "fr")
		if !strings.Contains(french.body, "Chrome sur Android") {
			t.Errorf("in French: %s", french.body)
		}
		if a := p.as(t, http.MethodDelete, "/api/clients/auth/sessions/"+phone.session, ""); a.status != http.StatusNoContent {
			t.Errorf("without the slash: %d %s", a.status, a.body)
		}
		if a := p.as(t, http.MethodDelete, "/api/clients/auth/sessions/"+phone.session+"/", ""); a.status != http.StatusNotFound {
			t.Errorf("again: %d %s", a.status, a.body)
		}
		if phone.alive(t) || !tablet.alive(t) || !p.alive(t) {
			t.Error("the wrong session ended")
		}
		if a := p.as(t, http.MethodGet, "/api/clients/clients/me/security/", ""); !strings.Contains(a.body, `"open_sessions":2`) {
			t.Errorf("security: %s", a.body)
		}
		p.as(t, http.MethodPost, "/api/clients/auth/logout/all/", "")
		if tablet.alive(t) || p.alive(t) {
			t.Error("a session outlived logout/all")
		}
	})
}

// TestUserAgentIsNotShownAsItCame: anybody can write anything into it.
func TestUserAgentIsNotShownAsItCame(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		p.another(t, "Call 0900-123 for support <script>alert(1)</script>")
		if a := p.as(t, http.MethodGet, "/api/clients/auth/sessions/", ""); strings.Contains(a.body, "0900") || !strings.Contains(a.body, "Unknown device") {
			t.Error(a.body)
		}
	})
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		p.prove(t) // who gets the notice
		phone := p.another(t, android)
		const path = "/api/clients/auth/password/change/"
		for body, want := range map[string]string{
			`{"current_password":"` + goodPassword + `","new_password":"12345678"}`:       `{"new_password":["This password is too common.","This password is entirely numeric."]}`,
			`{"current_password":"` + goodPassword + `","new_password":"` + p.name + `"}`: `{"new_password":["The password is too similar to the username."]}`,
			`{"current_password":"","new_password":"x"}`:                                  `{"current_password":["This field may not be blank."]}`,
		} {
			if a := p.as(t, http.MethodPost, path, body); a.status != http.StatusBadRequest || a.body != want {
				t.Errorf("%s:\ngot  %d %s\nwant 400 %s", body, a.status, a.body, want)
			}
		}
		a := p.call(t, http.MethodPost, path, `{"current_password":"`+goodPassword+`","new_password":"`+newPassword+`"}`,
			"Content-Type", "application/json", "Authorization", "Bearer "+p.access, "User-Agent", android)
		if a.status != http.StatusNoContent {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if !p.alive(t) || phone.alive(t) {
			t.Error("the other session should have ended, this one not")
		}
		if p.login(t, goodPassword).status != http.StatusUnauthorized || p.login(t, newPassword).status != http.StatusOK {
			t.Error("the old password works, or the new does not")
		}
		text := p.mailed(t, account.MailPasswordChanged, p.email)
		if !strings.Contains(text, "Chrome sur Android") || !strings.Contains(text, "127.0.0.1") || !strings.Contains(text, p.name) {
			t.Errorf("notice: %s", text)
		}
	})
}

// TestLoginDoesNotOutliveAChangeOfPassword: a login that is being checked
// when the password changes must not leave a session behind.
func TestLoginDoesNotOutliveAChangeOfPassword(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		answers := make(chan answer)
		for range 20 {
			go func() { answers <- p.login(t, goodPassword) }()
		}
		p.as(t, http.MethodPost, "/api/clients/auth/password/change/", `{"current_password":"`+goodPassword+`","new_password":"`+newPassword+`"}`)
		for range 20 {
			if a := <-answers; a.status == http.StatusOK && p.me(t, a.field("access")).status == http.StatusOK {
				t.Error("a login with the old password outlived the change")
			}
		}
		if !p.alive(t) {
			t.Error("the session that changed the password ended")
		}
	})
}

func TestPasswordReset(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		phone := p.another(t, android)
		first, second := p.challenge(t, account.ResetPassword), ""
		for second == "" || second == first {
			second = p.challenge(t, account.ResetPassword)
		}
		const path = "/api/clients/auth/password/reset/confirm/"
		reset := func(token, password string) answer {
			return p.post(t, path, `{"token":"`+token+`","new_password":"`+password+`"}`, "Accept-Language", "en")
		}
		if a := reset(first, "password"); a.status != http.StatusBadRequest || a.body != `{"new_password":["This password is too common."]}` {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := reset(first, newPassword); a.status != http.StatusNoContent { // what was refused did not use it up
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := reset(second, newPassword+"2"); a.status != http.StatusBadRequest || !strings.Contains(a.body, "already used") {
			t.Errorf("the other link: %d %s", a.status, a.body)
		}
		if p.alive(t) || phone.alive(t) {
			t.Error("a session outlived the reset")
		}
		if p.login(t, newPassword).status != http.StatusOK {
			t.Error("the new password does not work")
		}
		if p.user(t, p.name).EmailVerifiedAt.IsZero() {
			t.Error("the reset shows that the mailbox is theirs")
		}
	})
}

// TestResetAnswersTheSameForEveryAddress: nothing tells who has an account.
func TestResetAnswersTheSameForEveryAddress(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		known := p.post(t, "/api/clients/auth/password/reset/", `{"email":"`+p.email+`"}`)
		unknown := p.post(t, "/api/clients/auth/password/reset/", `{"email":"nobody@example.ma"}`)
		for _, a := range []*answer{&known, &unknown} {
			if len(a.field("code_id")) != 43 {
				t.Fatalf("no code_id: %s", a.body)
			}
			a.body = strings.Replace(a.body, a.field("code_id"), "random", 1)
		}
		known.header.Del("X-Request-Id")
		unknown.header.Del("X-Request-Id")
		known.header.Del("Date")
		unknown.header.Del("Date")
		if known.status != http.StatusAccepted || known.status != unknown.status || known.body != unknown.body || len(known.header) != len(unknown.header) {
			t.Errorf("%+v\n%+v", known, unknown)
		}
		p.tokenMailed(t, account.MailResetPassword, p.email)
		s.deliverAll(t)
		if text := s.allMails(t, account.MailResetPassword, "nobody@"); text != "" {
			t.Errorf("mailed to nobody: %s", text)
		}
	})
}

func TestOneAddressWithTwoAccountsGetsOneMailWithALinkForEach(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		other := randomName("o")
		s.post(t, registerPath, `{"username":"`+other+`","password":"`+goodPassword+`","email":"`+p.email+`"}`)
		s.post(t, "/api/clients/auth/password/reset/", `{"email":"`+p.email+`"}`)
		text := s.mailed(t, account.MailResetPassword, p.email)
		if !strings.Contains(text, p.name) || !strings.Contains(text, other) || strings.Count(text, "https://shop.example/reset-password#") != 2 {
			t.Errorf("not a link for each: %s", text)
		}
		for _, body := range []string{`{"email":"` + p.email + `","username":"` + p.name + `"}`, `{"email":"` + p.email + `","username":"nobody"}`} {
			if a := s.post(t, "/api/clients/auth/password/reset/", body); a.status != http.StatusAccepted {
				t.Errorf("%s: %d %s", body, a.status, a.body)
			}
		}
		for until := time.Now().Add(patience); strings.Count(s.allMails(t, account.MailResetPassword, p.email), "https://shop.example/reset-password#") < 3; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("no mail for the account that was named")
			}
		}
	})
}

func TestChangeOfEmailAndTheWayBack(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		p.prove(t)
		confirm := p.challenge(t, account.ConfirmEmail)
		if u := p.user(t, p.name); u.Email != p.email {
			t.Fatalf("changed before it was confirmed: %s", u.Email)
		}
		if a := p.post(t, "/api/clients/auth/email/change/confirm/", `{"token":"`+confirm+`"}`); a.status != http.StatusNoContent {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if u := p.user(t, p.name); u.Email != "new"+p.email || u.EmailVerifiedAt.IsZero() {
			t.Fatalf("%s, %v", u.Email, u.EmailVerifiedAt)
		}
		notice := p.mailed(t, account.MailEmailChanged, p.email)
		if strings.Contains(notice, "new"+p.email) || !strings.Contains(strings.ReplaceAll(notice, "\u200b", ""), "n***@example.ma") {
			t.Errorf("the notice should mask the new address: %s", notice)
		}
		undo := p.tokenMailed(t, account.MailEmailChanged, p.email)
		stolen := p.another(t, android)
		if a := p.post(t, "/api/clients/auth/email/change/undo/", `{"token":"`+undo+`"}`); a.status != http.StatusNoContent {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if u := p.user(t, p.name); u.Email != p.email {
			t.Errorf("address %s", u.Email)
		}
		if p.alive(t) || stolen.alive(t) || p.login(t, goodPassword).status != http.StatusUnauthorized {
			t.Error("whoever changed the address still gets in")
		}
		token := p.tokenMailed(t, account.MailResetPassword, p.email)
		if a := p.post(t, "/api/clients/auth/password/reset/confirm/", `{"token":"`+token+`","new_password":"`+newPassword+`"}`); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.body)
		}
		if p.login(t, newPassword).status != http.StatusOK {
			t.Error("the owner does not get in")
		}
	})
}

func TestClosedAccountIsShutAndCanBeRestored(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		if a := p.as(t, http.MethodDelete, mePath, `{"password":"`+goodPassword+`"}`); a.status != http.StatusNoContent {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if p.alive(t) || p.login(t, goodPassword).status != http.StatusUnauthorized {
			t.Error("the account is still open")
		}
		if a := s.post(t, registerPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`); a.status != http.StatusBadRequest {
			t.Errorf("its name is free: %d", a.status)
		}
		if err := s.app.Staff.Enable(t.Context(), s.user(t, p.name).ID, ""); err == nil {
			t.Error("enabled without being restored: it would be erased later")
		}
		if err := s.app.Staff.Restore(t.Context(), s.user(t, p.name).ID, ""); err != nil {
			t.Fatal(err)
		}
		if p.login(t, goodPassword).status != http.StatusOK {
			t.Error("it is not back")
		}
		s.clock.advance(60 * 24 * time.Hour)
		if err := s.app.Sweep(t.Context(), s.clock.now()); err != nil {
			t.Fatal(err)
		}
		p.user(t, p.name)
		if err := s.app.Staff.Restore(t.Context(), s.user(t, p.name).ID, ""); err == nil {
			t.Error("restored an open account")
		}
	})
}

func TestProfileChange(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p, q := newPerson(t, s), newPerson(t, s)
		patch := func(body string) answer { return p.as(t, http.MethodPatch, mePath, body) }
		for body, want := range map[string]string{
			`{"username":"` + q.name + `"}`:                    `{"username":["A user with that username already exists."]}`,
			`{"username":""}`:                                  `{"username":["This field may not be blank."]}`,
			`{"username":null}`:                                `{"username":["This field may not be null."]}`,
			`{"username":"a b"}`:                               `{"username":["Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."]}`,
			`{"first_name":["x"]}`:                             `{"first_name":["Not a valid string."]}`,
			`{"last_name":"` + strings.Repeat("n", 151) + `"}`: `{"last_name":["Ensure this field has no more than 150 characters."]}`,
		} {
			if a := patch(body); a.status != http.StatusBadRequest || a.body != want {
				t.Errorf("%s:\ngot  %d %s\nwant 400 %s", body, a.status, a.body, want)
			}
		}
		if a := patch(`{"first_name":" أمينة ","email":"hacked@example.ma","id":1,"is_staff":true}`); a.status != http.StatusOK || !strings.Contains(a.body, `"first_name":"أمينة","last_name":"Nom"`) || strings.Contains(a.body, "hacked") {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := patch(`{"first_name":""}`); a.status != http.StatusOK || !strings.Contains(a.body, `"first_name":""`) {
			t.Errorf("blank: %d %s", a.status, a.body)
		}
		name := p.name + "2"
		for body, want := range map[string]string{
			`{"username":"` + name + `","password":""}`:      `{"password":["This field may not be blank."]}`,
			`{"username":"` + name + `","password":"wrong"}`: `{"password":["This is not the right password."]}`,
		} {
			if a := patch(body); a.status != http.StatusBadRequest || a.body != want {
				t.Errorf("%s:\ngot  %d %s\nwant 400 %s", body, a.status, a.body, want)
			}
		}
		if a := patch(`{"username":"` + name + `","password":"` + goodPassword + `"}`); a.status != http.StatusOK || !p.alive(t) {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := patch(`{"username":"` + name + `","first_name":"x"}`); a.status != http.StatusOK { // the same name is no change
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := p.post(t, registerPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`); a.status != http.StatusBadRequest || !strings.Contains(a.body, "existe déjà") {
			t.Errorf("the old name is free at once: %d %s", a.status, a.body)
		}
		if u := p.user(t, name); u.Staff || u.Email != p.email {
			t.Errorf("%+v", u)
		}
	})
}

// A mailbox's quota is no refusal: the mail comes when there is room.
func TestMailOverTheQuotaIsDelayed(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(o *settings) { limited(o); o.auth.Mail.PerAddress = 2 }, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		for range 4 {
			if a := p.as(t, http.MethodPost, "/api/clients/auth/email/verify/resend/", ""); a.status != http.StatusAccepted {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if a := p.post(t, "/api/clients/auth/password/reset/", `{"email":"`+p.email+`"}`); a.status != http.StatusAccepted {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		count := func(kind account.MailKind, want int) {
			t.Helper()
			for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
				n := strings.Count(s.allMails(t, kind, p.email), "https://shop.example/")
				if n > want || time.Now().After(until) {
					t.Fatalf("%d %s mails, want %d", n, kind, want)
				}
				if n == want {
					return
				}
			}
		}
		count(account.MailVerifyEmail, 2)
		count(account.MailResetPassword, 2)
		s.clock.advance(time.Hour)
		count(account.MailVerifyEmail, 3)
		count(account.MailResetPassword, 3)
	})
}

// TestDjangosTokensEndToo: they have no session, so ending them is a date.
func TestDjangosTokensEndToo(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		id := p.user(t, p.name).ID
		old := map[string]any{"sid": nil, "sub": nil, "iss": nil}
		access := mint(old, p.access, id)
		old["token_type"] = "refresh"
		refresh := mint(old, p.access, id)
		if p.me(t, access).status != http.StatusOK {
			t.Fatal("Django's token is not good before")
		}
		s.clock.advance(2 * time.Second)
		p.as(t, http.MethodPost, "/api/clients/auth/logout/all/", "")
		if a := p.me(t, access); a.status != http.StatusUnauthorized {
			t.Errorf("access: %d %s", a.status, a.body)
		}
		if a := p.post(t, refreshPath, `{"refresh":"`+refresh+`"}`); a.status != http.StatusUnauthorized {
			t.Errorf("refresh: %d %s", a.status, a.body)
		}
		old["jti"] = "one more"
		q := newPerson(t, s)
		lone := mint(old, q.access, q.user(t, q.name).ID)
		if a := s.post(t, "/api/clients/auth/logout/", `{"refresh":"`+lone+`"}`); a.status != http.StatusNoContent {
			t.Errorf("logout: %d %s", a.status, a.body)
		}
		if a := s.post(t, refreshPath, `{"refresh":"`+lone+`"}`); a.status != http.StatusUnauthorized {
			t.Errorf("after logout: %d %s", a.status, a.body)
		}
	})
}

// TestOneOfManyUsesOfALink: twenty requests with one token at once.
func TestOneOfManyUsesOfALink(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		token := p.challenge(t, account.ResetPassword)
		statuses := make(chan int)
		for i := range 20 {
			go func() {
				statuses <- p.post(t, "/api/clients/auth/password/reset/confirm/", `{"token":"`+token+`","new_password":"`+newPassword+string(rune('a'+i))+`"}`).status
			}()
		}
		count := map[int]int{}
		for range 20 {
			count[<-statuses]++
		}
		if count[http.StatusNoContent] != 1 || count[http.StatusBadRequest] != 19 {
			t.Errorf("statuses: %v", count)
		}
	})
}

// TestUnsaltedHashGetsAResetMail: such a hash, which Django once made, is
// never accepted; its owner is told how to get in.
func TestUnsaltedHashGetsAResetMail(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		u := p.user(t, p.name)
		sum := md5.Sum([]byte(goodPassword))
		if err := s.store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return tx.SetPassword(t.Context(), u.ID, hex.EncodeToString(sum[:]), time.Now())
		}); err != nil {
			t.Fatal(err)
		}
		if a := p.login(t, goodPassword); a.status != http.StatusUnauthorized {
			t.Errorf("%d %s", a.status, a.body)
		}
		token := p.tokenMailed(t, account.MailResetPassword, p.email)
		p.post(t, "/api/clients/auth/password/reset/confirm/", `{"token":"`+token+`","new_password":"`+newPassword+`"}`)
		if a := p.login(t, newPassword); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}
