package attack

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

var tokenStates = group{
	title: "Tokens that were good",
	about: "A valid ECDSA signature (r, s) has a twin, (r, n-s), which anybody can compute and which the algorithm's definition accepts " +
		"(FIPS 186-5, 6.4.2; JWS does not ask for the lower of the two). A token with it is the same grant, not another: " +
		"what ends a grant is its session, and nothing depends on a token having one text.",
	on:   []string{"ES256"},
	rows: func() []row { return append(stateRows(), carrierRows()...) },
}

func TestTokensThatWereGood(t *testing.T) {
	t.Parallel()
	tokenStates.play(t, start(t, "ES256", ""), "ES256")
}

func (s *server) me(t *testing.T, token string) answer {
	t.Helper()
	return s.send(t, http.MethodGet, mePath, nil, "Authorization", "Bearer "+token)
}

// ended is a row in which something ends the grant of both spellings of a
// token; whichever was used before, and is in the cache, must not matter.
func ended(name, tries string, end func(t *testing.T, s *server, p person, other string)) row {
	return row{name: name, tries: tries, holds: "from then on 401 for the token and for its twin", play: func(t *testing.T, s *server) {
		for _, first := range []bool{true, false} {
			p := s.newPerson(t)
			other := twin(p.access)
			if first {
				wants(t, s.me(t, p.access), http.StatusOK)
			}
			a := s.me(t, other)
			if a.status != http.StatusOK || a.field("username") != p.name {
				t.Errorf("the twin is another grant: %s", a)
			}
			end(t, s, p, other)
			wants(t, s.me(t, other), http.StatusUnauthorized)
			wants(t, s.me(t, p.access), http.StatusUnauthorized)
			wants(t, s.send(t, http.MethodPost, refreshPath, fields{"refresh": p.refresh}), http.StatusUnauthorized)
			wants(t, s.send(t, http.MethodPost, verifyPath, fields{"token": other}), http.StatusUnauthorized)
		}
	}}
}

func stateRows() []row {
	return []row{
		{name: "twin signature", tries: "(r, n-s) for (r, s)", holds: "the same person, the same session: no other grant", play: func(t *testing.T, s *server) {
			p := s.newPerson(t)
			wants(t, s.me(t, twin(p.access)), http.StatusOK)
			if twin(twin(p.access)) != p.access {
				t.Fatal("this is no twin")
			}
			a := s.send(t, http.MethodGet, sessionsPath, nil, "Authorization", "Bearer "+twin(p.access))
			if strings.Count(a.body, `"current":true`) != 1 || strings.Count(a.body, `"id"`) != 1 {
				t.Errorf("%d sessions", strings.Count(a.body, `"id"`))
			}
		}},
		{name: "twin of other claims", tries: "the twin's signature under another user's id", holds: "401", play: func(t *testing.T, s *server) {
			p := s.newPerson(t)
			_, signature := cutLast(twin(p.access))
			c := segment(p.access, 1).with("user_id", s.user.id, "sub", "1")
			wants(t, s.me(t, unsigned(segment(p.access, 0), c)+"."+signature), http.StatusUnauthorized)
		}},
		ended("after logout", "the access token, and its twin, after the session was logged out", func(t *testing.T, s *server, p person, _ string) {
			wants(t, s.send(t, http.MethodPost, logoutPath, fields{"refresh": p.refresh}), http.StatusNoContent)
		}),
		ended("after logout everywhere, by the twin", "the twin logs out, the first spelling is shown", func(t *testing.T, s *server, _ person, other string) {
			wants(t, s.send(t, http.MethodPost, logoutPath+"all/", nil, "Authorization", "Bearer "+other), http.StatusNoContent)
		}),
		ended("after the session was ended", "by its id, with the twin", func(t *testing.T, s *server, p person, other string) {
			id := segment(p.access, 1)["sid"].(string)
			wants(t, s.send(t, http.MethodDelete, sessionsPath+id+"/", nil, "Authorization", "Bearer "+other), http.StatusNoContent)
		}),
		ended("after a change of password", "from another session", func(t *testing.T, s *server, p person, _ string) {
			again := s.login(t, p.name, p.password)
			wants(t, s.send(t, http.MethodPost, changePath, fields{"current_password": p.password, "new_password": p.password + "-2"}, "Authorization", "Bearer "+again.field("access")), http.StatusNoContent)
		}),
		ended("after the account was closed", "by its owner", func(t *testing.T, s *server, p person, other string) {
			wants(t, s.send(t, http.MethodDelete, mePath, fields{"password": p.password}, "Authorization", "Bearer "+other), http.StatusNoContent)
		}),
		ended("after the user was disabled", "by the command line", func(t *testing.T, s *server, p person, _ string) {
			s.command(t, "user", "disable", p.name)
		}),
		ended("after staff set the password", "by the command line", func(t *testing.T, s *server, p person, _ string) {
			s.commandWith(t, p.password+"-3\n", "user", "set-password", p.name)
		}),
		{name: "after its end", tries: "a token that lived two seconds, used all the time and so in the cache", holds: "401 from its end on", play: func(t *testing.T, _ *server) {
			short := start(t, "ES256", "", "YOOZAK_ACCESS_LIFETIME=2s")
			p := short.newPerson(t)
			for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
				if short.me(t, p.access).status == http.StatusUnauthorized {
					break
				}
				if time.Since(began) > patience {
					t.Fatal("it does not end")
				}
			}
			wants(t, short.me(t, twin(p.access)), http.StatusUnauthorized)
		}},
		{name: "of another server", tries: "a token of a server with other keys, whose user has the same id and name", holds: "401", play: func(t *testing.T, s *server) {
			other := start(t, "ES256", "")
			wants(t, s.me(t, other.user.access), http.StatusUnauthorized)
			wants(t, s.send(t, http.MethodPost, refreshPath, fields{"refresh": other.user.refresh}), http.StatusUnauthorized)
		}},
		{name: "refresh token as access token", tries: "one type as the other", holds: "401", play: func(t *testing.T, s *server) {
			wants(t, s.me(t, s.user.refresh), http.StatusUnauthorized)
		}},
		{name: "access token as refresh token", tries: "one type as the other", holds: "401", play: func(t *testing.T, s *server) {
			wants(t, s.send(t, http.MethodPost, refreshPath, fields{"refresh": s.user.access}), http.StatusUnauthorized)
			wants(t, s.send(t, http.MethodPost, logoutPath, fields{"refresh": s.user.access}), http.StatusUnauthorized)
		}},
		{name: "types swapped, one secret", tries: "one type as the other where one secret signs both (HS256)", holds: "401", play: func(t *testing.T, _ *server) {
			s := start(t, "HS256", "")
			wants(t, s.me(t, s.user.refresh), http.StatusUnauthorized)
			wants(t, s.send(t, http.MethodPost, refreshPath, fields{"refresh": s.user.access}), http.StatusUnauthorized)
		}},
		{name: "refresh race", tries: "one refresh token 32 times at once, with rotation", holds: "one successor for all, and one session", play: func(t *testing.T, _ *server) {
			s := start(t, "ES256", "", "YOOZAK_REFRESH_ROTATION=true")
			p := s.newPerson(t)
			var mu sync.Mutex
			successors := map[string]bool{}
			var all sync.WaitGroup
			for range 32 {
				all.Go(func() {
					a := s.send(t, http.MethodPost, refreshPath, fields{"refresh": p.refresh})
					mu.Lock()
					defer mu.Unlock()
					successors[a.field("refresh")] = true
				})
			}
			all.Wait()
			if len(successors) != 1 || successors[""] {
				t.Errorf("%d successors", len(successors))
			}
		}},
	}
}

