// Package attack plays attacks that are publicly known against the built
// binary: forged tokens, smuggled requests, hostile bodies and fields. Each
// is a row with a name; docs/attacks.md is written from them.
package attack

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// patience is how long any one request may take: the servers share two
// cores, but none of the attacks may make one wait for this.
const patience = 20 * time.Second

// publicURL is where the links in mails must lead, whoever asks.
const publicURL = "https://accounts.shop.example"

// server is a running yoozak with a normal user, who must be served as if
// nothing happened after every attack.
type server struct {
	*yoozaktest.Server
	variant  string // ES256, RS256, EdDSA or HS256
	url      string
	address  string
	database string
	mails    string // the folder
	env      []string
	client   *http.Client
	user     person // the normal one
	owner    person // of the staff, where one is attacked with

	victims sync.Map // of the staff's acts, by their endpoints

	read sync.Map // the letters that were read, by their path

	names      atomic.Int64
	registered atomic.Int64 // users that there should be
	mu         sync.Mutex
	secrets    []string // what must not be in the log
	forger     *forger
}

// secret of the HS256 servers, as an operator makes one.
const hmacSecret = "dGhpcyBpcyBvbmx5IGZvciB0aGUgYXR0YWNrcw-0123456789"

// start runs "yoozak serve" as talkative as it can be, with cheap hashes,
// and ends it with the test, when its log is read.
func start(t *testing.T, algorithm, database string, env ...string) *server {
	t.Helper()
	mails := filepath.Join(t.TempDir(), "mails")
	env = append(append(slices.Clone(yoozaktest.CheapHashes),
		"YOOZAK_JWT_ALGORITHM="+algorithm, "YOOZAK_LANGUAGE=en",
		"YOOZAK_LOG_LEVEL=debug", "YOOZAK_LOG_FORMAT=json", "YOOZAK_LOG_REQUESTS=true", "YOOZAK_RATE_LIMITS=off",
		"YOOZAK_MAIL_FOLDER="+mails, "YOOZAK_PUBLIC_URL="+publicURL, "YOOZAK_MAIL_PER_ADDRESS=10000",
	), env...)
	if algorithm == "HS256" {
		env = append(env, "YOOZAK_JWT_SECRET="+hmacSecret)
	}
	if database == "" {
		database = storetest.SQLite(t)
	}
	env = append(env, "YOOZAK_DATABASE_URL="+database)
	s := &server{
		Server: yoozaktest.Launch(t, env...), variant: algorithm, database: database, mails: mails, env: env,
		client: &http.Client{
			Timeout:       patience,
			Transport:     &http.Transport{MaxIdleConnsPerHost: 50, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		secrets: []string{hmacSecret},
	}
	s.url, s.address = s.URL, s.Address
	t.Cleanup(func() { s.stop(t) })
	s.Ready(t)
	s.user = s.newPerson(t)
	return s
}

// stop is SIGTERM. The server must have survived until then, end with 0, and
// have logged nothing that it should not.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.client.CloseIdleConnections()
	s.Stop(t)
	s.readLog(t)
}

// injected is what attacks try to write into logs, headers and mails.
const injected = "Injected-By-Attack"

// readLog finds what attacks may have left in the log: a line of their own,
// a secret, an error or a panic of ours.
func (s *server) readLog(t *testing.T) {
	t.Helper()
	log := s.Output.String()
	greeting := []string{"Yoozak Clients ", "  API:  ", "  Database:", "  Tokens:", "  Keys: ", "  Mail: ", "  Limits: ", "  Console: ", "            or open this link"}
	lines := bufio.NewScanner(strings.NewReader(log))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if n <= len(greeting)+5 && hasAnyPrefix(line, greeting) {
			continue
		}
		var entry struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("line %d of the log is not ours: %.60q", n, line)
			continue
		}
		if entry.Level == "ERROR" || strings.Contains(entry.Msg, "panic") || strings.Contains(entry.Msg, "superfluous") || strings.Contains(entry.Msg, injected) {
			t.Errorf("line %d of the log: %.400s", n, line)
		} else if t.Failed() && entry.Level == "WARN" { // why an answer was 503
			t.Logf("line %d of the log: %.400s", n, line)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range found(log, s.secrets) {
		t.Errorf("secret %d of %d is in the log", i+1, len(s.secrets))
	}
}

// found are the indices of the secrets that a log has. Thousands of them are
// looked for at once, by how they begin: a search for each would take most of
// the time of these tests.
func found(log string, secrets []string) map[int]bool {
	starts := map[string][]int{}
	for i, secret := range secrets {
		start := secret[:shortestSecret]
		starts[start] = append(starts[start], i)
	}
	in := map[int]bool{}
	for at := range max(0, len(log)-shortestSecret+1) {
		for _, i := range starts[log[at:at+shortestSecret]] {
			if strings.HasPrefix(log[at:], secrets[i]) {
				in[i] = true
			}
		}
	}
	return in
}

// shortestSecret is how many bytes a secret has at least that is looked for.
const shortestSecret = 12

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// keep notes a secret that the log must not have.
func (s *server) keep(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) >= shortestSecret {
			s.secrets = append(s.secrets, secret)
		}
	}
}

// command runs another subcommand of the binary on the server's database.
func (s *server) command(t *testing.T, args ...string) string {
	t.Helper()
	return s.commandWith(t, "", args...)
}

// commandWith also gives it something to read.
func (s *server) commandWith(t *testing.T, input string, args ...string) string {
	t.Helper()
	return yoozaktest.RunWith(t, input, s.env, args...)
}

// listed is a user in "yoozak user list --json".
type listed struct {
	ID              int64
	Username, Email string
	Active          bool
}

// users are all there are, by the command line.
func (s *server) users(t *testing.T) map[string]listed {
	t.Helper()
	all := map[string]listed{}
	lines := json.NewDecoder(strings.NewReader(s.command(t, "user", "list", "--json")))
	for {
		var u listed
		if err := lines.Decode(&u); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[u.Username] = u
	}
}

// keepsUsers fails when there is another number of users than registered, or
// the normal user's row changed.
func (s *server) keepsUsers(t *testing.T) {
	t.Helper()
	all := s.users(t)
	if got, want := len(all), int(s.registered.Load()); got != want {
		t.Errorf("%d users in the database, %d registered", got, want)
	}
	want := listed{ID: s.user.id, Username: s.user.name, Email: s.user.email, Active: true}
	if got := all[s.user.name]; got != want {
		t.Errorf("the normal user's row is %+v, it was %+v", got, want)
	}
}

func TestSecretsAreFoundInALog(t *testing.T) {
	t.Parallel()
	secrets := []string{"kV7#pazouk-1-lemon", "kV7#pazouk-12-lemon", "kV7#pazouk-1", "another-secret", "not-in-this-log"}
	in := found("kV7#pazouk-12-lemon\nanother-secret", secrets)
	if len(in) != 3 || !in[1] || !in[2] || !in[3] {
		t.Errorf("found %v of %q", in, secrets)
	}
	if in := found("short", secrets); len(in) > 0 {
		t.Errorf("found %v", in)
	}
}
