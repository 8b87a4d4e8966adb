package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/shop"
)

// Group is one of the groups of settings: [Database], [Schema], [Tokens],
// [Passwords], [Mail], [Shop], [Webhooks], [Accounts], [Addresses], [Recovery],
// [Passkeys], [Shadow], [Limits], [Encryption], [HTTP] and [TLS].
type Group interface{ load(c *Config, p *problems) }

// Load checks groups of settings, as kong filled them in from s, and puts
// each into its part of the Config. All mistakes of all groups come back
// together.
func Load(s *Source, groups ...Group) (Config, error) {
	c := Config{Limits: Limits{On: true}}
	p := &problems{source: s}
	for _, g := range groups {
		p.addMisread(reflect.TypeOf(g))
		g.load(&c, p)
	}
	for _, g := range groups {
		if _, is := g.(Passkeys); is {
			c.Passkeys.complete(&c, p)
		}
	}
	const alone = ": then YOOZAK_LISTEN must be an address of this machine alone, such as 127.0.0.1:8000"
	if h := c.HTTP.Listen; h != "" && !loopbackAddress(h) {
		if c.Passwords.Insecure {
			p.add("YOOZAK_INSECURE_FAST_HASH", "is for tests and measurements"+alone)
		}
		if !c.Limits.On {
			p.add("YOOZAK_RATE_LIMITS", "may be off for tests and measurements"+alone)
		}
	}
	c.Warnings = p.warnings
	return c, errors.Join(p.errs...)
}

// problems collects mistakes, so that a person mends them in one go.
type problems struct {
	source   *Source
	errs     []error
	warnings []string
}

// addMisread adds what could not be read of a group.
func (p *problems) addMisread(group reflect.Type) {
	for i := range group.NumField() {
		name := group.Field(i).Tag.Get("env")
		if err := p.source.misread[name]; err != nil {
			p.errs = append(p.errs, fmt.Errorf("%s %w", name, err))
		}
	}
}

// add adds a mistake, unless the value could not even be read.
func (p *problems) add(name, what string, args ...any) {
	if p.source.misread[name] == nil {
		p.errs = append(p.errs, fmt.Errorf(name+" "+what, args...))
	}
}

func (p *problems) warn(name, what string) { p.warnings = append(p.warnings, name+" "+what) }

func (d Database) load(c *Config, p *problems) {
	name, u := "YOOZAK_DATABASE_URL", strings.TrimSpace(d.URL.Reveal())
	if d.URLFile != "" {
		name = "YOOZAK_DATABASE_URL_FILE"
		u = strings.TrimSpace(p.file(name, d.URLFile))
	}
	path, isSQLite := strings.CutPrefix(u, "sqlite:")
	switch {
	case isSQLite && !isFile(path):
		p.add(name, "must name a file, without host or parameters: sqlite:yoozak.db in the folder where the program starts, or sqlite:/path/yoozak.db")
	case isSQLite && path[0] == '/': // sqlite:///path, too
		u = "sqlite:/" + strings.TrimLeft(path, "/")
	case isSQLite:
	case strings.HasPrefix(u, "postgres://"), strings.HasPrefix(u, "postgresql://"):
		if err := secret.CheckPostgresURL(u); err != nil {
			p.add(name, "%w", err)
		} else if parsed, err := url.Parse(u); err == nil && parsed.User != nil && p.source.flags[name] {
			if _, hasPassword := parsed.User.Password(); hasPassword {
				p.add(name, "every user of this machine can read a password in a flag: set the variable, or YOOZAK_DATABASE_URL_FILE, instead")
			}
		}
	default: // not quoted: it may hold a password
		p.add(name, "must be sqlite:PATH or postgres://user:password@host:port/database, without quotation marks around it")
	}
	switch {
	case d.HeadFile == "" && isSQLite:
		d.HeadFile = strings.TrimPrefix(u, "sqlite:") + ".head"
	case d.HeadFile == "off":
		d.HeadFile = ""
	case strings.HasSuffix(d.HeadFile, "/"):
		p.add("YOOZAK_HEAD_FILE", "must name a file")
	case d.HeadFile != "" && isSQLite && isOfDatabase(d.HeadFile, strings.TrimPrefix(u, "sqlite:")):
		p.add("YOOZAK_HEAD_FILE", "must be another file than the database and those that SQLite keeps beside it")
	}
	d.URL = secret.NewText(u)
	c.Database = d
}

