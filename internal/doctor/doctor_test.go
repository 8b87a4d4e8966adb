package doctor_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/doctor"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// look makes every check at a time, and returns what was found by one.
func look(t *testing.T, s *authtest.Server, check string, o doctor.Options) doctor.Finding {
	t.Helper()
	o.Store, o.Audit, o.Keys = s.Store, s.Audit, s.Keys
	found := doctor.Look(t.Context(), o)
	for _, f := range found {
		if f.Level != doctor.Good && f.Remedy == "" {
			t.Errorf("nothing is said that helps against %+v", f)
		}
	}
	at := slices.IndexFunc(found, func(f doctor.Finding) bool { return f.Check == check })
	if at < 0 {
		t.Fatalf("no finding %q in %+v", check, found)
	}
	return found[at]
}

// TestAgeOfTheBackupIsFound: none, one of today, one of last week.
func TestAgeOfTheBackupIsFound(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		now := time.Now()
		sqlite := doctor.Options{Database: filepath.Join(t.TempDir(), "yoozak.db")}
		if f := look(t, s, "backup", sqlite); f.Level != doctor.Note || !strings.Contains(f.Remedy, "yoozak backup FILE") {
			t.Errorf("without a backup: %+v", f)
		}
		if f := look(t, s, "backup", doctor.Options{}); f.Level != doctor.Note || !strings.Contains(f.Remedy, "yoozak backup --made") {
			t.Errorf("without a backup of PostgreSQL: %+v", f)
		}
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.SetBackedUpAt(ctx, now.Add(-time.Hour)) })
		if f := look(t, s, "backup", sqlite); f.Level != doctor.Good {
			t.Errorf("an hour after a backup: %+v", f)
		}
		lastWeek := doctor.Options{Database: sqlite.Database, Now: func() time.Time { return now.Add(7 * 24 * time.Hour) }}
		if f := look(t, s, "backup", lastWeek); f.Level != doctor.Bad || !strings.Contains(f.Text, "7 days old") {
			t.Errorf("a week after a backup: %+v", f)
		}
	})
}

// TestSchemaOfANewerProgramIsNotToBeMigrated: this program cannot.
func TestSchemaOfANewerProgramIsNotToBeMigrated(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := authtest.New(t, storetest.Open(t, url))
		if f := look(t, s, "schema", doctor.Options{}); f.Level != doctor.Good {
			t.Errorf("%+v", f)
		}
		driver, source := "pgx", url
		if path, is := strings.CutPrefix(url, "sqlite:"); is {
			driver, source = "sqlite", path
		}
		db, err := sql.Open(driver, source)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() //nolint:errcheck // the test is over
		if _, err := db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`); err != nil {
			t.Fatal(err)
		}
		if s.Store, err = store.Open(t.Context(), url, store.Options{}); err != nil { // another program, of the same release
			t.Fatal(err)
		}
		defer s.Store.Close() //nolint:errcheck // it was read
		if f := look(t, s, "schema", doctor.Options{}); f.Level != doctor.Bad || !strings.Contains(f.Text, "9999") || strings.Contains(f.Remedy, "migrate") {
			t.Errorf("%+v", f)
		}
	})
}

// TestFileThatOthersMayReadIsFound, whoever named it.
func TestFileThatOthersMayReadIsFound(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		secret := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(secret, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if f := look(t, s, "files", doctor.Options{Secrets: []string{secret}}); f.Level != doctor.Good {
			t.Errorf("a file of its owner's: %+v", f)
		}
		if err := os.Chmod(secret, 0o644); err != nil {
			t.Fatal(err)
		}
		if f := look(t, s, "files", doctor.Options{Secrets: []string{secret}}); f.Level != doctor.Bad || f.Remedy != "chmod o= "+secret {
			t.Errorf("a file of everybody's: %+v", f)
		}
	})
}
