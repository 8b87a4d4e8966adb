package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// exported says where in an export the rows of a table are, and which rows
// are a person's. Whoever adds a table says so here: "" is a table that has
// emptyBody about people.
var exported = map[string]struct{ field, owner string }{
	"users":            {"user", "id"},
	"sessions":         {"sessions", "user_id"},
	"challenges":       {"challenges", "user_id"},
	"mails":            {"mails", "user_id"},
	"codes":            {"codes", "user_id"},
	"django_imports":   {}, // digests of what is in users; emptied with the erasure
	"revoked_tokens":   {}, // random ids, of nobody
	"events":           {"events", "user_id"},
	"username_changes": {"former_usernames", "user_id"},
	"factors":          {"factors", "user_id"},
	"recovery_codes":   {"recovery_codes", "user_id"},
	"user_grams":       {}, // numbers made of the names in users; erased with the user. The next four are its parts on SQLite
	"user_grams_data":  {}, "user_grams_idx": {}, "user_grams_docsize": {}, "user_grams_config": {},
	"former_passwords": {}, // hashes, for a week; erased with the user
	"factor_tries":     {}, // counts of wrong codes; erased with the user
	"webhooks":         {}, // programs
	"event_chain":      {},
	"services":         {}, // programs, not persons
	"signing_keys":     {},
	"secrets":          {},
	"guesses":          {}, // counts by keyed hashes, for hours; erased with the user
	"rate_limits":      {}, // the same, for minutes
	"heartbeats":       {}, // of servers
	"restores":         {}, // of the database
	"backups":          {}, // of the database
	"passkeys":         {"passkeys", "user_id"},
	"user_handles":     {}, // random, of no use to anybody but an authenticator
	"ceremonies":       {}, // what an authenticator was asked, for minutes; erased with the user
	"goose_db_version": {},

	"webhook_deliveries": {"told_to_webhooks", "user_id"},
	"trusted_devices":    {"trusted_devices", "user_id"},
	"login_places":       {"login_places", "user_id"},
	"notices":            {"notices", "user_id"},
	"recoveries":         {"recoveries", "user_id"},
	"staff":              {"roles", "user_id"},
	"staff_notes":        {"notes", "user_id"},
	"staff_sessions":     {}, // a time of each session of staff; erased with it
	"staff_looks":        {}, // who of the staff looked at whom, for an hour; the events tell it
	"staff_approvals":    {}, // what staff asked a second person for, for a day; erased with either
	"sqlite_sequence":    {},
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// database is the test's own look at the tables, beside the product's.
type database struct {
	*sql.DB
	sqlite bool
}

func openDatabase(t *testing.T, url string) database {
	t.Helper()
	driver, name := "pgx", url
	path, isFile := strings.CutPrefix(url, "sqlite:")
	if isFile {
		driver, name = "sqlite", "file:"+path+"?mode=ro"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return database{db, isFile}
}

func (db database) tables(t *testing.T) []string {
	t.Helper()
	query := `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	if db.sqlite {
		query = `SELECT name FROM sqlite_master WHERE type = 'table'`
	}
	return db.texts(t, query)
}

func (db database) texts(t *testing.T, query string, args ...any) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		var line []string
		for _, v := range values {
			switch v := (*v.(*any)).(type) {
			case []byte:
				line = append(line, string(v))
			default:
				line = append(line, fmt.Sprint(v))
			}
		}
		all = append(all, strings.Join(line, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// dump is the whole database as text.
func (db database) dump(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, table := range db.tables(t) {
		for _, row := range db.texts(t, `SELECT * FROM `+table) {
			fmt.Fprintf(&b, "%s: %s\n", table, row)
		}
	}
	return b.String()
}

// busyPerson does everything that leaves rows.
func busyPerson(t *testing.T, s *server) *person {
	t.Helper()
	p := newPerson(t, s)
	p.challenge(t, account.VerifyEmail)
	p.challenge(t, account.ResetPassword)
	p.challenge(t, account.UndoEmail)
	for _, name := range []string{p.name + "2", p.name} {
		if a := p.as(t, http.MethodPatch, mePath, `{"username":"`+name+`","password":"`+goodPassword+`"}`); a.status != http.StatusOK {
			t.Fatalf("rename: %d %s", a.status, a.body)
		}
	}
	p.post(t, loginPath, `{"username":"`+p.name+`","password":"wrong"}`, "User-Agent", "Agent of "+p.name, "X-Forwarded-For", "203.0.113.77")
	p.post(t, loginPath, `{"username":"`+p.name+` ","password":"wrong"}`, "User-Agent", "Agent of "+p.name, "X-Forwarded-For", "203.0.113.77")
	p.post(t, loginPath, `{"username":"not-`+p.name+`","password":"wrong"}`, "User-Agent", "Agent of "+p.name, "X-Forwarded-For", "203.0.113.77")
	p.post(t, "/api/clients/auth/logout/", `{"refresh":"`+p.refresh+`"}`)
	a := p.post(t, loginPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`, "User-Agent", "Agent of "+p.name, "X-Forwarded-For", "203.0.113.77")
	p.access, p.refresh = a.field("access"), a.field("refresh")
	if a.status != http.StatusOK {
		t.Fatalf("login: %d %s", a.status, a.body)
	}
	p.enrol(t, "phone of "+p.name)
	p.addPasskey(t)
	p.leaveTraces(t)                                      // after it: another factor ends every trust
	if err := s.app.Audit.Seal(t.Context()); err != nil { // which writes the failures
		t.Fatal(err)
	}
	return p
}

// leaveTraces makes the rows of a person with a second factor.
func (p *person) leaveTraces(t *testing.T) {
	t.Helper()
	u, now := p.user(t, p.name), p.clock.now()
	err := p.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		return errors.Join(
			tx.SetStaff(ctx, account.StaffMember{UserID: u.ID, Role: account.Support, GivenAt: now}),
			tx.AddNote(ctx, &account.Note{UserID: u.ID, Text: "note about " + p.name, CreatedAt: now}),
			tx.CreateTrustedDevice(ctx, account.TrustedDevice{
				ID: "device of " + p.name, UserID: u.ID, Hash: "hash of " + p.name, Factors: "factors of " + p.name, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
				IP: "203.0.113.77", UserAgent: "Agent of " + p.name,
			}),
			tx.NotePlace(ctx, u.ID, "place of "+p.name, "", now),
			tx.CreateRecovery(ctx, account.Recovery{
				ID: "recovery of " + p.name, UserID: u.ID, Email: "recovery-" + p.email, Reason: "because of " + p.name, StartedAt: now, ReadyAt: now.Add(time.Hour),
			}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestExportHoldsEveryTable fails when a table is forgotten.
func TestExportHoldsEveryTable(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := newServer(t, storetest.Open(t, url), nil)
		if _, _, err := s.app.Staff.CreateWebhook(t.Context(), "https://orders.example/", nil); err != nil {
			t.Fatal(err)
		}
		p := busyPerson(t, s)
		busyPerson(t, s) // whose rows must not be in it
		db := openDatabase(t, url)
		for until := time.Now().Add(patience); len(db.texts(t, `SELECT 1 FROM mails WHERE due_at IS NOT NULL`)) > 0 && time.Now().Before(until); {
			time.Sleep(20 * time.Millisecond) // a mail's link is a row, which comes when it goes out
		}
		a := p.as(t, http.MethodGet, "/api/clients/clients/me/export/", "")
		var export map[string]json.RawMessage
		if err := json.Unmarshal([]byte(a.body), &export); err != nil || a.status != http.StatusOK {
			t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
		id := p.user(t, p.name).ID
		for _, table := range db.tables(t) {
			e, known := exported[table]
			switch {
			case !known:
				t.Errorf("the table %s is new: is what it holds of a person in the export, and erased with them?", table)
				continue
			case e.field == "":
				continue
			}
			want := len(db.texts(t, `SELECT 1 FROM `+table+` WHERE `+e.owner+` = $1`, id))
			if want == 0 {
				t.Errorf("%s: the test leaves no row", table)
			}
			got := 1
			var rows []map[string]any
			if json.Unmarshal(export[e.field], &rows) == nil {
				got = len(rows)
			}
			if export[e.field] == nil || got != want {
				t.Errorf("%s: %d rows in the export, %d in the table", table, got, want)
			}
		}
		for _, secret := range []string{"argon2", p.user(t, p.name).PasswordHash, p.refresh, p.access, "hash of " + p.name, "factors of " + p.name, "place of " + p.name} {
			if strings.Contains(a.body, secret) {
				t.Errorf("the export has a secret: %.20s…", secret)
			}
		}
	})
}

// TestExportHasNoAddressOfTheStaff: where somebody of the staff sat who had a
// mail sent is theirs, as in the events.
func TestExportHasNoAddressOfTheStaff(t *testing.T) {
	t.Parallel()
	const desk = "198.51.100.9"
	proxied := func(o *settings) { o.web.TrustedProxies = loopback }
	forEachEngine(t, proxied, func(t *testing.T, s *server) {
		agent, p := employed(t, s, account.Manager), newPerson(t, s)
		path := "/api/clients/clients/" + strconv.FormatInt(s.user(t, p.name).ID, 10) + "/"
		fromDesk := func(method, path, body string) answer {
			a := s.call(t, method, path, body, "Content-Type", "application/json", "Authorization", "Bearer "+agent.access, "X-Forwarded-For", desk)
			if a.status >= http.StatusBadRequest {
				t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
			}
			return a
		}
		fromDesk(http.MethodPost, path+"reset/", "")
		fromDesk(http.MethodPost, path+"resend/", "")
		seen := fromDesk(http.MethodGet, path, "")
		fromDesk(http.MethodPatch, path, `{"version":"`+seen.field("version")+`","email":"`+randomName("n")+`@example.ma","reason":"a slip of the pen"}`)
		s.deliverAll(t)
		a := p.wants(t, http.StatusOK, http.MethodGet, "/api/clients/clients/me/export/", "")
		if n := strings.Count(a.body, `"kind":"verify_email"`); n != 2 {
			t.Errorf("%d verifications in the export", n)
		}
		if strings.Contains(a.body, desk) {
			t.Errorf("the export says where the staff are: %s", a.body)
		}
	})
}

// TestErasureLeavesNothing reads the whole database for what could name the
// person.
func TestErasureLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := newServer(t, storetest.Open(t, url), func(o *settings) { o.web.TrustedProxies = loopback })
		p, stays := busyPerson(t, s), newPerson(t, s)
		p.post(t, "/api/clients/auth/password/reset/", `{"email":"NEW`+p.email+`"}`) // a row that is nobody's yet
		db := openDatabase(t, url)
		names := []string{p.name, "203.0.113.77"}
		for _, name := range names {
			if !strings.Contains(db.dump(t), name) {
				t.Fatalf("%s is nowhere in the database: the test is worth nothing", name)
			}
		}
		if a := p.as(t, http.MethodDelete, mePath, `{"password":"`+goodPassword+`"}`); a.status != http.StatusNoContent {
			t.Fatalf("%d %s", a.status, a.body)
		}
		p.mailed(t, account.MailAccountClosed, "new"+p.email)
		if err := s.app.Sweep(t.Context(), s.clock.now()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(db.dump(t), p.name) {
			t.Error("erased before the time was up")
		}
		s.clock.advance(30*24*time.Hour + time.Minute)
		if err := s.app.Sweep(t.Context(), s.clock.now()); err != nil {
			t.Fatal(err)
		}
		dump := db.dump(t)
		for _, name := range append(names, strings.ToUpper(p.name)) {
			if strings.Contains(dump, name) {
				for line := range strings.Lines(dump) {
					if strings.Contains(line, name) {
						t.Errorf("%s is still there: %s", name, line)
					}
				}
			}
		}
		if !strings.Contains(dump, stays.name) {
			t.Error("somebody else was erased")
		}
		if a := p.post(t, registerPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`); a.status != http.StatusCreated {
			t.Errorf("the name is not free again: %d %s", a.status, a.body)
		}
	})
}

// TestTokensOfMailsAreNotStored: what grants access is in the mail alone.
func TestTokensOfMailsAreNotStored(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := newServer(t, storetest.Open(t, url), nil)
		p := newPerson(t, s)
		dumped := openDatabase(t, url)
		for _, kind := range []account.ChallengeKind{account.ResetPassword, account.VerifyEmail, account.UndoEmail} {
			token := p.challenge(t, kind)
			if strings.Contains(dumped.dump(t), token) {
				t.Errorf("%s: the token is in the database", kind)
			}
			if strings.Contains(s.logged(), token) {
				t.Errorf("%s: the token is in the log", kind)
			}
		}
		if strings.Contains(s.logged(), p.email) {
			t.Error("an address is in the log")
		}
	})
}
