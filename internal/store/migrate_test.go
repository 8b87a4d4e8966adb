package store_test

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// neverUsed are numbers that no migration has and none may get: a database
// that has had a later one would refuse it.
var neverUsed = []int{6, 8, 27}

// TestMigrationNumbersOnlyGrow: numbers that were left out stay out, and both
// engines have the same steps.
func TestMigrationNumbersOnlyGrow(t *testing.T) {
	t.Parallel()
	names := map[string][]string{}
	for _, engine := range []string{"sqlite", "postgres"} {
		entries, err := fs.ReadDir(store.Files, "migrations/"+engine)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries { // sorted
			names[engine] = append(names[engine], e.Name())
		}
	}
	if diff := cmp.Diff(names["sqlite"], names["postgres"]); diff != "" {
		t.Errorf("the engines differ (-sqlite +postgres):\n%s", diff)
	}
	next := 1
	for _, name := range names["sqlite"] {
		var number int
		if _, err := fmt.Sscanf(name, "%04d_", &number); err != nil || !strings.HasPrefix(name, fmt.Sprintf("%04d_", number)) {
			t.Fatalf("%s: the name does not begin with a number of four digits", name)
		}
		for ; next < number; next++ {
			if !slices.Contains(neverUsed, next) {
				t.Errorf("there is no migration %d: if it was left out, add it to neverUsed, for good", next)
			}
		}
		if number != next {
			t.Errorf("%s: its number was given before", name)
		}
		if slices.Contains(neverUsed, number) {
			t.Errorf("%s: the number was left out; databases that have had a later one would refuse it: take the next number", name)
		}
		next = number + 1
	}
}

// TestSchemaOfANewerProgramStopsTheStart: what this program would write into
// it may be wrong.
func TestSchemaOfANewerProgramStopsTheStart(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		running := storetest.Open(t, url)
		if err := running.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(t, running, func(ctx context.Context, tx *store.Store) error {
			return tx.Run(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`)
		})
		s, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the test is about Migrate
		_, err = s.Migrate(t.Context())
		if err == nil || !strings.Contains(err.Error(), "newer yoozak") || !strings.Contains(err.Error(), "9999") || strings.Contains(err.Error(), "\n") {
			t.Errorf("Migrate: got %v, want one line about a newer program", err)
		}
		if all, err := s.Migrations(t.Context()); err == nil || len(all) == 0 {
			t.Errorf("Migrations: %d steps, %v; want those that are known, and the error", len(all), err)
		}
		if err := running.Ready(t.Context()); err != nil {
			t.Errorf("a server that was running is not ready any more: %v", err)
		}
	})
}
