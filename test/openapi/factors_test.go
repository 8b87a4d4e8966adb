package openapi

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/totp"
	"github.com/yoozak/clients/internal/webauthntest"
)

// Where the examples' passkeys are.
const (
	rpID   = "shop.example"
	origin = "https://" + rpID
)

// app is an authenticator app. Each code is of a later time than the one
// before, because none is taken twice; there are two right ones.
type app struct {
	seed []byte
	step int64
}

func newApp(t *testing.T, secret string) *app {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	return &app{seed, totp.StepAt(time.Now())}
}

func (a *app) code() string {
	a.step++
	return totp.Code(a.seed, a.step-1)
}

// wrong is a code that is not right, whenever it comes.
func (a *app) wrong() string {
	for _, code := range []string{"123456", "654321"} {
		if _, right := totp.Match(a.seed, code, time.Now()); !right {
			return code
		}
	}
	return "000000"
}

func texts(a answer, name string) []string {
	a.t.Helper()
	var body map[string]any
	if err := json.Unmarshal(a.body, &body); err != nil {
		a.t.Fatalf("%v: %s", err, a.body)
	}
	var all []string
	list, _ := body[name].([]any)
	for _, one := range list {
		text, _ := one.(string)
		all = append(all, text)
	}
	return all
}

// verified registers a person who has shown that they read their mailbox.
func (s *server) verified(t *testing.T, username string) answer {
	t.Helper()
	email := username + "@email.com"
	a := s.person(t, username, email)
	if a := s.send(t, "POST", "auth/email/verify/", `{"token":`+quoted(s.token(t, "verify_email", email, 1))+`}`); a.status != 204 {
		t.Fatalf("verify: %d %s", a.status, a.body)
	}
	return a
}

// withApp has a person set up an app.
func (s *server) withApp(t *testing.T, mine []string) (phone *app, codes []string) { //nolint:unparam // what an app is
	t.Helper()
	setup := s.send(t, "POST", "auth/factors/totp/", "", mine...)
	if setup.status != 201 {
		t.Fatalf("set up: %d %s", setup.status, setup.body)
	}
	phone = newApp(t, setup.field("secret"))
	a := s.send(t, "POST", "auth/factors/totp/confirm/", `{"code":"`+phone.code()+`"}`, mine...)
	if a.status != 200 {
		t.Fatalf("confirm: %d %s", a.status, a.body)
	}
	return phone, texts(a, "recovery_codes")
}

