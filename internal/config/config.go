// Package config reads the settings: flags first, then YOOZAK_* variables,
// then defaults that work with nothing set at all. It reports every mistake
// at once, each by the name of its variable.
//
// The fields are texts on purpose: the command-line library would stop at
// the first that it cannot read. Secrets have no flag, because every user of
// the machine can read a process' arguments; they come from a variable or
// from a file that a variable names.
package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a static binary on a bare machine has the clocks, too
	"unicode"

	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/shop"
)

// Database says where the data is.
type Database struct {
	DatabaseURL     string `name:"database-url" env:"YOOZAK_DATABASE_URL" default:"sqlite:yoozak.db" placeholder:"URL" group:"Database:" help:"sqlite:PATH or postgres://… (give a URL with a password by variable or file, not by flag)."`
	DatabaseURLFile string `name:"database-url-file" env:"YOOZAK_DATABASE_URL_FILE" placeholder:"PATH" group:"Database:" help:"File that holds the database URL."`
	DatabaseConns   string `name:"database-conns" env:"YOOZAK_DATABASE_CONNS" default:"0" placeholder:"N" group:"Database:" help:"PostgreSQL: most connections; 0 is 4 for each core that the process may use, from 8 to 32."`
	SQLiteBatch     string `name:"sqlite-batch" env:"YOOZAK_SQLITE_BATCH" default:"128" placeholder:"N" group:"Database:" help:"SQLite: most transactions that share one commit."`
}

// Tokens says how tokens are signed and how long they are good.
type Tokens struct {
	JWTAlgorithm    string `name:"jwt-algorithm" env:"YOOZAK_JWT_ALGORITHM" default:"ES256" placeholder:"ALG" group:"Tokens:" help:"ES256, EdDSA, RS256 or HS256."`
	JWTSecretFile   string `name:"jwt-secret-file" env:"YOOZAK_JWT_SECRET_FILE" placeholder:"PATH" group:"Tokens:" help:"File that holds the secret of HS256 (or set YOOZAK_JWT_SECRET)."`
	AcceptFile      string `name:"accept-hs256-secret-file" env:"YOOZAK_ACCEPT_HS256_SECRET_FILE" placeholder:"PATH" group:"Tokens:" help:"File that holds Django's SECRET_KEY (or set YOOZAK_ACCEPT_HS256_SECRET): tokens that simplejwt signed with it stay good until they expire."`
	AcceptMaxAge    string `name:"accept-hs256-max-age" env:"YOOZAK_ACCEPT_HS256_MAX_AGE" default:"720h" placeholder:"TIME" group:"Tokens:" help:"The longest time that such a token may be good for, from issue to expiry: Django's REFRESH_TOKEN_LIFETIME or more. Longer ones are refused."`
	AcceptUntil     string `name:"accept-hs256-until" env:"YOOZAK_ACCEPT_HS256_UNTIL" placeholder:"DATE" group:"Tokens:" help:"The last day (2026-12-31, UTC), or the time (2026-12-31T12:00:00Z), until which such tokens are good at all. Without it there is no end."`
	AcceptUserID    string `name:"accept-hs256-user-id-claim" env:"YOOZAK_ACCEPT_HS256_USER_ID_CLAIM" default:"user_id" placeholder:"NAME" group:"Tokens:" help:"The claim of Django's tokens that holds the user's id: simplejwt's USER_ID_CLAIM."`
	JWTIssuer       string `name:"jwt-issuer" env:"YOOZAK_JWT_ISSUER" default:"yoozak" placeholder:"NAME" group:"Tokens:" help:"The claim iss."`
	JWTAudience     string `name:"jwt-audience" env:"YOOZAK_JWT_AUDIENCE" placeholder:"NAMES" group:"Tokens:" help:"The claim aud of access tokens, separated by commas: the services that they are for. Without it there is none."`
	AccessLifetime  string `name:"access-lifetime" env:"YOOZAK_ACCESS_LIFETIME" default:"1h" placeholder:"TIME" group:"Tokens:" help:"How long an access token is good."`
	RefreshLifetime string `name:"refresh-lifetime" env:"YOOZAK_REFRESH_LIFETIME" default:"24h" placeholder:"TIME" group:"Tokens:" help:"How long a refresh token is good."`
	KeyRotation     string `name:"key-rotation" env:"YOOZAK_KEY_ROTATION" default:"720h" placeholder:"TIME" group:"Tokens:" help:"How long a key signs before the next takes over; 0 rotates by command only. No request fails. HS256 has no keys to rotate."`
	RefreshRotation string `name:"refresh-rotation" env:"YOOZAK_REFRESH_ROTATION" default:"false" placeholder:"BOOL" group:"Tokens:" help:"Exchange refresh tokens: the answer to a refresh has a new one, and the one before ends the session if it comes again after the new one was used."`
}

// Encryption says with what the keys in the database are encrypted.
type Encryption struct {
	EncryptionKeyFile    string `name:"encryption-key-file" env:"YOOZAK_ENCRYPTION_KEY_FILE" placeholder:"PATH" group:"Encryption:" help:"File that holds the key that encrypts the signing keys and the secret of device tokens in the database (or set YOOZAK_ENCRYPTION_KEY). Without it they are stored in clear."`
	EncryptionKeyOldFile string `name:"encryption-key-old-file" env:"YOOZAK_ENCRYPTION_KEY_OLD_FILE" placeholder:"PATH" group:"Encryption:" help:"File that holds the key before, while it is changed (or set YOOZAK_ENCRYPTION_KEY_OLD)."`
}

