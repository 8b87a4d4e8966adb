package django_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestDatesWithoutAZone mean what the project's settings say.
func TestDatesWithoutAZone(t *testing.T) {
	t.Parallel()
	casablanca := zone(t, "Africa/Casablanca") // an hour before UTC, but for Ramadan
	dump := fixture(t,
		map[string]any{"pk": 1, "username": "a", "date_joined": "2023-01-01T12:00:00", "last_login": "2026-06-01T12:00:00.5"},
		map[string]any{"pk": 2, "username": "b", "date_joined": "2023-04-01T12:00:00"},
		map[string]any{"pk": 3, "username": "c", "date_joined": "2023-01-01T12:00:00Z"})
	for name, test := range map[string]struct {
		zone   *time.Location
		joined [3]string
		bare   int64
	}{
		"not said":   {nil, [3]string{"2023-01-01T12:00:00Z", "2023-04-01T12:00:00Z", "2023-01-01T12:00:00Z"}, 2},
		"UTC":        {time.UTC, [3]string{"2023-01-01T12:00:00Z", "2023-04-01T12:00:00Z", "2023-01-01T12:00:00Z"}, 0},
		"Casablanca": {casablanca, [3]string{"2023-01-01T11:00:00Z", "2023-04-01T12:00:00Z", "2023-01-01T12:00:00Z"}, 0},
	} {
		st := storetest.Open(t, storetest.SQLite(t))
		report, _ := imported(t, st, dump, django.Layout{Zone: test.zone})
		if report.Bare != test.bare {
			t.Errorf("%s: %d users with a bare date, want %d", name, report.Bare, test.bare)
		}
		for i, want := range test.joined {
			if got := user(t, st, int64(i+1)).JoinedAt.Format(time.RFC3339); got != want {
				t.Errorf("%s: user %d joined %s, want %s", name, i+1, got, want)
			}
		}
	}

	// Said too late, it is mended.
	st := storetest.Open(t, storetest.SQLite(t))
	imported(t, st, dump, django.Layout{})
	if report, _ := imported(t, st, dump, django.Layout{Zone: casablanca}); report.Updated != 1 || user(t, st, 1).JoinedAt.Hour() != 11 {
		t.Errorf("again with a zone: %+v", report)
	}
}

// TestBareDatesAreRemarkableWhereOthersHaveAZone: a SQLite file never has one.
func TestBareDatesAreRemarkableWhereOthersHaveAZone(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	if report, _ := imported(t, st, theSite(t).sqlite, django.Layout{}); report.Bare != 0 {
		t.Errorf("SQLite: %d users with a bare date", report.Bare)
	}
	url := pgtest.Start(t).NewDatabase(t)
	execute(t, url, `CREATE TABLE auth_user (id int PRIMARY KEY, username text, password text, email text, first_name text, last_name text,
		is_active bool, is_staff bool, is_superuser bool, date_joined timestamp, last_login timestamptz)`,
		`INSERT INTO auth_user VALUES (1, 'a', '!', '', '', '', true, false, false, '2023-01-01 12:00', now())`)
	st = storetest.Open(t, storetest.SQLite(t))
	if report, _ := imported(t, st, url, django.Layout{}); report.Bare != 1 || user(t, st, 1).JoinedAt.Hour() != 12 {
		t.Errorf("PostgreSQL without zones: %+v", report)
	}
	st = storetest.Open(t, storetest.SQLite(t))
	if report, _ := imported(t, st, url, django.Layout{Zone: zone(t, "Africa/Casablanca")}); report.Bare != 0 || user(t, st, 1).JoinedAt.Hour() != 11 {
		t.Errorf("PostgreSQL in a zone: %+v", report)
	}
}

// TestBlacklistInAZone: a token must not be good an hour longer, or shorter.
func TestBlacklistInAZone(t *testing.T) {
	t.Parallel()
	text := `[` + aUser("1", "a", "") + `,
		{"model": "token_blacklist.outstandingtoken", "pk": 1, "fields": {"jti": "late", "expires_at": "2026-06-05T13:30:00"}},
		{"model": "token_blacklist.blacklistedtoken", "pk": 1, "fields": {"token": 1}}]`
	for z, want := range map[string]int64{"UTC": 1, "Africa/Casablanca": 0} { // it is 12:56:56Z; in Casablanca the token ended at 12:30Z
		st := storetest.Open(t, storetest.SQLite(t))
		if report, _ := imported(t, st, writeFile(t, text), django.Layout{Zone: zone(t, z)}); report.Revoked != want {
			t.Errorf("%s: %d tokens, want %d", z, report.Revoked, want)
		}
	}
}

// TestExportInAZone is for a project with USE_TZ=False, whose loaddata takes
// bare dates only; they come back as they went.
func TestExportInAZone(t *testing.T) {
	t.Parallel()
	layout := django.Layout{Zone: zone(t, "Africa/Casablanca")}
	st := storetest.Open(t, storetest.SQLite(t))
	u := account.User{Username: "amina", PasswordHash: ours, Active: true, Language: "fr", JoinedAt: now, PasswordAt: now, LastLoginAt: now.Add(time.Hour)}
	write(t, st, func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) })
	path := export(t, st, layout)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"date_joined":"2026-06-05T13:56:56.789012"`, `"last_login":"2026-06-05T14:56:56.789012"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s lacks %s", data, want)
		}
	}
	if report, _ := imported(t, st, path, layout); report.Updated != 1 || report.Imported+report.Bare != 0 {
		t.Errorf("and back: %+v", report)
	}
	if got := user(t, st, 1); !got.JoinedAt.Equal(now) {
		t.Errorf("joined %v, want %v", got.JoinedAt, now)
	}
}

// projectWithoutZones is a Django project with USE_TZ=False; its arguments are
// those of our manage.py.
const projectWithoutZones = `
import itertools, sys
from django.conf import settings
settings.configure(SECRET_KEY="x", INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"], USE_TZ=False, TIME_ZONE="Africa/Casablanca",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}}, DEFAULT_AUTO_FIELD="django.db.models.AutoField")
from django.core.management import execute_from_command_line
for between, command in itertools.groupby(sys.argv[2:], lambda word: word == "then"):
    if not between:
        execute_from_command_line(["manage.py", *command])
`

// TestDjangoWithoutZonesThereAndBack: the real one, whose loaddata refuses
// dates that have a zone.
func TestDjangoWithoutZonesThereAndBack(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "db.sqlite3")
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", append([]string{"-c", projectWithoutZones, database}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("manage.py %s: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("migrate", "-v0", "then", "shell", "-c", `from django.contrib.auth.models import User; import datetime; User.objects.create(username="amina", date_joined=datetime.datetime(2023, 1, 1, 12))`)
	layout := django.Layout{Zone: zone(t, "Africa/Casablanca")}
	st := storetest.Open(t, storetest.SQLite(t))
	imported(t, st, database, layout)
	if got := user(t, st, 1).JoinedAt; !got.Equal(time.Date(2023, 1, 1, 11, 0, 0, 0, time.UTC)) {
		t.Errorf("joined %v, want 11:00 UTC", got)
	}
	if out := run("loaddata", export(t, st, layout), "then", "dumpdata", "auth.user"); !strings.Contains(out, `"date_joined": "2023-01-01T12:00:00"`) {
		t.Errorf("back in Django: %s", out)
	}
}
