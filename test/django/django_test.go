// Package django runs the built binary beside a real Django, with the
// settings that docs/django.md shows.
package django

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	registerPath = "/api/clients/auth/register/"
	loginPath    = "/api/clients/auth/login/"
	refreshPath  = "/api/clients/auth/token/refresh/"
	mePath       = "/api/clients/clients/me/"

	password = "kV7#pazouk-42lemon"
	secret   = "django-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789" // SECRET_KEY
)

// pair is both servers with the same two users; the second, with the same id
// in both, is the one who calls.
type pair struct {
	yoozak, django site
	access         string // of ours
	refresh        string
}

func newPair(t *testing.T, algorithm, settings, module string, env ...string) pair {
	t.Helper()
	var p pair
	p.yoozak = startYoozak(t, append(env, "YOOZAK_JWT_ALGORITHM="+algorithm)...)
	here := strings.NewReplacer("https://accounts.shop.example", string(p.yoozak))
	p.django = startDjango(t, here.Replace(settings), here.Replace(module))
	for _, username := range []string{"first", "amina"} {
		a := p.yoozak.post(t, registerPath, `{"username":"`+username+`","password":"`+password+`","email":"`+username+`@ours.example"}`)
		if a.status != http.StatusCreated {
			t.Fatalf("register: %d %s", a.status, a.body)
		}
	}
	a := p.yoozak.post(t, loginPath, `{"username":"amina","password":"`+password+`"}`)
	p.access, p.refresh = a.field("access"), a.field("refresh")
	if got := algorithmOf(t, p.access); got != algorithm {
		t.Fatalf("login: %d, a token of %q; want %s", a.status, got, algorithm)
	}
	return p
}

// Each server answers from its own database.
const (
	ofOurs    = `{"id":2,"username":"amina","email":"amina@ours.example","first_name":"","last_name":""}`
	ofDjangos = `{"id":2,"username":"amina","email":"amina@django.example","first_name":"","last_name":""}`
)

func (p pair) wantMe(t *testing.T, at site, what, access string, want string) {
	t.Helper()
	if a := at.me(t, access); a.status != http.StatusOK || a.body != want {
		t.Errorf("%s: %d %s; want %s", what, a.status, a.body, want)
	}
}

func (p pair) refuses(t *testing.T, at site, what, access string) {
	t.Helper()
	if a := at.me(t, access); a.status != http.StatusUnauthorized {
		t.Errorf("%s: %d %s; want 401", what, a.status, a.body)
	}
}

// TestDjangoVerifiesOurTokensByTheKeySet is a Django that issues nothing any
// more.
func TestDjangoVerifiesOurTokensByTheKeySet(t *testing.T) {
	t.Parallel()
	settings := documented(t, "# settings.py of a Django that only verifies")
	for _, algorithm := range []string{"ES256", "RS256"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, algorithm, strings.Replace(settings, "ES256", algorithm, 1), "")
			p.wantMe(t, p.django, "our token at Django", p.access, ofDjangos)
			p.refuses(t, p.django, "our refresh token", p.refresh)
			p.refuses(t, p.django, "a token with another signature", p.access[:len(p.access)-8]+"AAAAAAAA")
			p.refuses(t, p.django, "no token", "x.y")
			old := jwt.MapClaims{"token_type": "access", "exp": time.Now().Add(time.Hour).Unix(), "jti": "0d1f", "user_id": 2}
			raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, old).SignedString([]byte(secret))
			if err != nil {
				t.Fatal(err)
			}
			p.refuses(t, p.django, "Django's own token of before", raw)
			other := startYoozak(t, "YOOZAK_JWT_ALGORITHM="+algorithm).post(t, registerPath, `{"username":"amina","password":"`+password+`"}`)
			p.refuses(t, p.django, "a token of another installation", other.field("access"))
		})
	}
}

// TestBothIssueAndBothVerify is the gradual change: clients of either server
// call both.
func TestBothIssueAndBothVerify(t *testing.T) {
	t.Parallel()
	p := newPair(t, "ES256",
		documented(t, "# settings.py of a Django that still issues tokens"), documented(t, "# yoozak_tokens.py"),
		"YOOZAK_ACCEPT_HS256_SECRET="+secret)
	p.wantMe(t, p.django, "our token at Django", p.access, ofDjangos)
	p.wantMe(t, p.yoozak, "our token here", p.access, ofOurs)
	p.refuses(t, p.django, "our refresh token", p.refresh)
	if a := p.django.post(t, refreshPath, `{"refresh":"`+p.refresh+`"}`); a.status != http.StatusUnauthorized {
		t.Errorf("our refresh token renewed at Django: %d %s", a.status, a.body)
	}
	p.staysLoggedIn(t, "ES256")
}

// TestOneSecretForBoth needs no change in Django.
func TestOneSecretForBoth(t *testing.T) {
	t.Parallel()
	p := newPair(t, "HS256", "", "", "YOOZAK_JWT_SECRET="+secret)
	p.wantMe(t, p.django, "our token at Django", p.access, ofDjangos)
	p.refuses(t, p.django, "our refresh token", p.refresh)
	p.staysLoggedIn(t, "HS256")
}

// staysLoggedIn is a client that logged in at Django and goes on here.
func (p pair) staysLoggedIn(t *testing.T, algorithm string) {
	t.Helper()
	a := p.django.post(t, loginPath, `{"username":"amina","password":"`+password+`"}`)
	access := a.field("access")
	if got := algorithmOf(t, access); got != "HS256" {
		t.Fatalf("login at Django: %d, a token of %q", a.status, got)
	}
	p.wantMe(t, p.django, "Django's token at Django", access, ofDjangos)
	p.wantMe(t, p.yoozak, "Django's token here", access, ofOurs)
	p.refuses(t, p.yoozak, "Django's refresh token", a.field("refresh"))

	a = p.yoozak.post(t, refreshPath, `{"refresh":"`+a.field("refresh")+`"}`)
	access = a.field("access")
	if got := algorithmOf(t, access); a.status != http.StatusOK || got != algorithm {
		t.Fatalf("renewed: %d, a token of %q; want %s", a.status, got, algorithm)
	}
	p.wantMe(t, p.yoozak, "renewed token here", access, ofOurs)
	p.wantMe(t, p.django, "renewed token at Django", access, ofDjangos)
}

func algorithmOf(t *testing.T, raw string) string {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(raw, jwt.MapClaims{})
	if err != nil {
		return ""
	}
	return parsed.Method.Alg()
}

// documented is the Python in docs/django.md that begins with a line.
func documented(t *testing.T, first string) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/django.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(data), "```python\n"+first+"\n")
	code, _, ended := strings.Cut(after, "```\n")
	if !found || !ended {
		t.Fatalf("docs/django.md has no Python that begins with %q", first)
	}
	return code
}
