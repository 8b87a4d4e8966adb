package browser

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	stopChromium()
	os.Exit(code)
}

// server is a running yoozak that writes its mails into a folder.
type server struct {
	*yoozaktest.Server
	folder string
}

// start runs "yoozak serve". It must end with 0 when it is told to stop.
func start(t *testing.T, database string, env ...string) *server {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "mails")
	env = append(append(slices.Clone(yoozaktest.CheapHashes), "YOOZAK_DATABASE_URL="+database, "YOOZAK_MAIL_FOLDER="+folder), env...)
	return &server{yoozaktest.Start(t, env...), folder}
}

const (
	firstPassword = yoozaktest.Password
	nextPassword  = "Olive-Tagine-77-moon"
	firstAddress  = "amina@example.ma" // of whoever registers
)

// call asks the API; body is name, value pairs.
func (s *server) call(t *testing.T, method, path, lang, access string, body ...string) (status int, answer map[string]any) {
	t.Helper()
	fields := map[string]string{}
	for i := 0; i < len(body); i += 2 {
		fields[body[i]] = body[i+1]
	}
	data, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/api/clients/"+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Language", lang)
	req.Header.Set("User-Agent", "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36")
	if access != "" {
		req.Header.Set("Authorization", "Bearer "+access)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	if data, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(data, &answer) // some answers are empty
	return res.StatusCode, answer
}

// register returns an access token.
func (s *server) register(t *testing.T, lang, username string) string {
	t.Helper()
	status, answer := s.call(t, http.MethodPost, "auth/register/", lang, "", "username", username, "password", firstPassword, "email", firstAddress, "first_name", firstNames[lang])
	if status != http.StatusCreated {
		t.Fatalf("register: %d %v", status, answer)
	}
	tokens, _ := answer["tokens"].(map[string]any)
	access, _ := tokens["access"].(string)
	if access == "" {
		if access, _ = answer["access"].(string); access == "" {
			t.Fatalf("register: no access token in %v", answer)
		}
	}
	return access
}

// firstNames are what people are called who register.
var firstNames = map[string]string{"fr": "Amina", "en": "Amina", "ar": "أمينة"}

// prove follows the link of the verification mail.
func (s *server) prove(t *testing.T) {
	t.Helper()
	token := s.received(t, "verify_email", firstAddress).Token
	if status, answer := s.call(t, http.MethodPost, "auth/email/verify/", "fr", "", "token", token); status != http.StatusNoContent {
		t.Fatalf("verify: %d %v", status, answer)
	}
}

// opens says whether a password opens the account.
func (s *server) opens(t *testing.T, username, plain string) bool {
	t.Helper()
	status, _ := s.call(t, http.MethodPost, "auth/login/", "fr", "", "username", username, "password", plain)
	return status == http.StatusOK
}

// address asks the API which address an account has.
func (s *server) address(t *testing.T, username, plain string) string {
	t.Helper()
	_, tokens := s.call(t, http.MethodPost, "auth/login/", "fr", "", "username", username, "password", plain)
	access, _ := tokens["access"].(string)
	_, me := s.call(t, http.MethodGet, "clients/me/", "fr", access)
	email, _ := me["email"].(string)
	return email
}

// changeEmail asks for another address.
func (s *server) changeEmail(t *testing.T, lang, access, email string) {
	t.Helper()
	if status, answer := s.call(t, http.MethodPost, "auth/email/change/", lang, access, "password", firstPassword, "email", email); status != http.StatusAccepted {
		t.Fatalf("change of address: %d %v", status, answer)
	}
}

func (s *server) received(t *testing.T, kind, to string) mailtest.Mail {
	t.Helper()
	return mailtest.Wait(t, s.folder, kind, to, 1)
}

// keepsSecrets fails when what the server wrote has a token or a password.
func (s *server) keepsSecrets(t *testing.T) {
	t.Helper()
	secrets := []string{firstPassword, nextPassword}
	for _, m := range mailtest.Read(t, s.folder) {
		if m.Token != "" {
			secrets = append(secrets, m.Token)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(s.Output.String(), secret) {
			t.Errorf("the server's output has %q", secret)
		}
	}
}
