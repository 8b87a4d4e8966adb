package api_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/web"
	"github.com/yoozak/clients/internal/webauthntest"
)

// askedPasskey is what a test needs of an answer with options.
type askedPasskey struct {
	Ceremony string `json:"ceremony"`
	Options  struct {
		Challenge string `json:"challenge"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
		Allow []struct {
			ID string `json:"id"`
		} `json:"allowCredentials"`
	} `json:"options"`
}

func (a askedPasskey) challenge(t *testing.T) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(a.Options.Challenge)
	if err != nil || len(b) != 32 {
		t.Fatalf("challenge %q: %v", a.Options.Challenge, err)
	}
	return b
}

func asked(t *testing.T, a answer) (out askedPasskey) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return out
}

// addPasskey gives the person a passkey, by what a browser sends.
func (p *person) addPasskey(t *testing.T) *webauthntest.Key {
	t.Helper()
	key := webauthntest.NewKey(authtest.RPID, authtest.Origin, webauthntest.ES256)
	options := asked(t, p.as(t, http.MethodPost, passkeysPath+"options/", "{}"))
	key.Handle, _ = base64.RawURLEncoding.DecodeString(options.Options.User.ID)
	a := p.as(t, http.MethodPost, passkeysPath, `{"ceremony":"`+options.Ceremony+`","credential":`+key.Create(options.challenge(t), nil)+`,"name":"Téléphone"}`)
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return key
}

func newSoftKey() *webauthntest.Key {
	return webauthntest.NewKey(authtest.RPID, authtest.Origin, webauthntest.ES256)
}

func (s *server) loginByPasskey(t *testing.T, key *webauthntest.Key, change func(*webauthntest.Answer)) answer {
	t.Helper()
	options := asked(t, s.post(t, loginPath+"passkey/options/", "{}"))
	return s.post(t, loginPath+"passkey/", `{"ceremony":"`+options.Ceremony+`","credential":`+key.Get(options.challenge(t), change)+`}`, "Accept-Language", "en")
}

// TestPasskeysOnTheWire is what a client sends and gets.
func TestPasskeysOnTheWire(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		unknown := regexp.MustCompile(`"(ceremony|challenge|id)":"[\w-]{32,}"`)
		a := p.as(t, http.MethodPost, passkeysPath+"options/", "{}")
		want := `{"ceremony":"…","options":{"rp":{"id":"shop.example","name":"Yoozak"},"user":{"id":"…","name":"` + p.name + `","displayName":"Prénom Nom"},"challenge":"…",` +
			`"pubKeyCredParams":[{"type":"public-key","alg":-7},{"type":"public-key","alg":-8},{"type":"public-key","alg":-257}],"timeout":300000,"excludeCredentials":[],` +
			`"authenticatorSelection":{"residentKey":"preferred","requireResidentKey":false,"userVerification":"preferred"},"attestation":"none"}}`
		if diff := cmp.Diff(want, unknown.ReplaceAllString(a.body, `"$1":"…"`)); diff != "" {
			t.Errorf("creation (-want +got):\n%s", diff)
		}
		if handle, err := base64.RawURLEncoding.DecodeString(asked(t, a).Options.User.ID); err != nil || len(handle) != 64 {
			t.Errorf("a handle of %d bytes, %v", len(handle), err)
		}
		key := newSoftKey()
		options := asked(t, a)
		key.Handle, _ = base64.RawURLEncoding.DecodeString(options.Options.User.ID)
		body := `{"ceremony":"` + options.Ceremony + `","credential":` + key.Create(options.challenge(t), nil) + `,"name":" Téléphone "}`
		a = p.as(t, http.MethodPost, passkeysPath, body)
		var added struct {
			ID, Kind, Name string
			Codes          []string `json:"recovery_codes"`
			Used           *string  `json:"last_used_at"`
		}
		if err := json.Unmarshal([]byte(a.body), &added); err != nil || a.status != http.StatusCreated || added.Kind != "passkey" || added.Name != "Téléphone" || len(added.Codes) != 10 || added.Used != nil {
			t.Errorf("%d %s: %v", a.status, a.body, err)
		}
		if a := p.as(t, http.MethodPost, passkeysPath, body); a.status != http.StatusBadRequest || a.header.Get(web.ErrorHeader) != "ceremony=invalid" {
			t.Errorf("again: %d %s", a.status, a.body)
		}
		if a := p.as(t, http.MethodPost, passkeysPath+"options/", "{}"); !strings.Contains(a.body, `"excludeCredentials":[{"id":"`+webauthntest.Base64(key.ID)+`","type":"public-key","transports":["internal","hybrid"]}]`) {
			t.Errorf("the one that is there is not left out: %s", a.body)
		}

		a = s.post(t, loginPath+"passkey/options/", "{}")
		want = `{"ceremony":"…","options":{"challenge":"…","timeout":300000,"rpId":"shop.example","allowCredentials":[],"userVerification":"required"}}`
		if diff := cmp.Diff(want, unknown.ReplaceAllString(a.body, `"$1":"…"`)); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
		in := s.loginByPasskey(t, key, nil)
		if in.status != http.StatusOK || in.field("access") == "" || in.field("refresh") == "" {
			t.Errorf("login: %d %s", in.status, in.body)
		}
		no := s.loginByPasskey(t, key, func(a *webauthntest.Answer) { a.Origin = "https://evil.example" })
		if no.status != http.StatusUnauthorized || no.body != `{"detail":"This passkey was not accepted. Try again, or choose another way.","code":"passkey_refused"}` || no.header.Get(web.ErrorHeader) != "passkey_refused" {
			t.Errorf("refused: %d %s", no.status, no.body)
		}
		if strings.Contains(no.body, "evil") {
			t.Error("the answer tells what came")
		}
		changed := s.loginByPasskey(t, key, func(a *webauthntest.Answer) { a.Flags |= webauthntest.BackupEligible })
		if changed.status != http.StatusForbidden || changed.field("code") != "passkey_changed" || !strings.Contains(changed.body, `"methods":["password"]`) || !strings.Contains(changed.field("detail"), "add it anew") {
			t.Errorf("changed: %d %s", changed.status, changed.body)
		}

		waits := p.login(t, goodPassword)
		challenge := waits.field("challenge")
		if waits.status != http.StatusUnauthorized || challenge == "" {
			t.Fatalf("%d %s", waits.status, waits.body)
		}
		options = asked(t, s.post(t, loginPath+"passkey/options/", `{"challenge":"`+challenge+`"}`))
		if len(options.Options.Allow) != 1 || options.Options.Allow[0].ID != webauthntest.Base64(key.ID) {
			t.Errorf("asked for %+v", options.Options.Allow)
		}
		second := `{"challenge":"` + challenge + `","ceremony":"` + options.Ceremony + `","assertion":`
		for body, want := range map[string]string{
			second + `"x"}`: "assertion=not_object", second + `[]}`: "assertion=not_object", second + `true}`: "assertion=not_object", second + `null}`: "assertion=null",
			`{"challenge":"` + challenge + `","assertion":{}}`: "ceremony=required", `{"challenge":"` + challenge + `","ceremony":"x"}`: "code=one_required",
			second + `{},"code":"000000"}`: "code=one_required", `{"challenge":"` + challenge + `","ceremony":"x","assertion":{}}`: "ceremony=invalid",
		} {
			if a := s.post(t, loginPath+"second/", body); a.status != http.StatusBadRequest || a.header.Get(web.ErrorHeader) != want {
				t.Errorf("%s: %d %s, want %s", body, a.status, a.header.Get(web.ErrorHeader), want)
			}
		}
		in = s.post(t, loginPath+"second/", second+key.Get(options.challenge(t), nil)+"}")
		if in.status != http.StatusOK {
			t.Fatalf("second step: %d %s", in.status, in.body)
		}
		p.access = in.field("access")
		options = asked(t, p.as(t, http.MethodPost, confirmPath+"passkey/options/", ""))
		form := "ceremony=" + options.Ceremony + "&assertion=" + strings.ReplaceAll(key.Get(options.challenge(t), nil), "+", "%2B") // from a page's form
		if a := p.call(t, http.MethodPost, confirmPath, form, "Content-Type", "application/x-www-form-urlencoded", "Authorization", "Bearer "+p.access); a.status != http.StatusOK || a.field("access") == "" {
			t.Errorf("confirm: %d %s", a.status, a.body)
		}
		a = p.as(t, http.MethodGet, mePath+"export/", "")
		if a.status != http.StatusOK || !strings.Contains(a.body, `"rp_id":"shop.example"`) {
			t.Errorf("export: %d %s", a.status, a.body)
		}
		for name, secret := range map[string]string{"handle": webauthntest.Base64(key.Handle), "credential": webauthntest.Base64(key.ID), "code": added.Codes[0]} {
			if strings.Contains(a.body, secret) || strings.Contains(s.logged(), secret) {
				t.Errorf("the %s is in the export or in the log", name)
			}
		}
	})
}

// TestNobodySeesWhoHasPasskeys: without a challenge all options are the same,
// and all refusals.
func TestNobodySeesWhoHasPasskeys(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p, q := newPerson(t, s), newPerson(t, s)
		key := p.addPasskey(t)
		random := regexp.MustCompile(`"(ceremony|challenge)":"[\w-]{43}"`)
		var first string
		for _, body := range []string{"{}", `{"username":"` + p.name + `"}`, `{"username":"` + q.name + `"}`, `{"username":"nobody","challenge":""}`, ""} {
			a := s.post(t, loginPath+"passkey/options/", body)
			text := random.ReplaceAllString(a.body, "")
			if first == "" {
				first = text
			}
			if text != first || a.status != http.StatusOK {
				t.Errorf("%s: %d %s", body, a.status, a.body)
			}
		}
		refusals := map[string]bool{}
		for name, change := range map[string]func(*webauthntest.Answer){
			"known, wrong signature": func(a *webauthntest.Answer) { a.Signature = func([]byte) []byte { return []byte{0x30, 0} } },
			"unknown":                func(a *webauthntest.Answer) { a.ID = webauthntest.Random(32) },
			"another's handle":       func(a *webauthntest.Answer) { a.Handle = webauthntest.Random(64) },
			"no handle":              func(a *webauthntest.Answer) { a.Handle = nil },
		} {
			a := s.loginByPasskey(t, key, change)
			refusals[fmt.Sprint(a.status, a.body, a.header.Get(web.ErrorHeader))] = true
			if a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		if len(refusals) != 1 {
			t.Errorf("refusals differ: %v", refusals)
		}
		a := s.post(t, loginPath+"passkey/options/", `{"challenge":"`+strings.Repeat("A", 43)+`"}`)
		if a.status != http.StatusBadRequest || a.header.Get(web.ErrorHeader) != "challenge=invalid" {
			t.Errorf("an unknown challenge: %d %s", a.status, a.body)
		}
		if a := q.as(t, http.MethodPost, confirmPath+"passkey/options/", ""); a.status != http.StatusBadRequest || a.header.Get(web.ErrorHeader) != "non_field_errors=no_passkey" {
			t.Errorf("confirm without one: %d %s", a.status, a.body)
		}
	})
}

// TestHostileBodiesOfPasskeys are answered, and cost little.
func TestHostileBodiesOfPasskeys(t *testing.T) {
	t.Parallel()
	object := func(id string, response string) string {
		return `{"id":"` + id + `","rawId":"` + id + `","type":"public-key","response":` + response + `}`
	}
	attestation := func(cbor []byte) string {
		return object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":"e30","attestationObject":"`+webauthntest.Base64(cbor)+`"}`)
	}
	bodies := map[string]string{
		"no object":                   `{}`,
		"id that is no text":          `{"id":1,"rawId":[],"type":{}}`,
		"other types":                 `{"id":"AA","rawId":"AA","type":"password","response":{}}`,
		"response that is none":       object("AAAAAAAAAAAAAAAAAAAAAA", `[]`),
		"response of numbers":         object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":1,"attestationObject":2,"authenticatorData":3,"signature":4}`),
		"ids that differ":             `{"id":"AAAA","rawId":"AAAB","type":"public-key","response":{}}`,
		"base64 with padding":         object("AAAAAAAAAAAAAAAAAAAAAA==", `{"clientDataJSON":"e30=","attestationObject":"oA=="}`),
		"base64 of another alphabet":  object("++++++++++++++++++++//", `{"clientDataJSON":"e30","attestationObject":"oA"}`),
		"client data of one byte":     object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":"gA","authenticatorData":"","signature":""}`),
		"client data of nothing":      object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":"bnVsbA","authenticatorData":"AA","signature":"AA"}`),
		"a map that claims 2^62":      attestation([]byte{0xbb, 0x40, 0, 0, 0, 0, 0, 0, 0}),
		"an array that claims 2^62":   attestation([]byte{0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0}),
		"bytes that claim 2^62":       attestation([]byte{0x5b, 0x40, 0, 0, 0, 0, 0, 0, 0}),
		"a thousand arrays":           attestation(bytes.Repeat([]byte{0x81}, 1000)),
		"a thousand maps":             attestation(bytes.Repeat([]byte{0xa1, 0x00}, 1000)),
		"no end":                      attestation([]byte{0xbf, 0x61, 0x61}),
		"tags":                        attestation(bytes.Repeat([]byte{0xc0}, 1000)),
		"bytes behind":                attestation(append(webauthntest.Map(), 0)),
		"the same key twice":          attestation(webauthntest.Map(webauthntest.Text("fmt"), webauthntest.Text("none"), webauthntest.Text("fmt"), webauthntest.Text("tpm"))),
		"text that is no UTF-8":       attestation([]byte{0xa1, 0x61, 0xff, 0x00}),
		"short authenticator data":    attestation(webauthntest.Map(webauthntest.Text("fmt"), webauthntest.Text("none"), webauthntest.Text("attStmt"), webauthntest.Map(), webauthntest.Text("authData"), webauthntest.Bytes(make([]byte, 36)))),
		"authenticator data and key":  attestation(webauthntest.Map(webauthntest.Text("fmt"), webauthntest.Text("none"), webauthntest.Text("attStmt"), webauthntest.Map(), webauthntest.Text("authData"), webauthntest.Bytes(bytes.Repeat([]byte{0xff}, 200)))),
		"certificates":                attestation(webauthntest.Map(webauthntest.Text("fmt"), webauthntest.Text("packed"), webauthntest.Text("attStmt"), webauthntest.Map(webauthntest.Text("x5c"), webauthntest.Bytes(make([]byte, 40_000))))),
		"deep JSON":                   object("AAAAAAAAAAAAAAAAAAAAAA", strings.Repeat(`{"a":`, 400)+"1"+strings.Repeat("}", 400)),
		"extensions":                  `{"id":"AAAAAAAAAAAAAAAAAAAAAA","rawId":"AAAAAAAAAAAAAAAAAAAAAA","type":"public-key","response":{"clientDataJSON":"e30"},"clientExtensionResults":{"appid":"x","credProps":[]}}`,
		"lone surrogates":             object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":"\ud800"}`),
		"a number that is none":       object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":1e999}`),
		"transports":                  object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":"e30","attestationObject":"oA","transports":{"a":1}}`),
		"a long id":                   object(strings.Repeat("A", 20_000), `{"clientDataJSON":"e30","attestationObject":"oA"}`),
		"nothing in everything":       `{"id":null,"rawId":null,"type":null,"response":null,"clientExtensionResults":null}`,
		"signature without the rest":  object("AAAAAAAAAAAAAAAAAAAAAA", `{"signature":"AA"}`),
		"user handle of a megabyte":   object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"`+strings.Repeat("A", 50_000)+`"}`),
		"client data that is a list":  object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":"W10","attestationObject":"oA"}`),
		"token binding without state": object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":"`+webauthntest.Base64([]byte(`{"tokenBinding":{}}`))+`","attestationObject":"oA"}`),
	}
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for name, body := range bodies {
			options := asked(t, p.as(t, http.MethodPost, passkeysPath+"options/", "{}"))
			a := p.as(t, http.MethodPost, passkeysPath, `{"ceremony":"`+options.Ceremony+`","credential":`+body+`}`)
			if a.status != http.StatusBadRequest || a.header.Get(web.ErrorHeader) != "credential=passkey_refused" && a.header.Get(web.ErrorHeader) != "credential=not_object" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
			login := asked(t, s.post(t, loginPath+"passkey/options/", "{}"))
			a = s.post(t, loginPath+"passkey/", `{"ceremony":"`+login.Ceremony+`","credential":`+body+`}`)
			if a.status != http.StatusUnauthorized && a.header.Get(web.ErrorHeader) != "credential=not_object" {
				t.Errorf("%s, as a login: %d %s", name, a.status, a.body)
			}
		}
		var wg sync.WaitGroup
		for _, body := range bodies { // at once
			wg.Go(func() {
				a := s.post(t, loginPath+"passkey/", `{"ceremony":"x","credential":`+body+`}`)
				if a.status != http.StatusBadRequest {
					t.Errorf("%d %s", a.status, a.body)
				}
			})
		}
		wg.Wait()
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 200<<20 { // other tests run meanwhile
			t.Errorf("%d MiB more in memory", grown>>20)
		}
		large := `{"ceremony":"x","credential":` + object("AAAAAAAAAAAAAAAAAAAAAA", `{"clientDataJSON":"`+strings.Repeat("A", 64<<10)+`"}`) + `}`
		for _, path := range []string{loginPath + "passkey/", loginPath + "second/"} {
			if a := s.post(t, path, large); a.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
		if strings.Contains(s.logged(), `"level":"ERROR"`) {
			t.Error("one of them is an error of ours in the log")
		}
	})
}

