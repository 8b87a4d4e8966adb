// Package storetest opens empty, migrated stores for tests, on both engines.
// What they open is a copy of one that was migrated once for the test process.
package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
)

// ForEachEngine runs a test on SQLite and on PostgreSQL, side by side.
func ForEachEngine(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, Open(t, SQLite(t)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Open(t, Postgres(t)))
	})
}

// ForEachURL gives the test the URL of an empty database of each engine, for
// tests that open it more than once or start the binary.
func ForEachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, pgtest.Start(t).NewDatabase(t))
	})
}

// SQLite is the URL of a file that does not exist yet. It is in memory, where
// there is room: PostgreSQL does not wait for a disk in tests either.
func SQLite(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp(pgtest.Memory(), "yoozak")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return "sqlite:" + filepath.Join(dir, "yoozak.db")
}

// Postgres is the URL of a migrated database.
func Postgres(tb testing.TB) string {
	tb.Helper()
	template, err := postgresTemplate()
	if err != nil {
		tb.Fatal(err)
	}
	return pgtest.Start(tb).Clone(tb, template)
}

// Open opens and migrates the database and closes it when the test ends.
func Open(tb testing.TB, url string) *store.Store {
	tb.Helper()
	if path, is := strings.CutPrefix(url, "sqlite:"); is {
		if err := copyTemplate(path); err != nil {
			tb.Fatal(err)
		}
	}
	s, err := store.Open(tb.Context(), url, store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close store: %v", err)
		}
	})
	if _, err := s.Migrate(tb.Context()); err != nil { // of a copy it only reads
		tb.Fatal(err)
	}
	return s
}

// copyTemplate makes a migrated SQLite file where there is none.
func copyTemplate(path string) error {
	data, err := sqliteTemplate()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "yoozak")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it was read
	path := filepath.Join(dir, "template.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // all of it: closing it left nothing beside it
})

var postgresTemplate = sync.OnceValues(func() (string, error) {
	server, err := pgtest.Shared()
	if err != nil {
		return "", err
	}
	return server.NewTemplate(migrate)
})

func migrate(url string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return err
	}
	_, err = s.Migrate(ctx)
	return errors.Join(err, s.Close())
}
