package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/job"
	"github.com/yoozak/clients/internal/limit"
	"github.com/yoozak/clients/internal/pages"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/telemetry"
	"github.com/yoozak/clients/internal/web"
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
	service := auth.New(st, tokens, hasher, auth.Options{
		Algorithm:       c.Tokens.Algorithm,
		AccessLifetime:  c.Tokens.AccessLifetime,
		RefreshLifetime: c.Tokens.RefreshLifetime,
		Rotation:        c.Tokens.Rotation,
		Mail:            mailOptions(c, sender),
		Box:             box,
		KeyRotation:     c.Tokens.KeyRotation,
		EraseAfter:      c.Accounts.EraseAfter,
		Breached:        breached,
		EventsKeep:      c.Accounts.EventsKeep,
		Limits:          limits,
		Log:             log,
	})
	if err := service.LoadKeys(e.ctx); err != nil {
		return err
	}
	if err := service.LoadDeviceSecret(e.ctx); err != nil {
		return err
	}
	if err := service.LogEventHead(e.ctx); err != nil {
		return err
	}

	hint, capped := c.RefreshHint()
	if capped {
		log.Warn("YOOZAK_REFRESH_HINT is more than a third of YOOZAK_ACCESS_LIFETIME, so that clients would renew again and again: a third is used", "hint", hint.String())
	}
	options := web.Options{
		Log: log, LogRequests: c.HTTP.LogRequests, Ready: st.Ready, Language: c.HTTP.Language,
		CORSOrigins: c.HTTP.CORSOrigins, CORSLoopback: c.HTTP.CORSLoopback, TrustedProxies: c.HTTP.TrustedProxies,
		HTTPS: strings.HasPrefix(c.Mail.PublicURL, "https://"),
	}
	servers := web.NewServers(log, c.HTTP.ShutdownTimeout)
	if c.HTTP.MetricsListen != "" {
		metrics := newMetrics(hasher, breached, limits)
		options.Observe = metrics.Observe
		if err := servers.Serve(web.Listener{Name: "metrics", Setting: "YOOZAK_METRICS_LISTEN", Addr: c.HTTP.MetricsListen, Handler: metrics.Handler(), Timeout: time.Minute}); err != nil {
			return err
		}
	}
	if c.HTTP.DebugListen != "" {
		if err := servers.Serve(web.Listener{Name: "debug", Setting: "YOOZAK_DEBUG_LISTEN", Addr: c.HTTP.DebugListen, Handler: debugHandler(), Timeout: 5 * time.Minute}); err != nil {
			return errors.Join(err, servers.Shutdown())
		}
	}
	ours := api.New(api.Options{Auth: service, Keys: tokens.JWKS, Log: log, RefreshHint: hint})
	people := pages.New(pages.Options{Auth: service, Log: log, Brand: sender.Brand(), Shop: c.Shop.Shop})
	if err := servers.Serve(web.Listener{
		Name: "api", Setting: "YOOZAK_LISTEN", Addr: c.HTTP.Listen, Timeout: c.HTTP.RequestTimeout, TLS: secured,
		Handler:   web.New(options, map[string]http.Handler{"/": ours, pages.Path: people, "GET /{$}": people.Home(ours)}),
		BoundIdle: true, Exempt: c.HTTP.TrustedProxies,
	}); err != nil {
		return errors.Join(err, servers.Shutdown())
	}
	printBanner(e.stderr, servers.URL("api"), c, sender, limits)

	mails, stopMails := context.WithCancel(context.Background())
	var delivery sync.WaitGroup
	delivery.Go(func() { service.RunMail(mails) })
	stopJobs := job.Start(log, append(certJobs, []job.Job{
		{Name: "reload keys", Every: keyReload, Run: service.LoadKeys},
		{Name: "reload the secret of device tokens", Every: keyReload, Run: service.LoadDeviceSecret},
		{Name: "rotate keys", Every: time.Minute, Run: service.RotateDueKeys},
		{Name: "sweep", Every: time.Hour, Run: service.Sweep},
		{Name: "refill keys of addresses", Every: time.Minute, Run: service.RefillAddresses},
		{Name: "sweep mail folder", Every: time.Hour, Run: service.SweepMailFolder},
		{Name: "seal events", Every: 2 * time.Second, Run: service.SealEvents},
		{Name: "log the head of the events", Every: time.Hour, Later: true, Run: service.LogEventHead},
		{Name: "sweep limits", Every: time.Minute, Run: limits.Sweep},
		{Name: "tell the operator of mails", Every: 15 * time.Minute, Run: service.TellOfMails},
		{Name: "tell the operator of events", Every: 6 * time.Hour, Run: service.TellOfEvents},
	}...))
	err = servers.Wait(e.ctx)
	log.Info("stopping", "requests_have", c.HTTP.ShutdownTimeout.String())
	err = errors.Join(err, servers.Shutdown())
	stopJobs()
	stopMails()
	delivery.Wait()
	finishEvents(service, log)
	log.Info("stopped")
	return err
}

// finishEvents seals what is left, if the database answers; if not, the next
// server does.
func finishEvents(service *auth.Service, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := service.FinishEvents(ctx); err != nil {
		log.Warn("the last events are not sealed yet; the next start does it", "error", err.Error())
	}
}

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
