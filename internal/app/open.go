package app

import (
	"context"
	"log/slog"

	"github.com/yoozak/clients/internal/argon2"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Setup is what the settings do not say.
type Setup struct {
	Log *slog.Logger
	// Operator is who runs this command, for the events. Empty: it is the
	// server, which mails and counts requests.
	Operator string
	// Busy is told when hashing begins and when it was quiet for a while; see
	// [Tune]. It may be nil.
	Busy func(bool)
}

// SettingsError is a mistake in the settings, or all of them.
type SettingsError struct{ Err error }

func (e *SettingsError) Error() string { return e.Err.Error() }

// Unwrap is for package errors.
func (e *SettingsError) Unwrap() error { return e.Err }

// Base is what an [App] stands on.
type Base struct {
	Store    *store.Store
	Tokens   *token.Tokens
	Hasher   *password.Hasher
	Breached *breach.Checker
	Limits   *guard.Limiter // nil: nobody is limited
	Sender   *mail.Sender   // nil: no server

	log *slog.Logger
}

// Open opens the database, brings its schema up to date, and puts the parts
// together as the settings say. A server can then sign and verify tokens. The
// caller closes the App.
func Open(ctx context.Context, c config.Config, o Setup) (_ *App, err error) {
	b := Base{log: o.Log, Hasher: NewHasher(c, o.Busy)}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	box, err := secret.NewBox(c.Encryption.Key, c.Encryption.Old)
	if err != nil {
		return nil, err
	}
	b.Tokens = token.New(token.Options{
		Algorithm: c.Tokens.Algorithm, Secret: c.Tokens.Secret, Issuer: c.Tokens.Issuer, Audience: c.Tokens.Audience,
		Accept: c.Tokens.Accept, AcceptMaxAge: c.Tokens.AcceptMaxAge, AcceptUntil: c.Tokens.AcceptUntil, UserIDClaim: c.Tokens.AcceptUserID,
		AccessLifetime: c.Tokens.AccessLifetime, RefreshLifetime: c.Tokens.RefreshLifetime,
	})
	b.Breached = breach.New(breach.Options{List: c.Passwords.Breached, URL: c.Passwords.HIBPURL, Log: o.Log})
	options := Options{
		Rotation: c.Tokens.Rotation, KeyRotation: c.Tokens.KeyRotation, Box: box, Breached: b.Breached,
		EraseAfter: c.Accounts.EraseAfter, EventsKeep: c.Accounts.EventsKeep, Staff: o.Operator, Log: o.Log,
	}
	server := o.Operator == ""
	if server {
		logArgon2(o.Log, c, argon2.Check())
		if b.Sender, err = newSender(c, o.Log); err != nil {
			return nil, err
		}
		options.Mail = mailOptions(c, b.Sender)
	}
	if b.Store, err = OpenStore(ctx, c, o.Log); err != nil {
		return nil, err
	}
	if _, err := b.Store.Migrate(ctx); err != nil {
		return nil, err
	}
	if server && c.Limits.On {
		b.Limits = guard.NewLimiter(guard.LimiterOptions{Store: b.Store, Log: o.Log})
	}
	options.Limits = b.Limits
	a := New(b.Store, b.Tokens, b.Hasher, options)
	a.Base = b
	if server {
		if err := a.prepare(ctx); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// OpenStore opens the database with the schema that it has.
func OpenStore(ctx context.Context, c config.Config, log *slog.Logger) (*store.Store, error) {
	return store.Open(ctx, c.Database.URL.Reveal(), store.Options{Batch: c.Database.Batch, Conns: c.Database.Conns, Log: log})
}

// prepare is what a server does before its first request.
func (a *App) prepare(ctx context.Context) error {
	if err := a.Store.Advise(ctx); err != nil {
		return err
	}
	if err := a.Keys.Load(ctx); err != nil {
		return err
	}
	if err := a.Guard.LoadSecret(ctx); err != nil {
		return err
	}
	return a.Audit.LogHead(ctx)
}

// Close closes what Open opened. What was done is committed.
func (b *Base) Close() {
	b.Hasher.Close()
	if b.Store == nil {
		return
	}
	if err := b.Store.Close(); err != nil {
		b.log.Error("close", "error", err.Error())
	}
}
