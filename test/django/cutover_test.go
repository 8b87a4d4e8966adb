package django

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// phone is somebody who is logged in.
type phone struct {
	username, access, refresh string
	me                        string // what Django answers
}

const phones = 500

// TestCutOver is docs/migration.md from end to end: a Django with 500 people
// who are logged in, rehearsal, import, switch, everybody's phone goes on,
// and back again.
func TestCutOver(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		old := startDjangoIn(t, t.TempDir(), `PASSWORD_HASHERS = PASSWORD_HASHERS + ["django.contrib.auth.hashers.Argon2PasswordHasher"]`, "")
		people := registerAll(t, old.site, 0, phones-20)

		cli := commandLine{t.TempDir(), url}
		cli.run(t, "migrate", "up")
		cli.wants(t, fmt.Sprintf("%d  users read", phones-20), "import-django", "--dry-run", old.database())
		cli.wants(t, fmt.Sprintf("%d  imported", phones-20), "import-django", old.database())

		// Django goes on meanwhile: people register, and one changes their password.
		people = append(people, registerAll(t, old.site, phones-20, phones)...)
		old.python(t, `
import django
django.setup()
from django.contrib.auth import get_user_model
u = get_user_model().objects.get(username="phone7")
u.set_password("another-`+password+`")
u.save()
`)
		cli.wants(t, "20  imported", "import-django", old.database())

		// The switch.
		new := startYoozak(t, "YOOZAK_DATABASE_URL="+url, "YOOZAK_ACCEPT_HS256_SECRET="+secret)
		each(t, people, func(p *phone) error {
			if a := new.me(t, p.access); a.status != http.StatusOK || a.body != p.me {
				return fmt.Errorf("me: %d %s, at Django %s", a.status, a.body, p.me)
			}
			a := new.post(t, refreshPath, `{"refresh":"`+p.refresh+`"}`)
			if a.status != http.StatusOK || algorithmOf(t, a.field("access")) != "ES256" {
				return fmt.Errorf("refresh: %d %s", a.status, a.body)
			}
			if a := new.me(t, a.field("access")); a.status != http.StatusOK || a.body != p.me {
				return fmt.Errorf("me with a renewed token: %d %s", a.status, a.body)
			}
			return p.logsIn(t, new)
		})
		if a := new.post(t, registerPath, `{"username":"newcomer","password":"`+password+`"}`); a.status != http.StatusCreated || number(t, a.body) <= phones {
			t.Errorf("a new id: %d %s", a.status, a.body)
		}

		// The way back.
		fixture := filepath.Join(cli.dir, "users.json")
		cli.run(t, "export-django", fixture)
		old.python(t, `
import django
django.setup()
from django.core.management import call_command
call_command("loaddata", "`+fixture+`", verbosity=0)
`)
		each(t, append(people, phone{username: "newcomer"}), func(p *phone) error { return p.logsIn(t, old.site) })
	})
}

func (p *phone) logsIn(t *testing.T, at site) error {
	plain := password
	if p.username == "phone7" {
		plain = "another-" + password
	}
	if a := at.post(t, loginPath, `{"username":"`+p.username+`","password":"`+plain+`"}`); a.status != http.StatusOK {
		return fmt.Errorf("login: %d %s", a.status, a.body)
	}
	if a := at.post(t, loginPath, `{"username":"`+p.username+`","password":"not-`+plain+`"}`); a.status != http.StatusUnauthorized {
		return fmt.Errorf("login with a wrong password: %d", a.status)
	}
	return nil
}

// each does something for everybody, a few at a time.
func each(t *testing.T, people []phone, do func(p *phone) error) {
	t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i := range people {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := do(&people[i]); err != nil {
				t.Errorf("%s: %v", people[i].username, err)
			}
		})
	}
	wg.Wait()
}

func registerAll(t *testing.T, at site, from, to int) []phone {
	t.Helper()
	people := make([]phone, to-from)
	for i := range people {
		people[i].username = fmt.Sprintf("phone%d", from+i)
	}
	each(t, people, func(p *phone) error {
		a := at.post(t, registerPath, `{"username":"`+p.username+`","password":"`+password+`","email":"`+p.username+`@example.ma","first_name":"أمينة","last_name":"B"}`)
		if a.status != http.StatusCreated {
			return fmt.Errorf("register: %d %s", a.status, a.body)
		}
		p.access, p.refresh = a.field("access"), a.field("refresh")
		me := at.me(t, p.access)
		if me.status != http.StatusOK {
			return fmt.Errorf("me: %d %s", me.status, me.body)
		}
		p.me = me.body
		return nil
	})
	if t.Failed() {
		t.FailNow()
	}
	return people
}

// number is the id of the user in an answer.
func number(t *testing.T, body string) int64 {
	t.Helper()
	var v struct {
		User struct {
			ID int64 `json:"id"`
		} `json:"user"`
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v.User.ID
}

// commandLine runs the binary's other commands on a database.
type commandLine struct{ dir, url string }

func (c commandLine) run(t *testing.T, args ...string) string {
	t.Helper()
	return yoozaktest.Run(t, []string{"YOOZAK_DATABASE_URL=" + c.url}, args...)
}

func (c commandLine) wants(t *testing.T, want string, args ...string) {
	t.Helper()
	if out := c.run(t, args...); !strings.Contains(out, want) {
		t.Errorf("yoozak %s: no %q in\n%s", args[0], want, out)
	}
}
