// Package cluster runs two servers on three PostgreSQL that Patroni keeps,
// and takes the one that leads away from them.
package cluster

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

const (
	patience = 2 * time.Minute
	clock    = "15:04:05.000"

	// backWithin is how long a server may take from the moment when the new
	// primary takes changes.
	backWithin = 5 * time.Second
)

// TestFailOversLoseNothing kills the leading PostgreSQL with its Patroni
// three times (20 in make test-long) under load, and a standby in the end:
// whatever was acknowledged is there, two servers go on without a restart, one
// of them behind PgBouncers, and the chain of events holds.
func TestFailOversLoseNothing(t *testing.T) {
	t.Parallel()
	c := pgtest.StartPatroni(t)
	c.AwaitLeader(t).Exec(t, "CREATE DATABASE y")
	start := func(database string) *yoozaktest.Server {
		return yoozaktest.Start(t, append([]string{
			"YOOZAK_DATABASE_URL=" + database, "YOOZAK_REFRESH_ROTATION=true",
			"YOOZAK_LOG_REQUESTS=false", "YOOZAK_RATE_LIMITS=off", // one address asks for everybody
		}, yoozaktest.CheapHashes...)...)
	}
	servers := []*yoozaktest.Server{start(c.URL("y")), start(c.Pooled(t, "y", 8))}
	load := startLoad(t, servers)
	head := ""
	for kill := range yoozaktest.Long(3, 20) {
		load.awaitWrites(t, 50)
		leader := c.AwaitLeader(t)
		head = sealed(t, leader.URL("y"))
		killed := time.Now()
		after := func(at time.Time) string { return fmt.Sprintf("%.2f s", at.Sub(killed).Seconds()) }
		leader.Kill()
		dead := time.Now() // a request of before may have been answered meanwhile
		next := c.AwaitLeader(t)
		leads := time.Now()
		next.AwaitWrite(t)
		takes := time.Now()
		line := fmt.Sprintf("kill %d at %s: %s; after %s %s leads, after %s it takes changes, the servers after", kill+1, killed.Format(clock), leader.Name,
			after(leads), next.Name, after(takes))
		for _, s := range servers {
			first := load.firstSince(t, s, dead)
			line += " " + after(first)
			if first.Sub(takes) > backWithin {
				t.Errorf("kill %d: a server takes changes again %v after its database", kill+1, first.Sub(takes))
			}
		}
		leader.Start(t)
		c.AwaitWhole(t)
		t.Logf("%s; %s is a synchronous standby after %s; until now %s", line, leader.Name, after(time.Now()), load.acknowledged())
	}
	standby := c.Standby(t)
	killed := time.Now()
	standby.Kill()
	dead, line := time.Now(), ""
	for _, s := range servers {
		line += fmt.Sprintf(" %.2f s", load.firstSince(t, s, dead).Sub(killed).Seconds())
	}
	t.Logf("%s, a standby, killed: the servers take changes after%s", standby.Name, line)
	load.awaitWrites(t, 50)
	load.stop()
	for _, s := range servers {
		s.Stop(t) // which seals the last events
	}
	url := c.AwaitLeader(t).URL("y")
	lost := load.lost(t, url)
	if len(lost) > 0 {
		t.Errorf("lost:\n%s", strings.Join(lost[:min(len(lost), 20)], "\n"))
	}
	t.Logf("%d lost of %s", len(lost), load.acknowledged())
	verify := yoozaktest.Run(t, []string{"YOOZAK_DATABASE_URL=" + c.URL("y")}, "events", "verify", "--head", head)
	if !strings.Contains(verify, "; 0 not sealed yet") {
		t.Errorf("events verify: %s", verify)
	}
}

// sealed is the head of the chain of events, as people note it.
func sealed(t *testing.T, url string) (head string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // one question
	if err := db.QueryRowContext(t.Context(), `SELECT seq || ':' || encode(hash, 'hex') FROM event_chain`).Scan(&head); err != nil {
		t.Fatal(err)
	}
	return head
}