// Passwords says what a hash costs and which new passwords are refused. See docs/configuration.md before
// changing it.
type Passwords struct {
	Argon2Memory     string `name:"argon2-memory" env:"YOOZAK_ARGON2_MEMORY" default:"19456" placeholder:"KIB" group:"Passwords:" help:"Memory of one Argon2id hash in KiB, 19456 or more."`
	Argon2Time       string `name:"argon2-time" env:"YOOZAK_ARGON2_TIME" default:"2" placeholder:"N" group:"Passwords:" help:"Passes over that memory, 2 or more."`
	Argon2Threads    string `name:"argon2-threads" env:"YOOZAK_ARGON2_THREADS" default:"1" placeholder:"N" group:"Passwords:" help:"Lanes of one hash."`
	HashSlots        string `name:"hash-slots" env:"YOOZAK_HASH_SLOTS" default:"0" placeholder:"N" group:"Passwords:" help:"Hashes at once; 0 is the number of cores that the process may use."`
	HashWait         string `name:"hash-wait" env:"YOOZAK_HASH_WAIT" default:"5s" placeholder:"TIME" group:"Passwords:" help:"How long a login waits for a slot before it gets 503."`
	Breached         string `name:"breached-passwords" env:"YOOZAK_BREACHED_PASSWORDS" default:"true" placeholder:"BOOL" group:"Passwords:" help:"Refuse new passwords that are on the list of leaked ones in the program."`
	HIBPURL          string `name:"hibp-url" env:"YOOZAK_HIBP_URL" placeholder:"URL" group:"Passwords:" help:"Also ask a Have I Been Pwned range API, which learns five digits of the hash: https://api.pwnedpasswords.com/range. Off by default."`
	InsecureFastHash string `name:"insecure-fast-hash" env:"YOOZAK_INSECURE_FAST_HASH" default:"false" placeholder:"BOOL" group:"Passwords:" help:"Allow weaker hashes. For tests and measurements only: YOOZAK_LISTEN must be on this machine alone."`
}

// Mail says how mails go out and where their links lead.
type Mail struct {
	SMTPURLFile    string `name:"smtp-url-file" env:"YOOZAK_SMTP_URL_FILE" placeholder:"PATH" group:"Mail:" help:"File that holds the URL of the SMTP server (or set YOOZAK_SMTP_URL)."`
	MailFolder     string `name:"mail-folder" env:"YOOZAK_MAIL_FOLDER" placeholder:"PATH" group:"Mail:" help:"Write mails into this folder instead, as .eml files. Without SMTP and folder they go to mails/ beside the database."`
	SMTPHelo       string `name:"smtp-helo" env:"YOOZAK_SMTP_HELO" placeholder:"NAME" group:"Mail:" help:"How the SMTP server is greeted (EHLO): the name of this host, such as accounts.shop.example. Without it, the sender's domain."`
	MailFrom       string `name:"mail-from" env:"YOOZAK_MAIL_FROM" placeholder:"ADDRESS" group:"Mail:" help:"Sender; the name is what the mails and pages call you. Needed with SMTP; without it, Yoozak <no-reply@localhost>."`
	PublicURL      string `name:"public-url" env:"YOOZAK_PUBLIC_URL" placeholder:"URL" group:"Mail:" help:"Where people reach this server, for the links in mails: https://accounts.shop.example. Needed with SMTP."`
	LinkTemplate   string `name:"link-template" env:"YOOZAK_LINK_TEMPLATE" placeholder:"URL" group:"Mail:" help:"Pages of your own for those links: https://shop.example/account/{action}#{token}, with {action} one of reset-password, verify-email, confirm-email and undo-email; {language} may stand in it, too."`
	MailPerAddress string `name:"mail-per-address" env:"YOOZAK_MAIL_PER_ADDRESS" default:"5" placeholder:"N" group:"Mail:" help:"Most mails an hour of each kind to one mailbox that somebody who is not known to have it can cause. What is over it waits."`
}

// Shop says what customers see of the shop in mails and on pages, and who
// runs the server.
type Shop struct {
	ShopURL      string `name:"shop-url" env:"YOOZAK_SHOP_URL" placeholder:"URL" group:"Shop:" help:"The shop: every mail and page has a link back to it."`
	Support      string `name:"support" env:"YOOZAK_SUPPORT" placeholder:"CONTACT" group:"Shop:" help:"How customers reach a person, named in every mail and page: a mail address (answers to mails go there, too), a telephone number, or a URL."`
	TimeZone     string `name:"time-zone" env:"YOOZAK_TIME_ZONE" default:"Africa/Casablanca" placeholder:"NAME" group:"Shop:" help:"The clock of dates in mails, by its name in the IANA time zone database. Morocco's change of the hour in Ramadan is in it."`
	BrandColour  string `name:"brand-colour" env:"YOOZAK_BRAND_COLOUR" placeholder:"COLOUR" group:"Shop:" help:"Colour of buttons and of the name: #0b5d4e. Where it could not be read, a darker (on white) or lighter (in the dark) shade of it is used."`
	BrandLogo    string `name:"brand-logo" env:"YOOZAK_BRAND_LOGO" placeholder:"PATH" group:"Shop:" help:"File with the logo that stands in place of the name: PNG or JPEG, 64 KiB at most. It is part of each mail; nothing is loaded from elsewhere."`
	OperatorMail string `name:"operator-mail" env:"YOOZAK_OPERATOR_MAIL" placeholder:"ADDRESS" group:"Shop:" help:"Who hears, once a day at most of each, that mails were given up or that events were changed or removed."`
}

// Accounts says how accounts live.
type Accounts struct {
	EraseAfter string `name:"erase-after" env:"YOOZAK_ERASE_AFTER" default:"720h" placeholder:"TIME" group:"Accounts:" help:"How long an account that its owner closed can be restored before it is erased."`
	EventsKeep string `name:"events-keep" env:"YOOZAK_EVENTS_KEEP" default:"8760h" placeholder:"TIME" group:"Accounts:" help:"How long security-relevant events are kept, a day or more; 0 is for ever. See docs/events.md."`
}

// Shadow says what yoozak-shadow stands between.
type Shadow struct {
	Listen         string `name:"listen" env:"YOOZAK_SHADOW_LISTEN" default:"127.0.0.1:8001" placeholder:"ADDR" group:"Shadow:" help:"Address that customers, or the proxy in front, call."`
	Upstream       string `name:"upstream" env:"YOOZAK_SHADOW_UPSTREAM" placeholder:"URL" group:"Shadow:" help:"Server that answers them: http://127.0.0.1:8080 is Django."`
	Copy           string `name:"copy" env:"YOOZAK_SHADOW_COPY" default:"http://127.0.0.1:8000" placeholder:"URL" group:"Shadow:" help:"The yoozak to compare with it, on a copy of the data."`
	TrustedProxies string `name:"trusted-proxies" env:"YOOZAK_SHADOW_TRUSTED_PROXIES" default:"127.0.0.0/8,::1" placeholder:"NETS" group:"Shadow:" help:"Addresses or networks of proxies in front, separated by commas: what they say of the client is passed on. Anybody else is the client."`
	Report         string `name:"report" env:"YOOZAK_SHADOW_REPORT" placeholder:"PATH" group:"Shadow:" help:"File that the report is added to, in lines of JSON; standard output by default."`
	Every          string `name:"every" env:"YOOZAK_SHADOW_EVERY" default:"1h" placeholder:"TIME" group:"Shadow:" help:"How often the report gets a summary."`
}

