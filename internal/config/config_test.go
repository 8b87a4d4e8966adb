package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/shop"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

// settings are variables and their values.
type settings map[string]string

// load reads settings as a program does that has the groups, and is called
// with flags. All that is given counts as a variable.
func load(t *testing.T, given settings, groups ...config.Group) (config.Config, error) {
	t.Helper()
	return loadFlags(t, given, nil, groups...)
}

func loadFlags(t *testing.T, given settings, flags []string, groups ...config.Group) (config.Config, error) {
	t.Helper()
	source := config.NewSource(func(name string) string { return given[name] })
	read := make([]config.Group, len(groups))
	for i, group := range groups {
		filled := reflect.New(reflect.TypeOf(group))
		parser, err := kong.New(filled.Interface(), source)
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range parser.Model.Flags { // the real environment is shared
			if len(flag.Envs) > 0 {
				if value, is := given[flag.Envs[0]]; is {
					flag.Default, flag.HasDefault = value, true
				}
			}
		}
		if _, err := parser.Parse(flags); err != nil {
			t.Fatal(err)
		}
		read[i] = filled.Elem().Interface().(config.Group)
	}
	return config.Load(source, read...)
}

// TestWhoChangesTheTables: PostgreSQL's may be there, out of a new server's
// sight, and are others' to use meanwhile.
func TestWhoChangesTheTables(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		url, mode string
		want      bool
	}{
		{"sqlite:y.db", "", true}, {"sqlite:y.db", "check", false}, {"sqlite:y.db", "AUTO", true},
		{"postgres://h/y", "", false}, {"postgres://h/y", "auto", true}, {"postgresql://h/y", "check", false},
	} {
		given := settings{"YOOZAK_DATABASE_URL": test.url}
		if test.mode != "" {
			given["YOOZAK_MIGRATE"] = test.mode
		}
		c, err := load(t, given, config.Database{}, config.Schema{})
		if err != nil || c.Migrates() != test.want {
			t.Errorf("%s, %q: %v, %v; want %v", test.url, test.mode, c.Migrates(), err, test.want)
		}
	}
}

func TestDefaultsWorkWithNothingSet(t *testing.T) {
	t.Parallel()
	given := settings{"YOOZAK_SHADOW_UPSTREAM": "http://127.0.0.1:8080/"} // the only one that has none
	c, err := load(t, given, config.Database{}, config.Tokens{}, config.Passwords{}, config.HTTP{}, config.Mail{}, config.Shop{}, config.Accounts{}, config.Shadow{}, config.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Database:  config.Database{URL: secret.NewText("sqlite:yoozak.db"), Batch: 128, HeadFile: "yoozak.db.head"},
		Tokens:    config.Tokens{Algorithm: "ES256", AcceptUserID: "user_id", Issuer: "yoozak", AccessLifetime: time.Hour, RefreshLifetime: 24 * time.Hour, KeyRotation: 30 * 24 * time.Hour, AcceptMaxAge: 30 * 24 * time.Hour},
		Passwords: config.Passwords{Memory: 19456, Time: 2, Threads: 1, Argon2: "auto", Wait: 5 * time.Second, Min: 8, Breached: true},
		Mail:      config.Mail{From: "Yoozak <no-reply@localhost>", NewDevice: true, Workers: 4, PerAddress: 5},
		Shop:      config.Shop{Zone: casablanca(t), Shop: shop.Shop{Zone: casablanca(t), Colours: shop.DefaultColours}},
		Accounts:  config.Accounts{EraseAfter: 30 * 24 * time.Hour, EventsKeep: 365 * 24 * time.Hour},
		Shadow: config.Shadow{
			Listen: "127.0.0.1:8001", Every: time.Hour,
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
			Upstream:       &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}, Copy: &url.URL{Scheme: "http", Host: "127.0.0.1:8000"},
		},
		Limits: config.Limits{On: true},
		HTTP: config.HTTP{
			Listen: "127.0.0.1:8000", Language: "fr", Docs: true, AccountPages: true, RegisterPage: true, Console: true, RefreshHint: 5 * time.Minute, RequestTimeout: 15 * time.Second,
			ShutdownTimeout: 20 * time.Second, Drain: 5 * time.Second, LogLevel: "info", LogFormat: "auto", LogRequests: true, TracesPercent: 100,
		},
	}
	sameClock := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if diff := cmp.Diff(want, c, sameClock, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHeadFileIsBesideTheDatabaseOrWhereItIsSaid(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ url, given, want, wrong string }{
		{"sqlite:/var/lib/yoozak/y.db", "", "/var/lib/yoozak/y.db.head", ""},
		{"sqlite:y.db", "off", "", ""},
		{"sqlite:y.db", "/elsewhere/y.head", "/elsewhere/y.head", ""},
		{"postgres://yoozak@localhost/yoozak", "", "", ""},
		{"postgres://yoozak@localhost/yoozak", "/elsewhere/y.head", "/elsewhere/y.head", ""},
		{"sqlite:y.db", "/elsewhere/", "", "YOOZAK_HEAD_FILE must name a file"},
		{"sqlite:y.db", "y.db", "", "YOOZAK_HEAD_FILE must be another file"},
		{"sqlite:y.db", "./y.db", "", "YOOZAK_HEAD_FILE must be another file"},
		{"sqlite:./data/y.db", "data/x/../y.db", "", "YOOZAK_HEAD_FILE must be another file"},
		{"sqlite:///data/y.db", "/data/y.db-wal", "", "YOOZAK_HEAD_FILE must be another file"},
		{"sqlite:y.db", "y.db-noted", "y.db-noted", ""},
	} {
		c, err := load(t, settings{"YOOZAK_DATABASE_URL": test.url, "YOOZAK_HEAD_FILE": test.given}, config.Database{})
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%q: %v", test.given, err)
			}
			continue
		}
		if err != nil || c.Database.HeadFile != test.want {
			t.Errorf("%s, %q: %q, %v", test.url, test.given, c.Database.HeadFile, err)
		}
	}
}

