package doctor_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/doctor"
	"github.com/yoozak/clients/internal/locale"
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

// TestAgeOfTheKeysIsFound: one that was made today is not "0 days old".
func TestAgeOfTheKeysIsFound(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for days, want := range []string{"less than a day old", "1 day old", "2 days old"} {
			o := doctor.Options{Now: func() time.Time { return s.Clock.Now().Add(time.Duration(days)*24*time.Hour + time.Hour) }}
			if f := look(t, s, "keys", o); !strings.HasSuffix(f.Text, want) {
				t.Errorf("want %q: %+v", want, f)
			}
		}
	})
}

// TestRoomIsToldInTheLanguagesUnits: which of them depends on this machine.
func TestRoomIsToldInTheLanguagesUnits(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		f := look(t, s, "disk", doctor.Options{Database: filepath.Join(t.TempDir(), "yoozak.db")})
		for lang, want := range map[string]string{"en": `^(\d+\.\d\x{a0}GiB|\d+\x{a0}MiB) free`, "fr": `reste (\d+,\d\x{a0}Gio|\d+\x{a0}Mio) là`, "ar": `: (\d+,\d\x{a0}جيبيبايت|\d+\x{a0}ميبيبايت)$`} {
			if said := locale.Text(lang, doctor.KeyPrefix+f.Key, locale.Args(f.Args)); !regexp.MustCompile(want).MatchString(said) {
				t.Errorf("%s: %q, want %s", lang, said, want)
			}
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

// english is what the terminal and programs are told, with these values: it
// stays as it is.
var english = map[string][2]string{
	"schema.good":           {"the tables match this version"},
	"schema.bad":            {"<error>", "a backup first, then: <command>"},
	"schema.newer":          {"<error>", "install the package that ran last, or restore the backup from before the upgrade"},
	"write.read_only":       {"the database is read-only", "<setting> names a standby, or a database that protects itself: name the primary"},
	"write.refused":         {"the database takes no changes: <error>", "look whether its disk is full, and whether its synchronous standby answers"},
	"write.good":            {"changes can be written"},
	"clock.apart":           {"the clocks of this machine and of the database are <apart> apart", "have both set by NTP (<command>)"},
	"clock.good":            {"this machine and the database agree about the time"},
	"keys.symmetric":        {"tokens are signed with one secret (<algorithm>), which every service that verifies them could sign with", "<setting> once no service needs the secret (<document>)"},
	"keys.none":             {"there is no key that signs tokens yet", "the first start of the server makes one"},
	"keys.old":              {"the newest signing key is <count> days old", "<command>; where <setting> is not 0, the log says why the server does not"},
	"keys.new":              {"the newest signing key is less than a day old"},
	"keys.good":             {"the newest signing key is <count> days old"},
	"keys.clear":            {"private keys and secrets of authenticator apps are stored unencrypted in the database and in every backup", "set <setting> (<document>)"},
	"chain.waits":           {"<count> events wait for their place in the chain, the oldest since <since>", "a server that runs seals them; its log has <log> where it cannot"},
	"chain.broken":          {"events were changed or removed: <problem>", "<document>; <command> walks all of it"},
	"chain.good":            {"the newest events are whole"},
	"mail.folder":           {"mails are written to a folder: nobody gets them", "set <smtp>, <from> and <public>"},
	"mail.late":             {"<count> mails wait, the oldest since <since>: <why>", "<command> tries the settings; does a server run?"},
	"mail.untried":          {"<count> mails wait, the oldest since <since>: none of them was tried", "<command> tries the settings; does a server run?"},
	"mail.given_up":         {"<count> mails were given up in the last 30 days", "<list> says why, <retry> tries again"},
	"mail.good":             {"no mail waits for long"},
	"backup.none":           {"no backup has ever been recorded", "every night: <command> (<document>)"},
	"backup.none_elsewhere": {"no backup has ever been recorded", "every night: <dump>, and then <command>, which notes the time (<document>)"},
	"backup.old":            {"the newest backup is <count> days old, of <at>", "every night: <command> (<document>)"},
	"backup.old_elsewhere":  {"the newest backup is <count> days old, of <at>", "every night: <dump>, and then <command>, which notes the time (<document>)"},
	"backup.good":           {"the newest backup is of <at>"},
	"disk.full":             {"<free> free where the database is", "make room: on a full disk nobody can log in"},
	"disk.good":             {"<free> free where the database is"},
	"files.open":            {"every user of this machine may read <path> (mode <mode>)", "<command>"},
	"files.good":            {"nobody else may read the database and the files of secrets"},
	"not_looked":            {"it cannot be looked at: <error>", "see what the database's log says"},
}

// TestEachFindingIsSaidInEachLanguage: what there can be, and what to do about
// it. In English it is what it was; in other languages it is no English, and
// has the same values.
func TestEachFindingIsSaidInEachLanguage(t *testing.T) {
	t.Parallel()
	values := regexp.MustCompile(`\{(\w+)\}`)
	known := map[string]bool{}
	for _, k := range doctor.Kinds() {
		want, pinned := english[k.Key]
		if !pinned {
			t.Errorf("%s: what it says in English is not written down here", k.Key)
		}
		for i, key := range []string{doctor.KeyPrefix + k.Key, doctor.KeyPrefix + k.Key + ".remedy"} {
			if i == 1 && k.Level == doctor.Good {
				continue
			}
			known[key] = true
			inEnglish := locale.Text("en", key, nil)
			if got := values.ReplaceAllString(inEnglish, "<$1>"); got != want[i] {
				t.Errorf("%s: %q, want %q", key, got, want[i])
			}
			for _, lang := range locale.Languages() {
				said := locale.Text(lang, key, nil)
				if said == key || lang != "en" && said == inEnglish && values.ReplaceAllString(said, "") != "" {
					t.Errorf("%s in %s: %q", key, lang, said)
				}
				if got, want := values.FindAllString(said, -1), values.FindAllString(inEnglish, -1); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
					t.Errorf("%s in %s has the values %v, want %v", key, lang, got, want)
				}
			}
		}
	}
	data, err := os.ReadFile("../locale/console.fr.json")
	var all map[string]any
	if err := errors.Join(err, json.Unmarshal(data, &all)); err != nil {
		t.Fatal(err)
	}
	for key := range all {
		if strings.HasPrefix(key, doctor.KeyPrefix) && !known[key] {
			t.Errorf("%s is no finding's", key)
		}
	}
	if len(known) < 40 {
		t.Errorf("only %d texts", len(known))
	}
}

// TestFindingHasEveryValue: no text of a real finding keeps a placeholder, and
// JSON has what it had.
func TestFindingHasEveryValue(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for _, o := range []doctor.Options{{}, {Symmetric: true, MailsLeave: true, Database: filepath.Join(t.TempDir(), "yoozak.db")}, {Now: func() time.Time { return time.Now().Add(100 * 24 * time.Hour) }}} {
			o.Store, o.Audit, o.Keys = s.Store, s.Audit, s.Keys
			for _, f := range doctor.Look(t.Context(), o) {
				if strings.ContainsAny(f.Text+f.Remedy, "{}") || f.Key == "" {
					t.Errorf("%+v", f)
				}
				data, err := json.Marshal(f)
				var fields map[string]string
				if err := errors.Join(err, json.Unmarshal(data, &fields)); err != nil {
					t.Fatal(err)
				}
				want := map[string]string{"check": f.Check, "level": string(f.Level), "text": f.Text}
				if f.Remedy != "" {
					want["remedy"] = f.Remedy
				}
				if !maps.Equal(fields, want) {
					t.Errorf("%s, want %v", data, want)
				}
			}
		}
	})
}
