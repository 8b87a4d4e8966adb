package client_test

import (
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/client"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/totp"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// ask makes a call that has no method, and reads its answer into out.
func ask(t *testing.T, c *client.Client, path string, in, out any) error {
	t.Helper()
	req, err := c.NewRequest(t.Context(), http.MethodPost, "/api/clients/"+path, in)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	if err := client.ErrorOf(req, res); err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}

type recoveryCodes struct {
	Codes []string `json:"recovery_codes"`
}

// addApp sets up an authenticator app, and returns its secret, the step of the
// code that was used for it, and the recovery codes.
func addApp(t *testing.T, c *client.Client) (seed []byte, step int64, codes []string) {
	t.Helper()
	var setup struct{ Secret string }
	if err := ask(t, c, "auth/factors/totp/", map[string]string{}, &setup); err != nil {
		t.Fatal(err)
	}
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(setup.Secret)
	if err != nil {
		t.Fatal(err)
	}
	step = totp.StepAt(time.Now())
	var added recoveryCodes
	if err := ask(t, c, "auth/factors/totp/confirm/", map[string]string{"code": totp.Code(seed, step)}, &added); err != nil {
		t.Fatal(err)
	}
	return seed, step, added.Codes
}

// TestSecondStepAndConfirmation against the real server, with and without
// rotation.
func TestSecondStepAndConfirmation(t *testing.T) {
	t.Parallel()
	for _, rotation := range []string{"false", "true"} {
		t.Run("rotation "+rotation, func(t *testing.T) {
			t.Parallel()
			s := yoozaktest.Start(t, append([]string{"YOOZAK_REFRESH_ROTATION=" + rotation}, yoozaktest.CheapHashes...)...)
			c, err := client.New(s.URL, client.Options{})
			if err != nil {
				t.Fatal(err)
			}
			const name, password = "amina", "kV7-pazouk-42"
			if _, err := c.Register(t.Context(), client.Registration{Username: name, Password: password}); err != nil {
				t.Fatal(err)
			}
			seed, step, codes := addApp(t, c)
			_, err = c.Login(t.Context(), name, password)
			var second *client.SecondFactorRequired
			var plain *client.Error
			if !errors.As(err, &second) || !errors.As(err, &plain) || plain.Status != http.StatusUnauthorized || len(plain.Fields) > 0 ||
				fmt.Sprint(second.Methods) != "[totp recovery_code]" || second.Challenge == "" {
				t.Fatalf("login: %v", err)
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
				if strings.Contains(fmt.Sprintf(verb, err), second.Challenge) {
					t.Errorf("%s prints the challenge", verb)
				}
			}
			if _, err := c.LoginSecond(t.Context(), second.Challenge, client.Proof{RecoveryCode: "0123-4567-89AB-CDEF-GHJK-MNPQ"}); !errors.As(err, &plain) || plain.Field("recovery_code") == nil {
				t.Errorf("a wrong one: %v", err)
			}
			if u, err := c.LoginSecond(t.Context(), second.Challenge, client.Proof{Code: totp.Code(seed, step+1)}); err != nil || u.Username != name {
				t.Fatalf("second step: %v, %v", u, err)
			}

			var confirm *client.ConfirmRequired
			if err := c.Confirm(t.Context(), client.Proof{Password: password}); !errors.As(err, &confirm) || fmt.Sprint(confirm.Methods) != "[totp recovery_code]" {
				t.Errorf("by a password: %v", err)
			}
			if err := c.Confirm(t.Context(), client.Proof{RecoveryCode: codes[0]}); err != nil {
				t.Errorf("by a recovery code: %v", err)
			}
			if u, err := c.Me(t.Context()); err != nil || u.Username != name {
				t.Errorf("after it: %v, %v", u, err)
			}
			var renewed recoveryCodes
			if err := ask(t, c, "auth/factors/recovery/", nil, &renewed); err != nil || len(renewed.Codes) != 10 {
				t.Fatalf("%v, %v", renewed, err)
			}
			if shown := fmt.Sprintf("%v %+v", client.Proof{Password: password}, client.Proof{RecoveryCode: renewed.Codes[0]}); strings.Contains(shown, password) || strings.Contains(shown, renewed.Codes[0]) {
				t.Error("a printed proof shows what it is")
			}
			if err := c.Logout(t.Context()); err != nil {
				t.Error(err)
			}
			if err := c.Confirm(t.Context(), client.Proof{Password: password}); !errors.Is(err, client.ErrLoggedOut) {
				t.Errorf("of nobody: %v", err)
			}
		})
	}
}

// TestConfirmBesideARenewal logs nobody out, whichever the server carries out
// first, and the session goes on with the newest tokens.
func TestConfirmBesideARenewal(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		for _, renewedFirst := range []bool{false, true} {
			tokens, _ := r.store.Load(t.Context())
			old := "Bearer " + tokens.Access
			waiting, goOn := make(chan struct{}), make(chan struct{})
			r.begin(func(w http.ResponseWriter, q *http.Request, n int, pass http.Handler) bool {
				switch {
				case q.URL.Path == mePath && q.Header.Get("Authorization") == old:
					w.WriteHeader(http.StatusUnauthorized)
					return true
				case q.URL.Path != refreshPath || n > 1:
					return false
				}
				answer := httptest.NewRecorder()
				if renewedFirst {
					pass.ServeHTTP(answer, q)
				}
				close(waiting)
				<-goOn
				if !renewedFirst {
					pass.ServeHTTP(answer, q)
				}
				w.WriteHeader(answer.Code)
				_, _ = w.Write(answer.Body.Bytes())
				return true
			})
			done := make(chan error)
			go func() {
				_, err := r.client.Me(t.Context())
				done <- err
			}()
			<-waiting
			if err := r.client.Confirm(t.Context(), client.Proof{Password: yoozaktest.Password}); err != nil {
				t.Errorf("renewed first %v: confirm: %v", renewedFirst, err)
			}
			confirmed, _ := r.store.Load(t.Context())
			close(goOn)
			if err := <-done; err != nil {
				t.Errorf("renewed first %v: beside it: %v", renewedFirst, err)
			}
			if now, _ := r.store.Load(t.Context()); now.Access != confirmed.Access || now.Refresh != confirmed.Refresh {
				t.Errorf("renewed first %v: other tokens than the confirmation's are stored", renewedFirst)
			}
			if n := r.count(refreshPath); n != 1 {
				t.Errorf("renewed first %v: %d renewals", renewedFirst, n)
			}
			r.stillIn(t, r.expire(t)) // which renews
			r.client = r.newClient(t, r.store)
		}
	})
}