// secondFactors are the examples of an app, from its set-up to its end.
func (s *server) secondFactors(t *testing.T) {
	t.Helper()
	const login = `{"username":"yasmine","password":"` + password + `"}`
	mine := bearer(s.verified(t, "yasmine").field("access"))
	s.example(t, "renewRecoveryCodes", "400 non_field_errors=no_factor", "POST", "auth/factors/recovery/", "", mine...)
	s.example(t, "enrolApp", "400 password=wrong", "POST", "auth/factors/totp/", `{"password":"votre_password"}`, mine...)
	setup := s.example(t, "enrolApp", "201", "POST", "auth/factors/totp/", `{"password":"`+password+`","name":"Pixel 8"}`, mine...)
	phone := newApp(t, setup.field("secret"))
	s.example(t, "confirmApp", "400 code=wrong", "POST", "auth/factors/totp/confirm/", `{"code":"`+phone.wrong()+`"}`, mine...)
	s.example(t, "confirmApp", "400 code=invalid", "POST", "auth/factors/totp/confirm/", `{"code":"12345"}`, mine...)
	added := s.example(t, "confirmApp", "200", "POST", "auth/factors/totp/confirm/", `{"code":"`+phone.code()+`"}`, mine...)
	codes := texts(added, "recovery_codes")
	s.example(t, "confirmApp", "400 id=used", "POST", "auth/factors/totp/confirm/", `{"id":"`+setup.field("id")+`","code":"123456"}`, mine...)
	s.example(t, "listFactors", "200", "GET", "auth/factors/", "", mine...)
	factor := "auth/factors/" + setup.field("id") + "/"
	s.example(t, "renameFactor", "200", "PATCH", factor, `{"name":"Téléphone"}`, mine...)
	s.example(t, "renameFactor", "400 name=required", "PATCH", factor, `{}`, mine...)

	waits := s.example(t, "login", "401 second_factor_required", "POST", "auth/login/", login)
	challenge := `{"challenge":` + quoted(waits.field("challenge"))
	s.example(t, "loginSecond", "400 code=wrong", "POST", "auth/login/second/", challenge+`,"code":"`+phone.wrong()+`"}`)
	s.example(t, "loginSecond", "400 code=one_required", "POST", "auth/login/second/", challenge+`}`)
	in := s.example(t, "loginSecond", "200", "POST", "auth/login/second/", challenge+`,"code":"`+phone.code()+`","trust":true}`)
	s.example(t, "loginSecond", "400 challenge=used", "POST", "auth/login/second/", challenge+`,"recovery_code":"`+codes[0]+`"}`)
	trusted := in.header.Get("X-Trusted-Device")
	s.example(t, "listDevices", "200", "GET", "auth/devices/", "", append(mine, "X-Trusted-Device", trusted)...)

	// On a trusted device the password is enough, and shows no factor.
	here := bearer(s.send(t, "POST", "auth/login/", login, "X-Trusted-Device", trusted).field("access"))
	s.example(t, "common", "403 confirm_required", "GET", "clients/me/export/", "", here...)
	s.example(t, "confirm", "403 confirm_required", "POST", "auth/confirm/", `{"password":"`+password+`"}`, here...)
	s.example(t, "confirm", "400 recovery_code=wrong", "POST", "auth/confirm/", `{"recovery_code":"0123-4567-89AB-CDEF-GHJK-MNPQ"}`, here...)
	s.example(t, "confirm", "200", "POST", "auth/confirm/", `{"recovery_code":"`+codes[1]+`"}`, here...)
	s.example(t, "renewRecoveryCodes", "200", "POST", "auth/factors/recovery/", "", here...)

	var devices []struct{ ID string }
	if err := json.Unmarshal(s.send(t, "GET", "auth/devices/", "", here...).body, &devices); err != nil || len(devices) != 1 {
		t.Fatalf("%v %v", devices, err)
	}
	s.example(t, "endTrust", "204", "DELETE", "auth/devices/"+devices[0].ID+"/", "", mine...)
	s.example(t, "endTrust", "404 not_found", "DELETE", "auth/devices/"+devices[0].ID+"/", "", mine...)
	s.example(t, "removeFactor", "204", "DELETE", factor, "", mine...)
	s.example(t, "removeFactor", "404 not_found", "DELETE", factor, "", mine...)
}

