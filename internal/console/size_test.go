package console_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/console"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// mostSent is how many bytes a page may have with all that it loads, as sent.
const mostSent = 60 << 10

// letters are of the two scripts that people here have.
var letters = []rune("ابتثجحخدذرزسشصضطظعغفقكلمنهويabcdefghijklmnopqrstuvwxyzéèç")

// scribbler writes what has no sense, and so no order that compression finds.
type scribbler struct{ *rand.Rand }

// text has so many letters, in words.
func (r scribbler) text(n int) string {
	var b strings.Builder
	for i := range n {
		if i%9 == 8 && i < n-1 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(letters[r.IntN(len(letters))])
	}
	return b.String()
}

// latin has so many of the letters that addresses have.
func (r scribbler) latin(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte("abcdefghijklmnopqrstuvwxyz0123456789.-"[r.IntN(36)])
	}
	return b.String()
}

// email is as long as one may be.
func (r scribbler) email() string {
	return r.latin(64) + "@" + r.latin(60) + "." + r.latin(60) + "." + r.latin(60) + ".ma"
}

// fill puts into the store as much of everything as a page shows, each as long as
// it may be, and returns the client with most.
func fill(t *testing.T, s *server, r scribbler) account.User {
	t.Helper()
	now := s.Clock.Now()
	var users []account.User
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		for range 60 {
			u := account.User{
				Username: r.latin(150), Email: r.email(), FirstName: r.text(150), LastName: r.text(150), Active: true, Language: "ar",
				JoinedAt: now.Add(-time.Duration(r.IntN(1e6)) * time.Second), LastLoginAt: now.Add(-time.Duration(r.IntN(1e6)) * time.Second), PasswordAt: now,
			}
			if err := tx.CreateUser(ctx, &u); err != nil {
				return err
			}
			users = append(users, u)
		}
		return nil
	})
	client := users[0]
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		for i, u := range users[1:] {
			if i < 30 { // who is of the staff, and asks for what needs two persons
				if err := tx.SetStaff(ctx, account.StaffMember{UserID: u.ID, Role: account.Manager, GivenAt: now, AcceptedAt: now}); err != nil {
					return err
				}
			}
			a := account.Approval{ID: token.NewID(), Act: account.ApproveExport, Format: "csv", Reason: r.text(account.ReasonMax), AskedBy: u.ID, AskedAt: now, ExpiresAt: now.Add(time.Hour)}
			for _, other := range users {
				a.Users = append(a.Users, other.ID)
			}
			for range 4 {
				if a.ID = token.NewID(); i < 50 {
					if err := tx.CreateApproval(ctx, a); err != nil {
						return err
					}
				}
			}
		}
		for range 250 {
			if err := s.Audit.Record(ctx, tx, audit.Entry{
				Kind: account.EventUserDisabled, Actor: account.ActorStaff, UserID: client.ID, Details: account.EventDetails{Agent: users[r.IntN(30)].ID}, At: now, Reason: r.text(account.ReasonMax),
			}); err != nil {
				return err
			}
			if err := tx.AddMail(ctx, account.Mail{Kind: account.MailVerifyEmail, UserID: client.ID, Email: r.email(), Language: "ar", CreatedAt: now, Failure: "552 full", Attempts: 20}); err != nil {
				return err
			}
			n := account.Note{UserID: client.ID, AuthorID: users[r.IntN(30)].ID, Text: r.text(account.NoteMax), CreatedAt: now}
			if err := tx.AddNote(ctx, &n); err != nil {
				return err
			}
		}
		for range 100 {
			if err := tx.CreateSession(ctx, account.Session{ID: token.NewID(), UserID: client.ID, CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(time.Hour), IP: r.latin(39), UserAgent: r.text(200), RefreshID: token.NewID(), RefreshAt: now}); err != nil {
				return err
			}
		}
		for _, u := range users { // the newest of all are about many
			if err := s.Audit.Record(ctx, tx, audit.Entry{
				Kind: account.EventUserDisabled, Actor: account.ActorStaff, UserID: u.ID, Details: account.EventDetails{Agent: users[r.IntN(30)].ID}, At: now, Reason: r.text(account.ReasonMax),
			}); err != nil {
				return err
			}
			if err := tx.AddMail(ctx, account.Mail{Kind: account.MailVerifyEmail, UserID: u.ID, Email: u.Email, Language: "ar", CreatedAt: now, Failure: "552 full", Attempts: 20}); err != nil {
				return err
			}
		}
		return nil
	})
	return client
}

