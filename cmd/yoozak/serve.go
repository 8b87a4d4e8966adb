package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/job"
	"github.com/yoozak/clients/internal/limit"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/pages"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/telemetry"
)

type serveCmd struct {
	config.HTTP
	config.TLS
	config.Database
	config.Tokens
	config.Encryption
	config.Passwords
	config.Mail
	config.Shop
	config.Accounts
	config.Limits
}

// Run is the wiring: settings, store, rules, API, jobs, and the way back
// when a signal comes.
func (cmd serveCmd) Run(e env) error {
	c, err := load(e, cmd.Database, cmd.Tokens, cmd.Passwords, cmd.Mail, cmd.Shop, cmd.Accounts, cmd.Limits, cmd.Encryption, cmd.HTTP, cmd.TLS)
	if err != nil {
		return err
	}
	var done context.CancelFunc
	e.ctx, done = serverSignals(e.ctx)
	defer done()
	log, flush := telemetry.NewLog(c.HTTP.LogLevel, c.HTTP.LogFormat)
	defer flush()
	if c.Passwords.Insecure {
		log.Warn("INSECURE: weak password hashes are allowed; this is for tests and measurements only")
	}
	if !c.Limits.On {
		log.Warn("INSECURE: YOOZAK_RATE_LIMITS=off, so nothing keeps anybody from guessing passwords; this is for tests and measurements only")
	}
	if mailsStayHere(c) {
		log.Warn("mails are written to a folder and not sent, with links that open accounts: set YOOZAK_SMTP_URL before customers come")
	}
	tuneGC()
	box, err := newBox(c.Encryption)
	if err != nil {
		return err
	}
	secured, certJobs, err := newTLS(c.TLS, log)
	if err != nil {
		return err
	}
	sender, err := newSender(c)
	if err != nil {
		return err
	}
	sender = sender.With(mailLooks(c, log))
	adviseShop(c, log)

	st, err := openStore(e.ctx, c.Database, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := st.Close(); err != nil {
			log.Error("close database", "error", err.Error())
		}
	}()
	if err := st.Advise(e.ctx); err != nil {
		return err
	}
	hasher := newHasher(c.Passwords, threadsBeside(c.Passwords.Slots))
	defer hasher.Close()
	breached := newBreached(c.Passwords, log)
	limits, err := newLimits(c.Limits, st, log)
	if err != nil {
		return err
	}
	defer limits.Close() //nolint:errcheck // connections that nobody needs any more
	tokens := newTokens(c.Tokens)
	a := app.New(st, tokens, hasher, app.Options{
		Rotation:    c.Tokens.Rotation,
		Mail:        mailOptions(c, sender),
		Box:         box,
		KeyRotation: c.Tokens.KeyRotation,
		EraseAfter:  c.Accounts.EraseAfter,
		Breached:    breached,
		EventsKeep:  c.Accounts.EventsKeep,
		Limits:      limits,
		Log:         log,
	})
	if err := a.Keys.Load(e.ctx); err != nil {
		return err
	}
	if err := a.Guard.LoadSecret(e.ctx); err != nil {
		return err
	}
	if err := a.Audit.LogHead(e.ctx); err != nil {
		return err
	}

	hint, capped := c.RefreshHint()
	if capped {
		log.Warn("YOOZAK_REFRESH_HINT is more than a third of YOOZAK_ACCESS_LIFETIME, so that clients would renew again and again: a third is used", "hint", hint.String())
	}
	options := api.Options{
		Auth: a.Auth, Guard: a.Guard, Keys: tokens.JWKS, Ready: st.Ready, Log: log, LogRequests: c.HTTP.LogRequests,
		Language: c.HTTP.Language, RefreshHint: hint,
		CORSOrigins: c.HTTP.CORSOrigins, CORSLoopback: c.HTTP.CORSLoopback, TrustedProxies: c.HTTP.TrustedProxies,
		HoldThrottled: holdThrottled,
		HTTPS:         strings.HasPrefix(c.Mail.PublicURL, "https://"),
		Pages:         pages.New(pages.Options{Auth: a.Auth, Log: log, Brand: sender.Brand(), Shop: c.Shop.Shop}).Serve,
	}
	servers := &servers{log: log, timeout: c.HTTP.ShutdownTimeout}
	if c.HTTP.MetricsListen != "" {
		metrics := newMetrics(hasher, breached, limits)
		options.Observe = metrics.Observe
		if err := servers.listen(listener{name: "metrics", setting: "YOOZAK_METRICS_LISTEN", addr: c.HTTP.MetricsListen, handler: metrics.Handler(), timeout: time.Minute}); err != nil {
			return err
		}
	}
	if c.HTTP.DebugListen != "" {
		if err := servers.listen(listener{name: "debug", setting: "YOOZAK_DEBUG_LISTEN", addr: c.HTTP.DebugListen, handler: debugHandler(), timeout: 5 * time.Minute}); err != nil {
			return errors.Join(err, servers.shutdown())
		}
	}
	if err := servers.listen(listener{
		name: "api", setting: "YOOZAK_LISTEN", addr: c.HTTP.Listen, handler: api.New(options), timeout: c.HTTP.RequestTimeout, tls: secured,
		idle: newIdleConns(maxIdle, c.HTTP.TrustedProxies),
	}); err != nil {
		return errors.Join(err, servers.shutdown())
	}
	printBanner(e.stderr, servers.url("api"), c, sender, limits)

	mails, stopMails := context.WithCancel(context.Background())
	var delivery sync.WaitGroup
	delivery.Go(func() { a.Outbox.Run(mails) })
	stopJobs := job.Start(log, append(certJobs, []job.Job{
		{Name: "reload keys", Every: keyReload, Run: a.Keys.Load},
		{Name: "reload the secret of device tokens", Every: keyReload, Run: a.Guard.LoadSecret},
		{Name: "rotate keys", Every: time.Minute, Run: a.Keys.RotateDue},
		{Name: "sweep", Every: time.Hour, Run: a.Sweep},
		{Name: "refill keys of addresses", Every: time.Minute, Run: a.Accounts.RefillAddresses},
		{Name: "seal events", Every: 2 * time.Second, Run: a.Audit.Seal},
		{Name: "log the head of the events", Every: time.Hour, Later: true, Run: a.Audit.LogHead},
		{Name: "sweep limits", Every: time.Minute, Run: limits.Sweep},
		{Name: "tell the operator of mails", Every: 15 * time.Minute, Run: a.Outbox.TellOfMails},
		{Name: "tell the operator of events", Every: 6 * time.Hour, Run: a.Outbox.TellOfEvents},
	}...))
	err = servers.wait(e.ctx)
	log.Info("stopping", "requests_have", c.HTTP.ShutdownTimeout.String())
	err = errors.Join(err, servers.shutdown())
	stopJobs()
	stopMails()
	delivery.Wait()
	finishEvents(a, log)
	log.Info("stopped")
	return err
}