func (s Schema) load(c *Config, _ *problems) { c.Schema = s }

// isFile reports whether what comes after "sqlite:" is the path of a file: a
// slip would make an empty database somewhere, and no error.
func isFile(path string) bool {
	host := strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///")
	return path != "" && path != ":memory:" && !host && !strings.HasPrefix(path, "file:") && !strings.HasSuffix(path, "/") &&
		!strings.Contains(path, "?") && strings.TrimSpace(path) == path && !strings.ContainsFunc(path, unicode.IsControl)
}

// isOfDatabase reports whether a file is a SQLite database, or one of those
// that SQLite keeps beside it.
func isOfDatabase(file, database string) bool {
	file, err := filepath.Abs(file)
	database, err2 := filepath.Abs(database)
	suffix, is := strings.CutPrefix(file, database)
	return err == nil && err2 == nil && is && slices.Contains([]string{"", "-wal", "-shm", "-journal"}, suffix)
}

// minSecret is RFC 7518's for HS256 (section 3.2).
const minSecret = 32

// minKeyRotation keeps the number of keys that verify small.
const minKeyRotation = time.Hour

func (t Tokens) load(c *Config, p *problems) {
	p.looksMeant("YOOZAK_JWT_ISSUER", t.Issuer)
	if t.KeyRotation > 0 && t.KeyRotation < minKeyRotation {
		p.add("YOOZAK_KEY_ROTATION", "must be 0 or at least %v: each key is published until its last token is gone", minKeyRotation)
	}
	own, _ := p.secret("YOOZAK_JWT_SECRET", t.Secret)
	t.Secret = secret.Bytes{}
	if t.Algorithm == "HS256" {
		if own == "" {
			p.add("YOOZAK_JWT_SECRET", "is needed with YOOZAK_JWT_ALGORITHM=HS256 (Django's SECRET_KEY, or the output of: openssl rand -base64 48)")
		} else {
			p.strong("YOOZAK_JWT_SECRET", own)
		}
		t.Secret = secret.NewBytes([]byte(own))
	}
	accept, set := p.secret("YOOZAK_ACCEPT_HS256_SECRET", t.Accept)
	t.Accept = secret.NewBytes([]byte(accept))
	switch {
	case set:
		p.strong("YOOZAK_ACCEPT_HS256_SECRET", accept)
		if accept != "" && t.Accept.Equal(t.Secret) {
			p.add("YOOZAK_ACCEPT_HS256_SECRET", "is the same as YOOZAK_JWT_SECRET, with which Django's tokens are good already: leave it out")
		}
	case t.AcceptUserID != userIDClaim && t.Algorithm != "HS256":
		p.add("YOOZAK_ACCEPT_HS256_USER_ID_CLAIM", "is set without YOOZAK_ACCEPT_HS256_SECRET: no token of Django's is accepted")
	}
	c.Tokens = t
}

// userIDClaim is simplejwt's default.
const userIDClaim = "user_id"

// secret reads a secret and warns of what hardly belongs to it.
func (p *problems) secret(name string, path secret.Bytes) (text string, set bool) {
	text, from := p.either(name, string(path.Reveal()))
	p.looksMeant(from, text)
	return text, text != "" || from != name
}

// url reads the URL of a server, which may hold a password, like a secret.
func (p *problems) url(name string, path secret.Text) secret.Text {
	text, from := p.either(name, path.Reveal())
	text = strings.TrimSpace(text)
	switch {
	case quoted(text):
		p.add(from, "has quotation marks around it, which belong to no URL: take them away")
	case strings.Contains(text, "://"):
		if err := secret.CheckURL(text); err != nil {
			p.add(from, "%w", err)
		}
	}
	return secret.NewText(text)
}

