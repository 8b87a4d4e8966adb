package django_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func TestCustomUserModel(t *testing.T) {
	t.Parallel()
	layout := django.Layout{Table: "shop_customer", Model: "shop.customer", Columns: map[string]string{
		"username": "login", "email": "login", "first_name": "full_name", "last_name": "", "is_superuser": "", "last_login": "seen", "date_joined": "",
	}}
	database := copyOf(t, theSite(t).sqlite)
	change(t, database, `
		CREATE TABLE shop_customer (id integer PRIMARY KEY, password varchar(128), login varchar(254), full_name varchar(90),
			is_active bool, is_staff bool, seen datetime)`,
		`INSERT INTO shop_customer SELECT id, password, username || '@x.ma', 'Full ' || username, is_active, is_staff, last_login FROM auth_user`)
	dump := filepath.Join(t.TempDir(), "dump.json")
	err := os.WriteFile(dump, []byte(`[{"model": "shop.order", "pk": 1, "fields": {}}, {"model": "shop.customer", "pk": 2, "fields": {"password": "!",
		"login": "amina@x.ma", "full_name": "Full amina", "is_active": null, "is_staff": false, "seen": "2025-06-05T13:56:56.123+01:00"}}]`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for name, where := range map[string]string{"database": database, "dump": dump} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
				imported(t, st, where, layout)
				u := user(t, st, 2)
				if u.Username != "amina@x.ma" || u.Email != "amina@x.ma" || u.FirstName != "Full amina" || u.LastName != "" ||
					!u.Active || u.Superuser || u.LastLoginAt.Year() != 2025 || !u.JoinedAt.Equal(now) {
					t.Errorf("user %+v", u)
				}
				if again, _ := imported(t, st, where, layout); again.Updated != 0 {
					t.Errorf("again: %+v", again)
				}
			})
		})
	}
}

func TestSchemaOfPostgresAndItsBlacklist(t *testing.T) {
	t.Parallel()
	url, p := postgresSite(t)
	execute(t, url, `CREATE SCHEMA shop`, `ALTER TABLE auth_user SET SCHEMA shop`,
		`ALTER TABLE token_blacklist_blacklistedtoken SET SCHEMA shop`, `ALTER TABLE token_blacklist_outstandingtoken SET SCHEMA shop`,
		`DO $$ BEGIN
			EXECUTE 'ALTER DATABASE ' || current_database() || ' SET timezone = ''Asia/Kolkata''';
			EXECUTE 'ALTER DATABASE ' || current_database() || ' SET datestyle = ''German''';
		END $$`)
	st := storetest.Open(t, storetest.SQLite(t))
	report, _ := imported(t, st, url, django.Layout{Table: "shop.auth_user"})
	if report.Imported != 8 || report.Revoked != 1 {
		t.Errorf("report %+v", report)
	}
	if got, want := user(t, st, 2).LastLoginAt, p.Users[1].LastLogin; !got.Equal(*want) {
		t.Errorf("last login %v, want %v", got, want)
	}
}

func TestBlacklistCanBeLeftOutOrRequired(t *testing.T) {
	t.Parallel()
	s := theSite(t)
	without := copyOf(t, s.sqlite)
	change(t, without, `DROP TABLE token_blacklist_blacklistedtoken`)
	for _, where := range []string{s.sqlite, s.json} {
		st := storetest.Open(t, storetest.SQLite(t))
		if report, _ := imported(t, st, where, django.Layout{Blacklist: django.Ignored}); report.Revoked != 0 || report.Imported != 8 {
			t.Errorf("left out: %+v", report)
		}
	}
	for _, where := range []string{without, fixture(t, map[string]any{"pk": 1, "username": "a"})} {
		st := storetest.Open(t, storetest.SQLite(t))
		src := open(t, where, django.Layout{Blacklist: django.Required})
		if _, err := django.Import(t.Context(), st, src, django.Options{Now: now}); err == nil || !strings.Contains(err.Error(), "token_blacklist") {
			t.Errorf("required and absent: %v", err)
		}
		if report, _ := imported(t, st, where, django.Layout{}); report.Imported == 0 {
			t.Errorf("optional and absent: %+v", report)
		}
	}
}

