package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/job"
	"github.com/yoozak/clients/internal/manual"
	"github.com/yoozak/clients/internal/openapi"
	"github.com/yoozak/clients/internal/pages"
	"github.com/yoozak/clients/internal/pulse"
	"github.com/yoozak/clients/internal/telemetry"
	"github.com/yoozak/clients/internal/web"
)

type serveCmd struct {
	config.HTTP
	config.TLS
	config.Database
	config.Schema
	config.Tokens
	config.Encryption
	config.Passwords
	config.Mail
	config.Shop
	config.Webhooks
	config.Accounts
	config.Limits
}

// Run is the wiring: settings, store, rules, API, jobs, and the way back
// when a signal comes.
func (cmd serveCmd) Run(e env) error {
	c, err := load(e, groups{cmd.Database, cmd.Schema, cmd.Tokens, cmd.Passwords, cmd.Mail, cmd.Shop, cmd.Webhooks, cmd.Accounts, cmd.Limits, cmd.Encryption, cmd.HTTP, cmd.TLS})
	if err != nil {
		return err
	}
	var done context.CancelFunc
	e.ctx, done = serverSignals(e.ctx)
	defer done()
	lines := telemetry.NewServerLog(c.HTTP.LogLevel, c.HTTP.LogFormat)
	defer lines.Stop()
	log := lines.Logger
	warn(c, log)
	secured, certJobs, err := newTLS(c.TLS, log)
	if err != nil {
		return err
	}
	a, err := app.Open(e.ctx, c, app.Setup{Log: log, Busy: app.Tune(e.getenv, c)})
	if err != nil {
		return err
	}
	defer a.Close()

	servers := web.NewServers(log, c.HTTP.ShutdownTimeout)
	if err := listen(servers, c, a, secured, lines); err != nil {
		return errors.Join(err, servers.Shutdown())
	}
	printBanner(lines, servers.URL("api"), c, a)

	deliveries, stopDeliveries := context.WithCancel(context.Background())
	var delivery sync.WaitGroup
	delivery.Go(func() { a.Outbox.Run(deliveries) })
	delivery.Go(func() { a.Webhooks.Run(deliveries) })
	stopJobs := job.Start(log, append(certJobs, jobs(a)...))
	err = servers.Wait(e.ctx)
	if drain := c.HTTP.Drain; drain > 0 && toldToStop(e.ctx) {
		log.Info("about to stop: not ready any more", "in", drain.String())
		servers.Drain(drain)
	}
	log.Info("stopping", "requests_have", c.HTTP.ShutdownTimeout.String())
	err = errors.Join(err, servers.Shutdown())
	stopJobs()
	stopDeliveries()
	delivery.Wait()
	finishEvents(a, log)
	log.Info("stopped")
	return err
}

// warn says what of the settings is hardly meant for customers.
func warn(c config.Config, log *slog.Logger) {
	if c.Passwords.Insecure {
		log.Warn("INSECURE: weak password hashes are allowed; this is for tests and measurements only")
	}
	if !c.Limits.On {
		log.Warn("INSECURE: YOOZAK_RATE_LIMITS=off, so nothing keeps anybody from guessing passwords; this is for tests and measurements only")
	}
	if mailsStayHere(c) {
		log.Warn("mails are written to a folder and not sent, with links that open accounts: set YOOZAK_SMTP_URL before customers come")
	}
	adviseShop(c, log)
}

// listen serves the API and the pages and, where they are wanted, metrics and
// profiles.
func listen(servers *web.Servers, c config.Config, a *app.App, secured *tls.Config, lines *telemetry.Log) error {
	log := lines.Logger
	hint, capped := c.RefreshHint()
	if capped {
		log.Warn("YOOZAK_REFRESH_HINT is more than a third of YOOZAK_ACCESS_LIFETIME, so that clients would renew again and again: a third is used", "hint", hint.String())
	}
	options := web.Options{
		Log: log, LogRequests: c.HTTP.LogRequests, Ready: a.Pulse.Ready, Stopping: servers.Stopping, Language: c.HTTP.Language,
		CORSOrigins: c.HTTP.CORSOrigins, CORSLoopback: c.HTTP.CORSLoopback, TrustedProxies: c.HTTP.TrustedProxies,
		HTTPS: strings.HasPrefix(c.Mail.PublicURL, "https://"),
	}
	if c.HTTP.MetricsListen != "" {
		metrics := newMetrics(a, lines)
		options.Observe = metrics.Observe
		if err := servers.Serve(web.Listener{Name: "metrics", Setting: "YOOZAK_METRICS_LISTEN", Addr: c.HTTP.MetricsListen, Handler: metrics.Handler(), Timeout: time.Minute}); err != nil {
			return err
		}
	}
	if c.HTTP.DebugListen != "" {
		if err := servers.Serve(web.Listener{Name: "debug", Setting: "YOOZAK_DEBUG_LISTEN", Addr: c.HTTP.DebugListen, Handler: debugHandler(), Timeout: 5 * time.Minute}); err != nil {
			return err
		}
	}
	ours := api.New(api.Options{Auth: a.Auth, Guard: a.Guard, Keys: a.Tokens.JWKS, Log: log, RefreshHint: hint})
	people := pages.New(pages.Options{Auth: a.Auth, Log: log, Brand: a.Sender.Brand(), Shop: c.Shop.Shop, Docs: c.HTTP.Docs})
	handlers := openapi.Handlers()
	handlers["/"], handlers[pages.Path], handlers["GET /{$}"] = ours, people, people.Home(ours)
	if c.HTTP.Docs {
		handlers[manual.Path] = manual.New()
		handlers[strings.TrimSuffix(manual.Path, "/")] = http.HandlerFunc(manual.Redirect)
	}
	return servers.Serve(web.Listener{
		Name: "api", Setting: "YOOZAK_LISTEN", Addr: c.HTTP.Listen, Timeout: c.HTTP.RequestTimeout, TLS: secured,
		Handler:   web.New(options, handlers),
		BoundIdle: true, Exempt: c.HTTP.TrustedProxies,
	})
}