// either returns what a variable holds, or the file that the variable with
// _FILE names, and which of the two it was. kong put that path where the
// secret belongs.
func (p *problems) either(name, path string) (text, from string) {
	text = Clean(p.source.getenv(name))
	if path == "" {
		return text, name
	}
	if text != "" {
		p.add(name+"_FILE", "is set together with "+name+": keep one")
	}
	return p.file(name+"_FILE", path), name + "_FILE"
}

// looksMeant warns of a secret or a name that cannot be checked and hardly
// was meant so: it is believed, and what was made with another is refused.
func (p *problems) looksMeant(name, text string) {
	switch {
	case quoted(text):
		p.warn(name, "begins and ends with a quotation mark, which is taken as a part of it: files of variables keep those marks")
	case strings.ContainsFunc(text, unicode.IsControl):
		p.warn(name, "has a control character in it, which is taken as a part of it")
	case strings.TrimSpace(text) != text:
		p.warn(name, "begins or ends with a blank, which is taken as a part of it")
	}
}

func quoted(text string) bool {
	return len(text) > 1 && text[0] == text[len(text)-1] && strings.Contains("\"'`", text[:1])
}

// strong refuses what must not be the secret of a MAC: what is too short,
// and a public key, with which everybody could sign (RFC 8725, section 2.1).
func (p *problems) strong(name, text string) {
	switch {
	case len(text) < minSecret:
		p.add(name, "has %d bytes, but HS256 needs %d or more", len(text), minSecret)
	case strings.Contains(text, "-----BEGIN"), strings.HasPrefix(text, "ssh-"), strings.Contains(text, `"kty"`):
		p.add(name, "is a key of another algorithm, but HS256 needs a secret: everybody who knows a public key could sign with it")
	}
}

func (g Encryption) load(c *Config, p *problems) {
	g.Key, g.Old = p.key("YOOZAK_ENCRYPTION_KEY", g.Key), p.key("YOOZAK_ENCRYPTION_KEY_OLD", g.Old)
	if !g.Old.Empty() && g.Key.Empty() {
		p.add("YOOZAK_ENCRYPTION_KEY_OLD", "is set without YOOZAK_ENCRYPTION_KEY: the present key is that one")
	}
	c.Encryption = g
}

// key reads 32 random bytes in base64, from a variable or from a file. It
// never quotes them.
func (p *problems) key(name string, path secret.Bytes) secret.Bytes {
	given, from := p.either(name, string(path.Reveal()))
	text := strings.TrimRight(strings.TrimSpace(given), "=")
	switch {
	case from != name && text == "":
		p.add(from, "names a file that gives no key") // not: store in clear
		return secret.Bytes{}
	case given == "":
		return secret.Bytes{}
	}
	key, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil || len(key) != secret.KeySize {
		p.add(name, "must be %d bytes in base64: the output of openssl rand -base64 %[1]d", secret.KeySize)
		return secret.Bytes{}
	}
	return secret.NewBytes(key)
}

// The least cost of a hash: OWASP's Password Storage Cheat Sheet for Argon2id.
const (
	minMemory = 19456
	minTime   = 2
)

func (g Passwords) load(c *Config, p *problems) {
	least := 8 * uint32(g.Threads) // Argon2's own
	if !g.Insecure {
		least = max(least, minMemory)
		if g.Time < minTime {
			p.add("YOOZAK_ARGON2_TIME", "must be %d or more, not %d", minTime, g.Time)
		}
	}
	if g.Memory < least {
		p.add("YOOZAK_ARGON2_MEMORY", "must be %d or more, not %d", least, g.Memory)
	}
	g.HIBPURL = strings.TrimRight(g.HIBPURL, "/")
	c.Passwords = g
}

// localSender writes mails that stay on this machine.
const localSender = "Yoozak <no-reply@localhost>"

