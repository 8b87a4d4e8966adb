package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/yoozak/clients/internal/verifytest"
	"github.com/yoozak/clients/verify"
)

// keyServer is the address of a key set, in the test's process, so that time
// is the test's, too. It answers as its last change says.
type keyServer struct {
	mu      sync.Mutex
	answer  answer
	fetches int
}

// answer is what a request gets: a status and a body, or no answer.
type answer func(r *http.Request) (int, io.Reader, error)

// RoundTrip is [http.RoundTripper]'s.
func (s *keyServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.fetches++
	answer := s.answer
	s.mu.Unlock()
	status, body, err := answer(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://evil.example/"}}, Body: io.NopCloser(body), Request: r}, nil
}

func (s *keyServer) set(answer answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *keyServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches
}

// says answers with a status and a body.
func says(status int, body []byte) answer {
	return func(*http.Request) (int, io.Reader, error) { return status, bytes.NewReader(body), nil }
}

func refuses(*http.Request) (int, io.Reader, error) { return 0, nil, errors.New("connection refused") }

// hangs answers nothing until the client gives up.
func hangs(r *http.Request) (int, io.Reader, error) {
	<-r.Context().Done()
	return 0, nil, r.Context().Err()
}

// newVerifier makes one whose key set comes from a keyServer.
func newVerifier(t testing.TB, s *keyServer, change func(*verify.Options)) *verify.Verifier {
	t.Helper()
	o := verify.Options{
		KeySetURL: "https://accounts.shop.example/.well-known/jwks.json", Issuer: verifytest.Issuer,
		Client: &http.Client{Transport: s}, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	v, err := verify.New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// is says which of the three answers an error is.
func is(err error) string {
	var unavailable *verify.UnavailableError
	switch {
	case err == nil:
		return "good"
	case errors.As(err, &unavailable):
		return "503"
	case errors.Is(err, verify.ErrToken):
		return "401"
	}
	return err.Error()
}

func expect(t *testing.T, v *verify.Verifier, token, want, when string) {
	t.Helper()
	if u, err := v.Verify(t.Context(), token); is(err) != want || err == nil && u.ID != 42 {
		t.Errorf("%s: %+v, %v; want %s", when, u, err, want)
	}
}

// TestTokensThatAreNearlyRight is the table that the recipes in other
// languages have to agree with.
func TestTokensThatAreNearlyRight(t *testing.T) {
	t.Parallel()
	keys := [2]*verifytest.Key{verifytest.NewKey(t, "k1", "ES256"), verifytest.NewKey(t, "k2", "ES256")}
	stranger := verifytest.NewKey(t, "stranger", "ES256")
	s := &keyServer{answer: says(200, verifytest.KeySet(t, keys[:]...))}
	verifiers := map[string]*verify.Verifier{
		"":                  newVerifier(t, s, nil),
		verifytest.Audience: newVerifier(t, s, func(o *verify.Options) { o.Audience = verifytest.Audience }),
	}
	rows := verifytest.Table(t, time.Now(), "https://evil.example/jwks.json", keys, stranger)
	for _, row := range rows {
		want := map[bool]string{true: "good", false: "401"}[row.Good]
		for range 2 { // the second time from the cache, where it is good
			expect(t, verifiers[row.Audience], row.Token, want, row.Name)
		}
	}
	if len(rows) < 60 {
		t.Errorf("%d rows", len(rows))
	}
	// Rows that name no known key cause one fetch for each verifier.
	if n := s.count(); n > 4 {
		t.Errorf("%d fetches", n)
	}
}

// TestEachAlgorithm by which the server may sign.
func TestEachAlgorithm(t *testing.T) {
	t.Parallel()
	var keys []*verifytest.Key
	for _, algorithm := range []string{"ES256", "EdDSA", "RS256"} {
		keys = append(keys, verifytest.NewKey(t, "key-"+algorithm, algorithm))
	}
	v := newVerifier(t, &keyServer{answer: says(200, verifytest.KeySet(t, keys...))}, nil)
	for _, k := range keys {
		expect(t, v, k.Sign(t, verifytest.Claims(time.Now(), nil)), "good", k.ID)
		for _, other := range keys {
			if other != k {
				lying := *k
				lying.ID = other.ID
				expect(t, v, lying.Sign(t, verifytest.Claims(time.Now(), nil)), "401", k.ID+" as "+other.ID)
			}
		}
	}
}

// TestUser has what the token says.
func TestUser(t *testing.T) {
	t.Parallel()
	k := verifytest.NewKey(t, "k1", "ES256")
	v := newVerifier(t, &keyServer{answer: says(200, verifytest.KeySet(t, k))}, nil)
	at := time.Now().UTC().Truncate(time.Second)
	want := verify.User{ID: 42, SessionID: "5c0ffee5c0ffee5c0ffee5c0ffee5c0f", TokenID: "0d1f0d1f0d1f0d1f0d1f0d1f0d1f0d1f", IssuedAt: at, ExpiresAt: at.Add(time.Hour)}
	token := k.Sign(t, verifytest.Claims(at, nil))
	for range 2 {
		if got, err := v.Verify(t.Context(), token); err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
}

// badAnswers are what the address of the key set may say for an hour. Only
// the one that hangs takes time.
func badAnswers(t *testing.T, good []byte) map[string]answer {
	t.Helper()
	broken := []byte(`{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"k1","x":"AAAA","y":"AAAA"}]}`)
	return map[string]answer{
		"refused":        refuses,
		"nothing":        hangs,
		"503":            says(503, good),
		"500":            says(500, good),
		"404":            says(404, []byte(`{}`)),
		"a redirect":     says(302, good),
		"HTML":           says(200, []byte("<html>maintenance</html>")),
		"no bytes":       says(200, nil),
		"an empty set":   says(200, []byte(`{"keys":[]}`)),
		"no set":         says(200, []byte(`{}`)),
		"null":           says(200, []byte(`null`)),
		"a list":         says(200, []byte(`[]`)),
		"a cut set":      says(200, good[:len(good)-10]),
		"a broken key":   says(200, broken),
		"a MAC key":      says(200, []byte(`{"keys":[{"kty":"oct","alg":"HS256","use":"sig","kid":"k1","k":"AAAA"}]}`)),
		"for encryption": says(200, []byte(strings.Replace(string(good), `"sig"`, `"enc"`, 1))),
		"the same twice": says(200, []byte(strings.Replace(string(good), `[`, `[`+string(good[9:len(good)-2])+`,`, 1))),
		"too long":       says(200, append(good, strings.Repeat(" ", 300<<10)...)),
		"a cut body": func(*http.Request) (int, io.Reader, error) {
			return 200, io.MultiReader(bytes.NewReader(good[:20]), iotest.ErrReader(io.ErrUnexpectedEOF)), nil
		},
	}
}

// TestHourWithoutTheServer: whatever its address answers, the last good set
// serves for an hour, for tokens seen and not seen before; then it is 503, not
// 401, until it is back.
func TestHourWithoutTheServer(t *testing.T) {
	t.Parallel()
	k := verifytest.NewKey(t, "k1", "ES256")
	good := verifytest.KeySet(t, k)
	for name, bad := range badAnswers(t, good) {
		synctest.Test(t, func(t *testing.T) {
			s := &keyServer{answer: says(200, good)}
			v := newVerifier(t, s, nil)
			token := k.Sign(t, verifytest.Claims(time.Now(), map[string]any{"exp": time.Now().Unix() + 24*3600}))
			fresh := func() string { return k.Sign(t, verifytest.Claims(time.Now(), nil)) }
			expect(t, v, token, "good", name+": at first")
			s.set(bad)
			time.Sleep(58 * time.Minute)
			expect(t, v, token, "good", name+": after 58 minutes")
			expect(t, v, fresh(), "good", name+": a new one after 58 minutes")
			time.Sleep(3 * time.Minute)
			began := time.Now()
			expect(t, v, token, "503", name+": after 61 minutes")
			expect(t, v, fresh(), "503", name+": a new one after 61 minutes")
			if took := time.Since(began); took > 2*verify.AttemptTimeout {
				t.Errorf("%s: two answers took %v", name, took)
			}
			s.set(says(200, good))
			time.Sleep(16 * time.Second)
			expect(t, v, token, "good", name+": when it is back")
		})
	}
}

// TestStartWithoutTheServer is 503 with the time to come back, and recovers
// by itself.
func TestStartWithoutTheServer(t *testing.T) {
	t.Parallel()
	k := verifytest.NewKey(t, "k1", "ES256")
	good := verifytest.KeySet(t, k)
	for name, bad := range badAnswers(t, good) {
		synctest.Test(t, func(t *testing.T) {
			s := &keyServer{answer: bad}
			v := newVerifier(t, s, nil)
			for range 5 {
				began := time.Now()
				_, err := v.Verify(t.Context(), k.Sign(t, verifytest.Claims(time.Now(), nil)))
				var unavailable *verify.UnavailableError
				if !errors.As(err, &unavailable) || unavailable.RetryAfter < time.Second || unavailable.RetryAfter > 10*time.Second {
					t.Errorf("%s: %v, %+v", name, err, unavailable)
				}
				if took := time.Since(began); took > verify.AttemptTimeout {
					t.Errorf("%s: it took %v", name, took)
				}
				time.Sleep(time.Second)
			}
			s.set(says(200, good))
			time.Sleep(16 * time.Second)
			expect(t, v, k.Sign(t, verifytest.Claims(time.Now(), nil)), "good", name)
		})
	}
}

// TestCallersDoNotWaitForEachOther: whoever stops waiting for the first set
// stops alone.
func TestCallersDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := verifytest.NewKey(t, "k1", "ES256")
		s := &keyServer{answer: func(r *http.Request) (int, io.Reader, error) {
			time.Sleep(3 * time.Second)
			return says(200, verifytest.KeySet(t, k))(r)
		}}
		v := newVerifier(t, s, nil)
		token := k.Sign(t, verifytest.Claims(time.Now(), nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := v.Verify(ctx, token); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waits a second: %v", err)
		}
		expect(t, v, token, "good", "who waits")
		if n := s.count(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// TestRotation: the next key is known before it signs, and one that signs at
// once is found by its first token.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second, third := verifytest.NewKey(t, "k1", "ES256"), verifytest.NewKey(t, "k2", "ES256"), verifytest.NewKey(t, "k3", "EdDSA")
		s := &keyServer{answer: says(200, verifytest.KeySet(t, first))}
		v := newVerifier(t, s, nil)
		by := func(k *verifytest.Key) string { return k.Sign(t, verifytest.Claims(time.Now(), nil)) }
		old := by(first)
		expect(t, v, old, "good", "the first key")
		s.set(says(200, verifytest.KeySet(t, first, second)))
		time.Sleep(time.Minute)
		before := s.count()
		expect(t, v, by(second), "good", "the second, a minute after it was published")
		if n := s.count(); n != before {
			t.Errorf("%d fetches for a key that was published", n-before)
		}
		expect(t, v, old, "good", "a token of the first")

		s.set(says(200, verifytest.KeySet(t, second, third))) // the first is revoked
		expect(t, v, by(third), "good", "the third, which signs at once")
		expect(t, v, old, "401", "a remembered token of a key that is gone")
		expect(t, v, by(first), "401", "a new token of a key that is gone")
	})
}

// TestRevokedKeyIsGoneWithinAMinute although no token asks for another.
func TestRevokedKeyIsGoneWithinAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := verifytest.NewKey(t, "k1", "ES256"), verifytest.NewKey(t, "k2", "ES256")
		s := &keyServer{answer: says(200, verifytest.KeySet(t, first, second))}
		v := newVerifier(t, s, nil)
		token := first.Sign(t, verifytest.Claims(time.Now(), nil))
		expect(t, v, token, "good", "at first")
		s.set(says(200, verifytest.KeySet(t, second)))
		time.Sleep(time.Minute)
		expect(t, v, token, "401", "a minute later")
		// Another key with the same name is another key.
		again := verifytest.NewKey(t, "k1", "ES256")
		s.set(says(200, verifytest.KeySet(t, again)))
		time.Sleep(time.Minute)
		expect(t, v, token, "401", "when its name is another key's")
	})
}

