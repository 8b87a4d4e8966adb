package faults

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/porttest"
)

// TestTwoPrimariesAreNotBothWritten: a standby is promoted while the primary
// lives on, under load. From then on whoever is told 201 is on the new one;
// and when that is gone, nobody is told 201.
func TestTwoPrimariesAreNotBothWritten(t *testing.T) {
	t.Parallel()
	old := pgtest.StartOwn(t)
	old.Exec(t, "CREATE DATABASE y")
	next := old.Standby(t)
	metrics := porttest.Address(t)
	s := start(t, twoHosts(t, next.URL("y"), old.URL("y")), "YOOZAK_DATABASE_CONNS=16", "YOOZAK_METRICS_LISTEN="+metrics)
	var (
		wg      sync.WaitGroup
		done    atomic.Bool
		noticed atomic.Bool
		mu      sync.Mutex
		later   []string
	)
	for worker := range 24 {
		wg.Go(func() {
			for n := 0; !done.Load(); n++ {
				name, after := fmt.Sprintf("u%d-%d", worker, n), noticed.Load()
				a, err := s.register(name)
				switch {
				case err != nil:
					t.Error(err)
					return
				case a.status == http.StatusCreated && after:
					mu.Lock()
					later = append(later, name)
					mu.Unlock()
				case a.status != http.StatusCreated && a.status != http.StatusServiceUnavailable:
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		})
	}
	next.Promote(t, old)
	// Under load the pool opens connections now and then; a crash of one does, too.
	waitFor(t, "the promotion is noticed", func() bool {
		old.Exec(t, "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'yoozak' LIMIT 1) AS one")
		return strings.Contains(s.Output.String(), "a standby was promoted")
	})
	noticed.Store(true)
	waitFor(t, "people register at the new primary", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(later) >= 100
	})
	done.Store(true)
	wg.Wait()
	on := func(c *pgtest.Cluster) int {
		return count(t, c.URL("y"), `SELECT count(*) FROM users WHERE username IN ('`+strings.Join(later, `', '`)+`')`)
	}
	if gotOld, gotNew := on(old), on(next); gotOld != 0 || gotNew != len(later) {
		t.Errorf("of %d, %d are on the old primary and %d on the new one", len(later), gotOld, gotNew)
	}
	next.Kill()
	waitFor(t, "the old primary is refused", func() bool { // first each connection that was open has to fail
		if a, err := s.register("nobody"); err != nil || a.status != http.StatusServiceUnavailable {
			t.Fatalf("without the new primary: %d %s %v", a.status, a.body, err)
		}
		return strings.Contains(s.Output.String(), `"level":"ERROR","msg":"a PostgreSQL server is refused`)
	})
	if n := count(t, old.URL("y"), `SELECT count(*) FROM users WHERE username = 'nobody'`); n != 0 {
		t.Errorf("%d people are on the old primary", n)
	}
	res, err := http.Get("http://" + metrics + "/metrics") //nolint:noctx // of ours
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it is read
	text, err := io.ReadAll(res.Body)
	if err != nil || !regexp.MustCompile(`(?m)^yoozak_database_refused_total [1-9]`).Match(text) {
		t.Errorf("the metrics do not count it: %v\n%s", err, text)
	}
}

func count(t *testing.T, url, query string) (n int) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // one query
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
