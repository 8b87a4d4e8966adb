package pgtest

import (
	"fmt"
	"strconv"
	"testing"
)

// Standby returns a server that follows this one, and ends it with the test.
func (c *Cluster) Standby(tb testing.TB) *Cluster {
	tb.Helper()
	s, err := makeCluster(true, func(s *Cluster) error {
		out, err := s.command("pg_basebackup", "--host=127.0.0.1", "--port="+strconv.Itoa(c.port.Number()), "--username=yoozak",
			"--pgdata="+s.data(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync").CombinedOutput()
		if err != nil {
			return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Promote makes a standby a server of its own, which takes changes.
func (c *Cluster) Promote(tb testing.TB) {
	tb.Helper()
	c.Exec(tb, "SELECT pg_promote()")
}