// Limits says how often things may be done.
type Limits struct {
	RateLimits   string `name:"rate-limits" env:"YOOZAK_RATE_LIMITS" default:"on" placeholder:"on|off" group:"Limits:" help:"on, or off for measurements and compatibility runs: then nothing keeps anybody from guessing passwords, and YOOZAK_LISTEN must be on this machine alone. See docs/limits.md."`
	RedisURLFile string `name:"redis-url-file" env:"YOOZAK_REDIS_URL_FILE" placeholder:"PATH" group:"Limits:" help:"File that holds the URL of a Redis or Valkey where servers share rate limits (or set YOOZAK_REDIS_URL). By default they share them in PostgreSQL; with SQLite they are in memory."`
}

// HTTP says how the server is reached.
type HTTP struct {
	Listen          string `name:"listen" env:"YOOZAK_LISTEN" default:"127.0.0.1:8000" placeholder:"ADDR" group:"Server:" help:"Address of the API."`
	CORSOrigins     string `name:"cors-origins" env:"YOOZAK_CORS_ORIGINS" placeholder:"ORIGINS" group:"Server:" help:"Web origins that may call the API, separated by commas: https://shop.example, or https://*.shop.example for every name below it. An asterisk alone allows all."`
	CORSLoopback    string `name:"cors-loopback" env:"YOOZAK_CORS_LOOPBACK" default:"false" placeholder:"BOOL" group:"Server:" help:"Pages of this machine may call the API, too: localhost, 127.0.0.1 and [::1], on any port. For development; make run sets it."`
	TrustedProxies  string `name:"trusted-proxies" env:"YOOZAK_TRUSTED_PROXIES" placeholder:"NETS" group:"Server:" help:"Addresses or networks of proxies in front, separated by commas: their X-Forwarded-For, X-Forwarded-Proto and X-Request-Id are believed."`
	Language        string `name:"language" env:"YOOZAK_LANGUAGE" default:"fr" placeholder:"LANG" group:"Server:" help:"Language for clients that ask for none: fr, en or ar."`
	RefreshHint     string `name:"refresh-hint" env:"YOOZAK_REFRESH_HINT" default:"5m" placeholder:"TIME" group:"Server:" help:"Answer X-Token-Refresh-Required when an access token has less than this left; a third of its lifetime at most."`
	RequestTimeout  string `name:"request-timeout" env:"YOOZAK_REQUEST_TIMEOUT" default:"15s" placeholder:"TIME" group:"Server:" help:"Longest time for a request to arrive; its answer may take twice that."`
	ShutdownTimeout string `name:"shutdown-timeout" env:"YOOZAK_SHUTDOWN_TIMEOUT" default:"20s" placeholder:"TIME" group:"Server:" help:"How long SIGTERM waits for requests under way."`
	MetricsListen   string `name:"metrics-listen" env:"YOOZAK_METRICS_LISTEN" placeholder:"ADDR" group:"Server:" help:"Address of /metrics for Prometheus; off by default."`
	DebugListen     string `name:"debug-listen" env:"YOOZAK_DEBUG_LISTEN" placeholder:"ADDR" group:"Server:" help:"Loopback address of /debug/pprof/; off by default."`
	LogLevel        string `name:"log-level" env:"YOOZAK_LOG_LEVEL" default:"info" placeholder:"LEVEL" group:"Server:" help:"debug, info, warn or error."`
	LogFormat       string `name:"log-format" env:"YOOZAK_LOG_FORMAT" default:"auto" placeholder:"FORMAT" group:"Server:" help:"text, json, or auto: text on a terminal."`
	LogRequests     string `name:"log-requests" env:"YOOZAK_LOG_REQUESTS" default:"true" placeholder:"BOOL" group:"Server:" help:"Log a line for each request."`
}

// TLS says how the API is served over TLS. Without any of it the API speaks
// plain HTTP, for a proxy in front.
type TLS struct {
	TLSCert       string `name:"tls-cert" env:"YOOZAK_TLS_CERT" placeholder:"PATH" group:"TLS:" help:"File with the certificate and those above it, PEM. It is read again when it changes. Without certificate and domains the API speaks plain HTTP."`
	TLSKey        string `name:"tls-key" env:"YOOZAK_TLS_KEY" placeholder:"PATH" group:"TLS:" help:"File with the certificate's private key, PEM."`
	ACMEDomains   string `name:"acme-domains" env:"YOOZAK_ACME_DOMAINS" placeholder:"NAMES" group:"TLS:" help:"Get certificates by ACME (Let's Encrypt) for these names, separated by commas. YOOZAK_LISTEN must be reachable as port 443 of each. You accept the authority's terms."`
	ACMEEmail     string `name:"acme-email" env:"YOOZAK_ACME_EMAIL" placeholder:"ADDRESS" group:"TLS:" help:"Where the authority writes to when something is wrong."`
	ACMECache     string `name:"acme-cache" env:"YOOZAK_ACME_CACHE" default:"acme" placeholder:"PATH" group:"TLS:" help:"Folder for certificates and keys; keep it, or the authority's limits are soon reached."`
	ACMEDirectory string `name:"acme-directory" env:"YOOZAK_ACME_DIRECTORY" default:"https://acme-v02.api.letsencrypt.org/directory" placeholder:"URL" group:"TLS:" help:"Another authority."`
}

// Source gives variables that have no flag; os.Getenv outside tests.
type Source func(name string) string

// Config is what the settings mean. A group that was not loaded is empty.
type Config struct {
	Database   DatabaseConfig
	Tokens     TokensConfig
	Passwords  PasswordsConfig
	Mail       MailConfig
	Shop       ShopConfig
	Accounts   AccountsConfig
	Shadow     ShadowConfig
	Limits     LimitsConfig
	HTTP       HTTPConfig
	Encryption EncryptionConfig
	TLS        TLSConfig

	Warnings []string // what is no mistake, but was hardly meant; each begins with the name of its variable
}

