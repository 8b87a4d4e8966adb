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

// Finding is what was found by a check, in English, for the terminal and for
// programs; and what says it in another language.
type Finding struct {
	Check  string `json:"check"` // schema, write, clock, keys, chain, mail, backup, disk, files, settings
	Level  Level  `json:"level"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"` // empty: there is nothing to do

	Key  string `json:"-"` // of its texts, see [Kind]; empty: it has English alone
	Args Args   `json:"-"`
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
	apartMost   = 5 * time.Second
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

func (o Options) schema(ctx context.Context) Finding {
	switch err := o.Store.CheckSchema(ctx); {
	case errors.Is(err, store.ErrSchema):
		return schemaBad.found(Args{"error": err.Error(), "command": "yoozak migrate"})
	case errors.Is(err, account.ErrUnavailable):
		return failed("schema", err)
	case err != nil: // it is newer
		return schemaNewer.found(Args{"error": err.Error()})
	}
	return schemaGood.found(nil)
}

// write sees whether a change gets through, and compares clocks on the way.
func (o Options) write(ctx context.Context) []Finding {
	err := o.Store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		_, err := tx.LockEventChain(ctx) // writes what is there
		return err
	})
	switch {
	case errors.Is(err, store.ErrReadOnly):
		return []Finding{readOnly.found(Args{"setting": "YOOZAK_DATABASE_URL"})}
	case errors.Is(err, account.ErrUnavailable):
		return []Finding{writeRefused.found(Args{"error": err.Error()})}
	case err != nil:
		return []Finding{failed("write", err)}
	}
	found := []Finding{writeGood.found(nil)}
	database, err := o.Store.Time(ctx)
	if err != nil {
		return append(found, failed("clock", err))
	}
	if database.IsZero() { // SQLite has no clock of its own
		return found
	}
	if apart := database.Sub(o.Now()).Abs(); apart > apartMost {
		return append(found, clockApart.found(Args{"apart": apart.Round(time.Second).String(), "command": "timedatectl set-ntp true"}))
	}
	return append(found, clockGood.found(nil))
}

func (o Options) keys(ctx context.Context) []Finding {
	if o.Symmetric {
		return []Finding{keysSymmetric.found(Args{"algorithm": "HS256", "setting": "YOOZAK_JWT_ALGORITHM=ES256", "document": keysDocument})}
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
		found = append(found, keysNone.found(nil))
	case age > max(oldKey, 2*o.KeyRotation):
		found = append(found, keysOld.found(Args{"n": days(age), "command": "yoozak key rotate", "setting": "YOOZAK_KEY_ROTATION"}))
	case days(age) == 0:
		found = append(found, keysNew.found(nil))
	default:
		found = append(found, keysGood.found(Args{"n": days(age)}))
	}
	if !o.Encrypted {
		found = append(found, keysClear.found(Args{"setting": "YOOZAK_ENCRYPTION_KEY", "document": keysDocument}))
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
		return []Finding{chainWaits.found(Args{"n": waiting.Count, "since": waiting.Oldest, "log": `"seal events"`})}
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
		return []Finding{chainBroken.found(Args{"problem": report.Problem, "document": "docs/events.md", "command": "yoozak events verify"})}
	}
	return []Finding{chainGood.found(nil)}
}

// keysDocument is where keys are explained.
const keysDocument = "docs/keys.md"

func days(age time.Duration) int { return int(age.Hours() / 24) }

func cause(err error) error {
	if err == nil {
		return errors.New("an event is missing")
	}
	return err
}

func (o Options) mail(ctx context.Context) []Finding {
	var found []Finding
	if !o.MailsLeave {
		found = append(found, mailFolder.found(Args{"smtp": "YOOZAK_SMTP_URL", "from": "YOOZAK_MAIL_FROM", "public": "YOOZAK_PUBLIC_URL"}))
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
		late, args := mailUntried, Args{"n": waiting.Count, "since": waiting.Oldest, "command": "yoozak doctor --mail ADDRESS"}
		if why := o.why(ctx); why != "" {
			late, args["why"] = mailLate, why
		}
		found = append(found, late.found(args))
	case given > 0:
		found = append(found, mailGivenUp.found(Args{"n": given, "list": "yoozak mail list", "retry": "yoozak mail retry --all"}))
	case o.MailsLeave:
		found = append(found, mailGood.found(nil))
	}
	return found
}

// why is the newest reason for which a mail was not delivered; empty: none was
// tried.
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
	return ""
}

// backup sees when the newest was made. What makes it elsewhere has to say so:
// see docs/decisions/0038-age-of-the-backup.md.
func (o Options) backup(ctx context.Context) Finding {
	none, old, args := backupNone, backupOld, Args{"command": "yoozak backup FILE", "document": "docs/backup.md"}
	if o.Database == "" {
		none, old, args["command"], args["dump"] = backupNoneElsewhere, backupOldElsewhere, "yoozak backup --made", "pg_dump"
	}
	at, err := o.Store.BackedUpAt(ctx)
	switch age := o.Now().Sub(at); {
	case err != nil:
		return failed("backup", err)
	case at.IsZero():
		return none.found(args)
	case age > oldBackup:
		args["n"], args["at"] = days(age), at
		return old.found(args)
	default:
		return backupGood.found(Args{"at": at})
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
		return []Finding{diskFull.found(Args{"free": size(free)})}
	}
	return []Finding{diskGood.found(Args{"free": size(free)})}
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
		found = append(found, filesOpen.found(Args{"path": path, "mode": fmt.Sprintf("%04o", info.Mode().Perm()), "command": "chmod o= " + path}))
	}
	if found == nil {
		found = append(found, filesGood.found(nil))
	}
	return found
}
