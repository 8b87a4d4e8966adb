package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
)

// steering are texts that act on a terminal, or look like other columns or
// rows of a table.
var steering = []string{
	"\x1b]0;pwned\x07\x1b[2J\x1b[31mroot", "a\u202egro.live", "a\u009b31m", "a\x9b31m", "two\nlines", "two\tcolumns", "\r\x7f\b", "\u2066x", "\u2028",
}

// command runs one as from a shell, on a database.
func command(t *testing.T, database string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close() //nolint:errcheck // nothing was written
	run(env{
		ctx: t.Context(), stdin: stdin, stdout: &visible{out: &out}, data: &out, stderr: &errs,
		getenv: func(string) string { return "" },
	}, append(args, "--database-url", database))
	return out.String(), errs.String()
}

// TestNoTextOfAnybodySteersTheTerminal: whatever people are called, wherever
// a row came from.
func TestNoTextOfAnybodySteersTheTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database := "sqlite:" + filepath.Join(dir, "yoozak.db")
	var c config.Config
	c.Database.URL, c.Database.Batch = secret.NewText(database), 1
	st, _, err := app.OpenMigrated(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	var dump []any
	for i, s := range steering {
		u := account.User{Username: s, Email: `"` + s + `"@x.example`, FirstName: s, LastName: s, Language: "fr", JoinedAt: now, PasswordAt: now, Active: true}
		err := st.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			if err := tx.CreateUser(t.Context(), &u); err != nil {
				return err
			}
			err := tx.AddEvent(t.Context(), account.Event{
				At: now, Kind: account.EventKind("login_" + s), Actor: account.Actor(s), Details: s, Commitment: []byte{1},
				EventPerson: account.EventPerson{UserID: u.ID, IP: s, UserAgent: s, RequestID: s, SessionID: s},
			})
			if err != nil {
				return err
			}
			if err := tx.CreateOAuthClient(t.Context(), account.OAuthClient{ID: "id" + string(rune('a'+i)), Name: s, Audience: s, CreatedAt: now}); err != nil {
				return err
			}
			return tx.AddMail(t.Context(), account.Mail{Kind: account.MailKind(s), UserID: u.ID, Email: s, CreatedAt: now, Language: "fr"})
		})
		if err != nil {
			t.Fatal(err)
		}
		dump = append(dump, map[string]any{"model": "auth.user", "pk": s, "fields": map[string]any{
			"username": s, "password": s + "$x", "email": s, "first_name": s, "last_name": s, "is_active": true, "is_staff": false,
			"is_superuser": false, "date_joined": s, "last_login": nil,
		}}, map[string]any{"model": "token_blacklist.blacklistedtoken", "pk": s, "fields": map[string]any{"token": s}})
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(dump)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "dump.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	rows := len(steering)
	for _, test := range []struct {
		name  string
		args  []string
		lines int // of standard output; 0: any
	}{
		{"users", []string{"user", "list"}, rows + 1},
		{"users, JSON", []string{"user", "list", "--json"}, rows},
		{"user", []string{"user", "show", "1"}, 0},
		{"user, by an odd name", []string{"user", "show", steering[0]}, 0},
		{"user, JSON", []string{"user", "show", "--json", "1"}, 1},
		{"nobody to show", []string{"user", "show", "x" + steering[0] + steering[1]}, 0},
		{"events", []string{"events", "list"}, rows + 1},
		{"events, JSON", []string{"events", "list", "--json"}, rows},
		{"mails", []string{"mail", "list"}, rows + 1},
		{"services", []string{"service", "list"}, rows + 1},
		{"import", []string{"import-django", "--no-blacklist", file}, 0},
		{"import, error", []string{"import-django", file}, 0},
		{"no such user", []string{"user", "disable", "x" + steering[0] + steering[1]}, 0},
		{"disabled", []string{"user", "disable", steering[0]}, 1},
		{"create", []string{"user", "create", steering[1], "--email", steering[0]}, 0},
		{"no such file", []string{"import-django", steering[0] + steering[1]}, 0},
		{"no such kind", []string{"events", "list", "--kind", steering[2]}, 0},
		{"bad setting", []string{"events", "list", "--limit", "1", "--database-conns", steering[2]}, 0},
	} {
		name := test.name
		stdout, stderr := command(t, database, test.args...)
		if stdout+stderr == "" {
			t.Errorf("%s says nothing", name)
		}
		for _, out := range []string{stdout, stderr} {
			clean := strings.NewReplacer("\n", "", "\t", "").Replace(out)
			if account.HasControls(clean) || !utf8.ValidString(clean) {
				t.Errorf("%s:\n%q", name, out)
			}
		}
		if lines := strings.Count(stdout, "\n"); test.lines != 0 && lines != test.lines {
			t.Errorf("%s: %d lines, want %d:\n%s%s", name, lines, test.lines, stdout, stderr)
		}
		if strings.Contains(name, "JSON") {
			for line := range strings.Lines(stdout) {
				if !json.Valid([]byte(line)) {
					t.Errorf("%s: %s", name, line)
				}
			}
		}
	}
}

func TestVisibleLeavesLettersAlone(t *testing.T) {
	t.Parallel()
	const text = "أمينة 😀 \"x\"\\\té\n"
	var out bytes.Buffer
	w := &visible{out: &out}
	for _, b := range []byte(text) { // a byte at a time
		if n, err := w.Write([]byte{b}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if out.String() != text {
		t.Errorf("got %q, want %q", out.String(), text)
	}
	out.Reset()
	if _, err := w.Write([]byte("\x1b[2J\u202e\u009b\x9bend")); err != nil || out.String() != `\u001b[2J\u202e\u009b\x9bend` {
		t.Errorf("got %q, %v", out.String(), err)
	}
	for text, want := range map[string]string{"amina": "amina", "أمينة": "أمينة", "": "", "a b": "a b", "a\tb": `"a\tb"`, `a"b`: `"a\"b"`, "a\u200fb": `"a\u200fb"`} {
		if got := shown(text); got != want {
			t.Errorf("shown(%q) = %s, want %s", text, got, want)
		}
	}
}
