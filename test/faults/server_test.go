// Package faults does to the built binary what happens in production: it is
// killed, its database stops, its disk fills up.
package faults

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/yoozaktest"
)

const goodPassword = yoozaktest.Password

// server is a running yoozak, which is killed with the test.
type server struct {
	*yoozaktest.Server
	client *http.Client
}

// start runs "yoozak serve" with cheap hashes and waits until it is ready.
func start(t *testing.T, database string, env ...string) *server {
	t.Helper()
	s := launch(t, database, env...)
	s.Ready(t)
	return s
}

func launch(t *testing.T, database string, env ...string) *server {
	t.Helper()
	env = append(append(slices.Clone(yoozaktest.CheapHashes), "YOOZAK_DATABASE_URL="+database,
		"YOOZAK_LOG_REQUESTS=false", "YOOZAK_RATE_LIMITS=off"), // one address asks for everybody
		env...)
	s := &server{yoozaktest.Launch(t, env...), &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 200},
	}}
	t.Cleanup(s.Kill)
	return s
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) field(name string) string {
	var m map[string]any
	_ = json.Unmarshal([]byte(a.body), &m)
	text, _ := m[name].(string)
	return text
}

func (s *server) call(method, path, body string, headers ...string) (answer, error) {
	req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body)) //nolint:noctx // the client has a time-out
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(data)}, err
}

func (s *server) register(username string) (answer, error) {
	return s.call(http.MethodPost, "/api/clients/auth/register/", `{"username":"`+username+`","password":"`+goodPassword+`"}`)
}

func (s *server) login(username string) (answer, error) {
	return s.call(http.MethodPost, "/api/clients/auth/login/", `{"username":"`+username+`","password":"`+goodPassword+`"}`)
}

func (s *server) me(access string) (answer, error) {
	return s.call(http.MethodGet, "/api/clients/clients/me/", "", "Authorization", "Bearer "+access)
}