func TestTokenThatCannotBeReadEndsTheImport(t *testing.T) {
	t.Parallel()
	where := copyOf(t, theSite(t).sqlite)
	change(t, where, `UPDATE token_blacklist_outstandingtoken SET expires_at = 'soon'`)
	st := storetest.Open(t, storetest.SQLite(t))
	if _, err := django.Import(t.Context(), st, open(t, where, django.Layout{}), django.Options{Now: now}); err == nil || !strings.Contains(err.Error(), "--no-blacklist") {
		t.Errorf("got %v", err)
	}
}

func TestSourcesThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	s := theSite(t)
	text := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		where  string
		layout django.Layout
		want   string
	}{
		"no file":        {"/nowhere/at.all", django.Layout{}, "no such file"},
		"neither":        {text, django.Layout{}, "neither a SQLite database nor the JSON"},
		"no table":       {s.sqlite, django.Layout{Table: "shop_user"}, `no table "shop_user": say --table`},
		"injected table": {s.sqlite, django.Layout{Table: `auth_user"; DROP TABLE auth_user; --`}, "say --table"},
		"no column":      {s.sqlite, django.Layout{Columns: map[string]string{"email": "mail"}}, `has no "mail": say --column email=NAME, or --column email=`},
		"needed column":  {s.sqlite, django.Layout{Columns: map[string]string{"password": "hash"}}, `has no "hash": say --column password=NAME`},
		"left out":       {s.sqlite, django.Layout{Columns: map[string]string{"password": ""}}, "cannot be left out"},
		"unknown field":  {s.sqlite, django.Layout{Columns: map[string]string{"phone": "x"}}, `no field "phone"`},
		"unreachable":    {"postgres://yoozak:hunter2@127.0.0.1:1/x", django.Layout{}, "open the source"},
		"bad URL":        {"postgres://yoozak:hunter2@127.0.0.1:port/x", django.Layout{}, "invalid port"},
	} {
		_, err := django.Open(t.Context(), test.where, test.layout)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	st := storetest.Open(t, storetest.SQLite(t))
	for name, test := range map[string]struct {
		where  string
		layout django.Layout
		want   string
	}{
		"no model": {s.json, django.Layout{Model: "shop.user"}, `there is no "shop.user" in it: say --model`},
		"no field": {s.json, django.Layout{Columns: map[string]string{"email": "mail"}}, `has no "mail": say --column email=NAME`},
	} {
		_, err := django.Import(t.Context(), st, open(t, test.where, test.layout), django.Options{Now: now})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestDatesOfEverySource(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	dates := map[string]string{
		"2024-06-05 13:56:56.123456":    "2024-06-05T13:56:56.123456Z", // SQLite
		"2024-06-05 13:56:56":           "2024-06-05T13:56:56Z",
		"2024-06-05 13:56:56.123456+00": "2024-06-05T13:56:56.123456Z", // PostgreSQL
		"2024-06-05 13:56:56.1+05:30":   "2024-06-05T08:26:56.1Z",
		"2024-06-05T13:56:56.123Z":      "2024-06-05T13:56:56.123Z", // JSON
		"2024-06-05T13:56:56+01:00":     "2024-06-05T12:56:56Z",
		"2024-06-05T13:56:56.123456789": "2024-06-05T13:56:56.123456Z",
		"2024-06-05":                    "2024-06-05T00:00:00Z",
		"0044-03-15 12:00:00+00 BC":     "",
		"infinity":                      "",
		"2024-06-31 00:00:00":           "",
		"":                              "",
	}
	var users []map[string]any
	var written []string
	for date := range dates {
		written = append(written, date)
		users = append(users, map[string]any{"pk": len(written), "username": fmt.Sprint("u", len(written)), "date_joined": date})
	}
	imported(t, st, fixture(t, users...), django.Layout{})
	for i, date := range written {
		got := ""
		if u, err := st.UserByID(t.Context(), int64(i+1)); err == nil {
			got = u.JoinedAt.Format(time.RFC3339Nano)
		}
		if got != dates[date] {
			t.Errorf("%q is %q, want %q", date, got, dates[date])
		}
	}
}

func TestFormatsAreNamedAndNothingElseOfAHash(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	hashes := []string{
		"pbkdf2_sha256$1$a$b", "scrypt$x", "$argon2id$v=19$x", "argon2$argon2id$x", "!", "", "plain", "pa$$word", "sha1$$x", "crypt$$x",
		"d41d8cd98f00b204e9800998ecf8427e",
		"argon2$argon2i$m=512,t=2,p=2$aWtIM2hwYWtlUktM$wPxNuGzYkHgmQ8XIDjlxVg", // version 16, which hashes do not state
		"argon2$argon2d$v=19$m=64,t=3,p=1$WlBVM0J6bDVMRmk2RUlLUzQzVjVkWA$WW1nUGjATkR6OrHZ20eSBQ",
		"argon2$argon2id$v=19$m=64,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2hpamtsbW5vcA", "md5$salt$" + strings.Repeat("0", 32),
	}
	var users []map[string]any
	for i, hash := range hashes {
		users = append(users, map[string]any{"pk": i + 1, "username": fmt.Sprint("u", i), "password": hash})
	}
	report, _ := imported(t, st, fixture(t, users...), django.Layout{})
	want := map[string]int64{
		"pbkdf2_sha256 (no password matches it here)": 1, "scrypt (no password matches it here)": 1, "argon2 (no password matches it here)": 4,
		"unusable": 1, "none": 1, "unknown (no password matches it here)": 2, "crypt (no password matches it here)": 1,
		"unsalted_sha1 (no password matches it here)": 1, "unsalted_md5 (no password matches it here)": 1,
		"argon2": 1, "md5 (weak: guessed fast by who has it)": 1,
	}
	if diff := cmp.Diff(want, report.Formats); diff != "" || report.Dead != 11 {
		t.Errorf("%d that no password matches, want 11; (-want +got):\n%s", report.Dead, diff)
	}
}

func TestUsernameThatNoLoginReachesIsNoted(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	report, remarks := imported(t, st, fixture(t, map[string]any{"pk": 1, "username": "oﬃce"}), django.Layout{})
	if report.Imported != 1 || len(remarks) != 1 || !remarks[0].Note || !strings.Contains(remarks[0].Reason, "NFKC") {
		t.Errorf("report %+v, remarks %+v", report, remarks)
	}
}

// TestAddressThatSteersATerminalIsLeftOut: no mail could be sent to it.
func TestAddressThatSteersATerminalIsLeftOut(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	var users []map[string]any
	addresses := []string{"\"\x1b]0;x\x07\"@example.ma", "a\u202e@example.ma", "a\u009b@example.ma", "a\n@example.ma", "a\x7f@example.ma", "a@example.ma"}
	for i, email := range addresses {
		users = append(users, map[string]any{"pk": i + 1, "username": fmt.Sprint("u", i), "email": email})
	}
	report, _ := imported(t, st, fixture(t, users...), django.Layout{})
	if n := report.Skipped["the address has a control character"]; n != 5 || report.Imported != 1 {
		t.Errorf("report %+v", report)
	}
}

// TestSourceInAnotherEncoding: a project whose PostgreSQL is LATIN1 loses no
// letter, and nobody.
func TestSourceInAnotherEncoding(t *testing.T) {
	t.Parallel()
	latin := pgtest.Start(t).NewEncoded(t, "LATIN1")
	u, err := url.Parse(latin)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery += "&client_encoding=UTF8"
	execute(t, u.String(), `CREATE TABLE auth_user (id int PRIMARY KEY, username text, password text, email text, first_name text, last_name text,
		is_active bool, is_staff bool, is_superuser bool, date_joined timestamptz, last_login timestamptz)`,
		`INSERT INTO auth_user VALUES (1, 'zoé', '!', '', 'Zoé', '', true, false, false, now(), NULL)`)
	st := storetest.Open(t, storetest.SQLite(t))
	report, remarks := imported(t, st, latin, django.Layout{})
	if report.Imported != 1 || len(remarks) != 0 || user(t, st, 1).FirstName != "Zoé" {
		t.Errorf("report %+v, remarks %+v", report, remarks)
	}
}