// TestFloodOfUnknownKeys causes one fetch a minute beside the steady ones, and
// does not keep a new key from being found.
func TestFloodOfUnknownKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k, next := verifytest.NewKey(t, "k1", "ES256"), verifytest.NewKey(t, "k2", "ES256")
		s := &keyServer{answer: says(200, verifytest.KeySet(t, k))}
		v := newVerifier(t, s, nil)
		expect(t, v, k.Sign(t, verifytest.Claims(time.Now(), nil)), "good", "at first")
		stranger := *k
		const minutes = 10
		for i := range minutes * 60 {
			if i == 5*60+7 { // the last fetch because of a token was just now
				s.set(says(200, verifytest.KeySet(t, k, next)))
			}
			for j := range 5 {
				stranger.ID = fmt.Sprintf("unknown-%d-%d", i, j)
				expect(t, v, stranger.Sign(t, verifytest.Claims(time.Now(), nil)), "401", "a stranger's key")
			}
			if i == 6*60+7 {
				expect(t, v, next.Sign(t, verifytest.Claims(time.Now(), nil)), "good", "a new key, in a flood, a minute later")
			}
			time.Sleep(time.Second)
		}
		if n, most := s.count(), 1+minutes*60/40+minutes+1; n > most {
			t.Errorf("%d fetches in %d minutes, at most %d", n, minutes, most)
		}
	})
}