// finishEvents seals what is left, if the database answers; if not, the next
// server does.
func finishEvents(a *app.App, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := a.Audit.Finish(ctx); err != nil {
		log.Warn("the last events are not sealed yet; the next start does it", "error", err.Error())
	}
}

// holdThrottled is how long who asks too often waits for the answer that says
// so; Retry-After is never less.
const holdThrottled = time.Second

// keyReload is how soon a running server hears of a key that another server
// or the command line made or revoked. It reads a few rows.
const keyReload = 5 * time.Second

// gcPercent lets the heap grow to five times what is in use before it is
// collected: that is a few megabytes here, and requests leave little behind.
const gcPercent = 400

func tuneGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// threadsBeside lets requests run on threads of their own while passwords
// are hashed: a hash holds its thread for as long as it takes. At other
// times there are as many threads as cores, because more of them only take
// turns. GOMAXPROCS, if it is set, is what there is at all times.
func threadsBeside(slots int) func(busy bool) {
	if os.Getenv("GOMAXPROCS") != "" {
		return nil
	}
	if slots == 0 {
		slots = runtime.GOMAXPROCS(0) // what a container may use, where it may not use all
	}
	usual := runtime.GOMAXPROCS(0)
	return func(busy bool) {
		if busy {
			runtime.GOMAXPROCS(max(usual, slots+1))
		} else {
			runtime.GOMAXPROCS(usual)
		}
	}
}

