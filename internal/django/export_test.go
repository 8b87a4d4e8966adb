package django_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func export(t *testing.T, st *store.Store, l django.Layout) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fixture.json")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := django.Export(t.Context(), st, f, l); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestDjangoTakesEverybodyBack loads what was registered and imported here
// into the real Django, and logs in there. What both engines export is the
// same to the byte, so that Django is asked once.
func TestDjangoTakesEverybodyBack(t *testing.T) {
	t.Parallel()
	const plain = "kV7-pazouk-42"
	hasher := password.NewHasher(password.Options{}) // what production makes
	t.Cleanup(hasher.Close)
	hash, err := hasher.Hash(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	s := theSite(t)
	stores := []*store.Store{storetest.Open(t, storetest.SQLite(t)), storetest.Open(t, storetest.Postgres(t))}
	var fixtures []string
	var registered int64
	for _, st := range stores {
		imported(t, st, s.sqlite, django.Layout{})
		u := account.User{
			Username: "registered", Email: "r@example.ma", LastName: "بن \"علي\"", PasswordHash: hash, Active: true, Language: "ar",
			JoinedAt: now, LastLoginAt: now.Add(time.Minute), PasswordAt: now,
		}
		disabled := u
		disabled.Username, disabled.Active = "disabled", false
		write(t, st, func(_ context.Context, tx *store.Store) error {
			if err := tx.CreateUser(t.Context(), &u); err != nil {
				return err
			}
			if err := tx.CreateUser(t.Context(), &disabled); err != nil {
				return err
			}
			return tx.SetPassword(t.Context(), 2, hash, now) // amina chose one here
		})
		fixtures, registered = append(fixtures, export(t, st, django.Layout{})), u.ID
	}
	if diff := cmp.Diff(content(t, fixtures[0]), content(t, fixtures[1])); diff != "" {
		t.Fatalf("exports of the two engines (-SQLite +PostgreSQL):\n%s", diff)
	}

	// Into an empty project, and over the one that they came from.
	empty, full := filepath.Join(t.TempDir(), "empty.sqlite3"), copyOf(t, s.sqlite)
	change(t, full, `INSERT INTO auth_group (id, name) VALUES (1, 'staff')`, `INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 1)`)
	for _, database := range []string{empty, full} {
		out := manage(t, database, plain+"\nwrong\n", "migrate", "-v0", "then", "loaddata", fixtures[0],
			"then", "login", "registered", "amina", "admin", "éloïse.o'neil+1", "disabled", "unusable", "badr@example.ma",
			"then", "login", "registered", "amina", // with a wrong password
			"then", "dumpdata", "auth.user", "--pks=1")
		loaded, rest, _ := strings.Cut(out, "\n")
		logins, dump, _ := strings.Cut(rest, "[")
		if !strings.Contains(loaded, "Installed 10 object(s)") {
			t.Fatalf("loaddata: %s", loaded)
		}
		want := "registered True\namina True\nadmin True\néloïse.o'neil+1 True\ndisabled False\nunusable False\nbadr@example.ma False\n" +
			"registered False\namina False\n"
		if diff := cmp.Diff(want, logins); diff != "" {
			t.Errorf("logins in Django (-want +got):\n%s", diff)
		}
		if had := strings.Contains(dump, `"groups": [1]`); had != (database == full) {
			t.Errorf("the groups that Django had: %s", dump)
		}
	}

	// And once more to here: the hashes that Django renewed at those
	// logins come, but amina chose her password here.
	for _, st := range stores {
		report, remarks := imported(t, st, full, django.Layout{})
		if report.Read != 10 || report.Updated != 6 || report.Kept != 1 || len(remarks) != 1 || remarks[0].Username != "amina" {
			t.Errorf("back again: %+v, %v", report, remarks)
		}
		if got := user(t, st, registered).PasswordHash; !strings.HasPrefix(got, "pbkdf2_sha256$") {
			t.Errorf("the password of %d did not come back", registered)
		}
	}
}

func TestExportOfNobodyIsAnEmptyList(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	var out bytes.Buffer
	if n, err := django.Export(t.Context(), st, &out, django.Layout{}); err != nil || n != 0 {
		t.Fatalf("%d, %v", n, err)
	}
	var list []any
	if err := json.Unmarshal(out.Bytes(), &list); err != nil || len(list) != 0 {
		t.Errorf("%q: %v", out.String(), err)
	}
}

func TestExportForACustomModel(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	native(t, st, "amina")
	var list []struct {
		Model  string
		PK     int64
		Fields map[string]any
	}
	data, err := os.ReadFile(export(t, st, django.Layout{Model: "shop.customer", Columns: map[string]string{"email": "mail", "last_login": ""}}))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	_, hasLogin := list[0].Fields["last_login"]
	if list[0].Model != "shop.customer" || list[0].PK != 1 || list[0].Fields["mail"] != "amina@here.ma" || hasLogin {
		t.Errorf("%+v", list[0])
	}
	if got, want := list[0].Fields["password"], "argon2"+ours; got != want {
		t.Errorf("password %v, want %s", got, want)
	}
}

// TestExportOfTwoFieldsInOneColumn: whoever changed their address has the new
// one at Django, always.
func TestExportOfTwoFieldsInOneColumn(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	for _, u := range []account.User{
		{Username: "old@example.ma", Email: "new@example.ma"}, {Username: "same@example.ma", Email: "same@example.ma"}, {Username: "amina"},
	} {
		u.PasswordHash, u.Active, u.Language, u.JoinedAt, u.PasswordAt = ours, true, "fr", now, now
		write(t, st, func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) })
	}
	for range 20 { // the order of a map would show
		data, err := os.ReadFile(export(t, st, django.Layout{Columns: map[string]string{"username": "email", "last_name": ""}}))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"email":"new@example.ma"`, `"email":"same@example.ma"`, `"email":"amina"`} {
			if !strings.Contains(string(data), want) {
				t.Fatalf("%s lacks %s", data, want)
			}
		}
	}
	for name, columns := range map[string]map[string]string{
		"names":       {"first_name": "full_name", "last_name": "full_name"},
		"onto a name": {"email": "first_name"},
		"dates":       {"last_login": "date_joined"},
		"password":    {"username": "password"},
		"three":       {"username": "login", "email": "login", "first_name": "login"},
	} {
		_, err := django.Export(t.Context(), st, io.Discard, django.Layout{Columns: columns})
		if err == nil || !strings.Contains(err.Error(), "are both to be written into the column") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := django.Export(t.Context(), st, io.Discard, django.Layout{Columns: map[string]string{"first_name": "", "last_name": "first_name"}}); err != nil {
		t.Errorf("a column whose own field is left out: %v", err)
	}
}
