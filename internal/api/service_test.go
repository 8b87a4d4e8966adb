package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

const (
	introspectPath = "/api/clients/auth/token/introspect/"
	revokePath     = "/api/clients/auth/token/revoke/"
)

// shop is a service in a test.
type shop struct {
	*server
	id, secret string
}

func newShop(t *testing.T, s *server, change func(*account.OAuthClient)) *shop {
	t.Helper()
	v := account.OAuthClient{Name: randomName("shop"), Scopes: account.Scopes}
	if change != nil {
		change(&v)
	}
	v, plain, err := s.app.Staff.CreateOAuthClient(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return &shop{s, v.ID, plain.Reveal()}
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// ask sends a form with the shop's credentials.
func (s *shop) ask(t *testing.T, path string, form url.Values) answer {
	t.Helper()
	return s.call(t, http.MethodPost, path, form.Encode(),
		"Content-Type", "application/x-www-form-urlencoded", "Accept-Language", "en", "Authorization", basic(s.id, s.secret))
}

func (s *shop) active(t *testing.T, raw string) bool {
	t.Helper()
	a := s.ask(t, introspectPath, url.Values{"token": {raw}})
	var out struct{ Active *bool }
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != http.StatusOK || out.Active == nil {
		t.Fatalf("introspect: %d %s", a.status, a.body)
	}
	if !*out.Active && a.body != `{"active":false}` {
		t.Errorf("it tells about a token that is not good: %s", a.body)
	}
	return *out.Active
}

func (s *shop) revoke(t *testing.T, raw string) {
	t.Helper()
	if a := s.ask(t, revokePath, url.Values{"token": {raw}}); a.status != http.StatusOK {
		t.Errorf("revoke: %d %s", a.status, a.body)
	}
}

// oauth checks an error in the form of RFC 6749, section 5.2.
func oauth(t *testing.T, name string, a answer, status int, code string) {
	t.Helper()
	if a.status != status || a.field("error") != code || a.field("detail") == "" {
		t.Errorf("%s: %d %s, want %d %s", name, a.status, a.body, status, code)
	}
	if challenge := a.header.Get("WWW-Authenticate"); (status == http.StatusUnauthorized) != strings.HasPrefix(challenge, "Basic realm=") {
		t.Errorf("%s: WWW-Authenticate %q", name, challenge)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: may be cached", name)
	}
}

func TestServicesMustShowTheirSecret(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p, good, disabled := newPerson(t, s), newShop(t, s, nil), newShop(t, s, nil)
		if err := s.app.Staff.DisableOAuthClient(t.Context(), disabled.id); err != nil {
			t.Fatal(err)
		}
		unknown := strings.Repeat("ab", 16)
		for name, header := range map[string]string{
			"nothing":          "",
			"wrong secret":     basic(good.id, good.secret+"x"),
			"no secret":        basic(good.id, ""),
			"hash as secret":   basic(good.id, strings.Repeat("0", 64)),
			"secret of other":  basic(good.id, disabled.secret),
			"unknown":          basic(unknown, good.secret),
			"nobody":           basic(strings.Repeat("0", 32), ""),
			"upper case id":    basic(strings.ToUpper(good.id), good.secret),
			"disabled":         basic(disabled.id, disabled.secret),
			"by name":          basic("shop", good.secret),
			"NUL in the id":    basic("a\x00b", good.secret),
			"no text in id":    basic("\xff\xfe", good.secret),
			"bad escape":       basic("%zz", good.secret),
			"long id":          basic(strings.Repeat("a", 4000), good.secret),
			"no colon":         "Basic " + base64.StdEncoding.EncodeToString([]byte(good.id)),
			"no base64":        "Basic !!!",
			"empty":            "Basic",
			"person's token":   "Bearer " + p.access,
			"secret as bearer": "Bearer " + good.secret,
			"password":         basic(p.name, goodPassword),
		} {
			for _, path := range []string{introspectPath, revokePath} {
				headers := []string{"Content-Type", "application/x-www-form-urlencoded"}
				if header != "" {
					headers = append(headers, "Authorization", header)
				}
				oauth(t, name, s.call(t, http.MethodPost, path, "token="+p.access, headers...), http.StatusUnauthorized, "invalid_client")
			}
		}
		for name, body := range map[string]string{
			"wrong secret in body": `{"token":"x","client_id":"` + good.id + `","client_secret":"x"}`,
			"no secret in body":    `{"token":"x","client_id":"` + good.id + `"}`,
			"secret a list":        `{"token":"x","client_id":"` + good.id + `","client_secret":["` + good.secret + `"]}`,
			"id a number":          `{"token":"x","client_id":12,"client_secret":"` + good.secret + `"}`,
		} {
			oauth(t, name, s.post(t, introspectPath, body), http.StatusUnauthorized, "invalid_client")
		}
		if !p.alive(t) {
			t.Error("a service that was refused ended a session")
		}
		for name, body := range map[string]string{
			"secret":     `{"token":"x","client_secret":"` + good.secret + `"}`,
			"another id": `{"token":"x","client_id":"` + unknown + `"}`,
		} {
			oauth(t, "credentials twice: "+name, s.post(t, introspectPath, body, "Authorization", basic(good.id, good.secret)), http.StatusBadRequest, "invalid_request")
		}
		if log := s.logged(); strings.Contains(log, good.secret) || strings.Contains(log, p.access) {
			t.Error("a secret is in the log")
		}
	})
}

