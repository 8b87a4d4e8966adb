package faults

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// durable gives a test a database that syncs to disk, on each engine.
func durable(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite:"+filepath.Join(t.TempDir(), "yoozak.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, pgtest.StartOwn(t).NewDatabase(t))
	})
}

// TestAcknowledgedRegistrationsSurviveKill9: 400 registrations at once (2,000
// in make test-long), the process killed in the middle, and whoever was told
// 201 can log in.
func TestAcknowledgedRegistrationsSurviveKill9(t *testing.T) {
	durable(t, func(t *testing.T, url string) {
		const clients = 64
		total := yoozaktest.Long(400, 2000)
		s := start(t, url)
		var (
			mu           sync.Mutex
			acknowledged []string
			wg           sync.WaitGroup
			next         atomic.Int64
		)
		for range clients {
			wg.Go(func() {
				for n := next.Add(1); n <= int64(total); n = next.Add(1) {
					name := fmt.Sprint("user", n)
					a, err := s.register(name)
					if err != nil {
						return // killed
					}
					if a.status != http.StatusCreated {
						t.Errorf("%s: %d %s", name, a.status, a.body)
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, name)
					enough := len(acknowledged) == total/2
					mu.Unlock()
					if enough {
						s.Kill()
					}
				}
			})
		}
		wg.Wait()
		s.Kill()
		if n := len(acknowledged); n < total/2 || n == total {
			t.Fatalf("%d of %d were acknowledged: the kill was not in the middle", n, total)
		}
		again := start(t, url)
		work := make(chan string, len(acknowledged))
		for _, name := range acknowledged {
			work <- name
		}
		close(work)
		for range clients {
			wg.Go(func() {
				for name := range work {
					if a, err := again.login(name); err != nil || a.status != http.StatusOK {
						t.Errorf("%s was told 201 and cannot log in: %d %s %v", name, a.status, a.body, err)
					}
				}
			})
		}
		wg.Wait()
		again.Stop(t)
		t.Logf("%d registrations were acknowledged before the kill; all can log in", len(acknowledged))
		verifyEvents(t, url, map[string]int{"registered": len(acknowledged), "login": len(acknowledged)})
	})
}

// verifyEvents checks the chain of events, sealed to the last, and that there
// are at least so many of each kind.
func verifyEvents(t *testing.T, url string, least map[string]int) {
	t.Helper()
	run := func(args ...string) string { return yoozak(t, url, append([]string{"events"}, args...)...) }
	if out := run("verify"); !strings.Contains(out, "; 0 not sealed yet") {
		t.Errorf("events verify: %s", out)
	}
	for kind, n := range least {
		if got := strings.Count(run("list", "--json", "--limit", "1000000", "--kind", kind), "\n"); got < n {
			t.Errorf("%d events %s, want %d or more", got, kind, n)
		}
	}
}

