package audit_test

import (
	"context"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestFarDatabaseHasItsEventsSealed: what costs there is the round trip, and a
// transaction has ten seconds. With one for each event 4,000 would take seven
// minutes.
func TestFarDatabaseHasItsEventsSealed(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	near := authtest.New(t, storetest.Open(t, url))
	events := yoozaktest.Long(4000, 20_000)
	for range events / 1000 {
		entries := make([]audit.Entry, 1000)
		for i := range entries {
			entries[i] = audit.Entry{Kind: account.EventLogin, UserID: int64(i % 7), At: near.Clock.Now(), Request: authtest.Req} // some are about nobody
		}
		authtest.Write(t, near.Store, func(ctx context.Context, tx *store.Store) error { return near.Audit.RecordAll(ctx, tx, entries) })
	}
	far := authtest.New(t, storetest.Open(t, pgtest.Start(t).Far(t, url, 50*time.Millisecond)))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	if err := far.Audit.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events sealed in %v", events, time.Since(began))
	if r := near.Verified(t, store.EventHead{}); r.Sealed < events || r.Unsealed != 0 {
		t.Errorf("%+v", r)
	}
}