// ShadowConfig is what [Shadow] means.
type ShadowConfig struct {
	Listen         string
	Upstream, Copy *url.URL
	TrustedProxies []netip.Prefix
	Report         string // empty: standard output
	Every          time.Duration
}

// LimitsConfig is what [Limits] means. RedisURL is empty when there is none.
type LimitsConfig struct {
	On       bool
	RedisURL secret.Text // it may hold a password
}

// MailConfig is what [Mail] means. Of SMTPURL and Folder one is set, or none.
type MailConfig struct {
	SMTPURL                 secret.Text
	Folder                  string
	Helo                    string // empty: the sender's domain
	From                    string
	PublicURL, LinkTemplate string // without a slash at the end; empty: not given
	PerAddress              int
}

// ShopConfig is what [Shop] means. Colour is as it was given; nil: none was.
type ShopConfig struct {
	Shop         shop.Shop
	Colour       *shop.Colour
	OperatorMail string // empty: nobody is told
}

// AccountsConfig is what [Accounts] means.
type AccountsConfig struct {
	EraseAfter time.Duration
	EventsKeep time.Duration // zero: for ever
}

// DatabaseConfig is what [Database] means.
type DatabaseConfig struct {
	URL   secret.Text // it may hold a password
	Conns int
	Batch int
}

// TokensConfig is what [Tokens] means. Secret is empty unless Algorithm is
// HS256, Accept unless Django's tokens are accepted beside ours.
type TokensConfig struct {
	Algorithm       string
	Secret          secret.Bytes
	Accept          secret.Bytes // of Django; may be empty
	AcceptMaxAge    time.Duration
	AcceptUntil     time.Time // zero: no end
	AcceptUserID    string    // the claim of Django's tokens that holds the user's id
	Issuer          string
	Audience        []string // none: tokens have no aud
	AccessLifetime  time.Duration
	RefreshLifetime time.Duration
	Rotation        bool
	KeyRotation     time.Duration // 0: by command only
}

// EncryptionConfig is what [Encryption] means. Both are empty, or Key is
// given, or both; they have [secret.KeySize] bytes.
type EncryptionConfig struct{ Key, Old secret.Bytes }

// PasswordsConfig is what [Passwords] means.
type PasswordsConfig struct {
	Memory, Time uint32
	Threads      uint8
	Slots        int
	Wait         time.Duration
	Breached     bool
	HIBPURL      string // empty when off
	Insecure     bool
}

// HTTPConfig is what [HTTP] means. MetricsListen and DebugListen are empty
// when off.
type HTTPConfig struct {
	Listen, MetricsListen, DebugListen string
	CORSOrigins                        []string // as browsers write them; "*" is all, https://*.shop.example all below that
	CORSLoopback                       bool
	TrustedProxies                     []netip.Prefix
	Language                           string
	RefreshHint                        time.Duration
	RequestTimeout, ShutdownTimeout    time.Duration
	LogLevel, LogFormat                string
	LogRequests                        bool
}

// RefreshHint is how much an access token may have left when its holder is
// asked to renew, and whether that is less than was set. More than a third of
// its life would be an answer to each renewal with the wish for the next.
func (c Config) RefreshHint() (hint time.Duration, capped bool) {
	if most := c.Tokens.AccessLifetime / 3; c.HTTP.RefreshHint > most {
		return most, true
	}
	return c.HTTP.RefreshHint, false
}

// TLSConfig is what [TLS] means: files, or domains, or neither.
type TLSConfig struct {
	Cert, Key               string
	Domains                 []string
	Email, Cache, Directory string
}

// On reports whether the API is served over TLS.
func (c TLSConfig) On() bool { return c.Cert != "" || len(c.Domains) > 0 }

// Load reads a group of settings into its part of c; it is one of
// [Database], [Tokens], [Passwords], [Mail], [Shop], [Accounts], [Shadow], [Limits], [Encryption], [HTTP] and
// [TLS]. All mistakes of all groups come back together.
func Load(get Source, groups ...Group) (Config, error) {
	var c Config
	p := &problems{get: get}
	for _, g := range groups {
		g.load(&c, p)
	}
	if h := c.HTTP.Listen; h != "" && !loopbackAddress(h) {
		if c.Passwords.Insecure {
			p.add("YOOZAK_INSECURE_FAST_HASH", "is for tests and measurements: with it YOOZAK_LISTEN must be an address of this machine alone, such as 127.0.0.1:8000")
		}
		if p.unlimited {
			p.add("YOOZAK_RATE_LIMITS", "may be off for tests and measurements: then YOOZAK_LISTEN must be an address of this machine alone, such as 127.0.0.1:8000")
		}
	}
	c.Warnings = p.warnings
	return c, errors.Join(p.errs...)
}

// Group is one of the groups of settings.
type Group interface{ load(c *Config, p *problems) }

func (d Database) load(c *Config, p *problems) {
	c.Database = DatabaseConfig{
		Conns: p.number("YOOZAK_DATABASE_CONNS", d.DatabaseConns, 0, 10_000),
		Batch: p.number("YOOZAK_SQLITE_BATCH", d.SQLiteBatch, 1, 10_000),
	}
	name, u := "YOOZAK_DATABASE_URL", cleanURL(d.DatabaseURL)
	if d.DatabaseURLFile != "" {
		name = "YOOZAK_DATABASE_URL_FILE"
		u = strings.TrimSpace(p.file(name, d.DatabaseURLFile))
	}
	path, isFile := strings.CutPrefix(u, "sqlite:")
	switch {
	case isFile:
		if what := noFile(path); what != "" {
			p.add(name, what)
		}
		if strings.HasPrefix(path, "//") { // sqlite:///path
			u = "sqlite:/" + strings.TrimLeft(path, "/")
		}
	case strings.HasPrefix(u, "postgres://"), strings.HasPrefix(u, "postgresql://"):
		if err := secret.CheckPostgresURL(u); err != nil {
			p.add(name, err.Error())
		} else if parsed, err := url.Parse(u); err == nil && parsed.User != nil && d.DatabaseURLFile == "" && p.get("YOOZAK_DATABASE_URL") != d.DatabaseURL {
			if _, hasPassword := parsed.User.Password(); hasPassword {
				p.add("YOOZAK_DATABASE_URL", "every user of this machine can read a password in a flag: set the variable, or YOOZAK_DATABASE_URL_FILE, instead")
			}
		}
	default: // not quoted: it may hold a password
		p.add(name, "must be sqlite:PATH or postgres://user:password@host:port/database"+quotesIn(u))
	}
	c.Database.URL = secret.NewText(u)
}

