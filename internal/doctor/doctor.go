// Package doctor looks for what is wrong with an installation, and says of each
// finding what to do. It changes nothing.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/keys"
	"github.com/yoozak/clients/internal/store"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	Good Level = "good"
	Note Level = "note" // it works, and should not stay so
	Bad  Level = "bad"  // something does not work, or soon will not
)

// Finding is what was found by a check.
type Finding struct {
	Check  string `json:"check"` // schema, write, clock, keys, chain, mail, backup, disk, files, settings
	Level  Level  `json:"level"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"` // empty: there is nothing to do
}

// Options are what a doctor looks at.
type Options struct {
	Store *store.Store
	Audit *audit.Log
	Keys  *keys.Manager

	Symmetric   bool          // HS256: there are no keys to look at
	Encrypted   bool          // keys are encrypted in the database
	KeyRotation time.Duration // zero: by command only
	MailsLeave  bool          // by SMTP, not into a folder
	Secrets     []string      // files that only their owner and group should read
	Database    string        // SQLite's file; empty: PostgreSQL
	Now         func() time.Time
}

// What is too little, too much or too late.
const (
	leastRoom   = 1 << 30 // bytes
	leastShare  = 20      // a twentieth of the disk
	lateMail    = 10 * time.Minute
	lateEvent   = 5 * time.Minute
	oldKey      = 60 * 24 * time.Hour
	clockApart  = 5 * time.Second
	oldBackup   = 48 * time.Hour // one a night, of which one may have failed
	chainLooked = 10_000         // events at the end of the chain that are verified
)

// Look makes every check. One that cannot be made is a finding, too.
func Look(ctx context.Context, o Options) []Finding {
	if o.Now == nil {
		o.Now = time.Now
	}
	found := []Finding{o.schema(ctx)}
	if found[0].Level == Bad { // the others would say the same
		return append(found, o.files()...)
	}
	found = append(found, o.write(ctx)...)
	found = append(found, o.keys(ctx)...)
	found = append(found, o.chain(ctx)...)
	found = append(found, o.mail(ctx)...)
	found = append(found, o.backup(ctx))
	return append(append(found, o.room()...), o.files()...)
}

func good(check, text string, args ...any) Finding {
	return Finding{Check: check, Level: Good, Text: fmt.Sprintf(text, args...)}
}

// failed is a check that could not be made.
func failed(check string, err error) Finding {
	return Finding{Check: check, Level: Bad, Text: "it cannot be looked at: " + err.Error(), Remedy: "see what the database's log says"}
}

func (o Options) schema(ctx context.Context) Finding {
	switch err := o.Store.CheckSchema(ctx); {
	case errors.Is(err, store.ErrSchema):
		return Finding{Check: "schema", Level: Bad, Text: err.Error(), Remedy: "a backup first, then: yoozak migrate"}
	case errors.Is(err, account.ErrUnavailable):
		return failed("schema", err)
	case err != nil: // it is newer
		return Finding{Check: "schema", Level: Bad, Text: err.Error(), Remedy: "install the package that ran last, or restore the backup of before the upgrade"}
	}
	return good("schema", "the tables are those of this program")
}

// write sees whether a change gets through, and compares clocks on the way.
func (o Options) write(ctx context.Context) []Finding {
	err := o.Store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		_, err := tx.LockEventChain(ctx) // writes what is there
		return err
	})
	switch {
	case errors.Is(err, store.ErrReadOnly):
		return []Finding{{Check: "write", Level: Bad, Text: "the database is read-only", Remedy: "YOOZAK_DATABASE_URL names a standby, or a database that protects itself: name the primary"}}
	case errors.Is(err, account.ErrUnavailable):
		return []Finding{{Check: "write", Level: Bad, Text: "the database takes no changes: " + err.Error(), Remedy: "look whether its disk is full, and whether its synchronous standby answers"}}
	case err != nil:
		return []Finding{failed("write", err)}
	}
	found := []Finding{good("write", "a change gets through")}
	database, err := o.Store.Time(ctx)
	if err != nil {
		return append(found, failed("clock", err))
	}
	if database.IsZero() { // SQLite has no clock of its own
		return found
	}
	if apart := database.Sub(o.Now()).Abs(); apart > clockApart {
		return append(found, Finding{
			Check: "clock", Level: Bad, Text: fmt.Sprintf("the clocks of this machine and of the database are %s apart", apart.Round(time.Second)),
			Remedy: "have both set by NTP (timedatectl set-ntp true)",
		})
	}
	return append(found, good("clock", "this machine and the database agree about the time"))
}

