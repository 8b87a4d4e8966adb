package app

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/argon2"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/trace"
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
	// Waited is told how long each password waited to be hashed. It may be nil.
	Waited func(time.Duration)
	// Trace is told of mails. It may be nil.
	Trace *trace.Tracer
	// AnySchema takes the database as it is, for a command that looks for what is
	// wrong.
	AnySchema bool
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

// Open opens the database and puts the parts together as the settings say. A
// server can then sign and verify tokens, and has brought the schema up to date
// if it may; else, and for a command, a schema that is not is an error. The
// caller closes the App.
func Open(ctx context.Context, c config.Config, o Setup) (_ *App, err error) {
	b := Base{log: o.Log, Hasher: NewHasher(c, o.Busy, o.Waited)}
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
		RecoveryWait: c.Recovery.Wait, SessionMaxAge: c.SessionMaxAge(), PasswordMin: c.Passwords.Min, HouseWords: c.HouseWords(),
		OnePerAddress: c.Addresses.OneAccount, TwoPersons: c.Accounts.TwoPersons, Zone: c.Shop.Zone,
		Webhooks: Webhooks{Allow: c.Webhooks.Allow, Proxy: c.Webhooks.Proxy},
	}
	server := o.Operator == ""
	options.Mail.Link, options.Mail.Delivers = linkBuilder(c), !c.Mail.SMTPURL.Empty() // of commands that read these settings
	if server {
		logArgon2(o.Log, c, argon2.Check())
		if b.Sender, err = newSender(c, o.Log); err != nil {
			return nil, err
		}
		options.Mail = mailOptions(c, b.Sender)
		options.HeadFile = c.Database.HeadFile
		options.Passkeys = auth.PasskeyOptions{RPID: c.Passkeys.RPID, Name: b.Sender.Brand(), Origins: c.Passkeys.Origins}
	}
	if o.AnySchema {
		b.Store, err = OpenAsItIs(ctx, c, o.Log)
	} else {
		b.Store, err = openStore(ctx, c, o.Log, server && c.Migrates())
	}
	if err != nil {
		return nil, err
	}
	if server && c.Limits.On {
		b.Limits = guard.NewLimiter(guard.LimiterOptions{Store: b.Store, Log: o.Log})
	}
	options.Limits, options.Trace = b.Limits, o.Trace
	a := New(b.Store, b.Tokens, b.Hasher, options)
	a.Base = b
	if server {
		if err := a.prepare(ctx); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func openStore(ctx context.Context, c config.Config, log *slog.Logger, migrates bool) (*store.Store, error) {
	if !migrates {
		return OpenStore(ctx, c, log)
	}
	s, done, err := OpenMigrated(ctx, c, log)
	if n := len(done); n > 0 {
		log.InfoContext(ctx, "the schema was changed", "steps", n, "newest", done[n-1].Name)
	}
	return s, err
}

// OpenStore opens a database whose schema is up to date. It changes nothing,
// and makes no file: see [store.ErrSchema].
func OpenStore(ctx context.Context, c config.Config, log *slog.Logger) (*store.Store, error) {
	return openAnd(ctx, c, store.Options{MustExist: true, Log: log}, func(s *store.Store) error { return s.CheckSchema(ctx) })
}

// OpenAsItIs opens a database with the schema that it has, if it has one.
func OpenAsItIs(ctx context.Context, c config.Config, log *slog.Logger) (*store.Store, error) {
	return openAnd(ctx, c, store.Options{MustExist: true, Log: log}, func(*store.Store) error { return nil })
}

// OpenMigrated opens a database and brings its schema up to date; a SQLite file
// is made when there is none. It returns the steps that it took.
func OpenMigrated(ctx context.Context, c config.Config, log *slog.Logger) (s *store.Store, done []store.Migration, err error) {
	s, err = openAnd(ctx, c, store.Options{Log: log}, func(s *store.Store) (err error) {
		done, err = s.Migrate(ctx)
		return err
	})
	return s, done, err
}

func openAnd(ctx context.Context, c config.Config, o store.Options, then func(*store.Store) error) (*store.Store, error) {
	o.Batch, o.Conns = c.Database.Batch, c.Database.Conns
	s, err := store.Open(ctx, c.Database.URL.Reveal(), o)
	if err != nil {
		return nil, err
	}
	if err := then(s); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare is what a server does before its first request.
func (a *App) prepare(ctx context.Context) error {
	if err := a.Audit.CheckHead(ctx); err != nil { // before anything is made in a database that was put back
		return err
	}
	if err := a.Store.Advise(ctx, time.Now()); err != nil {
		return err
	}
	if err := a.Pulse.Start(ctx); err != nil {
		return err
	}
	if err := a.Keys.Load(ctx); err != nil {
		return err
	}
	if err := a.Guard.LoadSecret(ctx); err != nil {
		return err
	}
	if err := a.adviseOfPasskeys(ctx); err != nil {
		return err
	}
	return a.Audit.LogHead(ctx)
}

// adviseOfPasskeys warns of passkeys that were made for another domain, and of
// the staff who have no other factor.
func (a *App) adviseOfPasskeys(ctx context.Context) error {
	elsewhere, err := a.Auth.UnusablePasskeys(ctx)
	if err != nil || len(elsewhere) == 0 {
		return err
	}
	for _, rpID := range slices.Sorted(maps.Keys(elsewhere)) {
		a.log.WarnContext(ctx, "passkeys belong to another domain and cannot be used: see YOOZAK_PASSKEY_RP_ID", "passkeys", elsewhere[rpID], "domain", rpID)
	}
	staff, err := a.Auth.StaffWithoutFactor(ctx)
	if err == nil && staff > 0 {
		a.log.WarnContext(ctx, "some of the staff have no factor but such passkeys: the next one that they add suspends their role, which an owner offers again, or \"yoozak user role USER ROLE\"", "staff", staff)
	}
	return err
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
