package model

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
)

// Links are written so that they can be read from the text of a mail.
const linkStart = "https://yoozak.example/"

func linkURL(kind account.ChallengeKind, token, _ string) string {
	return linkStart + string(kind) + "/" + token
}

var linkInMail = regexp.MustCompile(regexp.QuoteMeta(linkStart) + `([a-z-]+)/([\w-]+)`)

func tokenHash(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// mailboxes are an SMTP server, one of whose addresses may not be reached for
// now: greylisting and full mailboxes are everyday life.
type mailboxes struct {
	*smtptest.Server
	mu   sync.Mutex
	down string // the key of an address, or empty
}

func newMailboxes(t *testing.T) *mailboxes {
	b := &mailboxes{Server: smtptest.Start(t, smtptest.Options{})}
	b.Judge(func(to string, _ int) smtptest.Verdict {
		if to != "" && key(to) == b.unreached() {
			return smtptest.Verdict{Rcpt: 451}
		}
		return smtptest.Verdict{}
	})
	return b
}

func (b *mailboxes) unreached() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.down
}

func (b *mailboxes) reachAllBut(email string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = key(email)
}

// openMails opens the database beside the store, which has no list of what is
// owed alone: a life's mails that were delivered are many.
func openMails(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, source := "pgx", url
	if path, is := strings.CutPrefix(url, "sqlite:"); is {
		driver, source = "sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(10000)&_time_integer_format=unix_micro&_inttotime=1"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// waiting are the mails that are owed.
func (l *life) waiting(rt *rapid.T) (all []account.Mail) {
	rows, err := l.mails.QueryContext(context.Background(), `SELECT id, email, due_at, COALESCE(delay_key, '') FROM mails WHERE due_at IS NOT NULL`)
	if err != nil {
		rt.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err says it
	for rows.Next() {
		var m account.Mail
		if err := rows.Scan(&m.ID, &m.Email, &m.DueAt, &m.DelayKey); err != nil {
			rt.Fatal(err)
		}
		all = append(all, m)
	}
	if err := rows.Err(); err != nil {
		rt.Fatal(err)
	}
	return all
}

// forgetsMails removes those of the lives before: all mails are read after
// each act, and to read what hundreds of lives left would take most of the time.
func (l *life) forgetsMails(rt *rapid.T) {
	for n := int64(-1); n != 0; {
		err := l.rows.Tx(context.Background(), func(ctx context.Context, tx *store.Store) (err error) {
			n, err = tx.DeleteMails(ctx, l.now().Add(time.Second), l.now().Add(time.Second), 1000)
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
	}
}

// A server that delivers a mail has it until one of these, unlike any wait
// for another attempt.
const (
	lease     = 6 * time.Minute
	longLease = 20 * time.Minute
)

// settle waits until the outbox has nothing but what could not be delivered.
func (l *life) settle(rt *rapid.T) {
	underWay := func(m account.Mail) bool {
		wait := m.DueAt.Sub(l.now())
		claimed := wait <= 0 || wait == lease || wait == longLease
		return claimed || m.DelayKey == "" && key(m.Email) != l.mailboxes.unreached()
	}
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if !slices.ContainsFunc(l.waiting(rt), underWay) {
			return
		}
	}
	rt.Fatal("mails are still under way")
}

// mailed reads what lies in the mailboxes, and empties them.
func (l *life) mailed(rt *rapid.T) []message {
	var mails []message
	for _, m := range l.mailboxes.Take() {
		got := message{to: key(m.To)}
		for _, found := range linkInMail.FindAllStringSubmatch(m.Text, -1) {
			k := &link{kind: kind(found[1]), raw: found[2]}
			c, err := l.rows.Challenge(context.Background(), account.ChallengeKind(k.kind), tokenHash(k.raw))
			if err != nil {
				rt.Fatalf("a %s link is not stored: %v", k.kind, err)
			}
			if !same(c.Email, got.to) {
				rt.Fatalf("a %s link for %s was mailed to %s", k.kind, c.Email, got.to)
			}
			k.user, k.email = &user{id: c.UserID}, c.Email
			if k.kind == undoFactorLink {
				k.factor = &factor{id: c.FactorID}
			}
			got.links = append(got.links, k)
		}
		got.digits = authtest.CodeOf(m)
		got.coded = got.digits != ""
		mails = append(mails, got)
	}
	return mails
}

// compareMails waits for what is owed and compares all that came with what
// the model says, link by link and in their order. So a mail too many, or to
// an address that nobody proved, does not go unseen.
func (l *life) compareMails(rt *rapid.T) {
	l.model.dates(l.now())
	if l.mailStops {
		return
	}
	l.settle(rt)
	got, want := l.mailed(rt), l.model.deliver(l.now(), l.mailboxes.unreached())
	byText := func(a, b message) int { return strings.Compare(a.String(), b.String()) }
	slices.SortStableFunc(got, byText)
	slices.SortStableFunc(want, byText)
	if !slices.EqualFunc(got, want, func(a, b message) bool { return a.String() == b.String() }) {
		rt.Fatalf("mailed\n%s\nin the model\n%s", lines(got), lines(want))
	}
	for i, m := range want {
		for n, k := range m.links {
			k.raw, k.email = got[i].links[n].raw, got[i].links[n].email
		}
		twin := func(other message) bool { return other.code != m.code && other.String() == m.String() }
		if m.code != nil && !slices.ContainsFunc(want, twin) { // of two alike nobody can say which is whose
			m.code.digits = got[i].digits
		}
	}
}

func lines(mails []message) string {
	text := ""
	for _, m := range mails {
		text += "\t" + m.String() + "\n"
	}
	return text
}