// TestTrustedDevice asks for the password alone, of its account.
func TestTrustedDevice(t *testing.T) {
	t.Parallel()
	s := yoozaktest.Start(t, yoozaktest.CheapHashes...)
	c, err := client.New(s.URL, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const name, password = "amina", "kV7-pazouk-42"
	if _, err := c.Register(t.Context(), client.Registration{Username: name, Password: password}); err != nil {
		t.Fatal(err)
	}
	seed, step, _ := addApp(t, c)
	_, err = c.Login(t.Context(), name, password)
	var second *client.SecondFactorRequired
	if !errors.As(err, &second) {
		t.Fatalf("login: %v", err)
	}
	_, device, err := c.LoginSecondAndTrust(t.Context(), second.Challenge, client.Proof{Code: totp.Code(seed, step+1)})
	if err != nil || device == "" {
		t.Fatalf("%v, %v", device, err)
	}
	if got := fmt.Sprintf("%v %+v %#v %s %q", device, device, device, device, device); strings.Contains(got, string(device)) {
		t.Error("it is printed")
	}
	if err := c.Logout(t.Context()); err != nil {
		t.Error(err)
	}
	if u, err := c.LoginTrusted(t.Context(), name, password, device); err != nil || u.Username != name {
		t.Errorf("on it: %v, %v", u, err)
	}
	if _, err := c.Login(t.Context(), name, password); !errors.As(err, &second) {
		t.Errorf("elsewhere: %v", err)
	}
	var refused *client.Error
	if _, err := c.LoginPasskey(t.Context(), "none", json.RawMessage(`{}`)); !errors.As(err, &refused) || refused.Field("ceremony") == nil {
		t.Errorf("a passkey of no ceremony: %v", err)
	}
}

// TestMailedCodes verify an address, confirm, log in and reset a password.
func TestMailedCodes(t *testing.T) {
	t.Parallel()
	smtp := smtptest.Start(t, smtptest.Options{})
	s := yoozaktest.Start(t, append([]string{
		"YOOZAK_SMTP_URL=" + smtp.URL(), "YOOZAK_PUBLIC_URL=https://clients.yoozak.ma", "YOOZAK_MAIL_FROM=bonjour@yoozak.ma", "YOOZAK_LOGIN_CODE=on",
	}, yoozaktest.CheapHashes...)...)
	c, err := client.New(s.URL, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const name, password, next, address = "amina", "kV7-pazouk-42", "zellige-9-minaret", "amina@example.ma"
	if _, err := c.Register(t.Context(), client.Registration{Username: name, Password: password, Email: address}); err != nil {
		t.Fatal(err)
	}
	digits := regexp.MustCompile(`\b\d{3} \d{3}\b`)
	seen := map[string]bool{}
	mailed := func() string {
		t.Helper()
		limit := time.After(time.Minute)
		for {
			arrived := smtp.Arrived()
			for _, m := range smtp.Messages() {
				if code := digits.FindString(m.Text); code != "" && !seen[code] {
					seen[code] = true
					return code
				}
			}
			select {
			case <-arrived:
			case <-limit:
				t.Fatal("no mail came")
			}
		}
	}
	mailed() // of the registration
	request := func(r client.CodeRequest) (id, code string) {
		t.Helper()
		id, err := c.RequestCode(t.Context(), r)
		if err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		return id, mailed()
	}
	id, code := request(client.CodeRequest{Purpose: "verify"})
	if token, err := c.UseCode(t.Context(), id, code); err != nil || token != "" {
		t.Errorf("verify: %v, %v", token != "", err)
	}
	id, code = request(client.CodeRequest{Purpose: "confirm"})
	if err := c.Confirm(t.Context(), client.Proof{CodeID: id, Code: code}); err != nil {
		t.Errorf("confirm: %v", err)
	}
	if err := c.Logout(t.Context()); err != nil {
		t.Error(err)
	}
	id, code = request(client.CodeRequest{Purpose: "login", To: address})
	if u, err := c.LoginByCode(t.Context(), id, code); err != nil || u.Username != name {
		t.Fatalf("login: %v, %v", u, err)
	}
	if u, err := c.Me(t.Context()); err != nil || u.Username != name {
		t.Errorf("after it: %v, %v", u, err)
	}
	if err := c.Logout(t.Context()); err != nil {
		t.Error(err)
	}
	id, code = request(client.CodeRequest{Purpose: "reset", To: address})
	token, err := c.UseCode(t.Context(), id, code)
	if err != nil || token == "" {
		t.Fatalf("reset: %v, %v", token != "", err)
	}
	req, err := c.NewRequest(t.Context(), http.MethodPost, "/api/clients/auth/password/reset/confirm/", map[string]string{"token": token, "new_password": next})
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.DoOpen(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	if err := client.ErrorOf(req, res); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Login(t.Context(), name, next); err != nil {
		t.Errorf("with the new password: %v", err)
	}
}
