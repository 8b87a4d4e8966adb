package console_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestMailsThatStay: nobody is told by the state of a mail that was written to a
// folder that somebody got it.
func TestMailsThatStay(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "salma", account.Manager)
	u, now := s.has(t, "amina", "Amina", "Alaoui"), s.Clock.Now()
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		if err := tx.AddMail(ctx, account.Mail{Kind: account.MailAccountDisabled, UserID: u.ID, Email: u.Email, Language: "fr", CreatedAt: now}); err != nil {
			return err
		}
		claimed, err := tx.ClaimMails(ctx, 9, "lease", now.Add(time.Second), now.Add(time.Minute))
		for _, m := range claimed {
			err = errors.Join(err, tx.FinishMail(ctx, m.ID, "lease", now, time.Time{}, ""))
		}
		return err
	})
	for _, s.folder = range []bool{false, true} {
		s.serve(t)
		for _, path := range []string{"/console/mails", at(u, "/edit"), at(u, "/reset"), at(u, "/disable"), at(u, "/close")} {
			if a := b.open(t, path); strings.Contains(a.text(), "personne ne les reçoit") != s.folder {
				t.Errorf("%s, in a folder: %t\n%s", path, s.folder, a.text())
			}
		}
		for path, sent := range map[string]string{"/console/mails": `<span class="badge good">Envoyé</span>`, at(u, "/mails"): `<span class="badge good">Envoyé</span>`, "/console/mails/1": "<dt>Envoyé le</dt>"} {
			if a := b.open(t, path); strings.Contains(a.body, sent) == s.folder || strings.Contains(a.text(), "Écrit") != s.folder {
				t.Errorf("%s, in a folder: %t\n%s", path, s.folder, a.body)
			}
		}
	}
}

// TestFailedMailsAreFoundBelowOthers: the queue is narrowed where it is read,
// not among its newest: a mail that failed is found below however many.
func TestFailedMailsAreFoundBelowOthers(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		now := s.Clock.Now()
		add := func(email string) {
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
				return tx.AddMail(ctx, account.Mail{Kind: account.MailAccountDisabled, Email: email, Language: "fr", CreatedAt: now})
			})
		}
		add("planted@example.ma")
		var failed account.Mail
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			claimed, err := tx.ClaimMails(ctx, 1, "lease", now.Add(time.Second), now.Add(time.Minute))
			if err != nil {
				return err
			}
			failed = claimed[0]
			return tx.FinishMail(ctx, failed.ID, "lease", time.Time{}, time.Time{}, "552 mailbox full")
		})
		for i := range 230 {
			add("other" + strconv.Itoa(i) + "@example.ma")
		}
		b, _ := s.works(t, "salma", account.Support)
		list := b.open(t, "/console/mails?state=failed")
		if !strings.Contains(list.text(), "planted@") || strings.Contains(list.text(), "other") || !strings.Contains(list.text(), "boîte pleine") {
			t.Errorf("failed:\n%s", list.text())
		}
		one := "/console/mails/" + strconv.FormatInt(failed.ID, 10)
		if a := b.open(t, one); a.status != http.StatusOK || !strings.Contains(a.text(), "planted@") {
			t.Errorf("one: %d\n%s", a.status, a.text())
		}
		seen, pages := 0, 0
		for path := "mails?state=waiting"; path != ""; pages++ {
			a := b.open(t, "/console/"+path)
			if a.status != http.StatusOK || strings.Contains(a.text(), "planted") {
				t.Fatalf("%s: %d\n%s", path, a.status, a.text())
			}
			if !strings.Contains(a.text(), "Réessayer 1 échec") {
				t.Errorf("%s does not say how many failed", path)
			}
			seen += strings.Count(a.body, "data-row")
			_, path, _ = strings.Cut(a.body, `rel="next" href="`)
			path, _, _ = strings.Cut(path, `"`)
			path = strings.ReplaceAll(path, "&amp;", "&")
		}
		if seen < 230 || pages != 5 {
			t.Errorf("%d mails on %d pages", seen, pages)
		}
		for _, wrong := range []string{"?state=lost", "?before=x", "?state=failed&before=-"} {
			if a := b.open(t, "/console/mails"+wrong); a.status != http.StatusBadRequest || strings.Contains(a.body, "example.ma") {
				t.Errorf("%s: %d\n%s", wrong, a.status, a.text())
			}
		}
		b.send(t, "/console/mails").leadsTo(t, "/console/mails", "/console/mails")
		if a := b.open(t, "/console/mails?state=failed"); strings.Contains(a.text(), "planted") {
			t.Error("it was not tried again")
		}
	})
}

