package audit_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// noting has a server note the head in a file, and its log written somewhere.
func noting(file string, log *strings.Builder) authtest.Setting {
	return func(o *app.Options, _ *token.Options) {
		o.HeadFile, o.Log = file, slog.New(slog.NewTextHandler(log, nil))
	}
}

func (s noted) seal(t *testing.T) {
	t.Helper()
	s.SealAll(t)
	if err := s.Audit.NoteHead(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// noted is a server that notes the head.
type noted struct {
	*authtest.Server
	file string
	log  *strings.Builder
}

func startNoting(t *testing.T, st *store.Store, file string) noted {
	t.Helper()
	log := new(strings.Builder)
	return noted{authtest.New(t, st, noting(file, log), authtest.KeepAYear), file, log}
}

// cutBack takes the newest events away, as an older database does not have
// them.
func cutBack(t *testing.T, db *sql.DB, seq string) {
	t.Helper()
	authtest.Execute(t, db, `DELETE FROM events WHERE seq > `+seq+` OR seq IS NULL`,
		`UPDATE event_chain SET seq = `+seq+`, hash = (SELECT hash FROM events WHERE seq = `+seq+`)`)
}

// TestOlderDatabaseIsNotServedUntilItIsDeclared: a backup that was put back.
func TestOlderDatabaseIsNotServedUntilItIsDeclared(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		file := filepath.Join(t.TempDir(), "noted.head")
		st := storetest.Open(t, url)
		s := startNoting(t, st, file)
		if err := s.Audit.CheckHead(t.Context()); err != nil || s.log.Len() > 0 {
			t.Fatalf("a new database: %v, %s", err, s.log)
		}
		s.SignUp(t, "amina") // 1 and 2 are keys, 3 her registration
		s.seal(t)
		written, err := os.Stat(file)
		if err != nil || written.Mode() != 0o600 {
			t.Fatalf("%v, %v", written, err)
		}
		s.seal(t)
		if again, err := os.Stat(file); err != nil || !os.SameFile(written, again) {
			t.Errorf("the file was written again, though nothing happened: %v", err)
		}
		s.SignUp(t, "badr")
		s.seal(t)
		if err := startNoting(t, st, file).Audit.CheckHead(t.Context()); err != nil {
			t.Errorf("the same database: %v", err)
		}
		db := authtest.OpenRaw(t, url)
		cutBack(t, db, "3")

		again := startNoting(t, st, file)
		again.Clock.Advance(time.Minute)
		var older *audit.OlderError
		err = again.Audit.CheckHead(t.Context())
		if !errors.As(err, &older) || !strings.Contains(err.Error(), "end at number 3, and number 4 was noted at 2026-06-05 12:56:56 UTC") || !strings.Contains(err.Error(), "yoozak restored") || !strings.Contains(err.Error(), file) {
			t.Fatalf("an older database: %v", err)
		}
		again.SignUp(t, "chama") // by another server, without a note
		again.SealAll(t)
		err = startNoting(t, st, file).Audit.CheckHead(t.Context())
		if !errors.As(err, &older) || !strings.Contains(err.Error(), "number 4 is another") {
			t.Fatalf("an older database that went on: %v", err)
		}
		if _, err := again.Staff.Restored(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		declared := startNoting(t, st, file)
		declared.Clock.Advance(2 * time.Minute)
		if err := declared.Audit.CheckHead(t.Context()); err != nil {
			t.Fatalf("after it was declared: %v", err)
		}
		declared.seal(t)
		if err := startNoting(t, st, file).Audit.CheckHead(t.Context()); err != nil {
			t.Errorf("the next start: %v", err)
		}
		// What was declared once is not declared for ever.
		cutBack(t, db, "4")
		if err := startNoting(t, st, file).Audit.CheckHead(t.Context()); !errors.As(err, &older) {
			t.Errorf("put back again: %v", err)
		}
	})
}

// TestDeclarationIsNotToldByAClock: what a wrong one showed when a head was
// noted, or when a restore was declared, neither keeps a server out nor lets
// an older database in.
func TestDeclarationIsNotToldByAClock(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		file := filepath.Join(t.TempDir(), "noted.head")
		st, db := storetest.Open(t, url), authtest.OpenRaw(t, url)
		const year = 365 * 24 * time.Hour
		// start is a server whose clock is ahead.
		start := func(ahead time.Duration) noted {
			s := startNoting(t, st, file)
			s.Clock.Advance(ahead)
			return s
		}
		ahead := start(year)
		ahead.SignUp(t, "amina")
		ahead.seal(t) // 3
		ahead.SignUp(t, "badr")
		ahead.seal(t)
		cutBack(t, db, "3")
		var older *audit.OlderError
		right := start(0)
		if err := right.Audit.CheckHead(t.Context()); !errors.As(err, &older) {
			t.Fatalf("an older database: %v", err)
		}
		if _, err := right.Staff.Restored(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if err := right.Audit.CheckHead(t.Context()); err != nil {
			t.Fatalf("declared, and noted by a clock that was ahead: %v", err)
		}
		right.seal(t)

		if _, err := start(year).Staff.Restored(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		right.seal(t)
		right.SignUp(t, "chama")
		right.seal(t)
		cutBack(t, db, "5")
		if err := start(0).Audit.CheckHead(t.Context()); !errors.As(err, &older) {
			t.Errorf("an older database, the one before it declared by a clock that was ahead: %v", err)
		}
	})
}

// TestOlderDatabaseUnderARunningServerIsNotNoted: the next start refuses it.
func TestOlderDatabaseUnderARunningServerIsNotNoted(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		file := filepath.Join(t.TempDir(), "noted.head")
		st := storetest.Open(t, url)
		s := startNoting(t, st, file)
		s.SignUp(t, "amina")
		s.seal(t)
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cutBack(t, authtest.OpenRaw(t, url), "2")
		for range 3 {
			s.seal(t)
		}
		if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
			t.Errorf("%s\nwas %s, %v", after, before, err)
		}
		if strings.Count(s.log.String(), "level=ERROR") != 1 {
			t.Errorf("the log has:\n%s", s.log)
		}
	})
}