func (o Options) keys(ctx context.Context) []Finding {
	if o.Symmetric {
		return []Finding{{Check: "keys", Level: Note, Text: "tokens are signed with one secret (HS256), which every service that verifies them could sign with", Remedy: "YOOZAK_JWT_ALGORITHM=ES256 once no service needs the secret (docs/keys.md)"}}
	}
	all, err := o.Keys.List(ctx)
	if err != nil {
		return []Finding{failed("keys", err)}
	}
	var newest time.Time
	for _, k := range all {
		if !k.Revoked() && k.CreatedAt.After(newest) {
			newest = k.CreatedAt
		}
	}
	var found []Finding
	switch age := o.Now().Sub(newest); {
	case newest.IsZero():
		found = append(found, Finding{Check: "keys", Level: Note, Text: "there is no key that signs tokens yet", Remedy: "the first start of the server makes one"})
	case age > max(oldKey, 2*o.KeyRotation):
		found = append(found, Finding{Check: "keys", Level: Bad, Text: fmt.Sprintf("the newest signing key is %d days old", int(age.Hours()/24)), Remedy: "yoozak key rotate; where YOOZAK_KEY_ROTATION is not 0, the log says why the server does not"})
	default:
		found = append(found, good("keys", "the newest signing key is %d days old", int(age.Hours()/24)))
	}
	if !o.Encrypted {
		found = append(found, Finding{Check: "keys", Level: Note, Text: "private keys and secrets of authenticator apps stand in the database in clear, and in each backup", Remedy: "set YOOZAK_ENCRYPTION_KEY (docs/keys.md)"})
	}
	return found
}

// chain verifies the newest events: all of them take "yoozak events verify".
func (o Options) chain(ctx context.Context) []Finding {
	chain, err := o.Store.EventChain(ctx)
	if err != nil {
		return []Finding{failed("chain", err)}
	}
	waiting, err := o.Store.EventsWaiting(ctx)
	if err != nil {
		return []Finding{failed("chain", err)}
	}
	if waiting.Count > 0 && o.Now().Sub(waiting.Oldest) > lateEvent {
		return []Finding{{Check: "chain", Level: Bad, Text: fmt.Sprintf("%d events wait for their place in the chain, the oldest since %s", waiting.Count, waiting.Oldest.Format(time.DateTime)), Remedy: "a server that runs seals them; its log has \"seal events\" where it cannot"}}
	}
	var from store.EventHead
	if at := chain.Head.Seq - chainLooked; at > chain.Removed.Seq {
		events, err := o.Store.SealedEvents(ctx, at-1, at, 1)
		if err != nil || len(events) == 0 {
			return []Finding{failed("chain", cause(err))}
		}
		from = store.EventHead{Seq: events[0].Seq, Hash: events[0].Hash}
	}
	report, err := o.Audit.VerifyFrom(ctx, from, store.EventHead{})
	switch {
	case err != nil:
		return []Finding{failed("chain", err)}
	case report.Problem != "":
		return []Finding{{Check: "chain", Level: Bad, Text: "events were changed or removed: " + report.Problem, Remedy: "docs/events.md; yoozak events verify walks all of it"}}
	}
	return []Finding{good("chain", "the newest events are whole")}
}

func cause(err error) error {
	if err == nil {
		return errors.New("an event is missing")
	}
	return err
}

