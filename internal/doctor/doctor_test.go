package doctor_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/doctor"
	"github.com/yoozak/clients/internal/store"
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
