package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kong"
	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/term"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/console"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/job"
	"github.com/yoozak/clients/internal/manual"
	"github.com/yoozak/clients/internal/openapi"
	"github.com/yoozak/clients/internal/pages"
	"github.com/yoozak/clients/internal/pulse"
	"github.com/yoozak/clients/internal/telemetry"
	"github.com/yoozak/clients/internal/trace"
	"github.com/yoozak/clients/internal/web"
)

type serveCmd struct{ serverSettings }

// Run is the wiring: settings, store, rules, API, jobs, and the way back
// when a signal comes.
func (cmd serveCmd) Run(e env, command *kong.Context) error {
	c, err := load(e, cmd.groups())
	if err != nil {
		return err
	}
	var done context.CancelFunc
	e.ctx, done = serverSignals(e.ctx)
	defer done()
	var fail context.CancelCauseFunc
	e.ctx, fail = context.WithCancelCause(e.ctx)
	defer fail(nil)
	lines := telemetry.NewServerLog(c.HTTP.LogLevel, c.HTTP.LogFormat)
	defer lines.Stop()
	log := lines.Logger
	warn(c, log)
	secured, certJobs, err := newTLS(c.TLS, log)
	if err != nil {
		return err
	}
	numbers := newMetrics(c, lines)
	tracer := trace.New(trace.Options{Collector: c.HTTP.TracesURL, Percent: c.HTTP.TracesPercent, Version: versionText(), Log: log})
	defer tracer.Stop()
	a, err := app.Open(e.ctx, c, app.Setup{Log: log, Trace: tracer, Busy: app.Tune(e.getenv, c), Waited: numbers.waited()})
	if err != nil {
		return err
	}
	defer a.Close()
	numbers.watch(a, c, secured)
	all := slices.Concat(certJobs, jobs(a, fail), numbers.jobs(a), watchdog())
	observe := numbers.observer(all) // before anybody can ask for the numbers

	desk := console.Options{System: systemOf(e, c, a, command.Selected().Flags), Setup: new(console.Setup)}
	servers := web.NewServers(log, c.HTTP.ShutdownTimeout)
	if err := listen(servers, c, a, secured, log, numbers, tracer, desk); err != nil {
		return errors.Join(err, servers.Shutdown())
	}
	first, err := newFirstOwner(e.ctx, c, a, desk.Setup, servers.URL("api"), term.IsTerminal(int(os.Stderr.Fd())))
	if err != nil { // a damaged page keeps nobody else from being served
		log.Warn("whether there is an owner of the console cannot be told", "error", err.Error())
	}
	printBanner(lines, servers.URL("api"), c, a)
	first.print(lines)

	deliveries, stopDeliveries := context.WithCancel(context.Background())
	var delivery sync.WaitGroup
	delivery.Go(func() { a.Outbox.Run(deliveries) })
	delivery.Go(func() { a.Webhooks.Run(deliveries) })
	stopJobs := job.Start(log, observe, all)
	tellSystemd(log, daemon.SdNotifyReady)
	err = servers.Wait(e.ctx)
	tellSystemd(log, daemon.SdNotifyStopping)
	var older *audit.OlderError
	if errors.As(context.Cause(e.ctx), &older) {
		err = older
	}
	if drain := c.HTTP.Drain; drain > 0 && toldToStop(e.ctx) {
		log.Info("about to stop: not ready any more", "in", drain.String())
		servers.Drain(drain)
	}
	log.Info("stopping", "requests_have", c.HTTP.ShutdownTimeout.String())
	err = errors.Join(err, servers.Shutdown())
	stopJobs()
	stopDeliveries()
	delivery.Wait()
	if older == nil { // nothing is written into an older database
		finishEvents(a, log)
	}
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
// profiles. desk is what the console shows of this server.
func listen(servers *web.Servers, c config.Config, a *app.App, secured *tls.Config, log *slog.Logger, numbers *metrics, tracer *trace.Tracer, desk console.Options) error {
	hint, capped := c.RefreshHint()
	if capped {
		log.Warn("YOOZAK_REFRESH_HINT is more than a third of YOOZAK_ACCESS_LIFETIME, so that clients would renew again and again: a third is used", "hint", hint.String())
	}
	options := web.Options{
		Log: log, LogRequests: c.HTTP.LogRequests, Unavailable: numbers.cause(), Ready: a.Pulse.Ready, Stopping: servers.Stopping, Language: c.HTTP.Language,
		CORSOrigins: c.HTTP.CORSOrigins, CORSLoopback: c.HTTP.CORSLoopback, StaffCORS: c.HTTP.StaffCORS, TrustedProxies: c.HTTP.TrustedProxies,
		HTTPS: strings.HasPrefix(c.Mail.PublicURL, "https://"), Trace: tracer,
	}
	if numbers != nil {
		options.Observe = numbers.Observe
		if err := servers.Serve(web.Listener{Name: "metrics", Setting: "YOOZAK_METRICS_LISTEN", Addr: c.HTTP.MetricsListen, Handler: numbers.Handler(), Timeout: time.Minute}); err != nil {
			return err
		}
	}
	if c.HTTP.DebugListen != "" {
		if err := servers.Serve(web.Listener{Name: "debug", Setting: "YOOZAK_DEBUG_LISTEN", Addr: c.HTTP.DebugListen, Handler: debugHandler(), Timeout: 5 * time.Minute}); err != nil {
			return err
		}
	}
	ours := api.New(api.Options{
		Auth: a.Auth, Staff: a.Staff, Guard: a.Guard, Keys: a.Tokens.JWKS, Issuer: c.Tokens.Issuer, PublicURL: c.Mail.PublicURL, Log: log, RefreshHint: hint,
		AndroidApps: androidApps(c.Passkeys), IOSApps: c.Passkeys.IOS,
	})
	people := pages.New(pages.Options{
		Auth: a.Auth, Guard: a.Guard, Log: log, Brand: a.Sender.Brand(), Shop: c.Shop.Shop, PublicURL: c.Mail.PublicURL, Docs: c.HTTP.Docs, Account: c.HTTP.AccountPages,
		Register: c.HTTP.RegisterPage,
	})
	handlers := openapi.Handlers()
	handlers["/"], handlers[pages.Path], handlers["GET /{$}"] = ours, people, people.Home(ours)
	if c.HTTP.Console {
		desk.Auth, desk.Staff, desk.Guard, desk.Log, desk.Brand, desk.Shop, desk.PublicURL = a.Auth, a.Staff, a.Guard, log, a.Sender.Brand(), c.Shop.Shop, c.Mail.PublicURL
		desk.Queue, desk.Stopping, desk.MailsStay = a.Hasher.Waiting, servers.Stopping, c.Mail.SMTPURL.Empty()
		desk.Forgot = func(language string) string { return pages.ForgotLink("", language) }
		handlers[console.Path] = console.New(desk)
	}
	if c.HTTP.Docs {
		handlers[manual.Path] = manual.New(func(ctx context.Context, ip string) time.Duration {
			var e *account.Error
			if errors.As(a.Guard.AllowRequest(ctx, guard.ManualPerNetwork, account.RequestInfo{IP: ip}), &e) {
				return e.Wait
			}
			return 0
		})
		handlers[strings.TrimSuffix(manual.Path, "/")] = http.HandlerFunc(manual.Redirect)
	}
	return servers.Serve(web.Listener{
		Name: "api", Setting: "YOOZAK_LISTEN", Addr: c.HTTP.Listen, Timeout: c.HTTP.RequestTimeout, TLS: secured,
		Handler:   web.New(options, handlers),
		BoundIdle: true, Exempt: c.HTTP.TrustedProxies,
	})
}

// androidApps are the fingerprints of each app.
func androidApps(k config.Passkeys) map[string][]string {
	apps := map[string][]string{}
	for _, app := range k.AndroidApps {
		apps[app.Package] = append(apps[app.Package], app.Fingerprint)
	}
	return apps
}

// jobs are what a server does beside requests. fail ends it.
func jobs(a *app.App, fail context.CancelCauseFunc) []job.Job {
	return []job.Job{
		{Name: "reload keys", Every: keyReload, Run: a.Keys.Load},
		{Name: "reload the secret of device tokens", Every: keyReload, Run: a.Guard.LoadSecret},
		{Name: "rotate keys", Every: time.Minute, Run: a.Keys.RotateDue},
		{Name: "heartbeat", Every: pulse.Every, Later: true, Run: a.Pulse.Beat},
		{Name: "sweep", Every: time.Hour, Run: func(ctx context.Context) error { return a.Sweep(ctx, a.Pulse.Believed()) }},
		{Name: "tell of recoveries", Every: time.Minute, Run: func(ctx context.Context) error { return a.Auth.TellRecoveries(ctx, a.Pulse.Believed()) }},
		{Name: "refill keys of addresses", Every: time.Minute, Run: a.Accounts.RefillAddresses},
		{Name: "fold what is searched", Every: time.Minute, Run: a.RefillSearch},
		{Name: "seal events", Every: 2 * time.Second, Run: a.Audit.Seal},
		{Name: "note the head of the events", Every: noteHead, Run: func(ctx context.Context) error { return noteHeadOr(ctx, a, fail) }},
		{Name: "log the head of the events", Every: time.Hour, Later: true, Run: a.Audit.LogHead},
		{Name: "sweep limits", Every: time.Minute, Run: a.Limits.Sweep},
		{Name: "look for mails that a clock holds up", Every: 5 * time.Minute, Run: a.Outbox.Hasten},
		{Name: "measure what webhooks have to deliver", Every: 15 * time.Second, Run: a.Webhooks.Measure},
		{Name: "tell the operator of mails", Every: 15 * time.Minute, Run: a.Outbox.TellOfMails},
		{Name: "tell the operator of webhooks", Every: 15 * time.Minute, Run: a.Outbox.TellOfWebhooks},
		{Name: "tell the operator of events", Every: 6 * time.Hour, Run: a.Outbox.TellOfEvents},
	}
}

// noteHeadOr notes the head of the events, or ends the server: see
// [audit.Log.NoteHead].
func noteHeadOr(ctx context.Context, a *app.App, fail context.CancelCauseFunc) error {
	err := a.Audit.NoteHead(ctx)
	var older *audit.OlderError
	if errors.As(err, &older) {
		fail(older)
		return nil
	}
	return err
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
