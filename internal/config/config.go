// Package config reads the settings: flags first, then YOOZAK_* variables,
// then defaults that work with nothing set at all. It reports every mistake
// at once, each by the name of its variable.
//
// A setting is one field, whose tags say what it may be: "of" has the
// choices, "min" and "max" the bounds of a number or time, "is" the form of a
// text. Secrets have no
// flag, because every user of the machine can read a process' arguments; they
// come from a variable or from the file that the variable with _FILE names.
package config

import (
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/shop"
)

// Config has the settings. A group that was not loaded is empty.
type Config struct {
	Database   Database
	Schema     Schema
	Tokens     Tokens
	Passwords  Passwords
	Mail       Mail
	Shop       Shop
	Webhooks   Webhooks
	Accounts   Accounts
	Addresses  Addresses
	Recovery   Recovery
	Passkeys   Passkeys
	Shadow     Shadow
	Limits     Limits
	HTTP       HTTP
	Encryption Encryption
	TLS        TLS

	Warnings []string // what is no mistake, but was hardly meant; each begins with the name of its variable
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

// On reports whether the API is served over TLS.
func (g TLS) On() bool { return g.Cert != "" || len(g.Domains) > 0 }

// Database says where the data is.
type Database struct {
	URL      secret.Text `name:"database-url" env:"YOOZAK_DATABASE_URL" default:"sqlite:yoozak.db" placeholder:"URL" group:"Database:" help:"sqlite:PATH or postgres://… (give a URL with a password by variable or file, not by flag)."`
	URLFile  string      `name:"database-url-file" env:"YOOZAK_DATABASE_URL_FILE" placeholder:"PATH" group:"Database:" help:"File that holds the database URL."`
	Conns    int         `name:"database-conns" env:"YOOZAK_DATABASE_CONNS" default:"0" min:"0" max:"10000" placeholder:"N" group:"Database:" help:"PostgreSQL: maximum number of connections, of which changes take three of four; 0 is 4 for each core that the process may use, from 8 to 32."`
	HeadFile string      `name:"head-file" env:"YOOZAK_HEAD_FILE" placeholder:"PATH" group:"Database:" help:"File in which a server notes the newest event, and from which it sees at its start that a backup was put back; off: none. Without it yoozak.db.head beside the SQLite file, and none with PostgreSQL."`
	Batch    int         `name:"sqlite-batch" env:"YOOZAK_SQLITE_BATCH" default:"128" min:"1" max:"10000" placeholder:"N" group:"Database:" help:"SQLite: maximum number of transactions that share one commit."`
}

// Schema says who changes the tables of the database.
type Schema struct {
	Migrate string `name:"migrate" env:"YOOZAK_MIGRATE" of:"auto,check" placeholder:"MODE" group:"Schema:" help:"auto: the server brings the tables up to date when it starts. check: it only looks, and where they are not up to date it stops and says so; yoozak migrate is the step that changes them. Without it, auto for SQLite and check for PostgreSQL."`
}

// Migrates reports whether the server changes the tables itself.
func (c Config) Migrates() bool {
	if c.Schema.Migrate == "" {
		return strings.HasPrefix(c.Database.URL.Reveal(), "sqlite:")
	}
	return c.Schema.Migrate == "auto"
}

// Tokens says how tokens are signed and how long they are good. Secret is
// empty unless Algorithm is HS256, Accept unless Django's tokens are accepted
// beside ours. A zero AcceptUntil is no end.
type Tokens struct {
	Algorithm       string        `name:"jwt-algorithm" env:"YOOZAK_JWT_ALGORITHM" default:"ES256" of:"ES256,EdDSA,RS256,HS256" placeholder:"ALG" group:"Tokens:" help:"ES256, EdDSA, RS256 or HS256."`
	Secret          secret.Bytes  `name:"jwt-secret-file" env:"YOOZAK_JWT_SECRET_FILE" placeholder:"PATH" group:"Tokens:" help:"File that holds the secret of HS256 (or set YOOZAK_JWT_SECRET)."`
	Accept          secret.Bytes  `name:"accept-hs256-secret-file" env:"YOOZAK_ACCEPT_HS256_SECRET_FILE" placeholder:"PATH" group:"Tokens:" help:"File that holds Django's SECRET_KEY (or set YOOZAK_ACCEPT_HS256_SECRET): tokens that simplejwt signed with it stay good until they expire."`
	AcceptMaxAge    time.Duration `name:"accept-hs256-max-age" env:"YOOZAK_ACCEPT_HS256_MAX_AGE" default:"720h" min:"1m" max:"9600h" placeholder:"TIME" group:"Tokens:" help:"The longest time that such a token may be good for, from issue to expiry: Django's REFRESH_TOKEN_LIFETIME or more. Longer ones are refused."`
	AcceptUntil     time.Time     `name:"accept-hs256-until" env:"YOOZAK_ACCEPT_HS256_UNTIL" placeholder:"DATE" group:"Tokens:" help:"The last day (2026-12-31, UTC), or the time (2026-12-31T12:00:00Z), until which such tokens are good at all. Without it there is no end."`
	AcceptUserID    string        `name:"accept-hs256-user-id-claim" env:"YOOZAK_ACCEPT_HS256_USER_ID_CLAIM" is:"claim" default:"user_id" placeholder:"NAME" group:"Tokens:" help:"The claim of Django's tokens that holds the user's id: simplejwt's USER_ID_CLAIM."`
	Issuer          string        `name:"jwt-issuer" env:"YOOZAK_JWT_ISSUER" default:"yoozak" placeholder:"NAME" group:"Tokens:" help:"The claim iss."`
	Audience        []string      `name:"jwt-audience" env:"YOOZAK_JWT_AUDIENCE" is:"name" placeholder:"NAMES" group:"Tokens:" help:"The claim aud of access tokens, separated by commas: the services that they are for. Without it there is none."`
	AccessLifetime  time.Duration `name:"access-lifetime" env:"YOOZAK_ACCESS_LIFETIME" default:"1h" min:"1s" max:"24h" placeholder:"TIME" group:"Tokens:" help:"How long an access token is good."`
	RefreshLifetime time.Duration `name:"refresh-lifetime" env:"YOOZAK_REFRESH_LIFETIME" default:"24h" min:"1s" max:"9600h" placeholder:"TIME" group:"Tokens:" help:"How long a refresh token is good. With rotation each use begins it anew: then it is how long a session may lie idle."`
	SessionMaxAge   time.Duration `name:"session-max-age" env:"YOOZAK_SESSION_MAX_AGE" default:"0s" min:"0s" max:"87600h" placeholder:"TIME" group:"Tokens:" help:"How long a session lives from its login on, however often it is renewed; no token of it outlasts that. 0 is, with rotation, the longer of 30 days and twice YOOZAK_REFRESH_LIFETIME; without it, no end of its own."`
	KeyRotation     time.Duration `name:"key-rotation" env:"YOOZAK_KEY_ROTATION" default:"720h" min:"0s" max:"87600h" placeholder:"TIME" group:"Tokens:" help:"How long a key signs before the next takes over; 0 rotates by command only. No request fails. HS256 has no keys to rotate."`
	Rotation        bool          `name:"refresh-rotation" env:"YOOZAK_REFRESH_ROTATION" default:"false" group:"Tokens:" help:"Exchange refresh tokens: the answer to a refresh has a new one, and the one before ends the session if it comes again after the new one was used."`
}

// The least absolute age of sessions where rotation renews them and nobody set
// another: it is longer where refresh tokens live long.
const sessionMaxAge = 30 * 24 * time.Hour

// SessionMaxAge is how long a session lives from its login on, however often it
// is renewed; zero: no end but that of its refresh token, which is one where
// rotation does not renew it.
func (c Config) SessionMaxAge() time.Duration {
	switch {
	case c.Tokens.SessionMaxAge > 0:
		return c.Tokens.SessionMaxAge
	case c.Tokens.Rotation:
		return max(sessionMaxAge, 2*c.Tokens.RefreshLifetime)
	}
	return 0
}

// HouseWords are words by which everybody knows the shop: its name, and its
// address without the ending. Those of fewer than four letters are in too many
// others.
func (c Config) HouseWords() []string {
	var all []string
	add := func(text string) {
		for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
			if utf8.RuneCountInString(word) >= 4 && !slices.Contains(all, word) {
				all = append(all, word)
			}
		}
	}
	if from, err := mail.ParseAddress(c.Mail.From); err == nil {
		add(from.Name)
		add(strings.ReplaceAll(from.Name, " ", ""))
	}
	if u, err := url.Parse(c.Shop.URL); err == nil && net.ParseIP(u.Hostname()) == nil {
		host := u.Hostname()
		add(host[:max(0, strings.LastIndexByte(host, '.'))])
	}
	return all
}