// noFile says why what comes after "sqlite:" is not the path of a file: a slip
// would make an empty database somewhere, and no error. Empty: it is one.
func noFile(path string) string {
	switch {
	case path == "", strings.HasSuffix(path, "/"):
		return "names no file: write sqlite:yoozak.db or sqlite:/path/yoozak.db"
	case path == ":memory:":
		return "must name a file: in memory everything would be gone at the end"
	case strings.HasPrefix(path, "file:"):
		return "must not have file: in it: write sqlite:yoozak.db or sqlite:/path/yoozak.db"
	case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
		return "has a host where a path should be: write sqlite:yoozak.db for a file in the folder where the program starts, or sqlite:/path/yoozak.db"
	case strings.Contains(path, "?"):
		return "must be a path alone, without ? and parameters"
	case strings.TrimSpace(path) != path || strings.ContainsFunc(path, unicode.IsControl):
		return "has a blank or control character at an end of the path, or within"
	}
	return ""
}

// quotesIn is added to a message about a text that has quotation marks
// around it, as files for Docker have.
func quotesIn(text string) string {
	if quoted(text) {
		return ", without quotation marks around it"
	}
	return ""
}

// minSecret is RFC 7518's for HS256 (section 3.2).
const minSecret = 32

// minKeyRotation keeps the number of keys that verify small.
const minKeyRotation = time.Hour

func (t Tokens) load(c *Config, p *problems) {
	c.Tokens = TokensConfig{
		Algorithm:       p.choice("YOOZAK_JWT_ALGORITHM", t.JWTAlgorithm, "ES256", "EdDSA", "RS256", "HS256"),
		Issuer:          Clean(t.JWTIssuer),
		Audience:        list(t.JWTAudience),
		AccessLifetime:  p.duration("YOOZAK_ACCESS_LIFETIME", t.AccessLifetime, time.Second, 24*time.Hour),
		RefreshLifetime: p.duration("YOOZAK_REFRESH_LIFETIME", t.RefreshLifetime, time.Second, 400*24*time.Hour),
		Rotation:        p.boolean("YOOZAK_REFRESH_ROTATION", t.RefreshRotation),
		KeyRotation:     p.duration("YOOZAK_KEY_ROTATION", t.KeyRotation, 0, 10*365*24*time.Hour),
		AcceptUserID:    p.userIDClaim(t.AcceptUserID),
	}
	p.looksMeant("YOOZAK_JWT_ISSUER", c.Tokens.Issuer)
	for _, name := range c.Tokens.Audience {
		if strings.ContainsFunc(name, unicode.IsSpace) {
			p.add("YOOZAK_JWT_AUDIENCE", fmt.Sprintf("%q is not a name: it has a space in it", name))
		}
	}
	if r := c.Tokens.KeyRotation; r > 0 && r < minKeyRotation {
		p.add("YOOZAK_KEY_ROTATION", fmt.Sprintf("must be 0 or at least %v: each key is published until its last token is gone", minKeyRotation))
	}
	plain := p.secret("YOOZAK_JWT_SECRET", t.JWTSecretFile)
	if c.Tokens.Algorithm == "HS256" {
		if plain == "" {
			p.add("YOOZAK_JWT_SECRET", "is needed with YOOZAK_JWT_ALGORITHM=HS256 (Django's SECRET_KEY, or the output of: openssl rand -base64 48)")
		} else {
			p.strong("YOOZAK_JWT_SECRET", plain)
		}
		c.Tokens.Secret = secret.NewBytes([]byte(plain))
	}
	c.Tokens.AcceptMaxAge = p.duration("YOOZAK_ACCEPT_HS256_MAX_AGE", t.AcceptMaxAge, time.Minute, 400*24*time.Hour)
	c.Tokens.AcceptUntil = p.end("YOOZAK_ACCEPT_HS256_UNTIL", t.AcceptUntil)
	accept := p.secret("YOOZAK_ACCEPT_HS256_SECRET", t.AcceptFile)
	if accept == "" && t.AcceptFile == "" {
		if c.Tokens.AcceptUserID != userIDClaim && c.Tokens.Algorithm != "HS256" {
			p.add("YOOZAK_ACCEPT_HS256_USER_ID_CLAIM", "is set without YOOZAK_ACCEPT_HS256_SECRET: no token of Django's is accepted")
		}
		return
	}
	p.strong("YOOZAK_ACCEPT_HS256_SECRET", accept)
	if accept != "" && accept == string(c.Tokens.Secret.Reveal()) {
		p.add("YOOZAK_ACCEPT_HS256_SECRET", "is the same as YOOZAK_JWT_SECRET, with which Django's tokens are good already: leave it out")
	}
	c.Tokens.Accept = secret.NewBytes([]byte(accept))
}

// end reads a time, or a day, which ends when it is over.
func (p *problems) end(name, s string) time.Time {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.AddDate(0, 0, 1)
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		p.add(name, fmt.Sprintf("must be a day such as 2026-12-31, or a time such as 2026-12-31T12:00:00Z, not %q", s))
	}
	return at.UTC()
}

// userIDClaim is simplejwt's default.
const userIDClaim = "user_id"

// userIDClaim reads the name of a claim that can hold a user's id: not one
// that says something else of a token.
func (p *problems) userIDClaim(name string) string {
	name = strings.TrimSpace(name)
	const others = " exp iat nbf iss aud sid jti token_type "
	if name == "" || strings.ContainsFunc(name, unicode.IsSpace) || strings.Contains(others, " "+name+" ") {
		p.add("YOOZAK_ACCEPT_HS256_USER_ID_CLAIM", fmt.Sprintf("must be the name of the claim that holds the user's id, such as user_id or sub, not %q", name))
	}
	return name
}

// secret reads a secret from its variable, or from the file that the
// variable with _FILE names, and warns of what hardly belongs to it.
func (p *problems) secret(name, path string) string {
	text, from := p.either(name, path)
	p.looksMeant(from, text)
	return text
}