// carrierRows bring a good token in a way that is not ours, where another
// site's page, a log or a cache could have it from.
func carrierRows() []row {
	var rows []row
	carried := func(name, tries string, headers func(p person) []string) {
		rows = append(rows, row{name: "carried: " + name, tries: tries, holds: "401: no access", play: func(t *testing.T, s *server) {
			wants(t, s.send(t, http.MethodGet, mePath, nil, headers(s.user)...), http.StatusUnauthorized)
		}})
	}
	for _, scheme := range []string{"bearer", "BEARER", "Token", "JWT", "Basic", "Digest", "Bearer:", "\"Bearer\"", "Negotiate", "Вearer"} {
		carried("scheme `"+scheme+"`", "a good token behind another scheme than Bearer", func(p person) []string { return []string{"Authorization", scheme + " " + p.access} })
	}
	for _, name := range []string{"X-Access-Token", "X-Auth-Token", "Proxy-Authorization", "X-Forwarded-Authorization", "X-Original-Authorization", "Http_Authorization", "Authorization_", "Token", "X-Authorization"} {
		carried("header `"+name+"`", "a good token in another header", func(p person) []string { return []string{name, "Bearer " + p.access} })
	}
	carried("no scheme", "the token alone", func(p person) []string { return []string{"Authorization", p.access} })
	carried("three words", "something behind it", func(p person) []string { return []string{"Authorization", "Bearer " + p.access + " x"} })
	carried("the word alone", "no token", func(person) []string { return []string{"Authorization", "Bearer"} })
	carried("a list", "two tokens", func(p person) []string {
		return []string{"Authorization", "Bearer " + p.access + ",Bearer " + p.access}
	})
	carried("a cookie", "as sites keep them", func(p person) []string {
		return []string{"Cookie", "access=" + p.access + "; access_token=" + p.access + "; jwt=" + p.access + "; sessionid=" + p.access}
	})
	rows = append(rows,
		row{name: "carried: in the query", tries: "?access_token=, ?token=, ?jwt=", holds: "401: no access, and the log has none of it", play: func(t *testing.T, s *server) {
			for _, name := range []string{"access_token", "token", "jwt", "authorization"} {
				wants(t, s.send(t, http.MethodGet, mePath+"?"+name+"="+s.user.access, nil), http.StatusUnauthorized)
			}
		}},
		row{name: "carried: in the body", tries: "access_token as a field of a form (RFC 6750, 2.2)", holds: "401: no access", play: func(t *testing.T, s *server) {
			wants(t, s.send(t, http.MethodPost, changePath, "access_token="+s.user.access, "Content-Type", formType), http.StatusUnauthorized)
		}},
		row{name: "carried: two headers", tries: "Authorization twice, a good and a bad one in both orders", holds: "401 for both", play: func(t *testing.T, s *server) {
			good, bad := "Authorization: Bearer "+s.user.access, "Authorization: Bearer x.y.z"
			s.raw(t, head(http.MethodGet, mePath, good, bad), http.StatusUnauthorized)
			s.raw(t, head(http.MethodGet, mePath, bad, good), http.StatusUnauthorized)
		}},
	)
	return rows
}
