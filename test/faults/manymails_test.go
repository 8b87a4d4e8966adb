package faults

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// manyMails go out in manyMailsTime on a machine that does nothing else (a busy
// one gets four times as long, and the log says how long it took), over TLS to a server that wants a password,
// by as many workers as a person sets who has that many to send.
const (
	manyMails     = 100_000
	manyMailsTime = 5 * time.Minute
	manyWorkers   = 32
)

// TestManyMailsLeaveInTime: a link to choose another password for each of
// 4,000 people (100,000 in make test-long), over few connections, and to nobody
// twice.
func TestManyMailsLeaveInTime(t *testing.T) {
	for engine, newURL := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "yoozak.db") },
		"postgres": func(t *testing.T) string { return pgtest.StartOwn(t).NewDatabase(t) },
	} {
		t.Run(engine, func(t *testing.T) { // one after the other: each is to have the machine
			total := yoozaktest.Long(4000, manyMails)
			url := newURL(t)
			yoozak(t, url, "migrate")
			oweResets(t, url, total)
			smtp, env := post(t)
			began := time.Now()
			s := yoozaktest.Start(t, append(env, "YOOZAK_DATABASE_URL="+url, fmt.Sprint("YOOZAK_MAIL_WORKERS=", manyWorkers))...)
			got := map[string]bool{}
			for deadline := began.Add(4 * manyMailsTime); len(got) < total; time.Sleep(50 * time.Millisecond) {
				for _, m := range smtp.Take() {
					switch {
					case got[m.To]:
						t.Errorf("%s got two", m.To)
					case !strings.Contains(m.Text, "https://clients.yoozak.ma/account/reset-password"):
						t.Errorf("%s got no link:\n%s", m.To, m.Text)
					}
					got[m.To] = true
				}
				if time.Now().After(deadline) {
					t.Fatalf("%d of %d mails after %v\n%s", len(got), total, time.Since(began), s.Output)
				}
			}
			took := time.Since(began)
			t.Logf("%d mails in %v, the start included: %.0f a second, over %d connections", total, took.Round(time.Millisecond), float64(total)/took.Seconds(), smtp.Logins())
			if most := total/100 + 2*manyWorkers; smtp.Logins() > most { // a hundred mails each
				t.Errorf("%d connections, want %d or fewer", smtp.Logins(), most)
			}
		})
	}
}

// oweResets makes people, each of whom is owed a mail.
func oweResets(t *testing.T, url string, total int) {
	t.Helper()
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // what was written is committed
	now := time.Now().UTC()
	const most = 25 // in a transaction, which has its time on a busy machine, too
	for first := 0; first < total; first += most {
		err := st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			for n := first; n < min(first+most, total); n++ {
				u := account.User{Username: fmt.Sprintf("user%d", n), Email: address(n), Language: "fr", Active: true, JoinedAt: now, EmailVerifiedAt: now}
				if err := tx.CreateUser(ctx, &u); err != nil {
					return err
				}
				err := tx.AddMail(ctx, account.Mail{
					Kind: account.MailResetPassword, UserID: u.ID, Email: u.Email, Language: u.Language, CreatedAt: now,
					Details: account.MailDetails{Username: u.Username, Verified: true},
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
