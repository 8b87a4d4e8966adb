package browser

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/store/storetest"
)

var setupLink = regexp.MustCompile(`http://\S+/console/setup#(\S+)`)

// setupLink is the link and its token, which the server prints after its start;
// it may answer before.
func (s *server) setupLink(t *testing.T) []string {
	t.Helper()
	for range 600 {
		if printed := setupLink.FindStringSubmatch(s.Output.String()); printed != nil {
			return printed
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no link is printed:\n%s", s.Output)
	return nil
}

// TestConsoleFirstDay: the link that an empty server prints leads, with scripts
// and without, to a password, a login, a factor and an overview with texts of a
// first day; the token leaves the address at once, and is good once.
func TestConsoleFirstDay(t *testing.T) {
	t.Parallel()
	for _, o := range []tabOptions{{language: "fr", width: 1280, height: 860, scripts: true, patient: true}, {language: "fr", width: 360, height: 740, patient: true}} {
		name := "scripts"
		if !o.scripts {
			name = "none"
		}
		t.Run(name, func(t *testing.T) {
			s := start(t, storetest.SQLite(t))
			printed := s.setupLink(t)
			b := openTab(t, o)
			b.status(b.open(printed[0]), http.StatusOK)
			b.says("pas encore de propriétaire")
			if o.scripts {
				if got := b.run("return location.hash + ' ' + document.getElementById('token').value"); got != " "+printed[1] {
					t.Errorf("the token: %q", got)
				}
			} else {
				b.fill("token", printed[1])
			}
			b.fill("email", "nadia@boutique.example")
			b.status(b.enter("email"), http.StatusOK)
			b.fill("new_password", firstPassword)
			b.status(b.enter("new_password"), http.StatusOK)
			logIn := func() {
				b.fill("username", "nadia@boutique.example")
				b.fill("password", firstPassword)
				b.status(b.enter("password"), http.StatusOK)
			}
			logIn()
			b.says("application d’authentification")
			b.status(b.load(chromedp.Click(chromedp.CSS("main button.primary"))), http.StatusOK)
			d := &desk{seeds: map[string][]byte{"nadia": b.secret()}, steps: map[string]int64{}}
			b.fill("code", d.code("nadia"))
			b.status(b.enter("code"), http.StatusOK)
			b.status(b.load(chromedp.Click(chromedp.CSS("main a.primary"))), http.StatusOK)
			logIn()
			b.fill("code", d.code("nadia"))
			b.status(b.enter("code"), http.StatusOK)
			b.says("Aperçu")
			b.open(s.URL + "/console/clients")
			b.says("Pas encore de clients")
			b.status(b.open(s.URL+"/console/setup"), http.StatusGone)
			b.says("ne fonctionne plus")
			s.Stop(t)
			again := s.Again(t)
			again.Ready(t)
			if strings.Count(again.Output.String(), "/console/setup#") != 1 {
				t.Error("a server with an owner prints a link")
			}
		})
	}
}