func TestServicesMayShowTheirSecretInEveryWayOfTheStandard(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p, shop := newPerson(t, s), newShop(t, s, nil)
		form := []string{"Content-Type", "application/x-www-form-urlencoded"}
		escaped := strings.ReplaceAll(url.QueryEscape(shop.secret), "_", "%5F")
		for name, a := range map[string]answer{
			"basic":             shop.ask(t, introspectPath, url.Values{"token": {p.access}}),
			"basic, hint":       shop.ask(t, introspectPath, url.Values{"token": {p.access}, "token_type_hint": {"access_token"}}),
			"wrong hint":        shop.ask(t, introspectPath, url.Values{"token": {p.access}, "token_type_hint": {"refresh_token"}}),
			"unknown hint":      shop.ask(t, introspectPath, url.Values{"token": {p.access}, "token_type_hint": {"saml"}}),
			"basic, with id":    shop.ask(t, introspectPath, url.Values{"token": {p.access}, "client_id": {shop.id}}),
			"lower case scheme": s.call(t, http.MethodPost, introspectPath, "token="+p.access, append(form, "Authorization", strings.Replace(basic(shop.id, shop.secret), "Basic", "basic", 1))...),
			"escaped":           s.call(t, http.MethodPost, introspectPath, "token="+p.access, append(form, "Authorization", basic(shop.id, escaped))...),
			"form":              s.call(t, http.MethodPost, introspectPath, url.Values{"token": {p.access}, "client_id": {shop.id}, "client_secret": {shop.secret}}.Encode(), form...),
			"JSON":              s.post(t, introspectPath, `{"token":"`+p.access+`","client_id":"`+shop.id+`","client_secret":"`+shop.secret+`"}`),
			"JSON and basic":    s.post(t, introspectPath, `{"token":"`+p.access+`"}`, "Authorization", basic(shop.id, shop.secret)),
			"no slash":          shop.ask(t, strings.TrimSuffix(introspectPath, "/"), url.Values{"token": {p.access}}),
		} {
			if a.status != http.StatusOK || !strings.HasPrefix(a.body, `{"active":true,`) || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	})
}

func TestServicesDoWhatTheirScopesSay(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		asks := newShop(t, s, func(v *account.OAuthClient) { v.Scopes = []account.Scope{account.ScopeIntrospect} })
		ends := newShop(t, s, func(v *account.OAuthClient) { v.Scopes = []account.Scope{account.ScopeRevoke} })
		form := url.Values{"token": {p.access}}
		oauth(t, "revoke", asks.ask(t, revokePath, form), http.StatusForbidden, "unauthorized_client")
		oauth(t, "introspect", ends.ask(t, introspectPath, form), http.StatusForbidden, "unauthorized_client")
		if !p.alive(t) || !asks.active(t, p.access) {
			t.Error("a service without the scope ended the session")
		}
		ends.revoke(t, p.access)
		if p.alive(t) {
			t.Error("the session goes on")
		}
	})
}

func TestServiceRequestsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		shop := newShop(t, s, nil)
		authorization := basic(shop.id, shop.secret)
		for _, path := range []string{introspectPath, revokePath} {
			for _, body := range []string{`{}`, `{"token":null}`, `{"token":""}`, `{"token":["x"]}`, `{"token":true}`, `{`, `[]`, `null`, `"x"`} {
				oauth(t, body, s.post(t, path, body, "Authorization", authorization), http.StatusBadRequest, "invalid_request")
			}
			oauth(t, "in the query", s.call(t, http.MethodPost, path+"?token=x", "", "Content-Type", "application/x-www-form-urlencoded", "Authorization", authorization), http.StatusBadRequest, "invalid_request")
			oauth(t, "text", s.call(t, http.MethodPost, path, "x", "Content-Type", "text/plain", "Authorization", authorization), http.StatusUnsupportedMediaType, "invalid_request")
			oauth(t, "large", s.post(t, path, `{"token":"`+strings.Repeat("x", 64<<10)+`"}`, "Authorization", authorization), http.StatusRequestEntityTooLarge, "invalid_request")
			if a := s.call(t, http.MethodGet, path+"?token=x", "", "Authorization", authorization); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST, OPTIONS" {
				t.Errorf("GET: %d %s", a.status, a.body)
			}
		}
	})
}