// Encryption says with what the keys in the database are encrypted. Both are
// empty, or Key is given, or both; they have [secret.KeySize] bytes.
type Encryption struct {
	Key secret.Bytes `name:"encryption-key-file" env:"YOOZAK_ENCRYPTION_KEY_FILE" placeholder:"PATH" group:"Encryption:" help:"File that holds the key that encrypts keys and secrets in the database (or set YOOZAK_ENCRYPTION_KEY). Without it they are stored in clear."`
	Old secret.Bytes `name:"encryption-key-old-file" env:"YOOZAK_ENCRYPTION_KEY_OLD_FILE" placeholder:"PATH" group:"Encryption:" help:"File that holds the key before, while it is changed (or set YOOZAK_ENCRYPTION_KEY_OLD)."`
}

// Passwords says what a hash costs and which new passwords are refused. See docs/configuration.md before
// changing it.
type Passwords struct {
	Memory   uint32        `name:"argon2-memory" env:"YOOZAK_ARGON2_MEMORY" default:"19456" min:"8" max:"1048576" placeholder:"KIB" group:"Passwords:" help:"Memory of one Argon2id hash in KiB, 19456 or more."`
	Time     uint32        `name:"argon2-time" env:"YOOZAK_ARGON2_TIME" default:"2" min:"1" max:"64" placeholder:"N" group:"Passwords:" help:"Passes over that memory, 2 or more."`
	Threads  uint8         `name:"argon2-threads" env:"YOOZAK_ARGON2_THREADS" default:"1" min:"1" max:"16" placeholder:"N" group:"Passwords:" help:"Lanes of one hash."`
	Argon2   string        `name:"argon2" env:"YOOZAK_ARGON2" default:"auto" of:"auto,portable" placeholder:"CODE" group:"Passwords:" help:"Whose code computes Argon2id: auto is our own where the processor has AVX2; portable is golang.org/x/crypto's, which takes more than twice as long. The hashes are the same."`
	Slots    int           `name:"hash-slots" env:"YOOZAK_HASH_SLOTS" default:"0" min:"0" max:"1024" placeholder:"N" group:"Passwords:" help:"Hashes at once; 0 is the number of cores that the process may use."`
	Wait     time.Duration `name:"hash-wait" env:"YOOZAK_HASH_WAIT" default:"5s" min:"100ms" max:"1m" placeholder:"TIME" group:"Passwords:" help:"How long a login waits for a slot before it gets 503."`
	Min      int           `name:"password-min" env:"YOOZAK_PASSWORD_MIN" default:"8" min:"8" max:"64" placeholder:"N" group:"Passwords:" help:"Minimum number of characters of a new password. 15 is what NIST SP 800-63B-4 asks for where a password alone opens an account."`
	Breached bool          `name:"breached-passwords" env:"YOOZAK_BREACHED_PASSWORDS" default:"true" group:"Passwords:" help:"Refuse new passwords that are on the list of leaked ones in the program, unless it is false."`
	HIBPURL  string        `name:"hibp-url" env:"YOOZAK_HIBP_URL" is:"range API" placeholder:"URL" group:"Passwords:" help:"Also ask a Have I Been Pwned range API, which learns five digits of the hash: https://api.pwnedpasswords.com/range. Off by default."`
	Insecure bool          `name:"insecure-fast-hash" env:"YOOZAK_INSECURE_FAST_HASH" default:"false" group:"Passwords:" help:"Allow weaker hashes. For tests and measurements only: YOOZAK_LISTEN must be on this machine alone."`
}

