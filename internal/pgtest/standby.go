package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"testing"
	"time"
)

// Standby returns a server that follows this one, and ends it with the test.
func (c *Cluster) Standby(tb testing.TB) *Cluster {
	tb.Helper()
	s, err := makeCluster(true, func(s *Cluster) error {
		out, err := s.command("pg_basebackup", "--host=127.0.0.1", "--port="+strconv.Itoa(c.number), "--username=yoozak",
			"--pgdata="+s.data(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync").CombinedOutput()
		if err != nil {
			return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
		}
		return nil
	}, (*Cluster).Start)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Promote makes a standby a server of its own, which takes changes. First it
// has what the one that it follows has written until now: a busy machine
// brings it there later, and what is not there by then is lost.
func (c *Cluster) Promote(tb testing.TB, followed *Cluster) {
	tb.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		following, err := followed.count(`SELECT COUNT(*) FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()`)
		if err != nil {
			tb.Fatal(err)
		}
		if following > 0 {
			break
		}
		if time.Now().After(deadline) {
			tb.Fatal("the standby does not follow")
		}
	}
	c.Exec(tb, "SELECT pg_promote()")
}

func (c *Cluster) count(query string) (n int, err error) {
	db, err := sql.Open("pgx", c.URL("postgres"))
	if err != nil {
		return 0, err
	}
	defer db.Close() //nolint:errcheck // one query
	err = db.QueryRowContext(context.Background(), query).Scan(&n)
	return n, err
}
