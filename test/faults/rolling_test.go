package faults

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/console"
	"github.com/yoozak/clients/internal/pages"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/yoozaktest"
	"github.com/yoozak/clients/test/nginxtest"
)

// TestRollingRestartBehindNginxFailsNoRequest: three servers on one PostgreSQL
// behind nginx, set up as docs/operations.md says, are restarted one after the
// other, with the time to drain that is the default, while people register,
// log in and renew.
func TestRollingRestartBehindNginxFailsNoRequest(t *testing.T) {
	t.Parallel()
	least := yoozaktest.Long(2000, 20_000)
	database := pgtest.StartOwn(t).NewDatabase(t)
	servers := make([]*server, 3)
	for i := range servers {
		servers[i] = launch(t, database, "YOOZAK_DRAIN=5s", "YOOZAK_TRUSTED_PROXIES=127.0.0.1")
	}
	addresses := make([]string, len(servers))
	for i, s := range servers {
		s.Ready(t)
		addresses[i] = s.Address
	}
	front := startNginx(t, addresses)

	var (
		done, failed atomic.Int64
		over         atomic.Bool
		workers      sync.WaitGroup
	)
	for worker := range 8 {
		workers.Go(func() { front.people(t, worker, &done, &failed, &over) })
	}
	restarts := 0
	for done.Load() < int64(least) || restarts < 3 {
		i := restarts % len(servers)
		servers[i].Signal(t, syscall.SIGTERM)
		servers[i].WaitStopped(t)
		servers[i] = &server{servers[i].Again(t), servers[i].client}
		servers[i].Ready(t)
		restarts++
		time.Sleep(2 * time.Second) // nginx does not ask it again before
	}
	over.Store(true)
	workers.Wait()
	t.Logf("%d requests, %d restarts, %d failed", done.Load(), restarts, failed.Load())
	if failed.Load() > 0 {
		t.Errorf("nginx says:\n%s", front.errors(t))
	}
	for _, s := range servers {
		s.Signal(t, os.Interrupt) // which does not wait
		s.WaitStopped(t)
	}
}

// people do, again and again, what customers do.
func (s *nginx) people(t *testing.T, worker int, done, failed *atomic.Int64, over *atomic.Bool) {
	for n := 0; !over.Load(); n++ {
		name := fmt.Sprintf("u%d-%d", worker, n)
		var access, refresh string
		for _, step := range []func() (answer, error){
			func() (answer, error) { return s.register(name) },
			func() (answer, error) { return s.login(name) },
			func() (answer, error) { return s.call(http.MethodPost, refreshPath, `{"refresh":"`+refresh+`"}`) },
			func() (answer, error) { return s.me(access) },
			func() (answer, error) {
				return s.call(http.MethodPatch, mePath, `{"first_name":"Amina"}`, "Authorization", "Bearer "+access)
			},
		} {
			a, err := step()
			done.Add(1)
			if err != nil || a.status >= 300 {
				failed.Add(1)
				t.Errorf("%s: %d %s %v", name, a.status, a.body, err)
			}
			if given := a.field("access"); given != "" {
				access = given
			}
			if given := a.field("refresh"); given != "" {
				refresh = given
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// nginx is one that a test started.
type nginx struct {
	server
	dir string
}

// startNginx starts Debian's nginx with the settings that docs/operations.md
// has, but for addresses and certificates, as somebody without rights, and with
// more settings of its server. It ends with the test.
func startNginx(t *testing.T, servers []string, more ...string) *nginx {
	t.Helper()
	address := porttest.Address(t)
	dir, output := nginxtest.Start(t, documentedNginx(t, "listen "+address+";"+strings.Join(more, ""), servers))
	yoozaktest.Await(t, "http://"+address+"/healthz", http.StatusOK, output)
	return &nginx{server{&yoozaktest.Server{URL: "http://" + address, Address: address}, &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 200},
	}}, dir}
}

// TestDocumentedNginxLogsNoLinkOfAMail: the token in a link's path opens
// something until it is used. nginx, set up as docs/operations.md says, does
// not write it down, of customers or of the staff; it does write down others.
func TestDocumentedNginxLogsNoLinkOfAMail(t *testing.T) {
	t.Parallel()
	s := launch(t, "sqlite:yoozak.db")
	s.Ready(t)
	const token = "T0KEN"
	var want []string
	front := startNginx(t, []string{s.Address, s.Address, s.Address}, "access_log access.log;")
	for _, path := range []string{pages.Link("", account.ResetPassword, token, "fr"), console.AcceptLink("", token, "fr"), "/api/openapi.json"} {
		a, err := front.call(http.MethodGet, path, "")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprint(path, " ", a.status))
	}
	var logged []byte
	waitFor(t, "nginx logs what it has answered, in its order", func() bool {
		var err error
		if logged, err = os.ReadFile(filepath.Join(front.dir, "access.log")); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(logged), "/api/openapi.json")
	})
	if strings.Contains(string(logged), token) {
		t.Errorf("of %q nginx has logged:\n%s", want, logged)
	}
}

func (s *nginx) errors(t *testing.T) string {
	t.Helper()
	f, err := os.Open(filepath.Join(s.dir, "error.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was read
	text, _ := io.ReadAll(io.LimitReader(f, 20_000))
	return string(text)
}

// documentedNginx is what docs/operations.md has people write, with servers
// that are here, and settings in place of its "listen".
func documentedNginx(t *testing.T, listen string, servers []string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), "```nginx\n")
	block, _, closed := strings.Cut(after, "```")
	if !found || !closed {
		t.Fatal("docs/operations.md shows no settings of nginx")
	}
	place := regexp.MustCompile(`server 10\.0\.0\.\d+:8000`)
	if n := len(place.FindAllString(block, -1)); n != len(servers) {
		t.Fatalf("docs/operations.md has %d servers, want %d", n, len(servers))
	}
	for _, s := range servers {
		first := place.FindString(block)
		block = strings.Replace(block, first, "server "+s, 1)
	}
	block = regexp.MustCompile(`listen .*;`).ReplaceAllLiteralString(block, listen)
	return regexp.MustCompile(`(?m)^\s*ssl_.*\n`).ReplaceAllString(block, "")
}