// TestWhyAMailDidNotLeave: what the SMTP server has against the reader's address,
// and what it has against us, are told apart: nobody is asked for another
// address because ours is blocked.
func TestWhyAMailDidNotLeave(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		now := s.Clock.Now()
		failures := map[string]string{
			"the SMTP server answered 550 5.1.1 at RCPT TO":                                             "cette adresse e-mail n’existe pas",
			"the SMTP server answered 552 5.2.2 at RCPT TO":                                             "boîte pleine",
			"the SMTP server answered 554 5.7.1 at the end of the text":                                 "refusé par le destinataire",
			"the SMTP server answered 550 5.1.8 at MAIL FROM":                                           "refusé par le serveur de messagerie",
			"the SMTP server answered 554 5.7.1 at the greeting":                                        "refusé par le serveur de messagerie",
			"the SMTP server answered 535 5.7.8 at AUTH, with the user and password of YOOZAK_SMTP_URL": "refusé par le serveur de messagerie",
			"the SMTP server cannot be reached: connection refused":                                     "n’a pas répondu",
		}
		ids := map[string]int64{}
		for failure := range failures {
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
				err := tx.AddMail(ctx, account.Mail{Kind: account.MailAccountDisabled, Email: "amina@example.ma", Language: "fr", CreatedAt: now})
				if err != nil {
					return err
				}
				claimed, err := tx.ClaimMails(ctx, 1, "lease", now.Add(time.Second), now.Add(time.Minute))
				if err != nil {
					return err
				}
				ids[failure] = claimed[0].ID
				return tx.FinishMail(ctx, claimed[0].ID, "lease", time.Time{}, time.Time{}, failure)
			})
		}
		b, _ := s.works(t, "salma", account.Support)
		for failure, want := range failures {
			if page := b.open(t, "/console/mails/"+strconv.FormatInt(ids[failure], 10)).text(); !strings.Contains(page, want) {
				t.Errorf("%q does not become %q:\n%s", failure, want, page)
			}
		}
	})
}

// TestNotesAndMailsGoOn: what does not fit on a page stands on the next, each
// once.
func TestNotesAndMailsGoOn(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		u := s.has(t, "amina", "Amina", "Alaoui")
		b, m := s.works(t, "salma", account.Support)
		const mails, notes = 120, 70
		authtest.Write(t, st, func(ctx context.Context, tx *store.Store) error {
			for i := range mails {
				if err := tx.AddMail(ctx, account.Mail{Kind: account.MailInvited, UserID: u.ID, Email: fmt.Sprintf("mail-%d.@example.ma", i), Language: "fr", CreatedAt: s.Clock.Now()}); err != nil {
					return err
				}
			}
			for i := range notes {
				n := account.Note{UserID: u.ID, AuthorID: m.ID, Text: fmt.Sprintf("note-%d.", i), CreatedAt: s.Clock.Now()}
				if i < 8 { // of the oldest five fit
					n.Text += strings.Repeat("x", account.NoteMax-len(n.Text))
				}
				if err := tx.AddNote(ctx, &n); err != nil {
					return err
				}
			}
			return nil
		})
		for tab, want := range map[string]struct {
			what  string
			n     int
			pages []int
		}{
			"/mails": {"mail", mails, []int{50, 50, 20}},
			"/notes": {"note", notes, []int{50, 12 + 4, 4}},
		} {
			seen, at := map[string]int{}, at(u, tab)
			for i, n := range want.pages {
				a := b.open(t, at)
				rows := strings.Count(a.body, "<tr><th scope=\"row\"") + strings.Count(a.body, "<article")
				if rows != n {
					t.Errorf("%s, page %d: %d rows, want %d", tab, i+1, rows, n)
				}
				for _, one := range regexp.MustCompile(want.what+`-\d+`).FindAllString(a.body, -1) {
					seen[one]++
				}
				next := regexp.MustCompile(`rel="next" href="[./]*(clients/[^"]+)"`).FindStringSubmatch(a.body)
				if (next != nil) != (i < len(want.pages)-1) {
					t.Fatalf("%s, page %d leads to %v", tab, i+1, next)
				}
				if next != nil {
					at = "/console/" + html.UnescapeString(next[1])
				}
			}
			for i := range want.n {
				if n := seen[fmt.Sprintf("%s-%d", want.what, i)]; n != 1 {
					t.Errorf("%s-%d is shown %d times", want.what, i, n)
				}
			}
		}
	})
}

// TestMoreIsCurrent: at the foot of a telephone pages that have no place of their
// own there are below "More".
func TestMoreIsCurrent(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "salma", account.Support)
	for path, want := range map[string]bool{"/console/mails": true, "/console/events": false, "/console/": false} {
		if a := b.open(t, path); strings.Contains(a.body, `<summary aria-current="true">Plus`) != want {
			t.Errorf("%s:\n%s", path, a.body)
		}
	}
}
