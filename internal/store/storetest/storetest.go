// Package storetest opens empty, migrated stores for tests, on both engines.
package storetest

import (
	"path/filepath"
	"testing"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
)

// ForEachEngine runs a test on SQLite and on PostgreSQL, side by side.
func ForEachEngine(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	ForEachURL(t, func(t *testing.T, url string) {
		test(t, Open(t, url))
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

// SQLite is the URL of a file that does not exist yet.
func SQLite(tb testing.TB) string {
	return "sqlite:" + filepath.Join(tb.TempDir(), "yoozak.db")
}

// Open opens and migrates the database and closes it when the test ends.
func Open(tb testing.TB, url string) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), url, store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close store: %v", err)
		}
	})
	if _, err := s.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}