// Mail says how mails go out and where their links lead. Of SMTPURL and
// Folder one is set, or none.
type Mail struct {
	SMTPURL      secret.Text `name:"smtp-url-file" env:"YOOZAK_SMTP_URL_FILE" placeholder:"PATH" group:"Mail:" help:"File that holds the URL of the SMTP server (or set YOOZAK_SMTP_URL)."`
	Folder       string      `name:"mail-folder" env:"YOOZAK_MAIL_FOLDER" placeholder:"PATH" group:"Mail:" help:"Write mails into this folder instead, as .eml files. Without SMTP and folder they go to mails/ beside the database."`
	Helo         string      `name:"smtp-helo" env:"YOOZAK_SMTP_HELO" is:"text" placeholder:"NAME" group:"Mail:" help:"How the SMTP server is greeted (EHLO): the name of this host, such as accounts.shop.example. Without it, the sender's domain."`
	From         string      `name:"mail-from" env:"YOOZAK_MAIL_FROM" is:"mailbox" placeholder:"ADDRESS" group:"Mail:" help:"Sender; the name is what the mails and pages call you. Needed with SMTP; without it, Yoozak <no-reply@localhost>."`
	PublicURL    string      `name:"public-url" env:"YOOZAK_PUBLIC_URL" is:"link" placeholder:"URL" group:"Mail:" help:"Where people reach this server, for the links in mails: https://accounts.shop.example. Needed with SMTP."`
	LinkTemplate string      `name:"link-template" env:"YOOZAK_LINK_TEMPLATE" is:"template" placeholder:"URL" group:"Mail:" help:"Pages of your own for those links: https://shop.example/account/{action}#{token}, with {action} one of reset-password, verify-email, confirm-email, undo-email, undo-factor, not-me, stop-recovery and finish-recovery; {language} may stand in it, too."`
	NewDevice    bool        `name:"new-device-mail" env:"YOOZAK_NEW_DEVICE_MAIL" default:"on" group:"Mail:" help:"on, or off: whether people are told by mail of a login from a place and a device that are new, once a week at most."`
	LoginCode    bool        `name:"login-code" env:"YOOZAK_LOGIN_CODE" default:"false" group:"Mail:" help:"Log in by a code of six digits that is mailed, without a password. Needs YOOZAK_SMTP_URL. Whoever has a second factor is asked for it all the same. See docs/decisions/0030-codes-by-mail.md."`
	Workers      int         `name:"mail-workers" env:"YOOZAK_MAIL_WORKERS" default:"4" min:"1" max:"64" placeholder:"N" group:"Mail:" help:"Mails that are sent at once, each over a connection of its own to the SMTP server, which takes the next mail too."`
	PerAddress   int         `name:"mail-per-address" env:"YOOZAK_MAIL_PER_ADDRESS" default:"5" min:"1" max:"10000" placeholder:"N" group:"Mail:" help:"Maximum number of mails an hour, of each kind, to one mailbox that can be caused by somebody who is not known to have it. Further ones wait."`
}