// url reads the URL of a server, which may hold a password, like a secret.
func (p *problems) url(name, path string) secret.Text {
	text, from := p.either(name, path)
	text = strings.TrimSpace(text)
	switch {
	case quoted(text):
		p.add(from, "has quotation marks around it, which belong to no URL: take them away")
	case strings.Contains(text, "://"):
		if err := secret.CheckURL(text); err != nil {
			p.add(from, err.Error())
		}
	}
	return secret.NewText(text)
}

// either returns what a variable holds, or the file that the variable with
// _FILE names, and which of the two it was.
func (p *problems) either(name, path string) (text, from string) {
	text = Clean(p.get(name))
	if path == "" {
		return text, name
	}
	if text != "" {
		p.add(name+"_FILE", "is set together with "+name+": keep one")
	}
	return p.file(name+"_FILE", path), name + "_FILE"
}

// Clean takes away what editors and files of variables leave at the ends of a
// text: a byte order mark and line ends. Every variable and every file of a
// setting is cleaned so.
func Clean(text string) string {
	return strings.TrimRight(strings.TrimPrefix(text, "\ufeff"), "\r\n")
}

// cleanURL is Clean for a text that has no blanks at its ends.
func cleanURL(text string) string { return strings.TrimSpace(Clean(text)) }

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
		p.add(name, fmt.Sprintf("has %d bytes, but HS256 needs %d or more", len(text), minSecret))
	case strings.Contains(text, "-----BEGIN"), strings.HasPrefix(text, "ssh-"), strings.Contains(text, `"kty"`):
		p.add(name, "is a key of another algorithm, but HS256 needs a secret: everybody who knows a public key could sign with it")
	}
}

func (g Encryption) load(c *Config, p *problems) {
	c.Encryption = EncryptionConfig{
		Key: p.key("YOOZAK_ENCRYPTION_KEY", g.EncryptionKeyFile),
		Old: p.key("YOOZAK_ENCRYPTION_KEY_OLD", g.EncryptionKeyOldFile),
	}
	if !c.Encryption.Old.Empty() && c.Encryption.Key.Empty() {
		p.add("YOOZAK_ENCRYPTION_KEY_OLD", "is set without YOOZAK_ENCRYPTION_KEY: the present key is that one")
	}
}

// key reads 32 random bytes in base64, from a variable or from a file. It
// never quotes them.
func (p *problems) key(name, path string) secret.Bytes {
	text, _ := p.either(name, path)
	if path != "" && text == "" {
		p.add(name+"_FILE", "names a file that gives no key") // not: store in clear
		return secret.Bytes{}
	}
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	if text == "" {
		return secret.Bytes{}
	}
	key, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil || len(key) != secret.KeySize {
		p.add(name, fmt.Sprintf("must be %d bytes in base64: the output of openssl rand -base64 %d%s", secret.KeySize, secret.KeySize, quotesIn(text)))
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
	memory, passes := minMemory, minTime
	insecure := p.boolean("YOOZAK_INSECURE_FAST_HASH", g.InsecureFastHash)
	if insecure {
		memory, passes = 8, 1
	}
	threads := p.number("YOOZAK_ARGON2_THREADS", g.Argon2Threads, 1, 16)
	c.Passwords = PasswordsConfig{
		Memory:   uint32(p.number("YOOZAK_ARGON2_MEMORY", g.Argon2Memory, max(memory, 8*threads), 1<<20)), //nolint:gosec // bounded
		Time:     uint32(p.number("YOOZAK_ARGON2_TIME", g.Argon2Time, passes, 64)),                        //nolint:gosec // bounded
		Threads:  uint8(threads),                                                                          //nolint:gosec // bounded
		Slots:    p.number("YOOZAK_HASH_SLOTS", g.HashSlots, 0, 1024),
		Wait:     p.duration("YOOZAK_HASH_WAIT", g.HashWait, 100*time.Millisecond, time.Minute),
		Breached: p.boolean("YOOZAK_BREACHED_PASSWORDS", g.Breached),
		HIBPURL:  p.hibp(g.HIBPURL),
		Insecure: insecure,
	}
}

// localSender writes mails that stay on this machine.
const localSender = "Yoozak <no-reply@localhost>"

func (m Mail) load(c *Config, p *problems) {
	c.Mail = MailConfig{
		SMTPURL: p.url("YOOZAK_SMTP_URL", m.SMTPURLFile), Folder: m.MailFolder, Helo: strings.TrimSpace(m.SMTPHelo), From: m.MailFrom,
		PublicURL: strings.TrimSuffix(strings.TrimSpace(m.PublicURL), "/"), LinkTemplate: strings.TrimSpace(m.LinkTemplate),
		PerAddress: p.number("YOOZAK_MAIL_PER_ADDRESS", m.MailPerAddress, 1, 10_000),
	}
	if !c.Mail.SMTPURL.Empty() && c.Mail.Folder != "" {
		p.add("YOOZAK_MAIL_FOLDER", "is set together with YOOZAK_SMTP_URL: keep one")
	}
	if m.MailFrom == "" {
		c.Mail.From = localSender
		if !c.Mail.SMTPURL.Empty() {
			p.add("YOOZAK_MAIL_FROM", "is needed with YOOZAK_SMTP_URL: a sender of yours, such as Yoozak <bonjour@yoozak.ma>")
		}
	} else if from, err := mail.ParseAddress(m.MailFrom); err != nil || !strings.Contains(from.Address, "@") {
		p.add("YOOZAK_MAIL_FROM", fmt.Sprintf("must be an address, such as Yoozak <bonjour@yoozak.ma>, not %q", m.MailFrom))
	}
	if c.Mail.PublicURL != "" {
		p.link("YOOZAK_PUBLIC_URL", c.Mail.PublicURL)
	}
	if t := c.Mail.LinkTemplate; t != "" {
		if !strings.Contains(t, "{action}") || !strings.Contains(t, "{token}") {
			p.add("YOOZAK_LINK_TEMPLATE", "must have {action} and {token} in it, such as https://shop.example/account/{action}#{token}")
		}
		if !isLink(strings.NewReplacer("{", "", "}", "").Replace(t)) {
			p.add("YOOZAK_LINK_TEMPLATE", "must begin with https:// (http:// on this machine only), which an app takes as universal links (iOS) or app links (Android)"+butNot(t))
		}
	}
	if !c.Mail.SMTPURL.Empty() && c.Mail.PublicURL == "" && c.Mail.LinkTemplate == "" {
		p.add("YOOZAK_PUBLIC_URL", "is needed with YOOZAK_SMTP_URL: people must be able to follow the links in mails")
	}
}

// link checks where a link with a token may lead: not over an open network.
func (p *problems) link(name, s string) {
	if !isLink(s) {
		p.add(name, "must be a URL that begins with https:// (http:// on this machine only)"+butNot(s))
	}
}

func isLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()))
}