func TestIntrospectionTellsWhoseTokenItIs(t *testing.T) {
	t.Parallel()
	forEachEngine(t, es256, func(t *testing.T, s *server) {
		p, shop := newPerson(t, s), newShop(t, s, nil)
		a := shop.ask(t, introspectPath, url.Values{"token": {p.access}})
		claims := payloadOf(p.access)
		want := map[string]any{
			"active": true, "token_type": "Bearer", "username": p.name, "sub": claims["sub"], "user_id": claims["user_id"],
			"exp": claims["exp"], "iat": claims["iat"], "jti": claims["jti"], "iss": "yoozak", "sid": p.session,
			"amr": []any{"pwd"}, "auth_time": claims["auth_time"],
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}

		// A refresh token is one only for who says so.
		if shop.active(t, p.refresh) {
			t.Error("a refresh token passes for an access token")
		}
		a = shop.ask(t, introspectPath, url.Values{"token": {p.refresh}, "token_type_hint": {"refresh_token"}})
		if !strings.Contains(a.body, `"active":true`) || !strings.Contains(a.body, `"token_type":"N_A"`) {
			t.Errorf("refresh token with its hint: %s", a.body)
		}
	})
}

// TestIntrospectionOfTokensThatAreNotGood tries what the table of lives
// tries, with an answer that tells nothing.
func TestIntrospectionOfTokensThatAreNotGood(t *testing.T) {
	t.Parallel()
	forEachEngine(t, es256, func(t *testing.T, s *server) {
		shop := newShop(t, s, nil)
		other := newServer(t, s.store, func(o *settings) { es256(o); o.tokens.Issuer = "elsewhere" })
		late := newServer(t, s.store, es256)
		expired := newPerson(t, late)
		lateShop := newShop(t, late, nil)
		late.clock.advance(2 * time.Hour)
		if lateShop.active(t, expired.access) {
			t.Error("expired")
		}
		loggedOut, disabled, closed, good := newPerson(t, s), newPerson(t, s), newPerson(t, s), newPerson(t, s)
		loggedOut.post(t, "/api/clients/auth/logout/", `{"refresh":"`+loggedOut.refresh+`"}`)
		if err := s.app.Staff.Disable(t.Context(), s.user(t, disabled.name).ID, ""); err != nil {
			t.Fatal(err)
		}
		closed.as(t, http.MethodDelete, mePath, `{"password":"`+goodPassword+`"}`)
		stranger, _, err := s.tokens.Issue(token.Access, s.user(t, disabled.name).ID, good.session, "x", s.clock.now())
		if err != nil {
			t.Fatal(err)
		}
		for name, raw := range map[string]string{
			"junk": "junk", "three parts": "a.b.c", "long": strings.Repeat("x", 5000),
			"logged out": loggedOut.access, "disabled": disabled.access, "closed": closed.access,
			"other issuer": newPerson(t, other).access, "tampered": good.access[:len(good.access)-4] + "AAAA",
			"somebody else's session": stranger, "a service's secret": shop.secret, "name": good.name,
		} {
			if shop.active(t, raw) {
				t.Errorf("%s: active", name)
			}
		}
		for name, raw := range map[string]string{"NUL": "a\x00.b.c", "no text": "\xff"} {
			a := shop.ask(t, introspectPath, url.Values{"token": {raw}})
			if a.status != http.StatusBadRequest && a.body != `{"active":false}` {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		for name, raw := range map[string]string{"logged out": loggedOut.refresh, "disabled": disabled.refresh} {
			if a := shop.ask(t, introspectPath, url.Values{"token": {raw}, "token_type_hint": {"refresh_token"}}); a.body != `{"active":false}` {
				t.Errorf("%s: %s", name, a.body)
			}
		}
		if !shop.active(t, good.access) {
			t.Error("a good token is not active: nothing was tested")
		}
	})
}

func TestServiceWithAnAudienceSeesItsOwnTokensOnly(t *testing.T) {
	t.Parallel()
	forEachEngine(t, es256, func(t *testing.T, s *server) {
		for _, test := range []struct {
			audience []string
			service  string
			want     bool
			wire     string
		}{
			{nil, "", true, ``},
			{nil, "orders", false, ``},
			{[]string{"orders"}, "", true, `"aud":"orders"`},
			{[]string{"orders"}, "orders", true, `"aud":"orders"`},
			{[]string{"orders", "erp"}, "erp", true, `"aud":["orders","erp"]`},
			{[]string{"orders", "erp"}, "order", false, ``},
			{[]string{"orders"}, "erp", false, ``},
		} {
			server := newServer(t, s.store, func(o *settings) { es256(o); o.tokens.Audience = test.audience })
			p, shop := newPerson(t, server), newShop(t, server, func(v *account.OAuthClient) { v.Audience = test.service })
			if got := shop.active(t, p.access); got != test.want {
				t.Errorf("%+v: active %v", test, got)
			}
			if a := shop.ask(t, introspectPath, url.Values{"token": {p.access}}); !strings.Contains(a.body, test.wire) || test.wire == "" && strings.Contains(a.body, `"aud"`) {
				t.Errorf("%+v: %s", test, a.body)
			}
			// A refresh token names no audience: it is for services without one.
			hinted := shop.ask(t, introspectPath, url.Values{"token": {p.refresh}, "token_type_hint": {"refresh_token"}})
			if want := test.service == ""; strings.Contains(hinted.body, `"active":true`) != want || !want && hinted.body != `{"active":false}` {
				t.Errorf("%+v: of a refresh token: %s", test, hinted.body)
			}
			if test.service != "" {
				shop.revoke(t, p.refresh)
				if !p.alive(t) {
					t.Errorf("%+v: ended by a refresh token", test)
				}
			}
			shop.revoke(t, p.access)
			if ended := !p.alive(t); ended != test.want {
				t.Errorf("%+v: ended %v", test, ended)
			}
		}
	})
}

func TestRevocationByAServiceEndsTheSession(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		shop := newShop(t, s, nil)
		for name, token := range map[string]func(p *person) string{
			"access token":  func(p *person) string { return p.access },
			"refresh token": func(p *person) string { return p.refresh },
		} {
			p, bystander := newPerson(t, s), newPerson(t, s)
			other := p.another(t, iphone)
			shop.revoke(t, token(p))
			if p.alive(t) || shop.active(t, p.access) {
				t.Errorf("%s: the session goes on", name)
			}
			if !other.alive(t) || !bystander.alive(t) {
				t.Errorf("%s: another session ended", name)
			}
			shop.revoke(t, token(p)) // again: nothing to do
		}
		// What is not good is not an error (RFC 7009, section 2.2).
		late := newServer(t, s.store, nil)
		expired, lateShop := newPerson(t, late), newShop(t, late, nil)
		late.clock.advance(2 * time.Hour)
		for _, raw := range []string{"junk", "a.b.c", strings.Repeat("x", 5000), expired.access} {
			lateShop.revoke(t, raw)
		}
		if sess, _, err := s.store.SessionUser(t.Context(), expired.session); err != nil || !sess.RevokedAt.IsZero() {
			t.Errorf("an expired token ended a session: %v", err)
		}
		// Of a person who was disabled meanwhile, too.
		p := newPerson(t, s)
		u := p.user(t, p.name)
		if err := s.store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.SetActive(t.Context(), u.ID, false) }); err != nil {
			t.Fatal(err)
		}
		shop.revoke(t, p.access)
		if sess, _, err := s.store.SessionUser(t.Context(), p.session); err != nil || sess.RevokedAt.IsZero() {
			t.Errorf("the session of a disabled person goes on; %v", err)
		}
	})
}