// Shop says what customers see of the shop in mails and on pages, and who
// runs the server.
type Shop struct {
	URL          string         `name:"shop-url" env:"YOOZAK_SHOP_URL" is:"link" placeholder:"URL" group:"Shop:" help:"The shop: every mail and page has a link back to it."`
	Support      *shop.Support  `name:"support" env:"YOOZAK_SUPPORT" placeholder:"CONTACT" group:"Shop:" help:"How customers reach a person, named in every mail and page: a mail address (answers to mails go there, too), a telephone number, or a URL."`
	Zone         *time.Location `name:"time-zone" env:"YOOZAK_TIME_ZONE" default:"Africa/Casablanca" placeholder:"NAME" group:"Shop:" help:"The clock of dates in mails, by its name in the IANA time zone database. It knows when Morocco changes its clocks for Ramadan."`
	Colour       *shop.Colour   `name:"brand-colour" env:"YOOZAK_BRAND_COLOUR" placeholder:"COLOUR" group:"Shop:" help:"Colour of buttons and of the name: #0b5d4e. Where it could not be read, a darker (on white) or lighter (in the dark theme) shade of it is used."`
	Logo         *shop.Logo     `name:"brand-logo" env:"YOOZAK_BRAND_LOGO" placeholder:"PATH" group:"Shop:" help:"File with the logo that stands in place of the name: PNG or JPEG, 64 KiB at most. It is part of each mail; nothing is loaded from elsewhere."`
	OperatorMail string         `name:"operator-mail" env:"YOOZAK_OPERATOR_MAIL" is:"mailbox" placeholder:"ADDRESS" group:"Shop:" help:"Who is told by mail, once a day at most of each, that mails or messages to webhooks were given up, or that events were changed or removed; and that a webhook was turned off."`

	Shop shop.Shop `kong:"-"` // what these settings mean
}

