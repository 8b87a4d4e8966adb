package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/job"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/telemetry"
)

// metrics are what Prometheus is told; nil, where nobody asks. docs/operations.md
// says what the alerts that are made of them mean.
type metrics struct {
	*telemetry.Metrics
	hashWaited  func(time.Duration)
	succeeded   func(name string, at float64)
	failed      func(name string, n float64)
	unavailable func(cause string, n float64)

	mails, events atomic.Pointer[store.Waiting]
	backedUp      atomic.Int64 // in seconds since 1970; 0: never
}

// causes are why a request was answered 503.
var causes = []string{"hash_queue", "read_only", "timeout", "database"}

// newMetrics is nil where the settings have no listener for it.
func newMetrics(c config.Config, lines *telemetry.Log) *metrics {
	if c.HTTP.MetricsListen == "" {
		return nil
	}
	t := telemetry.NewMetrics(versionText())
	t.Counter("yoozak_log_lines_dropped_total", "Lines of the log that were dropped because nobody read them in time.", func() float64 { return float64(lines.Dropped()) })
	m := &metrics{
		Metrics:     t,
		hashWaited:  t.Seconds("yoozak_hash_wait_seconds", "Time that a password waited for its turn to be hashed."),
		succeeded:   t.GaugeOf("yoozak_job_last_success_timestamp_seconds", "When a job of this server last ended well, or when the server started.", "name"),
		failed:      t.CounterOf("yoozak_job_failures_total", "Runs of jobs that failed.", "name"),
		unavailable: t.CounterOf("yoozak_unavailable_total", "Requests that were answered 503, by cause.", "cause"),
	}
	for _, cause := range causes {
		m.unavailable(cause, 0)
	}
	return m
}

func (m *metrics) waited() func(time.Duration) {
	if m == nil {
		return nil
	}
	return m.hashWaited
}

// observer is told of these jobs. One that never ends well is seen, too.
func (m *metrics) observer(jobs []job.Job) job.Observer {
	if m == nil {
		return nil
	}
	for _, j := range jobs {
		m.succeeded(j.Name, float64(time.Now().Unix()))
		m.failed(j.Name, 0)
	}
	return func(name string, ended time.Time, failed bool) {
		if failed {
			m.failed(name, 1)
			return
		}
		m.succeeded(name, float64(ended.Unix()))
	}
}

// cause counts a request that could not be answered.
func (m *metrics) cause() func(error) {
	if m == nil {
		return nil
	}
	return func(err error) {
		switch {
		case errors.Is(err, password.ErrBusy):
			m.unavailable("hash_queue", 1)
		case errors.Is(err, store.ErrReadOnly):
			m.unavailable("read_only", 1)
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			m.unavailable("timeout", 1)
		default:
			m.unavailable("database", 1)
		}
	}
}

// jobs look at what waits.
func (m *metrics) jobs(a *app.App) []job.Job {
	if m == nil {
		return nil
	}
	return []job.Job{{Name: "measure what waits", Every: 15 * time.Second, Run: func(ctx context.Context) error {
		mails, err := a.Store.MailsWaiting(ctx)
		events, err2 := a.Store.EventsWaiting(ctx)
		backedUp, err3 := a.Store.BackedUpAt(ctx)
		if err := errors.Join(err, err2, err3); err != nil {
			return err
		}
		if !backedUp.IsZero() {
			m.backedUp.Store(backedUp.Unix())
		}
		m.mails.Store(&mails)
		m.events.Store(&events)
		return nil
	}}}
}

// watch adds what is read when Prometheus asks.
func (m *metrics) watch(a *app.App, c config.Config, secured *tls.Config) {
	if m == nil {
		return
	}
	m.watchDatabase(a, c)
	m.watchMails(a)
	m.watchWebhooks(a)
	m.Gauge("yoozak_hash_running", "Password hashes under way.", func() float64 { return float64(a.Hasher.Running()) })
	m.Gauge("yoozak_hash_waiting", "Logins and registrations that wait for a hash slot.", func() float64 { return float64(a.Hasher.Waiting()) })
	m.Counter("yoozak_hibp_failures_total", "Passwords that the breach server was asked about in vain.", func() float64 { return float64(a.Breached.Failures()) })
	m.Gauge("yoozak_events_unsealed", "Events that have no place in the chain yet, at most 100,000; looked at every 15 seconds.", func() float64 { return float64(count(m.events.Load())) })
	m.Gauge("yoozak_events_unsealed_oldest_seconds", "How long the oldest of them waits.", func() float64 { return age(m.events.Load()) })
	m.Gauge("yoozak_signing_key_age_seconds", "Time since the newest key was made; 0 where there is none.", func() float64 {
		if made := a.Keys.Newest(); !made.IsZero() {
			return max(0, time.Since(made).Seconds())
		}
		return 0
	})
	if c.TLS.Cert != "" {
		m.Gauge("yoozak_tls_certificate_expiry_timestamp_seconds", "When the certificate of the API expires.", func() float64 { return float64(expiry(secured).Unix()) })
	}
	if a.Limits != nil {
		m.Counter("yoozak_limit_outages_total", "Times that shared rate limits were out of reach, so that this server counted for itself.", func() float64 { return float64(a.Limits.Outages()) })
	}
}