func newMetrics(hasher *password.Hasher, breached *breach.Checker, limits *limit.Limiter) *telemetry.Metrics {
	m := telemetry.NewMetrics(versionText())
	m.Gauge("yoozak_hash_running", "Password hashes under way.", func() float64 { return float64(hasher.Running()) })
	m.Gauge("yoozak_hash_waiting", "Logins and registrations that wait for a hash slot.", func() float64 { return float64(hasher.Waiting()) })
	m.Counter("yoozak_hibp_failures_total", "Passwords that the breach server was asked about in vain.", func() float64 { return float64(breached.Failures()) })
	if limits != nil {
		m.Counter("yoozak_limit_outages_total", "Times that shared rate limits were out of reach, so that this server counted for itself.", func() float64 { return float64(limits.Outages()) })
	}
	return m
}

// newLimits makes the rate limits, or none where they are off.
func newLimits(c config.LimitsConfig, st *store.Store, log *slog.Logger) (*limit.Limiter, error) {
	if !c.On {
		return nil, nil
	}
	l, err := limit.New(limit.Options{Store: st, RedisURL: c.RedisURL.Reveal(), Log: log})
	if err != nil {
		return nil, &settingsError{fmt.Errorf("YOOZAK_REDIS_URL %w", err)}
	}
	return l, nil
}

func debugHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", http.NotFound) // may hold what should not be shown
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return loopbackOnly(mux)
}

// loopbackOnly answers requests that name this machine. A page in a browser
// on it may have a name of its own that leads to 127.0.0.1, and could read the
// profiles by that.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this is for http://localhost only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// djangosTokens says how long the tokens of Django's secret are good.
func djangosTokens(c config.TokensConfig, now time.Time) string {
	until := c.AcceptUntil.Format("2006-01-02 15:04 UTC")
	switch {
	case c.Accept.Empty():
		return ""
	case c.AcceptUntil.IsZero():
		return fmt.Sprintf("; Django's, of %s at most, are good until they expire (set YOOZAK_ACCEPT_HS256_UNTIL)", c.AcceptMaxAge)
	case now.Before(c.AcceptUntil):
		return fmt.Sprintf("; Django's, of %s at most, are good until they expire, or until %s", c.AcceptMaxAge, until)
	}
	return fmt.Sprintf("; Django's are refused since %s: take YOOZAK_ACCEPT_HS256_SECRET away", until)
}

// printBanner tells a person at the terminal where things are.
func printBanner(w io.Writer, url string, c config.Config, sender *mail.Sender, limits *limit.Limiter) {
	database := "PostgreSQL" // its URL may hold a password
	if path, isFile := strings.CutPrefix(c.Database.URL.Reveal(), "sqlite:"); isFile {
		database = "SQLite, in the file " + path
	}
	mails := "SMTP"
	if sender.Folder() != "" {
		mails = "not sent, written to the folder " + absolute(sender.Folder()) + " (set YOOZAK_SMTP_URL)"
		if c.Mail.Folder == "" {
			mails += "; none at registration (set YOOZAK_MAIL_FOLDER)"
		}
	}
	signing := fmt.Sprintf("%s, access %s, refresh %s", c.Tokens.Algorithm, c.Tokens.AccessLifetime, c.Tokens.RefreshLifetime)
	signing += djangosTokens(c.Tokens, time.Now())
	keys := "stored in clear (set YOOZAK_ENCRYPTION_KEY to encrypt them)"
	switch {
	case c.Tokens.Algorithm == "HS256":
		keys = "the secret in YOOZAK_JWT_SECRET"
	case !c.Encryption.Key.Empty():
		keys = "encrypted in the database"
	}
	counted := "OFF: anybody may guess passwords as fast as they like"
	if limits != nil {
		counted = "on, counted in " + limits.Where()
	}
	fmt.Fprintf(w, "Yoozak Clients %s\n  API:      %s\n  Database: %s\n  Tokens:   %s\n  Keys:     %s\n  Mail:     %s\n  Limits:   %s\n",
		versionText(), url, database, signing, keys, mails, counted)
}