// Webhooks says how the receivers of webhooks are reached.
type Webhooks struct {
	Allow []netip.Prefix `name:"webhook-allow" env:"YOOZAK_WEBHOOK_ALLOW" placeholder:"NETS" group:"Webhooks:" help:"Addresses or networks of your own that webhooks may be sent to, separated by commas (10.1.2.0/24), over plain HTTP, too. Without it no private, loopback or link-local address is dialled, whatever name leads there."`
	Proxy *url.URL       `name:"webhook-proxy" env:"YOOZAK_WEBHOOK_PROXY" is:"proxy" placeholder:"URL" group:"Webhooks:" help:"HTTP proxy by which webhooks are sent: http://proxy.example:3128. It then decides which addresses are dialled. HTTPS_PROXY and the like change nothing."`
}

// Argon2Portable is the choice of Passwords.Argon2 that turns our own code off.
const Argon2Portable = "portable"

// Accounts says how accounts live.
type Accounts struct {
	EraseAfter time.Duration `name:"erase-after" env:"YOOZAK_ERASE_AFTER" default:"720h" min:"1m" max:"87600h" placeholder:"TIME" group:"Accounts:" help:"How long a closed account can be restored before it is erased."`
	EventsKeep time.Duration `name:"events-keep" env:"YOOZAK_EVENTS_KEEP" default:"8760h" min:"0s" max:"876000h" placeholder:"TIME" group:"Accounts:" help:"How long security-relevant events are kept, a day or more; 0 is for ever. See docs/events.md."`
	TwoPersons bool          `name:"staff-two-persons" env:"YOOZAK_STAFF_TWO_PERSONS" default:"false" group:"Accounts:" help:"Erasing an account and exporting many need a second person of the staff, who approves within a day."`
}

// Addresses says who may have an address.
type Addresses struct {
	OneAccount bool `name:"one-account-per-email" env:"YOOZAK_ONE_ACCOUNT_PER_EMAIL" default:"false" group:"Accounts:" help:"Refuse a new account, or another address, where another open account has that address. Anybody can then find out whether an address is registered. See docs/decisions/0013-addresses.md."`
}

// Recovery says how accounts are given back.
type Recovery struct {
	Wait time.Duration `name:"recovery-wait" env:"YOOZAK_RECOVERY_WAIT" default:"24h" min:"1h" max:"720h" placeholder:"TIME" group:"Accounts:" help:"How long the recovery of an account with a second factor waits, while its owner can stop it."`
}

// Shadow says what yoozak-shadow stands between.
type Shadow struct {
	Listen         string         `name:"listen" env:"YOOZAK_SHADOW_LISTEN" is:"address" default:"127.0.0.1:8001" placeholder:"ADDR" group:"Shadow:" help:"Address that customers, or the proxy in front, call."`
	Upstream       *url.URL       `name:"upstream" env:"YOOZAK_SHADOW_UPSTREAM" placeholder:"URL" group:"Shadow:" help:"Server that answers them: http://127.0.0.1:8080 is Django."`
	Copy           *url.URL       `name:"copy" env:"YOOZAK_SHADOW_COPY" default:"http://127.0.0.1:8000" placeholder:"URL" group:"Shadow:" help:"The yoozak to compare with it, on a copy of the data."`
	TrustedProxies []netip.Prefix `name:"trusted-proxies" env:"YOOZAK_SHADOW_TRUSTED_PROXIES" default:"127.0.0.0/8,::1" placeholder:"NETS" group:"Shadow:" help:"Addresses or networks of proxies in front, separated by commas: what they say of the client is passed on. Anybody else is the client."`
	Report         string         `name:"report" env:"YOOZAK_SHADOW_REPORT" placeholder:"PATH" group:"Shadow:" help:"File that the report is added to, in lines of JSON; standard output by default."`
	Every          time.Duration  `name:"every" env:"YOOZAK_SHADOW_EVERY" default:"1h" min:"1s" max:"168h" placeholder:"TIME" group:"Shadow:" help:"How often the report gets a summary."`
}