func casablanca(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Africa/Casablanca")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestShop(t *testing.T) {
	t.Parallel()
	logo := filepath.Join(t.TempDir(), "logo.png")
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 200, 40))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(logo, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	given := settings{}
	given["YOOZAK_SHOP_URL"], given["YOOZAK_SUPPORT"], given["YOOZAK_BRAND_COLOUR"], given["YOOZAK_BRAND_LOGO"], given["YOOZAK_OPERATOR_MAIL"] = " https://yoozak.ma/fr/ ", "aide@yoozak.ma", "#FFCC00", logo, "Ops <ops@yoozak.ma>"
	c, err := load(t, given, config.Shop{})
	if err != nil {
		t.Fatal(err)
	}
	got := c.Shop
	if got.Shop.URL != "https://yoozak.ma/fr/" || got.Shop.Support.Mail != "aide@yoozak.ma" || got.OperatorMail != "ops@yoozak.ma" || got.Shop.Logo.Width != 200 {
		t.Errorf("%+v", got)
	}
	if got.Colour.String() != "#ffcc00" || got.Shop.Colours != shop.ColoursOf(*got.Colour) {
		t.Errorf("colours %v of %v", got.Shop.Colours, got.Colour)
	}

	// Every mistake at once.
	given["YOOZAK_SHOP_URL"], given["YOOZAK_SUPPORT"], given["YOOZAK_BRAND_COLOUR"], given["YOOZAK_BRAND_LOGO"], given["YOOZAK_OPERATOR_MAIL"], given["YOOZAK_TIME_ZONE"] = "http://yoozak.ma", "us", "green", logo+"x", "ops", "Morocco/Rabat"
	_, err = load(t, given, config.Shop{})
	for _, name := range []string{"SHOP_URL", "SUPPORT", "BRAND_COLOUR", "BRAND_LOGO", "OPERATOR_MAIL", "TIME_ZONE"} {
		if err == nil || !strings.Contains(err.Error(), "YOOZAK_"+name+" ") {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
	for _, zone := range []string{"", "Local", "../../etc/passwd", "casablanca"} {
		given := settings{"YOOZAK_TIME_ZONE": zone}
		if _, err := load(t, given, config.Shop{}); err == nil {
			t.Errorf("the clock %q was taken", zone)
		}
	}
}

// TestTemplateOfAnAppIsRefusedWithAWayOut, and quoted as it was written.
func TestTemplateOfAnAppIsRefusedWithAWayOut(t *testing.T) {
	t.Parallel()
	given := settings{"YOOZAK_LINK_TEMPLATE": "yoozakshop://account/{action}?lang={language}#{token}"}
	_, err := load(t, given, config.Mail{})
	for _, want := range []string{"universal links", given["YOOZAK_LINK_TEMPLATE"]} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: lacks %q", err, want)
		}
	}
}

