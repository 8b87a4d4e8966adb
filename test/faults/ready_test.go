package faults

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/store/storetest"
)

// noChange is what readyz says where nothing can be written.
const noChange = "the database has taken no change for"

// saysWhy waits until readyz is 503 with a reason.
func (s *server) saysWhy(t *testing.T, reason string) {
	t.Helper()
	var last answer
	waitFor(t, "readyz says "+reason, func() bool {
		a, err := s.call(http.MethodGet, "/readyz", "")
		last = a
		return err == nil && a.status == http.StatusServiceUnavailable && strings.Contains(a.field("reason"), reason)
	})
	if last.header.Get("Retry-After") == "" || last.field("status") != "unavailable" {
		t.Errorf("readyz: %v %s", last.header, last.body)
	}
}

// TestFullDiskIsNotReady, and is again by itself when there is room.
func TestFullDiskIsNotReady(t *testing.T) {
	t.Parallel()
	dir, metrics := smallDisk(t), porttest.Address(t)
	s := start(t, "sqlite:"+filepath.Join(dir, "yoozak.db"), "YOOZAK_METRICS_LISTEN="+metrics)
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)
	for n, refused := 0, 0; refused < 5; n++ { // uses up the little room that is left
		a, err := s.register(fmt.Sprint("user", n))
		if err != nil {
			t.Fatal(err)
		}
		if a.status == http.StatusServiceUnavailable {
			refused++
		}
	}
	s.saysWhy(t, noChange)
	if age := metric(t, metrics, "yoozak_database_write_age_seconds"); age < 15 {
		t.Errorf("the last change is %v seconds old, and the server is not ready", age)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s.Ready(t)
	if a, err := s.register("later"); err != nil || a.status != http.StatusCreated {
		t.Errorf("with room again: %d %s %v", a.status, a.body, err)
	}
	if age := metric(t, metrics, "yoozak_database_write_age_seconds"); age > 15 {
		t.Errorf("the last change is %v seconds old, and the server is ready", age)
	}
}

// TestServerWithoutItsSynchronousStandbyIsNotReady: PostgreSQL answers, and
// acknowledges nothing.
func TestServerWithoutItsSynchronousStandbyIsNotReady(t *testing.T) {
	t.Parallel()
	primary := pgtest.StartOwn(t)
	primary.Exec(t, "CREATE DATABASE y")
	standby := primary.Standby(t)
	primary.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = '*'")
	primary.Exec(t, "SELECT pg_reload_conf()")
	s := start(t, primary.URL("y"))
	if a, err := s.register("amina"); err != nil || a.status != http.StatusCreated {
		t.Fatal(a, err)
	}
	standby.Stop()
	s.saysWhy(t, noChange)
	if err := standby.Start(); err != nil {
		t.Fatal(err)
	}
	s.Ready(t)
}

// TestSilentPostgresIsNotReady: connections stay, and nobody answers.
func TestSilentPostgresIsNotReady(t *testing.T) {
	t.Parallel()
	far := newFar(t, pgtest.Start(t).NewDatabase(t))
	s := start(t, far.url)
	far.silent.Store(true)
	s.saysWhy(t, "the database does not answer")
	far.silent.Store(false)
	far.cut()
	s.Ready(t)
}

// far is a proxy to a database.
type far struct {
	url    string
	silent atomic.Bool // takes everything and brings nothing

	mu    sync.Mutex
	conns []net.Conn
}

func newFar(t *testing.T, database string) *far {
	t.Helper()
	to, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	target := to.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to.Host = l.Addr().String()
	f := &far{url: to.String()}
	t.Cleanup(func() {
		_ = l.Close()
		f.cut()
	})
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			away, err := net.Dial("tcp", target)
			if err != nil {
				_ = near.Close()
				continue
			}
			f.mu.Lock()
			f.conns = append(f.conns, near, away)
			f.mu.Unlock()
			go f.bring(away, near)
			go f.bring(near, away)
		}
	}()
	return f
}

func (f *far) bring(to, from net.Conn) {
	defer to.Close() //nolint:errcheck // one of two
	block := make([]byte, 32<<10)
	for {
		n, err := from.Read(block)
		if err != nil {
			return
		}
		if f.silent.Load() {
			continue
		}
		if _, err := to.Write(block[:n]); err != nil {
			return
		}
	}
}

func (f *far) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.conns = nil
}

// TestDamagedPageIsCounted: who is on it gets 500, everybody else is served,
// and the operator can be told.
func TestDamagedPageIsCounted(t *testing.T) {
	t.Parallel()
	path, metrics := filepath.Join(t.TempDir(), "yoozak.db"), porttest.Address(t)
	s := start(t, "sqlite:"+path, "YOOZAK_METRICS_LISTEN="+metrics)
	if a, err := s.register("amina"); err != nil || a.status != http.StatusCreated {
		t.Fatal(a, err)
	}
	s.Stop(t)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	at := strings.Index(string(file), "$argon2id$") / page * page
	copy(file[at:at+page], make([]byte, page))
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, "sqlite:"+path, "YOOZAK_METRICS_LISTEN="+metrics)
	if a, err := again.login("amina"); err != nil || a.status != http.StatusInternalServerError {
		t.Errorf("login of somebody on a damaged page: %d %s %v", a.status, a.body, err)
	}
	if n := metric(t, metrics, "yoozak_database_damage_total"); n == 0 {
		t.Error("the damage is not counted")
	}
	if a, err := again.call(http.MethodGet, "/readyz", ""); err != nil || a.status != http.StatusOK {
		t.Errorf("readyz: %d %s %v", a.status, a.body, err)
	}
}

// TestServerOutOfDescriptorsRecovers when those who hold them let go.
func TestServerOutOfDescriptorsRecovers(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	limit := &unix.Rlimit{Cur: 64, Max: 64}
	if err := unix.Prlimit(s.PID(), unix.RLIMIT_NOFILE, limit, nil); err != nil {
		t.Fatal(err)
	}
	var all []net.Conn
	for range 120 {
		c, err := net.DialTimeout("tcp", s.Address, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	probe := &http.Client{Timeout: time.Second}
	if res, err := probe.Get(s.URL + "/readyz"); err == nil { //nolint:noctx // has a time-out
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			t.Error("ready, though it can take no connection")
		}
	}
	for _, c := range all {
		_ = c.Close()
	}
	s.Ready(t)
	if a, err := s.register("amina"); err != nil || a.status != http.StatusCreated {
		t.Errorf("afterwards: %d %s %v", a.status, a.body, err)
	}
}
