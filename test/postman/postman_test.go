// Package postman plays the Postman collection against the built binary.
package postman

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/totp"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestCollection is the specification's Postman chapter, played by newman as
// Postman would, on each engine, with and without refresh-token rotation and
// a service's credentials.
func TestCollection(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{
		"as it comes": nil,
		"rotation":    {"YOOZAK_REFRESH_ROTATION=true", "YOOZAK_ACCESS_LIFETIME=17m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.ForEachURL(t, func(t *testing.T, url string) {
				database := "YOOZAK_DATABASE_URL=" + url
				base := yoozaktest.Start(t, append(env, database)...).URL
				if env == nil {
					play(t, base)
					return
				}
				id, secret := service(t, database)
				out := play(t, base, append(staff(t, base, database), "--env-var", "client_id="+id, "--env-var", "client_secret="+secret)...)
				if !strings.Contains(out, "Retirer un rôle") || !strings.Contains(out, "/api/clients/staff/mails/") {
					t.Errorf("the staff's requests were not made:\n%s", out)
				}
			})
		})
	}
}

// TestLinksOfMails fills in the variables that take the tokens of mails: then
// each of their requests succeeds.
func TestLinksOfMails(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "mails")
	base := yoozaktest.Start(t, "YOOZAK_MAIL_FOLDER="+folder).URL
	link := func(request, variable, kind, to string) {
		t.Helper()
		token := mailtest.Wait(t, folder, kind, to, 1).Token
		if out := play(t, base, "--folder", request, "--env-var", variable+"="+token); !strings.Contains(out, "204 No Content") {
			t.Errorf("%s: no 204:\n%s", request, out)
		}
	}
	const first, second, third = "amina@example.ma", "amina.alaoui@example.ma", "hind@example.ma"
	const password, next = "kV7-pazouk-42", "zellige-9-minaret" // the collection's
	post(t, base, "auth/register/", "", map[string]string{"username": "amina", "password": password, "email": first})
	link("Vérifier mon adresse", "verify_token", "verify_email", first)
	post(t, base, "auth/register/", "", map[string]string{"username": "stranger", "password": password, "email": third})
	link("Ce n'est pas mon compte", "verify_token", "verify_email", third)
	post(t, base, "auth/password/reset/", "", map[string]string{"email": first})
	link("Choisir un nouveau mot de passe", "reset_token", "reset_password", first)
	access := post(t, base, "auth/login/", "", map[string]string{"username": "amina", "password": next})["access"].(string)
	post(t, base, "auth/email/change/", access, map[string]string{"password": next, "email": second})
	link("Confirmer la nouvelle adresse", "confirm_token", "confirm_email", second)
	link("Annuler le changement d'adresse", "undo_token", "email_changed", first)
}

// TestEveryRequestHasAnExample and a description in both languages; and no
// request has a header of its own for what the collection's auth does.
func TestEveryRequestHasAnExample(t *testing.T) {
	t.Parallel()
	type item struct {
		Name    string `json:"name"`
		Request *struct {
			Description string `json:"description"`
			Header      []struct {
				Key string `json:"key"`
			} `json:"header"`
		} `json:"request"`
		Description string            `json:"description"`
		Response    []json.RawMessage `json:"response"`
		Item        json.RawMessage   `json:"item"`
	}
	data, err := os.ReadFile("../../postman/Yoozak-Clients.postman_collection.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	var walk func(raw json.RawMessage)
	walk = func(raw json.RawMessage) {
		var items []item
		if err := json.Unmarshal(raw, &items); err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			if i.Request == nil {
				if !strings.Contains(i.Description, "\n\n*") {
					t.Errorf("folder %s: description %q", i.Name, i.Description)
				}
				walk(i.Item)
				continue
			}
			seen++
			if len(i.Response) == 0 || !strings.Contains(i.Request.Description, "\n\n*") {
				t.Errorf("%s: %d examples, description %q", i.Name, len(i.Response), i.Request.Description)
			}
			for _, h := range i.Request.Header {
				if h.Key == "Authorization" {
					t.Errorf("%s has a header Authorization", i.Name)
				}
			}
		}
	}
	var collection struct {
		Item json.RawMessage `json:"item"`
	}
	if err := json.Unmarshal(data, &collection); err != nil {
		t.Fatal(err)
	}
	if walk(collection.Item); seen < 40 {
		t.Errorf("only %d requests", seen)
	}
}

// play runs the collection and returns what newman says. Nothing may fail.
func play(t *testing.T, base string, args ...string) string {
	t.Helper()
	newman, err := filepath.Abs("node_modules/.bin/newman")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(newman); err != nil {
		t.Fatal("newman is missing: run scripts/install-test-deps.sh")
	}
	run := exec.CommandContext(t.Context(), newman, append([]string{"run", "../../postman/Yoozak-Clients.postman_collection.json",
		"--environment", "../../postman/Yoozak-Local.postman_environment.json", "--env-var", "base_url=" + base, "--color", "off"}, args...)...)
	out, err := run.CombinedOutput()
	if err != nil {
		t.Errorf("newman: %v\n%s", err, out)
	}
	return string(out)
}

// service makes credentials for introspection and revocation.
func service(t *testing.T, database string) (id, secret string) {
	t.Helper()
	out := yoozaktest.Run(t, []string{database}, "service", "create", "postman", "--scope", "introspect", "--scope", "revoke")
	found := regexp.MustCompile(`client_id: (\S+)\s+client_secret: (\S+)`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no credentials in %s", out)
	}
	return found[1], found[2]
}

// staff makes the first owner, with an authenticator app, and returns what the
// staff's requests need of them.
func staff(t *testing.T, base, database string) []string {
	t.Helper()
	const email, password = "hajar@example.ma", "kV7-pazouk-42"
	out := yoozaktest.Run(t, []string{database}, "user", "create-owner", email)
	link := regexp.MustCompile(`[\w-]{43}`).FindString(out)
	post(t, base, "staff/password/", "", map[string]string{"token": link, "new_password": password})
	access := post(t, base, "auth/login/", "", map[string]string{"username": email, "password": password})["access"].(string)
	secret := post(t, base, "auth/factors/totp/", access, map[string]string{"password": password})["secret"].(string)
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	step := totp.StepAt(time.Now())
	post(t, base, "auth/factors/totp/confirm/", access, map[string]string{"code": totp.Code(seed, step)})
	post(t, base, "staff/accept/", access, map[string]string{"token": link})
	return []string{
		"--env-var", "staff_username=" + email, "--env-var", "staff_password=" + password, "--env-var", "staff_app_secret=" + secret,
		"--env-var", "staff_app_step=" + strconv.FormatInt(step, 10),
	}
}

// post calls the API by itself.
func post(t *testing.T, base, path, access string, body map[string]string) (answer map[string]any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/clients/"+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if access != "" {
		req.Header.Set("Authorization", "Bearer "+access)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	if res.StatusCode >= 300 {
		t.Fatalf("%s: %d", path, res.StatusCode)
	}
	_ = json.NewDecoder(res.Body).Decode(&answer) // some answers are empty
	return answer
}