// butNot quotes what was given instead, unless it may hold a password.
func butNot(s string) string {
	if strings.Contains(s, "@") {
		return ""
	}
	return fmt.Sprintf(", not %q", s)
}

// loopbackAddress reports whether an address to listen at is reached from
// this machine alone.
func loopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopback(host)
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (s Shop) load(c *Config, p *problems) {
	look := shop.Shop{URL: strings.TrimSpace(s.ShopURL), Zone: p.zone("YOOZAK_TIME_ZONE", s.TimeZone), Colours: shop.DefaultColours}
	if look.URL != "" {
		p.link("YOOZAK_SHOP_URL", look.URL)
	}
	if s.Support != "" {
		support, err := shop.ParseSupport(s.Support)
		if err != nil {
			p.add("YOOZAK_SUPPORT", err.Error()+butNot(s.Support))
		}
		look.Support = support
	}
	if s.BrandColour != "" {
		colour, err := shop.ParseColour(s.BrandColour)
		if err != nil {
			p.add("YOOZAK_BRAND_COLOUR", fmt.Sprintf("%v, not %q", err, s.BrandColour))
		} else {
			look.Colours, c.Shop.Colour = shop.ColoursOf(colour), &colour
		}
	}
	if s.BrandLogo != "" {
		look.Logo = p.logo("YOOZAK_BRAND_LOGO", s.BrandLogo)
	}
	if s.OperatorMail != "" {
		a, err := mail.ParseAddress(s.OperatorMail)
		if err != nil {
			p.add("YOOZAK_OPERATOR_MAIL", fmt.Sprintf("must be an address, not %q", s.OperatorMail))
		} else {
			c.Shop.OperatorMail = a.Address
		}
	}
	c.Shop.Shop = look
}

// zone finds a clock by its name. "Local" would be another on each machine.
func (p *problems) zone(name, s string) *time.Location {
	s = strings.TrimSpace(s)
	zone, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		p.add(name, fmt.Sprintf("must be a name of the IANA time zone database, such as Africa/Casablanca or Europe/Paris, not %q", s))
		return time.UTC
	}
	return zone
}

func (p *problems) logo(name, path string) *shop.Logo {
	data, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	if err != nil {
		p.add(name, fmt.Sprintf("cannot be read: %v", err))
		return nil
	}
	logo, err := shop.NewLogo(data)
	if err != nil {
		p.add(name, err.Error())
	}
	return logo
}

func (a Accounts) load(c *Config, p *problems) {
	c.Accounts = AccountsConfig{
		EraseAfter: p.duration("YOOZAK_ERASE_AFTER", a.EraseAfter, time.Minute, 10*365*24*time.Hour),
		EventsKeep: p.duration("YOOZAK_EVENTS_KEEP", a.EventsKeep, 0, 100*365*24*time.Hour),
	}
	if k := c.Accounts.EventsKeep; k > 0 && k < 24*time.Hour {
		p.add("YOOZAK_EVENTS_KEEP", fmt.Sprintf("must be 0 or a day or more, not %q", a.EventsKeep))
	}
}

func (s Shadow) load(c *Config, p *problems) {
	c.Shadow = ShadowConfig{
		Listen:         p.address("YOOZAK_SHADOW_LISTEN", s.Listen),
		Upstream:       p.server("YOOZAK_SHADOW_UPSTREAM", s.Upstream),
		Copy:           p.server("YOOZAK_SHADOW_COPY", s.Copy),
		TrustedProxies: p.networks("YOOZAK_SHADOW_TRUSTED_PROXIES", s.TrustedProxies),
		Report:         s.Report,
		Every:          p.duration("YOOZAK_SHADOW_EVERY", s.Every, time.Second, 7*24*time.Hour),
	}
	upstream, replica := c.Shadow.Upstream.Host, c.Shadow.Copy.Host
	switch {
	case upstream == "":
	case upstream == replica:
		p.add("YOOZAK_SHADOW_COPY", "is the same server as YOOZAK_SHADOW_UPSTREAM: it would do everything twice")
	case upstream == c.Shadow.Listen, replica == c.Shadow.Listen:
		p.add("YOOZAK_SHADOW_LISTEN", "is the address of a server to compare: it would call itself")
	}
}