func (o Options) mail(ctx context.Context) []Finding {
	var found []Finding
	if !o.MailsLeave {
		found = append(found, Finding{Check: "mail", Level: Note, Text: "mails are written to a folder: nobody gets them", Remedy: "set YOOZAK_SMTP_URL, YOOZAK_MAIL_FROM and YOOZAK_PUBLIC_URL"})
	}
	waiting, err := o.Store.MailsWaiting(ctx)
	if err != nil {
		return append(found, failed("mail", err))
	}
	given, err := o.Store.CountFailedMails(ctx)
	switch {
	case err != nil:
		return append(found, failed("mail", err))
	case waiting.Count > 0 && o.Now().Sub(waiting.Oldest) > lateMail:
		found = append(found, Finding{Check: "mail", Level: Bad, Text: fmt.Sprintf("%s, the oldest since %s: %s", count(waiting.Count, "mail waits", "mails wait"), waiting.Oldest.Format(time.DateTime), o.why(ctx)), Remedy: "yoozak doctor --mail ADDRESS tries the settings; does a server run?"})
	case given > 0:
		found = append(found, Finding{Check: "mail", Level: Note, Text: count(given, "mail was", "mails were") + " given up in the last 30 days", Remedy: "yoozak mail list says why, yoozak mail retry --all tries again"})
	case o.MailsLeave:
		found = append(found, good("mail", "no mail waits for long"))
	}
	return found
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// why is the newest reason for which a mail was not delivered.
func (o Options) why(ctx context.Context) string {
	mails, err := o.Store.Mails(ctx, 1000)
	if err != nil {
		return err.Error()
	}
	for _, m := range mails {
		if !m.DueAt.IsZero() && m.Failure != "" {
			return m.Failure
		}
	}
	return "none of them was tried"
}

// backup sees when the newest was made. What makes it elsewhere has to say so:
// see docs/decisions/0038-age-of-the-backup.md.
func (o Options) backup(ctx context.Context) Finding {
	remedy := "every night: yoozak backup FILE (docs/backup.md)"
	if o.Database == "" {
		remedy = "every night: pg_dump, and then yoozak backup --made, which notes the time (docs/backup.md)"
	}
	at, err := o.Store.BackedUpAt(ctx)
	switch age := o.Now().Sub(at); {
	case err != nil:
		return failed("backup", err)
	case at.IsZero():
		return Finding{Check: "backup", Level: Note, Text: "no backup was ever noted", Remedy: remedy}
	case age > oldBackup:
		return Finding{Check: "backup", Level: Bad, Text: fmt.Sprintf("the newest backup is %d days old, of %s", int(age.Hours()/24), at.Format(time.DateTime)), Remedy: remedy}
	default:
		return good("backup", "the newest backup is of %s", at.Format(time.DateTime))
	}
}

func (o Options) room() []Finding {
	if o.Database == "" {
		return nil // PostgreSQL's disk is not ours
	}
	free, all, known := store.DiskSpace(filepath.Dir(o.Database))
	switch {
	case !known:
		return nil
	case free < leastRoom || free < all/leastShare:
		return []Finding{{Check: "disk", Level: Bad, Text: fmt.Sprintf("%d MiB are free where the database is", free>>20), Remedy: "make room: on a full disk nobody can log in"}}
	}
	return []Finding{good("disk", "%d MiB are free where the database is", free>>20)}
}

// files looks at who may read what is secret.
func (o Options) files() []Finding {
	var found []Finding
	for _, path := range append([]string{o.Database}, o.Secrets...) {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o007 == 0 {
			continue // one that is not there is another check's
		}
		found = append(found, Finding{Check: "files", Level: Bad, Text: fmt.Sprintf("every user of this machine may read %s (mode %04o)", path, info.Mode().Perm()), Remedy: "chmod o= " + path})
	}
	if found == nil {
		found = append(found, good("files", "nobody else may read the database and the files of secrets"))
	}
	return found
}