// TestOtherFieldsTakeNoObjects, though some do.
func TestOtherFieldsTakeNoObjects(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		if a := s.post(t, loginPath, `{"username":{"a":1},"password":{"b":2}}`); a.status != http.StatusBadRequest || a.header.Get(web.ErrorHeader) != "username=not_text, password=not_text" {
			t.Errorf("%d %s", a.status, a.header.Get(web.ErrorHeader))
		}
	})
}

// TestAppsAreNamedWherePhonesLook, and nothing is there without apps.
func TestAppsAreNamedWherePhonesLook(t *testing.T) {
	t.Parallel()
	paths := map[string]string{
		"/.well-known/assetlinks.json": `[{"relation":["delegate_permission/common.get_login_creds","delegate_permission/common.handle_all_urls"],` +
			`"target":{"namespace":"android_app","package_name":"ma.shop.app","sha256_cert_fingerprints":["AA:BB","CC:DD"]}}]`,
		"/.well-known/apple-app-site-association": `{"webcredentials":{"apps":["A1B2C3D4E5.ma.shop.app"]}}`,
	}
	with := func(o *settings) {
		o.api.AndroidApps, o.api.IOSApps = map[string][]string{"ma.shop.app": {"AA:BB", "CC:DD"}}, []string{"A1B2C3D4E5.ma.shop.app"}
	}
	forEachEngine(t, with, func(t *testing.T, s *server) {
		without := newServer(t, s.store, nil)
		for path, want := range paths {
			a := s.call(t, http.MethodGet, path, "", "Accept", "text/html")
			if a.status != http.StatusOK || a.body != want || a.header.Get("Content-Type") != "application/json" || a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %d %v %s", path, a.status, a.header, a.body)
			}
			if a := without.call(t, http.MethodGet, path, ""); a.status != http.StatusNotFound {
				t.Errorf("%s without apps: %d %s", path, a.status, a.body)
			}
		}
	})
}