func (m *metrics) watchDatabase(a *app.App, c config.Config) {
	m.Gauge("yoozak_database_write_age_seconds", "Time since a change last got through to the database.", func() float64 { return a.Pulse.WriteAge().Seconds() })
	m.Counter("yoozak_database_damage_total", "Errors by which the database said that what it stored is damaged.", func() float64 { return float64(a.Store.Damaged()) })
	m.Gauge("yoozak_deletion_lag_seconds", "How far the time by which what is old is deleted is behind the clock.", func() float64 { return a.Pulse.Lag().Seconds() })
	m.Counter("yoozak_database_refused_total", "Connections that were refused because they led to another PostgreSQL server than those before: an old primary that still runs.", func() float64 { return float64(a.Store.RefusedPrimaries()) })
	m.Gauge("yoozak_backup_timestamp_seconds", "When \"yoozak backup\" last noted a backup; 0: never.", func() float64 { return float64(m.backedUp.Load()) })
	if path, isFile := strings.CutPrefix(c.Database.URL.Reveal(), "sqlite:"); isFile {
		m.Gauge("yoozak_sqlite_wal_bytes", "Size of SQLite's log of changes (the file -wal).", func() float64 {
			info, err := os.Stat(path + "-wal")
			if err != nil {
				return 0
			}
			return float64(info.Size())
		})
		return
	}
	m.Gauge("yoozak_database_clock_ahead_seconds", "By how much PostgreSQL's clock is before this server's.", func() float64 { return a.Pulse.DatabaseAhead().Seconds() })
	m.Gauge("yoozak_database_connections", "Connections to PostgreSQL that are open.", func() float64 { return float64(a.Store.Pool().OpenConnections) })
	m.Gauge("yoozak_database_connections_in_use", "Those of them that somebody uses.", func() float64 { return float64(a.Store.Pool().InUse) })
	m.Gauge("yoozak_database_connections_max", "The most that may be open.", func() float64 { return float64(a.Store.Pool().MaxOpenConnections) })
	m.Counter("yoozak_database_connection_waits_total", "Times that somebody had to wait for a connection.", func() float64 { return float64(a.Store.Pool().WaitCount) })
	m.Counter("yoozak_database_connection_wait_seconds_total", "Time that was waited for connections.", func() float64 { return a.Store.Pool().WaitDuration.Seconds() })
}

func (m *metrics) watchMails(a *app.App) {
	m.Gauge("yoozak_mail_waiting", "Mails that are owed, at most 100,000, without those that wait for the quota of their mailbox; looked at every 15 seconds.", func() float64 { return float64(count(m.mails.Load())) })
	m.Gauge("yoozak_mail_oldest_seconds", "How long ago the oldest of them was written.", func() float64 { return age(m.mails.Load()) })
	m.Counter("yoozak_mail_sent_total", "Mails that this server sent.", func() float64 { return float64(a.Outbox.Sent()) })
	m.Counter("yoozak_mail_failures_total", "Attempts to send mails that failed.", func() float64 { return float64(a.Outbox.Failures()) })
	m.Counter("yoozak_mail_given_up_total", "Mails that this server gave up: \"yoozak mail list\" says why, \"yoozak mail retry\" tries again.", func() float64 { return float64(a.Outbox.GivenUp()) })
}

func (m *metrics) watchWebhooks(a *app.App) {
	m.Gauge("yoozak_webhook_waiting", "Deliveries of webhooks that have not been made, at most 100,000 of each webhook; looked at every 15 seconds.", func() float64 { return float64(a.Webhooks.Waiting()) })
	m.Gauge("yoozak_webhook_oldest_seconds", "How long ago it was done what webhooks wait longest to be told.", func() float64 { return a.Webhooks.OldestAge().Seconds() })
	m.Counter("yoozak_webhook_delivered_total", "Deliveries of webhooks that were answered 2xx.", func() float64 { return float64(a.Webhooks.Delivered()) })
	m.Counter("yoozak_webhook_given_up_total", "Messages to webhooks that were given up because their receiver refused them for three days, and accepted others.", func() float64 { return float64(a.Webhooks.GivenUp()) })
	m.Counter("yoozak_webhook_failures_total", "Attempts to deliver to webhooks that failed.", func() float64 { return float64(a.Webhooks.Failures()) })
}

func count(w *store.Waiting) int {
	if w == nil {
		return 0
	}
	return w.Count
}

// age is in seconds.
func age(w *store.Waiting) float64 {
	if w == nil || w.Count == 0 {
		return 0
	}
	return max(0, time.Since(w.Oldest).Seconds())
}

// expiry is that of the certificate in use.
func expiry(secured *tls.Config) time.Time {
	cert, err := secured.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil || len(cert.Certificate) == 0 {
		return time.Time{}
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return time.Time{}
	}
	return leaf.NotAfter
}