// server reads the URL of a server as a whole. It is never nil.
func (p *problems) server(name, s string) *url.URL {
	u, err := url.Parse(strings.TrimSuffix(strings.TrimSpace(s), "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		p.add(name, "must be a URL such as http://127.0.0.1:8080, without user, path or query")
		return new(url.URL)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		p.add(name, "must begin with https://, except for a server on this machine: passwords travel there")
		return new(url.URL)
	}
	return u
}

func (l Limits) load(c *Config, p *problems) {
	c.Limits = LimitsConfig{On: p.boolean("YOOZAK_RATE_LIMITS", l.RateLimits), RedisURL: p.url("YOOZAK_REDIS_URL", l.RedisURLFile)}
	p.unlimited = !c.Limits.On
	if u := c.Limits.RedisURL.Reveal(); u != "" && !strings.HasPrefix(u, "redis://") && !strings.HasPrefix(u, "rediss://") { // not quoted: it may hold a password
		p.add("YOOZAK_REDIS_URL", "must be redis://user:password@host:port/number, or rediss:// with TLS")
	}
}

func (h HTTP) load(c *Config, p *problems) {
	c.HTTP = HTTPConfig{
		Listen:          p.address("YOOZAK_LISTEN", h.Listen),
		Language:        p.choice("YOOZAK_LANGUAGE", h.Language, "fr", "en", "ar"),
		RefreshHint:     p.duration("YOOZAK_REFRESH_HINT", h.RefreshHint, 0, 24*time.Hour),
		RequestTimeout:  p.duration("YOOZAK_REQUEST_TIMEOUT", h.RequestTimeout, time.Second, 10*time.Minute),
		ShutdownTimeout: p.duration("YOOZAK_SHUTDOWN_TIMEOUT", h.ShutdownTimeout, 0, 10*time.Minute),
		LogLevel:        p.choice("YOOZAK_LOG_LEVEL", h.LogLevel, "debug", "info", "warn", "error"),
		LogFormat:       p.choice("YOOZAK_LOG_FORMAT", h.LogFormat, "auto", "text", "json"),
		LogRequests:     p.boolean("YOOZAK_LOG_REQUESTS", h.LogRequests),
		CORSLoopback:    p.boolean("YOOZAK_CORS_LOOPBACK", h.CORSLoopback),
	}
	if h.MetricsListen != "" {
		c.HTTP.MetricsListen = p.address("YOOZAK_METRICS_LISTEN", h.MetricsListen)
	}
	if h.DebugListen != "" {
		c.HTTP.DebugListen = p.address("YOOZAK_DEBUG_LISTEN", h.DebugListen)
		if _, _, err := net.SplitHostPort(c.HTTP.DebugListen); err == nil && !loopbackAddress(c.HTTP.DebugListen) {
			p.add("YOOZAK_DEBUG_LISTEN", "must be a loopback address: profiles show what the server is doing")
		}
	}
	for _, origin := range list(h.CORSOrigins) {
		normal, err := normalizeOrigin(origin)
		if err != nil {
			p.add("YOOZAK_CORS_ORIGINS", err.Error()+butNot(origin))
			continue
		}
		c.HTTP.CORSOrigins = append(c.HTTP.CORSOrigins, normal)
	}
	c.HTTP.TrustedProxies = p.networks("YOOZAK_TRUSTED_PROXIES", h.TrustedProxies)
}

func (p *problems) networks(name, s string) []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range list(s) {
		network, ok := parseNetwork(text)
		if !ok {
			p.add(name, fmt.Sprintf("%q is not an address or network, such as 10.0.0.0/8", text))
			continue
		}
		networks = append(networks, network)
	}
	return networks
}

// parseNetwork reads a network or one address. IPv4 in the form of IPv6 is
// IPv4, as the addresses are that it is compared with.
func parseNetwork(text string) (netip.Prefix, bool) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		ip, err := netip.ParseAddr(text)
		if err != nil || ip.Zone() != "" {
			return netip.Prefix{}, false
		}
		prefix = netip.PrefixFrom(ip, ip.BitLen())
	}
	if ip := prefix.Addr(); ip.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(ip.Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), true
}

func (g TLS) load(c *Config, p *problems) {
	c.TLS = TLSConfig{Cert: g.TLSCert, Key: g.TLSKey, Email: g.ACMEEmail, Cache: g.ACMECache, Directory: g.ACMEDirectory}
	if (g.TLSCert == "") != (g.TLSKey == "") {
		p.add("YOOZAK_TLS_CERT", "and YOOZAK_TLS_KEY go together: one is not set")
	}
	for _, name := range list(g.ACMEDomains) {
		name = strings.ToLower(name)
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || !strings.Contains(strings.Trim(name, "."), ".") {
			p.add("YOOZAK_ACME_DOMAINS", fmt.Sprintf("%q is not the name of a host, such as accounts.shop.example", name))
		}
		c.TLS.Domains = append(c.TLS.Domains, name)
	}
	if len(c.TLS.Domains) == 0 {
		return
	}
	if g.TLSCert != "" {
		p.add("YOOZAK_ACME_DOMAINS", "is set together with YOOZAK_TLS_CERT: keep one")
	}
	if g.ACMECache == "" {
		p.add("YOOZAK_ACME_CACHE", "must name a folder")
	}
	if g.ACMEEmail != "" {
		if _, err := mail.ParseAddress(g.ACMEEmail); err != nil {
			p.add("YOOZAK_ACME_EMAIL", fmt.Sprintf("must be an address, not %q", g.ACMEEmail))
		}
	}
	p.link("YOOZAK_ACME_DIRECTORY", g.ACMEDirectory)
}

// list splits at commas and drops what is blank.
func list(s string) []string {
	var parts []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// problems collects mistakes, so that a person mends them in one go.
type problems struct {
	get       Source
	errs      []error
	warnings  []string
	unlimited bool // nothing is counted
}

func (p *problems) warn(name, what string) { p.warnings = append(p.warnings, name+" "+what) }

func (p *problems) add(name, what string) {
	p.errs = append(p.errs, fmt.Errorf("%s %s", name, what))
}

func (p *problems) number(name, s string, least, most int) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < least || n > most {
		p.add(name, fmt.Sprintf("must be a number from %d to %d, not %q", least, most, s))
	}
	return n
}

func (p *problems) duration(name, s string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if err != nil || d < least || d > most {
		p.add(name, fmt.Sprintf("must be a time from %v to %v, such as 90s, 15m or 1h, not %q", least, most, s))
	}
	return d
}

func (p *problems) boolean(name, s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1", "yes", "on":
		return true
	case "false", "0", "no", "off":
		return false
	}
	p.add(name, fmt.Sprintf("must be true or false, not %q", s))
	return false
}

func (p *problems) choice(name, s string, choices ...string) string {
	s = strings.TrimSpace(s)
	if i := slices.IndexFunc(choices, func(c string) bool { return strings.EqualFold(c, s) }); i >= 0 {
		return choices[i]
	}
	p.add(name, fmt.Sprintf("must be one of %s, not %q", strings.Join(choices, ", "), s))
	return s
}

// hibp takes http too, for a mirror on the operator's own network.
func (p *problems) hibp(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsAny(s, "?#") {
		p.add("YOOZAK_HIBP_URL", "must be an http or https URL without user, query or fragment, such as https://api.pwnedpasswords.com/range")
	}
	return s
}

func (p *problems) address(name, s string) string {
	s = strings.TrimSpace(s)
	_, port, err := net.SplitHostPort(s)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 0 || n > 65535 {
		p.add(name, fmt.Sprintf("must be HOST:PORT, such as 127.0.0.1:8000, not %q", s))
	}
	return s
}

// file reads a secret, cleaned as a variable is.
func (p *problems) file(name, path string) string {
	data, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	if err != nil {
		p.add(name, fmt.Sprintf("cannot be read: %v", err))
		return ""
	}
	return Clean(string(data))
}