// Limits says how often things may be done.
type Limits struct {
	On bool `name:"rate-limits" env:"YOOZAK_RATE_LIMITS" default:"on" group:"Limits:" help:"on, or off for measurements and compatibility runs: then nothing keeps anybody from guessing passwords, and YOOZAK_LISTEN must be on this machine alone. See docs/limits.md."`
}

// HTTP says how the server is reached. CORSOrigins are as browsers write
// them; "*" is all, https://*.shop.example all below that.
type HTTP struct {
	Listen          string         `name:"listen" env:"YOOZAK_LISTEN" is:"address" default:"127.0.0.1:8000" placeholder:"ADDR" group:"Server:" help:"Address of the API."`
	CORSOrigins     []string       `name:"cors-origins" env:"YOOZAK_CORS_ORIGINS" placeholder:"ORIGINS" group:"Server:" help:"Web origins that may call the API, separated by commas: https://shop.example, or https://*.shop.example for every name below it. An asterisk alone allows all."`
	StaffCORS       []string       `name:"staff-cors-origins" env:"YOOZAK_STAFF_CORS_ORIGINS" placeholder:"ORIGINS" group:"Server:" help:"Web origins that may call the staff's part of the API, separated by commas. YOOZAK_CORS_ORIGINS does not count for it: without this none may."`
	CORSLoopback    bool           `name:"cors-loopback" env:"YOOZAK_CORS_LOOPBACK" default:"false" group:"Server:" help:"Pages of this machine may call the API, too: localhost, 127.0.0.1 and [::1], on any port. For development; make run sets it."`
	TrustedProxies  []netip.Prefix `name:"trusted-proxies" env:"YOOZAK_TRUSTED_PROXIES" placeholder:"NETS" group:"Server:" help:"Addresses or networks of proxies in front, separated by commas: their X-Forwarded-For, X-Forwarded-Proto and X-Request-Id are believed."`
	Language        string         `name:"language" env:"YOOZAK_LANGUAGE" default:"fr" of:"fr,en,ar" placeholder:"LANG" group:"Server:" help:"Language for clients that ask for none: fr, en or ar."`
	Docs            bool           `name:"docs" env:"YOOZAK_DOCS" default:"on" group:"Server:" help:"on, or off: whether /docs/ shows the documents and the API's reference to everybody. They are the same for every yoozak, and say nothing about this one."`
	AccountPages    bool           `name:"account-pages" env:"YOOZAK_ACCOUNT_PAGES" default:"on" group:"Server:" help:"on, or off: whether people can log in at /account/ and see to the safety of their account there. The pages that links in mails lead to stay."`
	RegisterPage    bool           `name:"registration-page" env:"YOOZAK_REGISTRATION_PAGE" default:"on" group:"Server:" help:"on, or off: whether customers can make an account at /account/register/, which the login page links to. Registration by the API stays. Without the pages at /account/ this one is not there either."`
	Console         bool           `name:"console" env:"YOOZAK_CONSOLE" default:"on" group:"Server:" help:"on, or off: whether the staff can work at /console/. Whoever has no role cannot get in; off leaves it out of the server."`
	RefreshHint     time.Duration  `name:"refresh-hint" env:"YOOZAK_REFRESH_HINT" default:"5m" min:"0s" max:"24h" placeholder:"TIME" group:"Server:" help:"Answer X-Token-Refresh-Required when an access token has less than this left; a third of its lifetime at most."`
	RequestTimeout  time.Duration  `name:"request-timeout" env:"YOOZAK_REQUEST_TIMEOUT" default:"15s" min:"1s" max:"10m" placeholder:"TIME" group:"Server:" help:"Longest time for a request to arrive; its answer may take twice that."`
	ShutdownTimeout time.Duration  `name:"shutdown-timeout" env:"YOOZAK_SHUTDOWN_TIMEOUT" default:"20s" min:"0s" max:"10m" placeholder:"TIME" group:"Server:" help:"How long the server waits, after SIGTERM, for requests under way."`
	Drain           time.Duration  `name:"drain" env:"YOOZAK_DRAIN" default:"5s" min:"0s" max:"10m" placeholder:"TIME" group:"Server:" help:"How long the server goes on answering after SIGTERM, before it stops: it is no longer ready, so that a proxy or balancer goes elsewhere. 0 is not at all. Ctrl-C does not wait."`
	MetricsListen   string         `name:"metrics-listen" env:"YOOZAK_METRICS_LISTEN" is:"address" placeholder:"ADDR" group:"Server:" help:"Address of /metrics for Prometheus; off by default."`
	DebugListen     string         `name:"debug-listen" env:"YOOZAK_DEBUG_LISTEN" is:"loopback" placeholder:"ADDR" group:"Server:" help:"Loopback address of /debug/pprof/; off by default."`
	TracesURL       *url.URL       `name:"traces-url" env:"YOOZAK_TRACES_URL" is:"proxy" placeholder:"URL" group:"Server:" help:"OpenTelemetry collector that is told how long the parts of requests took (OTLP over HTTP, in JSON): http://127.0.0.1:4318; off by default."`
	TracesPercent   int            `name:"traces-percent" env:"YOOZAK_TRACES_PERCENT" default:"100" min:"1" max:"100" placeholder:"N" group:"Server:" help:"How many of a hundred requests are traced, unless a trusted proxy has decided (traceparent)."`
	LogLevel        string         `name:"log-level" env:"YOOZAK_LOG_LEVEL" default:"info" of:"debug,info,warn,error" placeholder:"LEVEL" group:"Server:" help:"debug, info, warn or error."`
	LogFormat       string         `name:"log-format" env:"YOOZAK_LOG_FORMAT" default:"auto" of:"auto,text,json" placeholder:"FORMAT" group:"Server:" help:"text, json, or auto: text on a terminal."`
	LogRequests     bool           `name:"log-requests" env:"YOOZAK_LOG_REQUESTS" default:"true" group:"Server:" help:"Log a line for each request, unless it is false."`
}