// TestEventsThatWereRemovedForTheirAgeAreNoOlderDatabase.
func TestEventsThatWereRemovedForTheirAgeAreNoOlderDatabase(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		folder := t.TempDir()
		long, short := filepath.Join(folder, "long.head"), filepath.Join(folder, "short.head")
		s := startNoting(t, st, long)
		s.SignUp(t, "amina")
		s.seal(t) // number 3, noted by a server that is then stopped for years
		s.SignUp(t, "badr")
		brief := startNoting(t, st, short)
		brief.seal(t) // number 4, which will be the last that was removed
		s.Clock.Advance(2 * 365 * 24 * time.Hour)
		s.SweepAll(t)
		s.SealAll(t)
		if r := s.Verified(t, store.EventHead{}); r.Removed.Seq != 4 {
			t.Fatalf("%+v", r)
		}
		for _, file := range []string{long, short} {
			if err := startNoting(t, st, file).Audit.CheckHead(t.Context()); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	})
}

// cutOff has a standby follow no longer.
func cutOff(t *testing.T, followed, standby *pgtest.Cluster) {
	t.Helper()
	standby.Exec(t, "ALTER SYSTEM SET primary_conninfo = ''")
	standby.Exec(t, "SELECT pg_reload_conf()")
	db := authtest.OpenSQL(t, followed.URL("postgres"))
	authtest.Eventually(t, func() bool {
		var following int
		err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_replication`).Scan(&following)
		return err == nil && following == 0
	})
}

// TestStartOnAStandbyIsCheckedWhenItIsPromoted: until then, and until it is, the
// server changes nothing. What lacks no more than a promotion may goes on, what
// lacks more is an older database, which nothing is written into.
func TestStartOnAStandbyIsCheckedWhenItIsPromoted(t *testing.T) {
	t.Parallel()
	first := pgtest.StartOwn(t)
	first.Exec(t, "CREATE DATABASE y")
	folder := t.TempDir()
	near, far := filepath.Join(folder, "near.head"), filepath.Join(folder, "far.head")
	s := startNoting(t, storetest.Open(t, first.URL("y")), near)
	s.SignUp(t, "amina")
	s.seal(t)
	second := first.Standby(t)
	cutOff(t, first, second)
	s.SignUp(t, "badr") // the standby lacks this
	s.seal(t)
	notes, err := os.ReadFile(near)
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(2 * time.Minute)
	s.SignUp(t, "chama") // and this, two minutes later
	s.seal(t)
	if err := errors.Join(os.Rename(near, far), os.WriteFile(near, notes, 0o600)); err != nil {
		t.Fatal(err)
	}
	first.Kill()

	change := func(st *store.Store) error {
		return st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			return tx.AddMail(ctx, account.Mail{Kind: account.MailOperatorMails, Email: "ops@yoozak.ma", CreatedAt: s.Clock.Now()})
		})
	}
	start := func(file string) noted {
		t.Helper()
		st, err := store.Open(t.Context(), second.URL("y"), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		n := startNoting(t, st, file)
		if err := n.Audit.CheckHead(t.Context()); err != nil {
			t.Fatalf("on the standby: %v", err)
		}
		return n
	}
	little, much := start(near), start(far)
	held := func(when string) {
		t.Helper()
		for _, n := range []noted{little, much} {
			if err := change(n.Store); !errors.Is(err, account.ErrUnavailable) || !errors.Is(err, store.ErrReadOnly) {
				t.Errorf("%s, %s: a change: %v", when, n.file, err)
			}
		}
	}
	for _, n := range []noted{little, much} {
		if err := n.Audit.NoteHead(t.Context()); err != nil {
			t.Errorf("on the standby: %v", err)
		}
	}
	held("on the standby")
	second.Exec(t, "SELECT pg_promote()")
	held("after the promotion, before the look")
	if err := little.Audit.NoteHead(t.Context()); err != nil {
		t.Errorf("a second is missing: %v", err)
	}
	if err := change(little.Store); err != nil {
		t.Errorf("after the look: %v", err)
	}
	if kinds := little.EventKinds(t); kinds[account.EventEventsLost] != 1 {
		t.Errorf("events %v", kinds)
	}
	for range 2 { // it does not get used to it
		var older *audit.OlderError
		if err := much.Audit.NoteHead(t.Context()); !errors.As(err, &older) || !strings.Contains(err.Error(), "yoozak restored") {
			t.Errorf("two minutes are missing: %v", err)
		}
		if err := change(much.Store); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("into an older database: %v", err)
		}
	}
	if _, err := much.Staff.Restored(t.Context(), 1); !errors.Is(err, store.ErrReadOnly) { // that is another process's
		t.Errorf("%v", err)
	}
	if _, err := little.Staff.Restored(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(much.Audit.NoteHead(t.Context()), change(much.Store)); err != nil {
		t.Errorf("after it was declared: %v", err)
	}
}

// TestNoteThatIsMissingDamagedOrCannotBeWritten: only what is there and cannot
// be read stops a start.
func TestNoteThatIsMissingDamagedOrCannotBeWritten(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	st := storetest.Open(t, storetest.SQLite(t))
	s := startNoting(t, st, filepath.Join(folder, "missing.head"))
	s.SignUp(t, "amina")
	s.SealAll(t)
	if err := s.Audit.CheckHead(t.Context()); err != nil || strings.Count(s.log.String(), "level=WARN") != 1 || !strings.Contains(s.log.String(), "yoozak restored") {
		t.Errorf("no file: %v\n%s", err, s.log)
	}
	for name, text := range map[string]string{
		"empty": "", "no JSON": "3:00", "no list": "{}", "no head": `[{"head":"x"}]`, "nothing": "[]", "long": strings.Repeat(" ", 2<<20),
	} {
		file := filepath.Join(folder, "damaged.head")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := startNoting(t, st, file).Audit.CheckHead(t.Context()); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("%s: %v", name, err)
		}
	}
	blocked := filepath.Join(folder, "no-folder")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s = startNoting(t, st, filepath.Join(blocked, "y.head"))
	for range 3 {
		s.seal(t)
	}
	if strings.Count(s.log.String(), "level=WARN") != 1 || !strings.Contains(s.log.String(), "cannot be noted") {
		t.Errorf("a folder that cannot be written:\n%s", s.log)
	}
	if err := errors.Join(os.Remove(blocked), os.Mkdir(blocked, 0o700)); err != nil {
		t.Fatal(err)
	}
	s.seal(t)
	if _, err := os.Stat(filepath.Join(blocked, "y.head")); err != nil {
		t.Errorf("once it can be written: %v", err)
	}
	off := startNoting(t, st, "")
	if err := errors.Join(off.Audit.CheckHead(t.Context()), off.Audit.NoteHead(t.Context())); err != nil || off.log.Len() > 0 {
		t.Errorf("off: %v, %s", err, off.log)
	}
}

// TestWhatAKilledServerLeftBesideTheNoteIsRemoved, and what another writes now
// is not.
func TestWhatAKilledServerLeftBesideTheNoteIsRemoved(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "y.head")
	for _, name := range []string{file + ".tmp1", file + ".tmp2"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(file+".tmp1", time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	s := startNoting(t, storetest.Open(t, storetest.SQLite(t)), file)
	if err := s.Audit.CheckHead(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.SignUp(t, "amina")
	s.seal(t)
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 2 || entries[0].Name() != "y.head" || entries[1].Name() != "y.head.tmp2" {
		t.Errorf("%v, %v", entries, err)
	}
}