// adviseShop tells what the operator may not expect of the shop's settings.
func adviseShop(c config.Config, log *slog.Logger) {
	if given := c.Shop.Colour; given != nil {
		for _, on := range []struct {
			paper string
			with  shop.Colour
			used  shop.Colour
		}{{"light pages", shop.LightPage, c.Shop.Shop.Colours.Light.Brand}, {"dark pages", shop.Card, c.Shop.Shop.Colours.Dark.Brand}} {
			if on.used != *given {
				log.Info("YOOZAK_BRAND_COLOUR cannot be read everywhere: another shade of it is used", "colour", given.String(), "on", on.paper,
					"contrast", math.Round(shop.Contrast(*given, on.with)*100)/100, "needed", shop.Readable, "used", on.used.String())
			}
		}
	}
	if !c.Mail.SMTPURL.Empty() && c.Shop.Shop.Support == (shop.Support{}) {
		log.Warn("YOOZAK_SUPPORT is not set: mails tell customers of a support, but not how to reach it")
	}
}

// servers are the HTTP servers of the process.
type servers struct {
	log     *slog.Logger
	timeout time.Duration
	running []*running
	failed  chan error
	wg      sync.WaitGroup
}

type running struct {
	name   string
	server *http.Server
	addr   net.Addr
}

// maxHeader bounds a request's headers: a token takes one KiB at most.
const maxHeader = 16 << 10

// listener is what to serve where.
type listener struct {
	name, addr string
	setting    string // variable that addr is from
	handler    http.Handler
	timeout    time.Duration
	tls        *tls.Config // nil: plain HTTP
	idle       *idleConns  // nil: unbounded
}

// listen names the setting of an address that cannot be listened at.
func listen(setting, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%w: another program has it, or a yoozak that runs already; choose another with %s=HOST:PORT", err, setting)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return l, nil
}

// listen binds now, so that a busy port stops the start, and serves.
func (s *servers) listen(o listener) error {
	l, err := listen(o.setting, o.addr)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler:           o.handler,
		TLSConfig:         o.tls,
		ReadHeaderTimeout: min(o.timeout, 10*time.Second),
		ReadTimeout:       o.timeout,
		WriteTimeout:      2 * o.timeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // strangers' broken connections
	}
	if o.idle != nil {
		srv.ConnState = o.idle.state
	}
	s.running = append(s.running, &running{name: o.name, server: srv, addr: l.Addr()})
	if s.failed == nil {
		s.failed = make(chan error, 8)
	}
	s.wg.Go(func() {
		serve := func() error { return srv.Serve(l) }
		if o.tls != nil {
			serve = func() error { return srv.ServeTLS(l, "", "") } // the certificate is o.tls's business
		}
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve %s: %w", o.name, err)
		}
	})
	return nil
}

func (s *servers) url(name string) string {
	for _, r := range s.running {
		if r.name == name {
			if r.server.TLSConfig != nil {
				return "https://" + r.addr.String()
			}
			return "http://" + r.addr.String()
		}
	}
	return ""
}

// wait returns when the process is told to stop or a server fails.
func (s *servers) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// shutdown takes no more requests and waits for those under way.
func (s *servers) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	var errs []error
	for _, r := range s.running {
		if err := r.server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", r.name, err))
			_ = r.server.Close()
		}
	}
	s.wg.Wait()
	return errors.Join(errs...)
}