// jobs are what a server does beside requests.
func jobs(a *app.App) []job.Job {
	return []job.Job{
		{Name: "reload keys", Every: keyReload, Run: a.Keys.Load},
		{Name: "reload the secret of device tokens", Every: keyReload, Run: a.Guard.LoadSecret},
		{Name: "rotate keys", Every: time.Minute, Run: a.Keys.RotateDue},
		{Name: "heartbeat", Every: pulse.Every, Later: true, Run: a.Pulse.Beat},
		{Name: "sweep", Every: time.Hour, Run: func(ctx context.Context) error { return a.Sweep(ctx, a.Pulse.Believed()) }},
		{Name: "refill keys of addresses", Every: time.Minute, Run: a.Accounts.RefillAddresses},
		{Name: "seal events", Every: 2 * time.Second, Run: a.Audit.Seal},
		{Name: "note the head of the events", Every: noteHead, Run: a.Audit.NoteHead},
		{Name: "log the head of the events", Every: time.Hour, Later: true, Run: a.Audit.LogHead},
		{Name: "sweep limits", Every: time.Minute, Run: a.Limits.Sweep},
		{Name: "look for mails that a clock holds up", Every: 5 * time.Minute, Run: a.Outbox.Hasten},
		{Name: "measure what webhooks have to deliver", Every: 15 * time.Second, Run: a.Webhooks.Measure},
		{Name: "tell the operator of mails", Every: 15 * time.Minute, Run: a.Outbox.TellOfMails},
		{Name: "tell the operator of events", Every: 6 * time.Hour, Run: a.Outbox.TellOfEvents},
	}
}

// finishEvents seals what is left, if the database answers; if not, the next
// server does.
func finishEvents(a *app.App, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := errors.Join(a.Audit.Finish(ctx), a.Audit.NoteHead(ctx)); err != nil {
		log.Warn("the last events are not sealed yet; the next start does it", "error", err.Error())
	}
}

// keyReload is how soon a running server hears of a key that another server
// or the command line made or revoked. It reads a few rows.
const keyReload = 5 * time.Second

// noteHead is how often the newest event is noted outside the database. An
// older one serves as well, so it is no part of sealing.
const noteHead = 5 * time.Second

func newMetrics(a *app.App, lines *telemetry.Log) *telemetry.Metrics {
	m := telemetry.NewMetrics(versionText())
	m.Counter("yoozak_log_lines_dropped_total", "Lines of the log that were dropped because nobody read them in time.", func() float64 { return float64(lines.Dropped()) })
	m.Gauge("yoozak_database_write_age_seconds", "Time since a change last got through to the database.", func() float64 { return a.Pulse.WriteAge().Seconds() })
	m.Counter("yoozak_database_damage_total", "Errors by which the database said that what it stored is damaged.", func() float64 { return float64(a.Store.Damaged()) })
	m.Gauge("yoozak_deletion_lag_seconds", "How far the time by which what is old is deleted is behind the clock.", func() float64 { return a.Pulse.Lag().Seconds() })
	if a.Store.Engine() == "postgres" {
		m.Gauge("yoozak_database_clock_ahead_seconds", "By how much PostgreSQL's clock is before this server's.", func() float64 { return a.Pulse.DatabaseAhead().Seconds() })
	}
	m.Gauge("yoozak_hash_running", "Password hashes under way.", func() float64 { return float64(a.Hasher.Running()) })
	m.Gauge("yoozak_hash_waiting", "Logins and registrations that wait for a hash slot.", func() float64 { return float64(a.Hasher.Waiting()) })
	m.Counter("yoozak_hibp_failures_total", "Passwords that the breach server was asked about in vain.", func() float64 { return float64(a.Breached.Failures()) })
	m.Gauge("yoozak_webhook_waiting", "Deliveries of webhooks that have not been made, at most 100,000 of each webhook; looked at every 15 seconds.", func() float64 { return float64(a.Webhooks.Waiting()) })
	m.Gauge("yoozak_webhook_oldest_seconds", "How long ago it was done what webhooks wait longest to be told.", func() float64 { return a.Webhooks.OldestAge().Seconds() })
	m.Counter("yoozak_webhook_delivered_total", "Deliveries of webhooks that were answered 2xx.", func() float64 { return float64(a.Webhooks.Delivered()) })
	m.Counter("yoozak_webhook_failures_total", "Attempts to deliver to webhooks that failed.", func() float64 { return float64(a.Webhooks.Failures()) })
	m.Counter("yoozak_database_refused_total", "Connections that were refused because they led to another PostgreSQL server than those before: an old primary that still runs.", func() float64 { return float64(a.Store.RefusedPrimaries()) })
	if a.Limits != nil {
		m.Counter("yoozak_limit_outages_total", "Times that shared rate limits were out of reach, so that this server counted for itself.", func() float64 { return float64(a.Limits.Outages()) })
	}
	return m
}
