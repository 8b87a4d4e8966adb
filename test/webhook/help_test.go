package webhook

import (
	"database/sql"
	"net"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"github.com/yoozak/clients/internal/porttest"
)

// freePort is one that nobody else gets.
func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(porttest.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// holdOpen owes a delivery about the client 9999999 in a transaction that is
// open until commit is called.
func holdOpen(t *testing.T, url, webhookID string) (commit func()) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.ExecContext(t.Context(), `
		INSERT INTO webhook_deliveries (webhook_id, message_id, type, user_id, fields, at, state, attempts, took, status, failure)
		VALUES ($1, 'msg_held', 'client.enabled', 9999999, '', now(), 'new', 0, 0, 0, '')`, webhookID)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}