// TestUnknownKeyDuringAnOutage is 503: it may be a new key of the server.
func TestUnknownKeyDuringAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k, next := verifytest.NewKey(t, "k1", "ES256"), verifytest.NewKey(t, "k2", "ES256")
		s := &keyServer{answer: says(200, verifytest.KeySet(t, k))}
		v := newVerifier(t, s, nil)
		expect(t, v, k.Sign(t, verifytest.Claims(time.Now(), nil)), "good", "at first")
		s.set(hangs)
		for range 20 {
			expect(t, v, next.Sign(t, verifytest.Claims(time.Now(), nil)), "503", "while nothing answers")
			expect(t, v, k.Sign(t, verifytest.Claims(time.Now(), nil)), "good", "a known key meanwhile")
			time.Sleep(3 * time.Second)
		}
		s.set(says(200, verifytest.KeySet(t, k, next)))
		time.Sleep(16 * time.Second)
		expect(t, v, next.Sign(t, verifytest.Claims(time.Now(), nil)), "good", "afterwards")
	})
}

// TestRememberedToken is looked at again each time: its end, each of its
// letters, and the rules of whoever asks.
func TestRememberedToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := verifytest.NewKey(t, "k1", "ES256")
		s := &keyServer{answer: says(200, verifytest.KeySet(t, k))}
		v := newVerifier(t, s, nil)
		strict := newVerifier(t, s, func(o *verify.Options) { o.Issuer = "another" })
		narrow := newVerifier(t, s, func(o *verify.Options) { o.Audience = "warehouse" })
		at := time.Now().Truncate(time.Second)
		token := k.Sign(t, verifytest.Claims(at, map[string]any{"exp": at.Unix() + 30}))
		expect(t, v, token, "good", "at first")
		expect(t, strict, token, "401", "of another issuer")
		expect(t, narrow, token, "401", "for another audience")
		for i := range token {
			if token[i] == '.' {
				continue
			}
			changed := []byte(token)
			changed[i] = map[bool]byte{true: 'B', false: 'A'}[changed[i] == 'A']
			if _, err := v.Verify(t.Context(), string(changed)); is(err) != "401" {
				t.Fatalf("letter %d changed: %v", i, err)
			}
		}
		time.Sleep(time.Until(at.Add(30*time.Second)) - time.Millisecond)
		expect(t, v, token, "good", "a moment before its end")
		time.Sleep(time.Millisecond)
		expect(t, v, token, "401", "at its end")
		time.Sleep(5 * time.Second)
		expect(t, v, token, "401", "five seconds later")
	})
}

// TestOptionsAreRefused at start rather than at the first token.
func TestOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]verify.Options{
		"no address":  {Issuer: "yoozak"},
		"no scheme":   {Issuer: "yoozak", KeySetURL: "accounts.shop.example/.well-known/jwks.json"},
		"a file":      {Issuer: "yoozak", KeySetURL: "file:///etc/jwks.json"},
		"no host":     {Issuer: "yoozak", KeySetURL: "https:///x"},
		"broken":      {Issuer: "yoozak", KeySetURL: "https://user:hunter2@[::1"},
		"no issuer":   {KeySetURL: "https://accounts.shop.example/.well-known/jwks.json"},
		"spaces only": {Issuer: "yoozak", KeySetURL: "  "},
	} {
		_, err := verify.New(t.Context(), o)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