func (m Mail) load(c *Config, p *problems) {
	m.SMTPURL = p.url("YOOZAK_SMTP_URL", m.SMTPURL)
	m.PublicURL = strings.TrimSuffix(m.PublicURL, "/")
	sends := !m.SMTPURL.Empty()
	if sends && m.Folder != "" {
		p.add("YOOZAK_MAIL_FOLDER", "is set together with YOOZAK_SMTP_URL: keep one")
	}
	if m.From == "" {
		m.From = localSender
		if sends {
			p.add("YOOZAK_MAIL_FROM", "is needed with YOOZAK_SMTP_URL: a sender of yours, such as Yoozak <bonjour@yoozak.ma>")
		}
	}
	if sends && m.PublicURL == "" && m.LinkTemplate == "" {
		p.add("YOOZAK_PUBLIC_URL", "is needed with YOOZAK_SMTP_URL: people must be able to follow the links in mails")
	}
	if m.LoginCode && !sends {
		p.add("YOOZAK_LOGIN_CODE", "needs YOOZAK_SMTP_URL: a code that reaches nobody logs nobody in")
	}
	c.Mail = m
}

func (s Shop) load(c *Config, _ *problems) {
	s.Shop = shop.Shop{URL: s.URL, Zone: s.Zone, Colours: shop.DefaultColours, Logo: s.Logo}
	if s.Support != nil {
		s.Shop.Support = *s.Support
	}
	if s.Colour != nil {
		s.Shop.Colours = shop.ColoursOf(*s.Colour)
	}
	if a, err := mail.ParseAddress(s.OperatorMail); err == nil {
		s.OperatorMail = a.Address
	}
	c.Shop = s
}

func (w Webhooks) load(c *Config, _ *problems) { c.Webhooks = w }

func (a Accounts) load(c *Config, p *problems) {
	if a.EventsKeep > 0 && a.EventsKeep < 24*time.Hour {
		p.add("YOOZAK_EVENTS_KEEP", "must be 0 or a day or more, not %v", a.EventsKeep)
	}
	c.Accounts = a
}

func (a Addresses) load(c *Config, _ *problems) { c.Addresses = a }

func (r Recovery) load(c *Config, _ *problems) { c.Recovery = r }

func (s Shadow) load(c *Config, p *problems) {
	switch {
	case s.Upstream == nil:
		p.add("YOOZAK_SHADOW_UPSTREAM", "%w", errNoServer)
	case s.Copy == nil:
		p.add("YOOZAK_SHADOW_COPY", "%w", errNoServer)
	case s.Upstream.Host == s.Copy.Host:
		p.add("YOOZAK_SHADOW_COPY", "is the same server as YOOZAK_SHADOW_UPSTREAM: it would do everything twice")
	case s.Upstream.Host == s.Listen, s.Copy.Host == s.Listen:
		p.add("YOOZAK_SHADOW_LISTEN", "is the address of a server to compare: it would call itself")
	}
	c.Shadow = s
}

func (l Limits) load(c *Config, _ *problems) {
	c.Limits = l
}

func (h HTTP) load(c *Config, p *problems) {
	for i, origin := range h.CORSOrigins {
		normal, err := normalizeOrigin(origin)
		if err != nil {
			p.add("YOOZAK_CORS_ORIGINS", "%w", but(err, origin))
		}
		h.CORSOrigins[i] = normal
	}
	for i, origin := range h.StaffCORS {
		normal, err := normalizeOrigin(origin)
		if err != nil {
			p.add("YOOZAK_STAFF_CORS_ORIGINS", "%w", but(err, origin))
		}
		h.StaffCORS[i] = normal
	}
	c.HTTP = h
}

func (g TLS) load(c *Config, p *problems) {
	if (g.Cert == "") != (g.Key == "") {
		p.add("YOOZAK_TLS_CERT", "and YOOZAK_TLS_KEY go together: one is not set")
	}
	for i, name := range g.Domains {
		g.Domains[i] = strings.ToLower(name)
	}
	if len(g.Domains) > 0 && g.Cert != "" {
		p.add("YOOZAK_ACME_DOMAINS", "is set together with YOOZAK_TLS_CERT: keep one")
	}
	if len(g.Domains) > 0 && g.Cache == "" {
		p.add("YOOZAK_ACME_CACHE", "must name a folder")
	}
	c.TLS = g
}

// file reads a secret, cleaned as a variable is.
func (p *problems) file(name, path string) string {
	data, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	if err != nil {
		p.add(name, "cannot be read: %w", err)
		return ""
	}
	return Clean(string(data))
}
