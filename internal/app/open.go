package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/limit"
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
	// Hashing is what the process does about password hashes.
	Hashing Hashing
}

// SettingsError is a mistake in the settings, or all of them.
type SettingsError struct{ Err error }

func (e *SettingsError) Error() string { return e.Err.Error() }

// Unwrap is for package errors.
func (e *SettingsError) Unwrap() error { return e.Err }

// Open opens the database, brings its schema up to date, and puts the parts
// together as the settings say. A server may then verify and sign tokens. The
// caller closes the App.
func Open(ctx context.Context, c config.Config, o Setup) (_ *App, err error) {
	a := &App{log: o.Log}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	box, err := secret.NewBox(c.Encryption.Key, c.Encryption.Old)
	if err != nil {
		return nil, err
	}
	a.Tokens = token.New(token.Options{
		Algorithm: c.Tokens.Algorithm, Secret: c.Tokens.Secret, Issuer: c.Tokens.Issuer, Audience: c.Tokens.Audience,
		Accept: c.Tokens.Accept, AcceptMaxAge: c.Tokens.AcceptMaxAge, AcceptUntil: c.Tokens.AcceptUntil, UserIDClaim: c.Tokens.AcceptUserID,
		AccessLifetime: c.Tokens.AccessLifetime, RefreshLifetime: c.Tokens.RefreshLifetime,
	})
	a.Breached = breach.New(breach.Options{List: c.Passwords.Breached, URL: c.Passwords.HIBPURL, Log: o.Log})
	a.Hasher = NewHasher(c, o.Hashing)
	options := auth.Options{
		Algorithm: c.Tokens.Algorithm, AccessLifetime: c.Tokens.AccessLifetime, RefreshLifetime: c.Tokens.RefreshLifetime,
		Rotation: c.Tokens.Rotation, KeyRotation: c.Tokens.KeyRotation, Box: box, Breached: a.Breached,
		EraseAfter: c.Accounts.EraseAfter, EventsKeep: c.Accounts.EventsKeep, Staff: o.Operator, Log: o.Log,
	}
	server := o.Operator == ""
	if server {
		if a.Sender, err = newSender(c, o.Log); err != nil {
			return nil, err
		}
		options.Mail = mailOptions(c, a.Sender)
	}
	if a.Store, err = OpenStore(ctx, c, o.Log); err != nil {
		return nil, err
	}
	if _, err := a.Store.Migrate(ctx); err != nil {
		return nil, err
	}
	if server && c.Limits.On {
		if a.Limits, err = limit.New(limit.Options{Store: a.Store, RedisURL: c.Limits.RedisURL.Reveal(), Log: o.Log}); err != nil {
			return nil, &SettingsError{fmt.Errorf("YOOZAK_REDIS_URL %w", err)}
		}
	}
	options.Limits = a.Limits
	a.Auth = auth.New(a.Store, a.Tokens, a.Hasher, options)
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

// NewHasher makes hashes as the settings say.
func NewHasher(c config.Config, h Hashing) *password.Hasher {
	return password.NewHasher(password.Options{
		Params: password.Params{Memory: c.Passwords.Memory, Time: c.Passwords.Time, Threads: c.Passwords.Threads},
		Slots:  c.Passwords.Slots, Wait: c.Passwords.Wait, Busy: h.Busy,
	})
}

// prepare is what a server does before its first request.
func (a *App) prepare(ctx context.Context) error {
	if err := a.Store.Advise(ctx); err != nil {
		return err
	}
	if err := a.Auth.LoadKeys(ctx); err != nil {
		return err
	}
	if err := a.Auth.LoadDeviceSecret(ctx); err != nil {
		return err
	}
	return a.Auth.LogEventHead(ctx)
}

// Close closes what Open opened. What was done is committed.
func (a *App) Close() {
	var err error
	if a.Hasher != nil {
		a.Hasher.Close()
	}
	err = a.Limits.Close() // connections that nobody needs any more
	if a.Store != nil {
		err = errors.Join(err, a.Store.Close())
	}
	if err != nil {
		a.log.Error("close", "error", err.Error())
	}
}