// TestPostgresStopsAndComesBackUnderLoad: what cannot be answered is a 503
// with Retry-After, in time, and all is well again by itself.
func TestPostgresStopsAndComesBackUnderLoad(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(c *pgtest.Cluster){"stop": (*pgtest.Cluster).Stop, "crash": (*pgtest.Cluster).Kill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pgtest.StartOwn(t)
			s := start(t, c.NewDatabase(t))
			a, err := s.register("amina")
			if err != nil || a.status != http.StatusCreated {
				t.Fatal(a, err)
			}
			access, refresh := a.field("access"), a.field("refresh")
			var (
				wg       sync.WaitGroup
				done     atomic.Bool
				mu       sync.Mutex
				statuses = map[int]int{}
			)
			for worker := range 16 {
				wg.Go(func() {
					mine := "amina" // then whom the worker has registered: nobody has more than a hundred sessions
					for n := 0; !done.Load(); n++ {
						var (
							a    answer
							err  error
							name = fmt.Sprintf("u%d-%d", worker, n)
						)
						switch n % 4 {
						case 0:
							a, err = s.me(access)
						case 1:
							a, err = s.login(mine)
						case 2:
							a, err = s.call(http.MethodPost, "/api/clients/auth/token/refresh/", `{"refresh":"`+refresh+`"}`)
						case 3:
							if a, err = s.register(name); a.status == http.StatusCreated {
								mine = name
							}
						}
						if err != nil {
							t.Errorf("no answer: %v", err)
							return
						}
						mu.Lock()
						statuses[a.status]++
						mu.Unlock()
						switch a.status {
						case http.StatusOK, http.StatusCreated:
						case http.StatusServiceUnavailable:
							if a.header.Get("Retry-After") == "" || a.field("detail") == "" {
								t.Errorf("503 without advice: %v %s", a.header, a.body)
							}
							time.Sleep(10 * time.Millisecond)
						default:
							t.Errorf("%d %s", a.status, a.body)
							return
						}
					}
				})
			}
			answered := func(status, n int) func() bool {
				return func() bool {
					mu.Lock()
					defer mu.Unlock()
					return statuses[status] >= n
				}
			}
			waitFor(t, "people register", answered(http.StatusCreated, 50))
			end(c)
			if a, err := s.call(http.MethodGet, "/readyz", ""); err != nil || a.status != http.StatusServiceUnavailable {
				t.Errorf("readyz without a database: %d %v", a.status, err)
			}
			if a, err := s.call(http.MethodGet, "/healthz", ""); err != nil || a.status != http.StatusOK {
				t.Errorf("healthz without a database: %d %v", a.status, err)
			}
			waitFor(t, "requests meet the stopped database", answered(http.StatusServiceUnavailable, 50))
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			s.Ready(t)
			mu.Lock()
			before := statuses[http.StatusCreated]
			mu.Unlock()
			waitFor(t, "people register again", answered(http.StatusCreated, before+20))
			done.Store(true)
			wg.Wait()
			if a, err := s.me(access); err != nil || a.status != http.StatusOK {
				t.Errorf("after the return: %d %s %v", a.status, a.body, err)
			}
			s.Stop(t)
			if log := s.Output.String(); strings.Contains(log, "panic") || strings.Contains(log, "goroutine ") {
				t.Errorf("the log has a stack:\n%s", log)
			}
			t.Logf("answers by status: %v", statuses)
		})
	}
}

// TestFullDiskIsA503AndCorruptsNothing fills the small disk that the
// database is on.
func TestFullDiskIsA503AndCorruptsNothing(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	s := start(t, "sqlite:"+filepath.Join(dir, "yoozak.db"))
	a, err := s.register("amina")
	if err != nil || a.status != http.StatusCreated {
		t.Fatal(a, err)
	}
	access := a.field("access")
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)

	var acknowledged []string
	refused := 0
	for n := 0; refused < 20 && n < 5000; n++ {
		name := fmt.Sprint("user", n)
		a, err := s.register(name)
		switch {
		case err != nil:
			t.Fatal(err)
		case a.status == http.StatusCreated:
			acknowledged = append(acknowledged, name)
		case a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "":
			refused++
		default:
			t.Fatalf("%s: %d %s", name, a.status, a.body)
		}
	}
	if refused == 0 {
		t.Fatal("the disk did not fill up: nothing was tested")
	}
	if a, err := s.me(access); err != nil || a.status != http.StatusOK {
		t.Errorf("reading on a full disk: %d %s %v", a.status, a.body, err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if a, err := s.register("later"); err != nil || a.status != http.StatusCreated {
		t.Errorf("with room again: %d %s %v", a.status, a.body, err)
	}
	s.Stop(t)

	again := start(t, "sqlite:"+filepath.Join(dir, "yoozak.db"))
	for _, name := range append(acknowledged, "amina", "later") {
		if a, err := again.login(name); err != nil || a.status != http.StatusOK {
			t.Errorf("%s: %d %s %v", name, a.status, a.body, err)
		}
	}
	again.Stop(t)
	t.Logf("%d registered, %d refused", len(acknowledged), refused)
}

// smallDisk is a file system of 4 MiB, in memory.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	mount := exec.Command("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", dir)
	if os.Getuid() != 0 {
		mount = exec.Command("sudo", append([]string{"-n"}, mount.Args...)...)
	}
	if out, err := mount.CombinedOutput(); err != nil {
		t.Fatalf("a small disk needs the right to mount (run as root, or allow sudo): %v\n%s", err, out)
	}
	t.Cleanup(func() {
		unmount := exec.Command("umount", "-l", dir)
		if os.Getuid() != 0 {
			unmount = exec.Command("sudo", "-n", "umount", "-l", dir)
		}
		if out, err := unmount.CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
	return dir
}

// fill writes until nothing more fits, but for a little room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it is thrown away
	block := make([]byte, 16<<10)
	var size int64
	for {
		n, err := f.Write(block)
		size += int64(n)
		if err != nil {
			break
		}
	}
	if err := f.Truncate(size - 256<<10); err != nil {
		t.Fatal(err)
	}
}

// TestServersStartAtOnceOnOneDatabase: one makes the schema and the keys,
// and each takes the other's tokens.
func TestServersStartAtOnceOnOneDatabase(t *testing.T) {
	durable(t, func(t *testing.T, url string) {
		servers := make([]*server, 3)
		for i := range servers {
			servers[i] = launch(t, url)
		}
		for _, s := range servers {
			s.Ready(t)
		}
		for i, from := range servers {
			a, err := from.register(fmt.Sprint("user", i))
			if err != nil || a.status != http.StatusCreated {
				t.Fatal(a, err)
			}
			for j, to := range servers {
				if me, err := to.me(a.field("access")); err != nil || me.status != http.StatusOK {
					t.Errorf("token of server %d at server %d: %d %s %v", i, j, me.status, me.body, err)
				}
			}
		}
		for _, s := range servers {
			s.Stop(t)
		}
	})
}

// TestSIGTERMLosesNothing: every request that was taken is answered.
func TestSIGTERMLosesNothing(t *testing.T) {
	durable(t, func(t *testing.T, url string) {
		s := start(t, url)
		var (
			wg           sync.WaitGroup
			mu           sync.Mutex
			acknowledged []string
		)
		for worker := range 32 {
			wg.Go(func() {
				for n := 0; ; n++ {
					name := fmt.Sprintf("u%d-%d", worker, n)
					a, err := s.register(name)
					if err != nil {
						return // the listener is closed
					}
					if a.status != http.StatusCreated {
						t.Errorf("%s: %d %s", name, a.status, a.body)
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, name)
					mu.Unlock()
				}
			})
		}
		waitFor(t, "people register", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(acknowledged) >= 50
		})
		s.Stop(t)
		wg.Wait()
		again := start(t, url)
		for _, name := range acknowledged[max(0, len(acknowledged)-50):] {
			if a, err := again.login(name); err != nil || a.status != http.StatusOK {
				t.Errorf("%s: %d %s %v", name, a.status, a.body, err)
			}
		}
		again.Stop(t)
		t.Logf("%d registered before the end", len(acknowledged))
	})
}