// TestSupportWithAPasswordIsNotQuoted.
func TestSupportWithAPasswordIsNotQuoted(t *testing.T) {
	t.Parallel()
	given := settings{"YOOZAK_SUPPORT": "https://yoozak:hunter2@yoozak.ma"}
	if _, err := load(t, given, config.Shop{}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

// TestClockKnowsRamadan: Morocco is an hour ahead of UTC but in Ramadan. This
// package brings the database of clocks into the program.
func TestClockKnowsRamadan(t *testing.T) {
	t.Parallel()
	c, err := load(t, nil, config.Shop{})
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[time.Time]string{
		time.Date(2025, 3, 10, 12, 0, 0, 0, time.UTC):  "12:00", // in Ramadan
		time.Date(2025, 11, 10, 12, 0, 0, 0, time.UTC): "13:00",
	} {
		if got := c.Shop.Shop.In(day).Format("15:04"); got != want {
			t.Errorf("%v is %s there, want %s", day, got, want)
		}
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	given := settings{}
	given["YOOZAK_DATABASE_URL"], given["YOOZAK_DATABASE_CONNS"], given["YOOZAK_SQLITE_BATCH"] = "mysql://x:hunter2@y", "-1", "many"
	given["YOOZAK_JWT_ALGORITHM"], given["YOOZAK_ACCESS_LIFETIME"], given["YOOZAK_REFRESH_ROTATION"], given["YOOZAK_KEY_ROTATION"], given["YOOZAK_JWT_AUDIENCE"] = "none", "1 hour", "perhaps", "5m", "a b"
	given["YOOZAK_ARGON2_MEMORY"], given["YOOZAK_ARGON2_TIME"], given["YOOZAK_HASH_WAIT"] = "1024", "1", "0s"
	given["YOOZAK_BREACHED_PASSWORDS"], given["YOOZAK_HIBP_URL"] = "maybe", "https://u:hunter2@hibp.example/range"
	given["YOOZAK_LISTEN"], given["YOOZAK_LANGUAGE"], given["YOOZAK_CORS_ORIGINS"], given["YOOZAK_TRUSTED_PROXIES"], given["YOOZAK_DEBUG_LISTEN"] = "8000", "de", "https://u:hunter2@a.example,https://a.example/path", "10.0.0.0/64", "0.0.0.0:6060"
	given["YOOZAK_MAIL_FROM"], given["YOOZAK_PUBLIC_URL"], given["YOOZAK_LINK_TEMPLATE"], given["YOOZAK_MAIL_PER_ADDRESS"], given["YOOZAK_ERASE_AFTER"], given["YOOZAK_EVENTS_KEEP"] = "nobody", "https://u:hunter2@shop.example", "https://shop.example/{action}", "0", "soon", "1h"
	given["YOOZAK_RATE_LIMITS"] = "some"
	_, err := load(t, given, config.Database{}, config.Tokens{}, config.Passwords{}, config.HTTP{}, config.Mail{}, config.Accounts{}, config.Limits{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{
		"DATABASE_URL", "DATABASE_CONNS", "SQLITE_BATCH", "JWT_ALGORITHM", "ACCESS_LIFETIME", "REFRESH_ROTATION", "KEY_ROTATION", "JWT_AUDIENCE",
		"ARGON2_MEMORY", "ARGON2_TIME", "HASH_WAIT", "BREACHED_PASSWORDS", "HIBP_URL", "LISTEN", "LANGUAGE", "CORS_ORIGINS", "TRUSTED_PROXIES", "DEBUG_LISTEN",
		"MAIL_FROM", "PUBLIC_URL", "LINK_TEMPLATE", "MAIL_PER_ADDRESS", "ERASE_AFTER", "RATE_LIMITS",
	} {
		if !strings.Contains(err.Error(), "YOOZAK_"+name+" ") {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows a password:\n%v", err)
	}
}

func TestURLOfTheBreachServer(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                      "",
		" ":                                     "",
		"https://api.pwnedpasswords.com/range":  "https://api.pwnedpasswords.com/range",
		"https://api.pwnedpasswords.com/range/": "https://api.pwnedpasswords.com/range",
		"http://10.0.0.7:8080":                  "http://10.0.0.7:8080",
	} {
		if c, err := load(t, settings{"YOOZAK_HIBP_URL": given}, config.Passwords{}); err != nil || c.Passwords.HIBPURL != want {
			t.Errorf("%q: got %q, %v; want %q", given, c.Passwords.HIBPURL, err, want)
		}
	}
	for _, given := range []string{"api.pwnedpasswords.com/range", "ftp://a.example", "https://", "https://user:hunter2@a.example", "https://a.example?x=", "https://a.example#x", "https://%zz"} {
		if _, err := load(t, settings{"YOOZAK_HIBP_URL": given}, config.Passwords{}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", given, err)
		}
	}
}

func TestSecretOfHS256(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from-the-file-0123456789-0123456789\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		variable, file string
		want           string // of the secret, or part of the error
		fails          bool
	}{
		"variable":     {"from-the-variable-0123456789-012345", "", "from-the-variable-0123456789-012345", false},
		"file":         {"", file, "from-the-file-0123456789-0123456789", false},
		"none":         {"", "", "YOOZAK_JWT_SECRET is needed", true},
		"short":        {"too short", "", "9 bytes", true},
		"both":         {"from-the-variable-0123456789-012345", file, "keep one", true},
		"missing file": {"", file + "x", "YOOZAK_JWT_SECRET_FILE cannot be read", true},
	} {
		given := settings{}
		given["YOOZAK_JWT_ALGORITHM"], given["YOOZAK_JWT_SECRET_FILE"] = "hs256", test.file
		given["YOOZAK_JWT_SECRET"] = test.variable
		c, err := load(t, given, config.Tokens{})
		switch {
		case test.fails && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want an error with %q", name, err, test.want)
		case !test.fails && (err != nil || string(c.Tokens.Secret.Reveal()) != test.want):
			t.Errorf("%s: got %q, %v", name, c.Tokens.Secret.Reveal(), err)
		}
		if err != nil && test.variable != "" && strings.Contains(err.Error(), test.variable) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

func TestEndOfDjangosTokens(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]time.Time{
		"":                          {},
		"2026-12-31":                time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		" 2026-12-31T12:00:00Z ":    time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC),
		"2026-12-31T12:00:00+01:00": time.Date(2026, 12, 31, 11, 0, 0, 0, time.UTC),
	} {
		if c, err := load(t, settings{"YOOZAK_ACCEPT_HS256_UNTIL": given}, config.Tokens{}); err != nil || !c.Tokens.AcceptUntil.Equal(want) {
			t.Errorf("%q: %v, %v; want %v", given, c.Tokens.AcceptUntil, err, want)
		}
	}
	for _, given := range []string{"soon", "31/12/2026", "2026-13-01", "2026-12-31 12:00", "720h"} {
		_, err := load(t, settings{"YOOZAK_ACCEPT_HS256_UNTIL": given, "YOOZAK_ACCEPT_HS256_MAX_AGE": "0"}, config.Tokens{})
		if err == nil || !strings.Contains(err.Error(), "YOOZAK_ACCEPT_HS256_UNTIL must be") || !strings.Contains(err.Error(), "YOOZAK_ACCEPT_HS256_MAX_AGE must be") {
			t.Errorf("%q: %v", given, err)
		}
	}
}

// TestRefreshHintIsAThirdAtMost: a client that obeys would renew with each
// request.
func TestRefreshHintIsAThirdAtMost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		access, hint string
		want         time.Duration
		capped       bool
	}{
		{"1h", "5m", 5 * time.Minute, false},
		{"15m", "5m", 5 * time.Minute, false},
		{"20s", "5m", 20 * time.Second / 3, true},
		{"1h", "2h", 20 * time.Minute, true},
		{"20s", "0s", 0, false},
	} {
		given := settings{}
		given["YOOZAK_ACCESS_LIFETIME"], given["YOOZAK_REFRESH_HINT"] = test.access, test.hint
		c, err := load(t, given, config.Tokens{}, config.HTTP{})
		if err != nil {
			t.Fatal(err)
		}
		if got, capped := c.RefreshHint(); got != test.want || capped != test.capped {
			t.Errorf("%s of %s: %v, %v; want %v, %v", test.hint, test.access, got, capped, test.want, test.capped)
		}
	}
}

func TestClaimOfDjangosUserIDs(t *testing.T) {
	t.Parallel()
	const django = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"
	for name, test := range map[string]struct {
		algorithm, secret, claim string
		want                     string // part of the error; empty: none
	}{
		"default":                {"ES256", "", "user_id", ""},
		"sub":                    {"ES256", django, " sub ", ""},
		"sub, one secret":        {"HS256", "", "sub", ""},
		"nothing is accepted":    {"ES256", "", "sub", "without YOOZAK_ACCEPT_HS256_SECRET"},
		"empty":                  {"ES256", django, "", "must be the name"},
		"says something else":    {"ES256", django, "exp", "must be the name"},
		"says which type it is":  {"ES256", django, "token_type", "must be the name"},
		"what cannot be a claim": {"ES256", django, "user id", "must be the name"},
	} {
		given := settings{}
		given["YOOZAK_JWT_ALGORITHM"], given["YOOZAK_ACCEPT_HS256_USER_ID_CLAIM"] = test.algorithm, test.claim
		given["YOOZAK_ACCEPT_HS256_SECRET"], given["YOOZAK_JWT_SECRET"] = test.secret, "from-the-variable-0123456789-012345"
		c, err := load(t, given, config.Tokens{})
		if test.want == "" && (err != nil || c.Tokens.AcceptUserID != strings.TrimSpace(test.claim)) {
			t.Errorf("%s: %q, %v", name, c.Tokens.AcceptUserID, err)
		}
		if test.want != "" && (err == nil || !strings.Contains(err.Error(), "YOOZAK_ACCEPT_HS256_USER_ID_CLAIM ") || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}

func TestSecretOfDjango(t *testing.T) {
	t.Parallel()
	const django = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file, empty := write("secret", django+"\r\n"), write("empty", "")
	for name, test := range map[string]struct {
		algorithm, variable, file string
		want                      string // of the secret, or part of the error
		fails                     bool
	}{
		"not given":               {"ES256", "", "", "", false},
		"variable":                {"ES256", django, "", django, false},
		"file":                    {"EdDSA", "", file, django, false},
		"beside a secret of ours": {"HS256", django, "", django, false},
		"short":                   {"ES256", "0123456789012345678901234567890", "", "YOOZAK_ACCEPT_HS256_SECRET has 31 bytes", true},
		"empty file":              {"ES256", "", empty, "YOOZAK_ACCEPT_HS256_SECRET has 0 bytes", true},
		"missing file":            {"ES256", "", file + "x", "YOOZAK_ACCEPT_HS256_SECRET_FILE cannot be read", true},
		"both":                    {"ES256", django, file, "keep one", true},
		"same as ours":            {"HS256", "from-the-variable-0123456789-012345", "", "leave it out", true},
		"public key in PEM":       {"ES256", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", "", "everybody who knows a public key", true},
		"public key in JSON":      {"ES256", `{"kty":"RSA","n":"0123456789","e":"AQAB"}`, "", "everybody who knows a public key", true},
		"public key of SSH":       {"ES256", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC", "", "everybody who knows a public key", true},
	} {
		given := settings{}
		given["YOOZAK_JWT_ALGORITHM"], given["YOOZAK_ACCEPT_HS256_SECRET_FILE"] = test.algorithm, test.file
		given["YOOZAK_ACCEPT_HS256_SECRET"], given["YOOZAK_JWT_SECRET"] = test.variable, "from-the-variable-0123456789-012345"
		c, err := load(t, given, config.Tokens{})
		switch {
		case test.fails && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want an error with %q", name, err, test.want)
		case !test.fails && (err != nil || string(c.Tokens.Accept.Reveal()) != test.want):
			t.Errorf("%s: got %q, %v", name, c.Tokens.Accept.Reveal(), err)
		}
		if err != nil && test.variable != "" && strings.Contains(err.Error(), test.variable) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

func TestEncryptionKey(t *testing.T) {
	t.Parallel()
	const good = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(good+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	blank := filepath.Join(t.TempDir(), "blank")
	if err := os.WriteFile(blank, []byte(" \n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		key, old, file string
		want           string // part of the error
	}{
		"none":           {},
		"variable":       {key: good},
		"file":           {file: file},
		"not padded":     {key: strings.TrimRight(good, "=")},
		"with old":       {key: good, old: good},
		"old alone":      {old: good, want: "YOOZAK_ENCRYPTION_KEY_OLD is set without"},
		"both":           {key: good, file: file, want: "YOOZAK_ENCRYPTION_KEY_FILE is set together"},
		"short":          {key: "c2hvcnQ=", want: "YOOZAK_ENCRYPTION_KEY must be 32 bytes in base64"},
		"long":           {key: good[:43] + "AAAA", want: "YOOZAK_ENCRYPTION_KEY must be 32 bytes"},
		"not base64":     {key: "correct horse battery staple!!!!", want: "YOOZAK_ENCRYPTION_KEY must be 32 bytes"},
		"old not base64": {key: good, old: "x", want: "YOOZAK_ENCRYPTION_KEY_OLD must be 32 bytes"},
		"missing file":   {file: file + "x", want: "YOOZAK_ENCRYPTION_KEY_FILE cannot be read"},
		"empty file":     {file: empty, want: "YOOZAK_ENCRYPTION_KEY_FILE names a file that gives no key"},
		"blank file":     {file: blank, want: "YOOZAK_ENCRYPTION_KEY_FILE names a file that gives no key"},
		"blank":          {key: "   ", want: "YOOZAK_ENCRYPTION_KEY must be 32 bytes"},
		"blank old":      {key: good, old: "\t", want: "YOOZAK_ENCRYPTION_KEY_OLD must be 32 bytes"},
	} {
		given := settings{"YOOZAK_ENCRYPTION_KEY": test.key, "YOOZAK_ENCRYPTION_KEY_OLD": test.old, "YOOZAK_ENCRYPTION_KEY_FILE": test.file}
		c, err := load(t, given, config.Encryption{})
		switch {
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want an error with %q", name, err, test.want)
		case test.want == "" && (err != nil || c.Encryption.Key.Empty() == (test.key+test.file != "")):
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && test.key != "" && strings.Contains(err.Error(), test.key) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func TestPasswordInADatabaseFlagIsRefused(t *testing.T) {
	t.Parallel()
	const url = "postgres://yoozak:hunter2@db/yoozak"
	if _, err := loadFlags(t, nil, []string{"--database-url", url}, config.Database{}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("by flag: %v", err)
	}
	if c, err := load(t, settings{"YOOZAK_DATABASE_URL": url}, config.Database{}); err != nil || c.Database.URL.Reveal() != url {
		t.Errorf("by variable: %v", err)
	}
	if _, err := loadFlags(t, nil, []string{"--database-url", "postgres://yoozak@db/yoozak"}, config.Database{}); err != nil {
		t.Errorf("flag without a password: %v", err)
	}
}

// TestFlagsWinOverVariables, also over one that cannot be read; and a flag
// that cannot be read is told like a variable.
func TestFlagsWinOverVariables(t *testing.T) {
	t.Parallel()
	given := settings{"YOOZAK_JWT_ALGORITHM": "EdDSA", "YOOZAK_KEY_ROTATION": "soon", "YOOZAK_REFRESH_ROTATION": "maybe", "YOOZAK_JWT_AUDIENCE": "a"}
	for _, on := range [][]string{{"--refresh-rotation"}, {"--refresh-rotation=on"}, {"--refresh-rotation", "TRUE"}} {
		flags := append([]string{"--jwt-algorithm=rs256", "--key-rotation=2h", "--jwt-audience", "b, c"}, on...)
		c, err := loadFlags(t, given, flags, config.Tokens{})
		if got := c.Tokens; err != nil || got.Algorithm != "RS256" || got.KeyRotation != 2*time.Hour || !got.Rotation || fmt.Sprint(got.Audience) != "[b c]" {
			t.Errorf("%q: %+v, %v", on, got, err)
		}
	}
	_, err := loadFlags(t, given, []string{"--access-lifetime=1", "--key-rotation=2h"}, config.Tokens{})
	if err == nil || err.Error() != "YOOZAK_ACCESS_LIFETIME must be a time from 1s to 24h0m0s, such as 90s, 15m or 1h, not \"1\"\n"+
		"YOOZAK_REFRESH_ROTATION must be true or false, not \"maybe\"" {
		t.Errorf("got %v", err)
	}
}

func TestServersOfAShadow(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		upstream, replica, listen string
		want                      string // part of the error
	}{
		"good":              {"https://django.example", "http://127.0.0.1:8000", "127.0.0.1:8001", ""},
		"no upstream":       {"", "http://127.0.0.1:8000", "127.0.0.1:8001", "YOOZAK_SHADOW_UPSTREAM must be"},
		"no scheme":         {"127.0.0.1:8080", "http://127.0.0.1:8000", "127.0.0.1:8001", "YOOZAK_SHADOW_UPSTREAM must be"},
		"password":          {"http://u:hunter2@django.example", "http://127.0.0.1:8000", "127.0.0.1:8001", "YOOZAK_SHADOW_UPSTREAM must be"},
		"path":              {"http://127.0.0.1:8080/api", "http://127.0.0.1:8000", "127.0.0.1:8001", "YOOZAK_SHADOW_UPSTREAM must be"},
		"query of the copy": {"http://127.0.0.1:8080", "http://127.0.0.1:8000?x=1", "127.0.0.1:8001", "YOOZAK_SHADOW_COPY must be"},
		"open network":      {"http://django.example", "http://127.0.0.1:8000", "127.0.0.1:8001", "YOOZAK_SHADOW_UPSTREAM must begin with https://"},
		"open to the copy":  {"http://127.0.0.1:8080", "http://10.0.0.7:8000", "127.0.0.1:8001", "YOOZAK_SHADOW_COPY must begin with https://"},
		"this machine":      {"http://localhost:8080", "http://[::1]:8000", "127.0.0.1:8001", ""},
		"one server":        {"http://127.0.0.1:8000", "http://127.0.0.1:8000/", "127.0.0.1:8001", "twice"},
		"itself":            {"http://127.0.0.1:8001", "http://127.0.0.1:8000", "127.0.0.1:8001", "call itself"},
		"copy is itself":    {"http://127.0.0.1:8080", "http://127.0.0.1:8001", "127.0.0.1:8001", "call itself"},
	} {
		given := settings{}
		given["YOOZAK_SHADOW_UPSTREAM"], given["YOOZAK_SHADOW_COPY"], given["YOOZAK_SHADOW_LISTEN"] = test.upstream, test.replica, test.listen
		_, err := load(t, given, config.Shadow{})
		if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: got %v, want an error with %q", name, err, test.want)
		}
	}
}

// TestSMTPNeedsASenderAndAPublicURL: what is right for a folder is not right
// for the world.
func TestSMTPNeedsASenderAndAPublicURL(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		smtp, from, public, template string
		want                         []string // settings that are named
	}{
		"all three":    {"smtps://mail.example", "a@shop.example", "https://a.example", "", nil},
		"template":     {"smtps://mail.example", "a@shop.example", "", "https://a.example/{action}#{token}", nil},
		"no sender":    {"smtps://mail.example", "", "https://a.example", "", []string{"YOOZAK_MAIL_FROM"}},
		"neither":      {"smtps://mail.example", "", "", "", []string{"YOOZAK_MAIL_FROM", "YOOZAK_PUBLIC_URL"}},
		"blank sender": {"smtps://mail.example", " ", "https://a.example", "", []string{"YOOZAK_MAIL_FROM"}},
		"none":         {"", "", "", "", nil},
	} {
		given := settings{}
		given["YOOZAK_MAIL_FROM"], given["YOOZAK_PUBLIC_URL"], given["YOOZAK_LINK_TEMPLATE"] = test.from, test.public, test.template
		given["YOOZAK_SMTP_URL"] = test.smtp
		c, err := load(t, given, config.Mail{})
		if (err != nil) != (test.want != nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want+" ") {
				t.Errorf("%s: %s is not named in %v", name, want, err)
			}
		}
		if test.smtp == "" && c.Mail.From != "Yoozak <no-reply@localhost>" {
			t.Errorf("%s: sender %q", name, c.Mail.From)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(given settings)
		on     bool
		want   string // part of the error
	}{
		"none":    {func(settings) {}, false, ""},
		"files":   {func(given settings) { given["YOOZAK_TLS_CERT"], given["YOOZAK_TLS_KEY"] = "a", "b" }, true, ""},
		"domains": {func(given settings) { given["YOOZAK_ACME_DOMAINS"] = "Accounts.Shop.example, b.example" }, true, ""},
		"with address": {func(given settings) {
			given["YOOZAK_ACME_DOMAINS"], given["YOOZAK_ACME_EMAIL"] = "a.example", "x@y.example"
		}, true, ""},
		"no key":         {func(given settings) { given["YOOZAK_TLS_CERT"] = "a" }, false, "YOOZAK_TLS_CERT and YOOZAK_TLS_KEY go together"},
		"no certificate": {func(given settings) { given["YOOZAK_TLS_KEY"] = "a" }, false, "YOOZAK_TLS_CERT and YOOZAK_TLS_KEY go together"},
		"both": {func(given settings) {
			given["YOOZAK_TLS_CERT"], given["YOOZAK_TLS_KEY"], given["YOOZAK_ACME_DOMAINS"] = "a", "b", "c.example"
		}, false, "YOOZAK_ACME_DOMAINS is set together"},
		"star":       {func(given settings) { given["YOOZAK_ACME_DOMAINS"] = "*.example" }, false, "YOOZAK_ACME_DOMAINS"},
		"one label":  {func(given settings) { given["YOOZAK_ACME_DOMAINS"] = "localhost" }, false, "YOOZAK_ACME_DOMAINS"},
		"a URL":      {func(given settings) { given["YOOZAK_ACME_DOMAINS"] = "https://a.example" }, false, "YOOZAK_ACME_DOMAINS"},
		"no address": {func(given settings) { given["YOOZAK_ACME_DOMAINS"], given["YOOZAK_ACME_EMAIL"] = "a.example", "x" }, false, "YOOZAK_ACME_EMAIL"},
		"no cache":   {func(given settings) { given["YOOZAK_ACME_DOMAINS"], given["YOOZAK_ACME_CACHE"] = "a.example", "" }, false, "YOOZAK_ACME_CACHE"},
		"open network": {func(given settings) {
			given["YOOZAK_ACME_DOMAINS"], given["YOOZAK_ACME_DIRECTORY"] = "a.example", "http://ca.example"
		}, false, "YOOZAK_ACME_DIRECTORY"},
	} {
		given := settings{}
		test.change(given)
		c, err := load(t, given, config.TLS{})
		if test.want == "" && (err != nil || c.TLS.On() != test.on) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %+v, %v; want on %v, error %q", name, c.TLS, err, test.on, test.want)
		}
	}
}

func TestListsOfOriginsAndProxies(t *testing.T) {
	t.Parallel()
	given := settings{}
	given["YOOZAK_CORS_ORIGINS"], given["YOOZAK_TRUSTED_PROXIES"] = " https://Shop.example , http://localhost:3000,", "10.0.0.0/8, 2001:db8::1, ::ffff:192.0.2.7, ::ffff:198.51.100.0/120"
	c, err := load(t, given, config.HTTP{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.HTTP.CORSOrigins, c.HTTP.TrustedProxies); got != "[https://shop.example http://localhost:3000] [10.0.0.0/8 2001:db8::1/128 192.0.2.7/32 198.51.100.0/24]" {
		t.Error(got)
	}
}

// secrets are variables that no flag has, as docs/configuration.md has them.
var secrets = map[string]string{
	"YOOZAK_JWT_SECRET":          "The secret of HS256, 32 bytes or more.",
	"YOOZAK_ACCEPT_HS256_SECRET": "Django's `SECRET_KEY`, 32 bytes or more: see [django.md](django.md).",
	"YOOZAK_ENCRYPTION_KEY":      "The key that encrypts: the output of `openssl rand -base64 32`. See [keys.md](keys.md).",
	"YOOZAK_ENCRYPTION_KEY_OLD":  "The key before, while it is changed.",
	"YOOZAK_SMTP_URL":            "The SMTP server: `smtps://user:password@host:465`, or `smtp://user:password@host:587` with STARTTLS. See [below](#choosing).",
}

// TestDocumentedConfigurationIsTheCodes holds docs/configuration.md against
// the structs; -update rewrites its tables.
func TestDocumentedConfigurationIsTheCodes(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../docs/configuration.md", "<!-- settings: made from internal/config by go test ./internal/config -update -->\n", "<!-- end of settings -->"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the document lacks its marks")
	}
	var b strings.Builder
	heading := ""
	for _, group := range []any{
		config.HTTP{}, config.TLS{}, config.Database{}, config.Schema{}, config.Tokens{}, config.Encryption{}, config.Passwords{}, config.Mail{}, config.Shop{}, config.Webhooks{}, config.Accounts{}, config.Addresses{}, config.Recovery{}, config.Passkeys{}, config.Limits{}, config.Shadow{},
	} {
		typ := reflect.TypeOf(group)
		if title := strings.TrimSuffix(typ.Field(0).Tag.Get("group"), ":"); title != heading {
			heading = title
			fmt.Fprintf(&b, "\n## %s\n\n| variable | flag | default | what it does |\n| --- | --- | --- | --- |\n", title)
		}
		for i := range typ.NumField() {
			tag := typ.Field(i).Tag
			if tag.Get("env") == "" {
				continue
			}
			def := tag.Get("default")
			if def != "" {
				def = "`" + def + "`"
			}
			if variable, isFile := strings.CutSuffix(tag.Get("env"), "_FILE"); isFile && secrets[variable] != "" {
				fmt.Fprintf(&b, "| `%s` | none: it is a secret | | %s |\n", variable, secrets[variable])
			}
			fmt.Fprintf(&b, "| `%s` | `--%s` | %s | %s |\n", tag.Get("env"), tag.Get("name"), def, ofDocument.ReplaceAllString(strings.ReplaceAll(tag.Get("help"), "<", `\<`), "[$1]($1)"))
		}
	}
	want := before + begin + b.String() + "\n" + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(data) != want {
		t.Errorf("docs/configuration.md is not what the code has; run: go test ./internal/config -update\n%s", cmp.Diff(want, string(data)))
	}
}

// ofDocument is how a help names a document, which the page of settings links to.
var ofDocument = regexp.MustCompile(`docs/((?:decisions/)?[\w-]+\.md)`)

// TestFrenchConfigurationHasEverySetting holds the tables of
// docs/configuration.fr.md against those of docs/configuration.md, which are
// the code's: the same settings in the same order, flags and defaults, and the
// same settings and numbers in what is said of each.
func TestFrenchConfigurationHasEverySetting(t *testing.T) {
	t.Parallel()
	type row struct {
		Variable, Flag, Default string
		Named                   []string // settings and numbers, which no language changes
	}
	rows := func(path, noFlag string) (all []row) {
		t.Helper()
		doc, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		target := regexp.MustCompile(`\[\S+\.md\]\([^)]*\)|\]\([^)]*\)`) // of a link
		named := regexp.MustCompile(`YOOZAK_[A-Z0-9_]+|\b\d+\b`)
		for _, m := range regexp.MustCompile("(?m)^\\| `(YOOZAK_[A-Z0-9_]+)` \\| ([^|]+) \\| ([^|]*) ?\\| (.+) \\|$").FindAllStringSubmatch(string(doc), -1) {
			r := row{m[1], strings.Replace(m[2], noFlag, "", 1), strings.TrimSpace(m[3]), named.FindAllString(target.ReplaceAllString(m[4], "]"), -1)}
			slices.Sort(r.Named)
			all = append(all, r)
		}
		return all
	}
	en, fr := rows("../../docs/configuration.md", "none: it is a secret"), rows("../../docs/configuration.fr.md", "aucune : c'est un secret")
	if len(en) < 90 {
		t.Fatalf("docs/configuration.md has %d rows that can be read", len(en))
	}
	if diff := cmp.Diff(en, fr); diff != "" {
		t.Errorf("docs/configuration.fr.md (-English +French):\n%s", diff)
	}
}

// TestConfigurationPrintsNoSecret prints a whole configuration in all the
// ways in which one ends up in a log.
func TestConfigurationPrintsNoSecret(t *testing.T) {
	t.Parallel()
	planted := settings{
		"YOOZAK_DATABASE_URL":       "postgres://yoozak:planted-database@db/yoozak",
		"YOOZAK_JWT_SECRET":         "planted-jwt-0123456789-0123456789-0123456789",
		"YOOZAK_ENCRYPTION_KEY":     base64.StdEncoding.EncodeToString([]byte("planted-key-0123456789-012345678")),
		"YOOZAK_ENCRYPTION_KEY_OLD": base64.StdEncoding.EncodeToString([]byte("planted-old-0123456789-012345678")),
		"YOOZAK_SMTP_URL":           "smtps://yoozak:planted-smtp@mail.example:465",
	}
	given := maps.Clone(planted)
	given["YOOZAK_JWT_ALGORITHM"], given["YOOZAK_PUBLIC_URL"] = "HS256", "https://shop.example"
	given["YOOZAK_MAIL_FROM"] = "bonjour@shop.example"
	c, err := load(t, given, config.Database{}, config.Tokens{}, config.Passwords{}, config.HTTP{}, config.Mail{}, config.Accounts{}, config.Encryption{}, config.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Encryption.Key.Empty() || c.Encryption.Old.Empty() || c.Database.URL.Reveal() != planted["YOOZAK_DATABASE_URL"] || c.Mail.SMTPURL.Reveal() != planted["YOOZAK_SMTP_URL"] || c.Tokens.Secret.Empty() {
		t.Fatal("the secrets are not there: nothing is tested")
	}
	var outputs []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		outputs = append(outputs, fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c))
	}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("settings", "config", c, "pointer", &c, "tokens", c.Tokens, "url", c.Database.URL)
	}
	for _, out := range append(outputs, string(data), log.String()) {
		if strings.Contains(out, "planted") || strings.Contains(out, fmt.Sprintf("%x", "planted")) || strings.Contains(out, "cGxhbnRlZ") || strings.Contains(out, "112 108 97 110") {
			t.Errorf("a secret is shown:\n%s", out)
		}
	}
	if !strings.Contains(string(data), "[redacted]") {
		t.Errorf("nothing is redacted:\n%s", data)
	}
}

// TestSessionMaxAge: what it is where nobody said.
func TestSessionMaxAge(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		given settings
		want  time.Duration
	}{
		{settings{}, 0},
		{settings{"YOOZAK_REFRESH_ROTATION": "true"}, 30 * 24 * time.Hour},
		{settings{"YOOZAK_REFRESH_ROTATION": "true", "YOOZAK_REFRESH_LIFETIME": "2160h"}, 180 * 24 * time.Hour},
		{settings{"YOOZAK_REFRESH_ROTATION": "true", "YOOZAK_SESSION_MAX_AGE": "12h"}, 12 * time.Hour},
		{settings{"YOOZAK_SESSION_MAX_AGE": "12h"}, 12 * time.Hour},
	} {
		c, err := load(t, row.given, config.Tokens{})
		if err != nil || c.SessionMaxAge() != row.want {
			t.Errorf("%v: %v, %v; want %v", row.given, c.SessionMaxAge(), err, row.want)
		}
	}
}

func TestHouseWords(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		given settings
		want  string
	}{
		{settings{}, "yoozak"},
		{settings{"YOOZAK_MAIL_FROM": "Les Épices de Fès <bonjour@example.ma>", "YOOZAK_SHOP_URL": "https://www.epices-fes.ma/"}, "épices lesépicesdefès epices"},
		{settings{"YOOZAK_MAIL_FROM": "bonjour@example.ma", "YOOZAK_SHOP_URL": "https://192.0.2.10/"}, ""},
	} {
		c, err := load(t, row.given, config.Mail{}, config.Shop{})
		if got := strings.Join(c.HouseWords(), " "); err != nil || got != row.want {
			t.Errorf("%v: %q, %v; want %q", row.given, got, err, row.want)
		}
	}
}
