package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func importRow(id int64, name string) store.ImportRow {
	u := newUser(name)
	u.ID = id
	return store.ImportRow{User: u, Origin: store.Origin{Fields: []byte(name), PasswordAt: noon}}
}

func TestImportKeepsIDsAndContinuesAfterTheLargest(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		createUser(t, s, "here")
		err := s.Import(t.Context(), func(_ context.Context, tx *store.Import) error {
			if err := tx.Insert(t.Context(), []store.ImportRow{importRow(40, "b"), importRow(7, "a")}); err != nil {
				return err
			}
			changed := importRow(7, "c")
			changed.User.Language, changed.Origin.Fields = "fr", []byte("again")
			if err := tx.Update(t.Context(), []store.ImportRow{changed}); err != nil {
				return err
			}
			origins, err := tx.Origins(t.Context(), []int64{1, 7, 40})
			want := map[int64]store.Origin{7: {Fields: []byte("again"), PasswordAt: noon.UTC()}, 40: {Fields: []byte("b"), PasswordAt: noon.UTC()}}
			if diff := cmp.Diff(want, origins); diff != "" {
				t.Errorf("origins (-want +got):\n%s", diff)
			}
			owners, err2 := tx.Owners(t.Context(), []string{"a", "b", "c", "here"}, noon)
			if diff := cmp.Diff(map[string]int64{"b": 40, "c": 7, "here": 1}, owners); diff != "" {
				t.Errorf("owners (-want +got):\n%s", diff)
			}
			ids, err3 := tx.ImportedIDs(t.Context(), 7, 10)
			if diff := cmp.Diff([]int64{40}, ids); diff != "" {
				t.Errorf("imported ids after 7 (-want +got):\n%s", diff)
			}
			return errors.Join(err, err2, err3, tx.ContinueIDs(t.Context()))
		})
		if err != nil {
			t.Fatal(err)
		}
		if u := createUser(t, s, "next"); u.ID != 41 {
			t.Errorf("next id %d, want 41", u.ID)
		}
		u, err := s.UserByID(t.Context(), 7)
		if err != nil || u.Username != "c" || u.Language != "ar" {
			t.Errorf("updated user %+v, %v; want c, whose language stays", u, err)
		}
		// An import of smaller ids does not take the next one back.
		err = s.Import(t.Context(), func(_ context.Context, tx *store.Import) error {
			return errors.Join(tx.Insert(t.Context(), []store.ImportRow{importRow(20, "d")}), tx.ContinueIDs(t.Context()))
		})
		if u := createUser(t, s, "after"); err != nil || u.ID != 42 {
			t.Errorf("next id %d, %v; want 42", u.ID, err)
		}
	})
}

func TestFailedImportLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		err := s.Import(t.Context(), func(_ context.Context, tx *store.Import) error {
			if err := tx.Insert(t.Context(), []store.ImportRow{importRow(1, "a")}); err != nil {
				t.Error(err)
			}
			return tx.Insert(t.Context(), []store.ImportRow{importRow(2, "a")})
		})
		if !errors.Is(err, store.ErrTaken) {
			t.Errorf("the second a: %v, want ErrTaken", err)
		}
		if users, err := s.Users(t.Context(), 0, 10); err != nil || len(users) > 0 {
			t.Errorf("users %v, %v; want none", users, err)
		}
		createUser(t, s, "a")
	})
}

func TestWritersWaitForAnImport(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		written := make(chan account.User, 1)
		err := s.Import(t.Context(), func(_ context.Context, tx *store.Import) error {
			if err := tx.Insert(t.Context(), []store.ImportRow{importRow(1, "imported")}); err != nil {
				return err
			}
			go func() {
				u := newUser("registered")
				if err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) }); err != nil {
					t.Error(err)
				}
				written <- u
			}()
			select {
			case <-written:
				t.Error("somebody registered in the middle")
			case <-time.After(300 * time.Millisecond):
			}
			if _, err := s.UserByUsername(t.Context(), "imported"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a reader sees half an import: %v", err)
			}
			return tx.ContinueIDs(t.Context())
		})
		if err != nil {
			t.Fatal(err)
		}
		if u := <-written; u.ID != 2 {
			t.Errorf("who waited got the id %d, want 2", u.ID)
		}
	})
}

func TestRoomOfAnImport(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		createUser(t, s, "here")
		room, err := s.ImportRoom(t.Context(), 1001)
		if err != nil || room.Users != 1000 || room.After < 100_000 || room.During < room.After {
			t.Errorf("room %+v, %v; want that of 1000 new users", room, err)
		}
		if local := s.Engine() == "sqlite"; (room.Folder != "") != local || (room.Free >= 0) != local {
			t.Errorf("room %+v; only SQLite's disk is here", room)
		}
		if room, err := s.ImportRoom(t.Context(), 0); err != nil || room.Users != 0 || room.During != 0 {
			t.Errorf("room of nobody %+v, %v", room, err)
		}
	})
}

// TestFirstImportFindsNamesThatComeTwice: it looks at them in the end only,
// and leaves the indexes as it found them.
func TestFirstImportFindsNamesThatComeTwice(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		before := indexesOf(t, url)
		err := s.Import(t.Context(), func(_ context.Context, tx *store.Import) error {
			rows := []store.ImportRow{importRow(3, "a"), importRow(4, "b"), importRow(7, "c")}
			if tx.NamesLater() {
				rows = append(rows, importRow(5, "a"), importRow(6, "b"), importRow(2, "c"))
			}
			if err := tx.Insert(t.Context(), rows); err != nil {
				return err
			}
			left := map[int64]int64{}
			err := tx.SettleNames(t.Context(), func(u account.User, owner int64) { left[u.ID] = owner })
			if want := map[int64]int64{5: 3, 6: 4, 7: 2}; s.Engine() == "sqlite" && !cmp.Equal(want, left) {
				t.Errorf("left %v, want %v", left, want)
			}
			owners, err2 := tx.Owners(t.Context(), []string{"a", "b"}, noon)
			if !cmp.Equal(map[string]int64{"a": 3, "b": 4}, owners) {
				t.Errorf("owners %v", owners)
			}
			origins, err3 := tx.Origins(t.Context(), []int64{5, 6})
			if len(origins) > 0 {
				t.Errorf("who left is remembered: %v", origins)
			}
			return errors.Join(err, err2, err3)
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, indexesOf(t, url)); diff != "" {
			t.Errorf("indexes (-before +after):\n%s", diff)
		}
	})
}

// indexesOf are the indexes of users, as the database lists them.
func indexesOf(t *testing.T, url string) []string {
	t.Helper()
	query := `SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'users' ORDER BY name`
	if !strings.HasPrefix(url, "sqlite:") {
		query = `SELECT indexdef FROM pg_indexes WHERE tablename = 'users' ORDER BY indexname`
	}
	db := openRaw(t, url)
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var all []string
	for rows.Next() {
		var index string
		if err := rows.Scan(&index); err != nil {
			t.Fatal(err)
		}
		all = append(all, index)
	}
	if err := rows.Err(); err != nil || len(all) < 3 {
		t.Fatalf("indexes %q, %v", all, err)
	}
	return all
}