// TestOneOfTwentyRegistrationsOfANameWins, over HTTP and two servers.
func TestOneOfTwentyRegistrationsOfANameWins(t *testing.T) {
	durable(t, func(t *testing.T, url string) {
		servers := []*server{start(t, url), start(t, url)}
		var (
			wg       sync.WaitGroup
			mu       sync.Mutex
			statuses = map[int]int{}
		)
		for i := range 20 {
			wg.Go(func() {
				a, err := servers[i%2].register("amina")
				if err != nil {
					t.Error(err)
				}
				if a.status == http.StatusBadRequest && !strings.HasPrefix(a.body, `{"username":[`) {
					t.Errorf("400 %s", a.body)
				}
				mu.Lock()
				statuses[a.status]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if statuses[http.StatusCreated] != 1 || statuses[http.StatusBadRequest] != 19 {
			t.Errorf("answers %v; want one 201 and nineteen 400", statuses)
		}
	})
}

// TestSlowClientsAreLetGo: a client that does not finish its request does not
// keep its connection.
func TestSlowClientsAreLetGo(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t), "YOOZAK_REQUEST_TIMEOUT=1s")
	for name, request := range map[string]string{
		"headers": "POST /api/clients/auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Ty",
		"body":    "POST /api/clients/auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
	} {
		if took := untilClosed(t, s, request); took > 10*time.Second {
			t.Errorf("slow %s: kept for %v", name, took)
		}
	}
}

// TestKill9WhileEventsAreSealed: the server seals two seconds after its
// start, and is killed about then, again and again.
func TestKill9WhileEventsAreSealed(t *testing.T) {
	durable(t, func(t *testing.T, url string) {
		registered := 0
		for round := range 3 {
			s := start(t, url)
			began := time.Now()
			var wg sync.WaitGroup
			var n atomic.Int64
			for worker := range 32 {
				wg.Go(func() {
					for i := 0; ; i++ {
						if a, err := s.register(fmt.Sprintf("r%d-%d-%d", round, worker, i)); err != nil || a.status != http.StatusCreated {
							return // killed
						}
						n.Add(1)
					}
				})
			}
			time.Sleep(time.Until(began.Add(2*time.Second + time.Duration(round*20)*time.Millisecond)))
			s.Kill()
			wg.Wait()
			registered += int(n.Load())
		}
		last := start(t, url)
		last.Stop(t)
		verifyEvents(t, url, map[string]int{"registered": registered})
	})
}