// TestServicesAndTokensOfDjango: they have no session; a refresh token is
// given one to end, an access token cannot be revoked, and that is said.
func TestServicesAndTokensOfDjango(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p, shop := newPerson(t, s), newShop(t, s, nil)
		issue := func(typ token.Type) string {
			raw, _, err := s.tokens.Issue(typ, s.user(t, p.name).ID, "", token.NewID(), s.clock.now())
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
		access, refresh := issue(token.Access), issue(token.Refresh)
		if !shop.active(t, access) {
			t.Error("its access token is not active")
		}
		oauth(t, "access token", shop.ask(t, revokePath, url.Values{"token": {access}}), http.StatusBadRequest, "unsupported_token_type")
		shop.revoke(t, refresh)
		if a := s.post(t, refreshPath, `{"refresh":"`+refresh+`"}`); a.status != http.StatusUnauthorized {
			t.Errorf("a revoked refresh token: %d %s", a.status, a.body)
		}
	})
}

// TestServicesAreToldWhenThereIsNoAnswer: no answer is not "not active".
func TestServicesAreToldWhenThereIsNoAnswer(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p, known := newPerson(t, s), newShop(t, s, nil)
		gone, err := store.Open(t.Context(), "postgres://yoozak@127.0.0.1:1/gone", store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer gone.Close() //nolint:errcheck // it was never there
		lost := &shop{newServer(t, s.store, func(o *settings) { o.lose = gone }), known.id, known.secret}
		for _, path := range []string{introspectPath, revokePath} {
			a := lost.ask(t, path, url.Values{"token": {p.access}})
			oauth(t, path, a, http.StatusServiceUnavailable, "temporarily_unavailable")
			if a.header.Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", path)
			}
		}
	})
}