// TestPagesAreSmall: every page that docs/console.md shows, and every tab of a
// client, in each language, with the longest lists and texts that there can be,
// with style and scripts, as sent.
func TestPagesAreSmall(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, twoPersons)
	for i := range 120 {
		s.system.Settings = append(s.system.Settings, console.Setting{Name: fmt.Sprintf("YOOZAK_SETTING_NUMBER_%d", i), Value: strings.Repeat(strconv.Itoa(i), 30), Group: strconv.Itoa(i / 10), Given: i%2 == 0})
	}
	s.system.Migrations = s.Store.Migrations
	s.system.Look = func(context.Context) (found []console.Finding) {
		for i := range 12 {
			found = append(found, console.Finding{Check: "files", Level: "bad", Key: "console.doctor.files.open", Args: map[string]any{"path": fmt.Sprintf("/etc/yoozak/secret-number-%d", i), "mode": "0644", "command": fmt.Sprintf("chmod o= /etc/yoozak/secret-number-%d", i)}})
		}
		return found
	}
	s.serve(t)
	empty := onSQLite(t)
	empty.opensSetup(t)
	b, _ := s.works(t, "nadia", account.Owner)
	r := scribbler{rand.New(rand.NewPCG(1, 2))}
	for range 50 {
		a := b.send(t, "/console/services", "name", r.latin(64), "audience", "https://"+r.latin(100), "scope_introspect", "true", "scope_revoke", "true")
		if a.status != http.StatusOK {
			t.Fatalf("a service: %d\n%s", a.status, a.text())
		}
	}
	for range 20 {
		a := b.send(t, "/console/webhooks", "url", "https://boutique.example/"+r.latin(200))
		if a.status != http.StatusOK {
			t.Fatalf("a webhook: %d\n%s", a.status, a.text())
		}
	}
	client := fill(t, s, r)
	hooks, err := s.Store.Webhooks(t.Context())
	if err != nil || len(hooks) == 0 {
		t.Fatalf("%d webhooks; %v", len(hooks), err)
	}
	hook := hooks[0].ID
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		for i := range 60 {
			if _, err := tx.AddDelivery(ctx, account.Delivery{WebhookID: hook, MessageID: token.NewID(), Type: account.WebhookTypes()[i%3], UserID: client.ID + int64(i), At: s.Clock.Now(), State: account.DeliveryGivenUp, Attempts: i, Status: 500 + i}); err != nil {
				return err
			}
		}
		return nil
	})
	waits, err := s.Store.Approvals(t.Context(), 1)
	if err != nil || len(waits) != 1 {
		t.Fatalf("%d approvals; %v", len(waits), err)
	}
	pages := map[string]string{
		"overview": "", "clients": "clients", "ticked": "clients?is_active=true&language=ar&verified=false", "client": at(client, ""), "disable": at(client, "/disable"), "events": "events", "mails": "mails",
		"notes": at(client, "/notes"), "edit": at(client, "/edit"), "staff": "staff", "bulk": "clients/bulk/disable?all=1", "export": "clients/export?all=1", "approvals": "approvals", "approval": "approvals/" + waits[0].ID,
		"keys": "keys", "services": "services", "webhooks": "webhooks", "webhook": "webhooks/" + hook, "system": "system", "setup": "setup", "login": "login",
	}
	docs, err := os.ReadFile("../../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`images/console/(\w+)-1280-light\.en\.png`).FindAllStringSubmatch(string(docs), -1)
	for _, m := range shown {
		if _, known := pages[m[1]]; !known {
			t.Errorf("docs/console.md shows a page %q that is not measured", m[1])
		}
	}
	if len(shown) < 20 {
		t.Errorf("docs/console.md shows %d pages", len(shown))
	}
	for _, tab := range []string{"sessions", "events", "mails", "factors"} {
		pages["client "+tab] = at(client, "/"+tab)
	}
	files := 0
	for _, name := range []string{"style.css", "console.js", "htmx.js", "favicon.svg"} {
		a := b.open(t, "/console/"+name)
		if a.status != http.StatusOK || a.header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: %d", name, a.status)
		}
		files += a.sent
	}
	t.Logf("files %d bytes", files)
	for name, path := range pages {
		for _, lang := range []string{"fr", "en", "ar"} {
			who := b
			if name == "login" || name == "setup" {
				who = empty.browser()
			}
			who.lang = lang
			a := who.open(t, "/console/"+strings.TrimPrefix(path, "/console/"))
			if a.status != http.StatusOK {
				t.Errorf("%s: %d\n%s", name, a.status, a.text())
			}
			scripts := slices.Compact(slices.Sorted(slices.Values(regexp.MustCompile(`src="[./]+\w+\.js\?`).FindAllString(a.body, -1))))
			if files+a.sent > mostSent || len(scripts) != 2 {
				t.Errorf("%s in %s: %d bytes and %d of files, %d too many; %v", name, lang, a.sent, files, files+a.sent-mostSent, scripts)
			}
			t.Logf("%s in %s: %d bytes, %d before compression", name, lang, a.sent, len(a.body))
		}
	}
}
