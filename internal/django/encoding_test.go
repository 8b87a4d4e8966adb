package django_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/store/storetest"
)

// aUser is one object of a dump, with a name and a first name as they stand in JSON.
func aUser(pk, name, first string) string {
	return `{"model": "auth.user", "pk": ` + pk + `, "fields": {"username": "` + name + `", "password": "!", "email": "", "first_name": "` + first +
		`", "last_name": "", "is_active": true, "is_staff": false, "is_superuser": false, "date_joined": "2023-01-01T00:00:00Z", "last_login": null}}`
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dump.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDumpInAnotherEncodingIsRefused: the JSON decoder would damage it
// without a word.
func TestDumpInAnotherEncodingIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Windows-1252":         "[" + aUser("1", "zo\xe9", "Zo\xe9") + "]",
		"in a first name":      "[" + aUser("1", "zoe", "Zo\xe9") + "]",
		"in another model":     `[{"model": "shop.order", "pk": 1, "fields": {"what": "caf` + "\xe9" + `"}}, ` + aUser("1", "zoe", "Zoe") + "]",
		"as lines":             aUser("1", "amina", "") + "\n" + aUser("2", "zo\xe9", "") + "\n",
		"far behind":           "[" + aUser("1", "amina", "") + strings.Repeat(" ", 1<<17) + "," + aUser("2", "zo\xe9", "") + "]",
		"a surrogate in bytes": "[" + aUser("1", "zo\xed\xa0\x80", "") + "]",
		"after the list":       "[" + aUser("1", "amina", "") + "]\xff",
	} {
		st := storetest.Open(t, storetest.SQLite(t))
		_, err := django.Import(t.Context(), st, open(t, writeFile(t, text), django.Layout{}), django.Options{Now: now})
		if err == nil || !strings.Contains(err.Error(), "is not UTF-8") || !strings.Contains(err.Error(), "-Xutf8") {
			t.Errorf("%s: %v", name, err)
		}
		if all, err := st.Users(t.Context(), 0, 10); err != nil || len(all) != 0 {
			t.Errorf("%s: %d users are here, %v", name, len(all), err)
		}
	}
}

// TestEveryLetterComesOverFromADump, wherever a read of the file ends.
func TestEveryLetterComesOverFromADump(t *testing.T) {
	t.Parallel()
	for shift := range 5 {
		st := storetest.Open(t, storetest.SQLite(t))
		imported(t, st, writeFile(t, "["+strings.Repeat(" ", 1<<16-100+shift)+aUser("1", "zoé", strings.Repeat("مé😀", 40))+"]"), django.Layout{})
		if u := user(t, st, 1); u.Username != "zoé" || u.FirstName != strings.Repeat("مé😀", 40) {
			t.Errorf("%q %q", u.Username, u.FirstName)
		}
	}
}

// TestHalfACharacterInADumpIsTold: JSON can write what no database can hold.
func TestHalfACharacterInADumpIsTold(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	report, remarks := imported(t, st, writeFile(t, "["+strings.Join([]string{
		aUser("1", `a\ud83d`, ""), aUser("2", "b", `\ude00`), aUser("3", "c", `\ud83d\u0041`), aUser("4", "d", `\ud83d\ud83d\ude00`), aUser("5", "e", `\\\ud83d`),
		aUser("6", "f", `\ud83d\ude00 \u00e9`), aUser("7", "g", `\\ud83d`), aUser("8", "h", `\"`),
		aUser("9", "\ufffd", `\ufffd`), // which somebody may be called
	}, ",")+"]"), django.Layout{})
	if report.Imported != 4 || report.Skipped["a text is not UTF-8, or has a NUL"] != 5 || len(remarks) != 5 {
		t.Errorf("report %+v, remarks %+v", report, remarks)
	}
	for id, want := range map[int64]string{6: "😀 é", 7: `\ud83d`, 8: `"`, 9: "\ufffd"} {
		if got := user(t, st, id).FirstName; got != want {
			t.Errorf("user %d is called %q, want %q", id, got, want)
		}
	}
}

func TestFilesThatAreNoDumpAreNamed(t *testing.T) {
	t.Parallel()
	dump := "[" + aUser("1", "amina", "Amina") + "]"
	units := utf16.Encode([]rune(dump))
	var little, big strings.Builder
	for _, u := range units {
		little.Write([]byte{byte(u), byte(u >> 8)})
		big.Write([]byte{byte(u >> 8), byte(u)})
	}
	for name, test := range map[string]struct{ text, want string }{
		"UTF-16 of PowerShell": {"\xff\xfe" + little.String(), "UTF-16"},
		"UTF-16, big":          {"\xfe\xff" + big.String(), "--output"},
		"UTF-16 without mark":  {little.String(), "UTF-16"},
		"big without mark":     {big.String(), "UTF-16"},
		"gzip":                 {"\x1f\x8b\x08\x00\x00\x00\x00\x00", "gunzip"},
		"zip":                  {"PK\x03\x04\x14\x00", "unzip"},
		"xz":                   {"\xfd7zXZ\x00\x00", "unxz"},
		"bzip2":                {"BZh91AY", "bunzip2"},
		"XML":                  {`<?xml version="1.0"?>`, "--format json"},
		"YAML":                 {"- model: auth.user\n", "--format json"},
		"pg_dump":              {"--\n-- PostgreSQL database dump\n", "restore it"},
		"a line before":        {"Loading settings\n" + dump, "a line before the JSON"},
		"nothing":              {"", "neither a SQLite database nor the JSON"},
	} {
		_, err := django.Open(t.Context(), writeFile(t, test.text), django.Layout{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestNothingMayFollowADump: what follows would be dropped.
func TestNothingMayFollowADump(t *testing.T) {
	t.Parallel()
	one := "[" + aUser("1", "amina", "") + "]"
	for name, test := range map[string]struct {
		text string
		fine bool
	}{
		"blanks":         {one + "\r\n\t  \n", true},
		"another dump":   {one + "[" + aUser("2", "badr", "") + "]", false},
		"far behind":     {one + strings.Repeat("\n", 1<<17) + "[" + aUser("2", "badr", "") + "]", false},
		"a word":         {one + " x", false},
		"a comma":        {one + ",", false},
		"NUL":            {one + "\x00", false},
		"a list in JSON": {aUser("1", "amina", "") + "\n" + one, false},
		"cut":            {one[:len(one)-1], false},
		"empty first":    {"[]" + one, false},
	} {
		st := storetest.Open(t, storetest.SQLite(t))
		_, err := django.Import(t.Context(), st, open(t, writeFile(t, test.text), django.Layout{}), django.Options{Now: now})
		if (err == nil) != test.fine {
			t.Errorf("%s: %v", name, err)
		}
		if all, err := st.Users(t.Context(), 0, 10); err != nil || (len(all) == 1) != test.fine {
			t.Errorf("%s: %d users are here, %v", name, len(all), err)
		}
	}
}
