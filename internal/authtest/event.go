package authtest

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// AllEvents are all of the server's, the oldest first.
func (s *Server) AllEvents(t *testing.T) []account.Event {
	t.Helper()
	newest, err := s.Store.Events(t.Context(), store.EventFilter{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	events := make([]account.Event, 0, len(newest))
	for i := range newest {
		events = append(events, newest[len(newest)-1-i])
	}
	return events
}

func (s *Server) SealAll(t *testing.T) {
	t.Helper()
	if err := s.Audit.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Verified is what a verification says, which must be without a problem.
func (s *Server) Verified(t *testing.T, noted store.EventHead) audit.Report {
	t.Helper()
	r, err := s.Audit.Verify(t.Context(), noted)
	if err != nil {
		t.Fatal(err)
	}
	if r.Problem != "" {
		t.Fatal(r.Problem)
	}
	return r
}

func ByStaff(o *app.Options, _ *token.Options) { o.Staff = "root for nadia" }

func KeepAYear(o *app.Options, _ *token.Options) { o.EventsKeep = 365 * 24 * time.Hour }

// EventKinds counts the events of each kind.
func (s *Server) EventKinds(t *testing.T) map[account.EventKind]int {
	t.Helper()
	count := map[account.EventKind]int{}
	for _, e := range s.AllEvents(t) {
		count[e.Kind]++
	}
	return count
}

// OpenRaw is a way into the database beside the product's, without the
// triggers: an attacker's.
func OpenRaw(t *testing.T, url string) *sql.DB {
	t.Helper()
	db := OpenSQL(t, url)
	drop := []string{`ALTER TABLE events DISABLE TRIGGER ALL`}
	if strings.HasPrefix(url, "sqlite:") {
		drop = []string{`DROP TRIGGER events_keep`, `DROP TRIGGER events_seal_once`, `DROP TRIGGER events_forget_whole`, `DROP TRIGGER events_oldest_only`}
	}
	Execute(t, db, drop...)
	return db
}

// OpenSQL is a way into the database beside the product's.
func OpenSQL(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, name := "pgx", url
	if path, isFile := strings.CutPrefix(url, "sqlite:"); isFile {
		driver, name = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func Execute(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // a no-op after Commit
	for _, statement := range statements {
		if _, err := tx.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// EventChanges are the events of changed profiles, each in a line: whose, from
// which session, how many, which fields.
func (s *Server) EventChanges(t *testing.T, sessions map[string]string) (all []string) {
	t.Helper()
	for _, e := range s.AllEvents(t) {
		if e.Kind == account.EventProfileChanged {
			d := e.ReadDetails()
			all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s %d %s", e.UserID, sessions[e.SessionID], max(1, d.Count), strings.Join(d.Fields, "+"))))
		}
	}
	return all
}