// wayBack are the examples of what an owner does about somebody else.
func (s *server) wayBack(t *testing.T) {
	t.Helper()
	link := func(token string) string { return `{"token":` + quoted(token) + `}` }

	mine := bearer(s.verified(t, "ghita").field("access"))
	s.withApp(t, mine)
	undo := s.token(t, "factor_added", "ghita@email.com", 1)
	s.example(t, "undoFactor", "400 password=wrong", "POST", "auth/factors/undo/", `{"token":`+quoted(undo)+`,"password":"votre_password"}`)
	s.example(t, "undoFactor", "200", "POST", "auth/factors/undo/", `{"token":`+quoted(undo)+`,"password":"`+password+`"}`)
	s.example(t, "undoFactor", "400 token=used", "POST", "auth/factors/undo/", link(undo))

	mine = bearer(s.verified(t, "kenza").field("access"))
	s.example(t, "getRecovery", "404 not_found", "GET", "auth/recovery/", "", mine...)
	s.withApp(t, mine)
	undo = s.token(t, "factor_added", "kenza@email.com", 1)
	if a := s.send(t, "POST", "auth/factors/undo/", link(undo)); a.status != 200 || a.field("undone") != "false" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s.example(t, "undoFactor", "403 recovery_refused", "POST", "auth/factors/undo/", link(undo))
	s.example(t, "getRecovery", "200", "GET", "auth/recovery/", "", mine...)
	s.example(t, "stopRecovery", "204", "DELETE", "auth/recovery/", "", mine...)
	s.example(t, "stopRecovery", "404 not_found", "DELETE", "auth/recovery/", "", mine...)

	mine = bearer(s.verified(t, "leila").field("access"))
	s.withApp(t, mine)
	s.send(t, "POST", "auth/factors/undo/", link(s.token(t, "factor_added", "leila@email.com", 1)))
	stop := s.token(t, "recovery_started", "leila@email.com", 1)
	s.example(t, "stopRecoveryByLink", "204", "POST", "auth/recovery/stop/", link(stop))
	s.example(t, "stopRecoveryByLink", "400 token=used", "POST", "auth/recovery/stop/", link(stop))

	mine = bearer(s.verified(t, "sara").field("access"))
	s.withApp(t, mine)
	finish := s.waited(t, mine)
	s.example(t, "finishRecovery", "400 token=invalid", "POST", "auth/recovery/finish/", link("votre_token"))
	s.example(t, "finishRecovery", "204", "POST", "auth/recovery/finish/", link(finish))

	s.verified(t, "rim")
	if a := s.send(t, "POST", "auth/login/", `{"username":"rim","password":"`+password+`"}`, "X-Forwarded-For", "198.51.100.7", "User-Agent", "curl/8"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := s.send(t, "POST", "auth/password/change/", `{"current_password":"`+password+`","new_password":"`+another+`"}`, bearer(s.send(t, "POST", "auth/login/", `{"username":"rim","password":"`+password+`"}`).field("access"))...); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	notMe := s.token(t, "password_changed", "rim@email.com", 1)
	s.example(t, "notMe", "204", "POST", "auth/not-me/", link(notMe))
	s.example(t, "notMe", "400 token=used", "POST", "auth/not-me/", link(notMe))
}

// waited gives a person a recovery whose waiting time, an hour at least, is
// over, and returns the token that finishes it.
func (s *server) waited(t *testing.T, mine []string) string {
	t.Helper()
	me := s.send(t, "GET", "clients/me/", "", mine...)
	var u struct {
		ID    int64
		Email string
	}
	if err := json.Unmarshal(me.body, &u); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), "sqlite:"+s.database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // the transaction was committed
	raw := base64.RawURLEncoding.EncodeToString(webauthntest.Random(32))
	sum := sha256.Sum256([]byte(raw))
	now := time.Now()
	err = st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		err := tx.CreateRecovery(ctx, account.Recovery{ID: token.NewID(), UserID: u.ID, Email: u.Email, StartedAt: now.Add(-25 * time.Hour), ReadyAt: now.Add(-time.Hour)})
		if err != nil {
			return err
		}
		return tx.CreateChallenge(ctx, account.Challenge{
			Hash: base64.RawURLEncoding.EncodeToString(sum[:]), Kind: account.FinishRecovery, UserID: u.ID, Email: u.Email,
			CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// passkeys are the examples of one, made and used.
func (s *server) passkeys(t *testing.T) {
	t.Helper()
	mine := bearer(s.verified(t, "dounia").field("access"))
	var begun struct {
		Ceremony string
		Options  struct {
			Challenge string
			User      struct{ ID string }
		}
	}
	read := func(a answer) (challenge []byte) {
		t.Helper()
		err := json.Unmarshal(a.body, &begun)
		if err == nil {
			challenge, err = base64.RawURLEncoding.DecodeString(begun.Options.Challenge)
		}
		if err != nil {
			t.Fatalf("%v: %s", err, a.body)
		}
		return challenge
	}
	key := webauthntest.NewKey(rpID, origin, webauthntest.ES256)
	s.example(t, "beginPasskeyConfirm", "400 non_field_errors=no_passkey", "POST", "auth/confirm/passkey/options/", "", mine...)
	challenge := read(s.example(t, "beginPasskey", "200", "POST", "auth/factors/passkeys/options/", `{"password":"`+password+`"}`, mine...))
	var err error
	if key.Handle, err = base64.RawURLEncoding.DecodeString(begun.Options.User.ID); err != nil {
		t.Fatal(err)
	}
	body := func(field, credential, more string) string { //nolint:unparam // beside its value
		return `{"ceremony":"` + begun.Ceremony + `","` + field + `":` + credential + more + `}`
	}
	s.example(t, "addPasskey", "201", "POST", "auth/factors/passkeys/", body("credential", key.Create(challenge, nil), `,"name":"Pixel 8"`), mine...)
	s.example(t, "addPasskey", "400 ceremony=invalid", "POST", "auth/factors/passkeys/", body("credential", key.Create(challenge, nil), ""), mine...)

	challenge = read(s.example(t, "beginPasskeyLogin", "200", "POST", "auth/login/passkey/options/", `{}`))
	s.example(t, "loginPasskey", "200", "POST", "auth/login/passkey/", body("credential", key.Get(challenge, nil), ""))
	challenge = read(s.send(t, "POST", "auth/login/passkey/options/", `{}`))
	strange := webauthntest.NewKey(rpID, origin, webauthntest.ES256)
	s.example(t, "loginPasskey", "401 passkey_refused", "POST", "auth/login/passkey/", body("credential", strange.Get(challenge, nil), ""))
	s.example(t, "beginPasskeyConfirm", "200", "POST", "auth/confirm/passkey/options/", "", mine...)
}

// mailedCodes are the examples of a code that resets a password.
func (s *server) mailedCodes(t *testing.T) {
	t.Helper()
	s.verified(t, "aya")
	s.example(t, "requestCode", "400 purpose=not_offered", "POST", "auth/code/", `{"purpose":"login","to":"aya@email.com"}`)
	sent := s.example(t, "requestCode", "202", "POST", "auth/code/", `{"purpose":"reset","to":"aya@email.com"}`)
	digits := regexp.MustCompile(`\b(\d{3}) (\d{3})\b`).FindStringSubmatch(mailtest.Wait(t, s.mails, "reset_password", "aya@email.com", 1).Text)
	if digits == nil {
		t.Fatal("no code in the mail")
	}
	right := digits[1] + digits[2]
	wrong := "123456"
	if right == wrong {
		wrong = "654321"
	}
	use := func(code string) string { return `{"code_id":"` + sent.field("code_id") + `","code":"` + code + `"}` }
	s.example(t, "useCode", "400 code=wrong", "POST", "auth/code/confirm/", use(wrong))
	s.example(t, "useCode", "200", "POST", "auth/code/confirm/", use(right))
	s.example(t, "useCode", "400 code=used", "POST", "auth/code/confirm/", use(right))
	s.example(t, "useCode", "400 code_id=invalid", "POST", "auth/code/confirm/", `{"code_id":"votre_code_id","code":"123456"}`)
}

// What differs from run to run in these examples. Whatever opens something is
// named, and so is what is long.
var (
	named = map[string]string{
		"challenge": "Y2hhbGxlbmdl", "ceremony": "token_ceremony", "code_id": "token_code_id",
		"secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "uri": "otpauth://totp/Yoozak:yasmine?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Yoozak",
		"qr":    `<svg xmlns=\"http://www.w3.org/2000/svg\">…</svg>`,
		"rawId": "Y3JlZGVudGlhbA", "userHandle": "dXNlci1oYW5kbGU", "clientDataJSON": "Y2xpZW50RGF0YUpTT04",
		"attestationObject": "YXR0ZXN0YXRpb25PYmplY3Q", "authenticatorData": "YXV0aGVudGljYXRvckRhdGE", "signature": "c2lnbmF0dXJl",
	}
	namedText    = regexp.MustCompile(`"(challenge|ceremony|code_id|secret|uri|qr|rawId|userHandle|clientDataJSON|attestationObject|authenticatorData|signature)":"((?:[^"\\]|\\.){19,})"`)
	digitsText   = regexp.MustCompile(`"code":"\d{6}"`)
	bytesIDText  = regexp.MustCompile(`"id":"[\w-]{43}"`)
	handleText   = regexp.MustCompile(`"id":"[\w-]{86}"`)
	recoveryText = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){5}\b`)
)

func neutralFactors(text string) string {
	text = namedText.ReplaceAllStringFunc(text, func(m string) string {
		name := namedText.FindStringSubmatch(m)[1]
		return `"` + name + `":"` + named[name] + `"`
	})
	text = digitsText.ReplaceAllString(text, `"code":"123456"`)
	text = bytesIDText.ReplaceAllString(text, `"id":"`+named["rawId"]+`"`)
	text = handleText.ReplaceAllString(text, `"id":"dXNlci1oYW5kbGU"`)
	n := 0
	return recoveryText.ReplaceAllStringFunc(text, func(string) string {
		n++
		return fmt.Sprintf("7XQ2-M4KD-9WBT-3HNR-6VZC-P%03d", n)
	})
}