// TLS says how the API is served over TLS. Without any of it the API speaks
// plain HTTP, for a proxy in front.
type TLS struct {
	Cert      string   `name:"tls-cert" env:"YOOZAK_TLS_CERT" placeholder:"PATH" group:"TLS:" help:"File with the certificate and those above it, PEM. It is read again when it changes. Without certificate and domains the API speaks plain HTTP."`
	Key       string   `name:"tls-key" env:"YOOZAK_TLS_KEY" placeholder:"PATH" group:"TLS:" help:"File with the certificate's private key, PEM."`
	Domains   []string `name:"acme-domains" env:"YOOZAK_ACME_DOMAINS" is:"host" placeholder:"NAMES" group:"TLS:" help:"Get certificates by ACME (Let's Encrypt) for these names, separated by commas. YOOZAK_LISTEN must be reachable as port 443 of each. You accept the authority's terms."`
	Email     string   `name:"acme-email" env:"YOOZAK_ACME_EMAIL" is:"mailbox" placeholder:"ADDRESS" group:"TLS:" help:"Where the authority writes to when something is wrong."`
	Cache     string   `name:"acme-cache" env:"YOOZAK_ACME_CACHE" default:"acme" placeholder:"PATH" group:"TLS:" help:"Folder for certificates and keys; keep it, or the authority's limits are soon reached."`
	Directory string   `name:"acme-directory" env:"YOOZAK_ACME_DIRECTORY" is:"link" default:"https://acme-v02.api.letsencrypt.org/directory" placeholder:"URL" group:"TLS:" help:"Another authority."`
}
