package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/telemetry"
	"github.com/yoozak/clients/internal/token"
)

// load reads groups of settings, and says what of them was hardly meant.
func load(e env, groups ...config.Group) (config.Config, error) {
	c, err := config.Load(e.getenv, groups...)
	for _, warning := range c.Warnings {
		fmt.Fprintln(e.stderr, "yoozak: warning:", warning)
	}
	if err != nil {
		return c, &settingsError{err}
	}
	return c, nil
}

// openStore opens the database with an up-to-date schema.
func openStore(ctx context.Context, c config.DatabaseConfig, log *slog.Logger) (*store.Store, error) {
	st, err := store.Open(ctx, c.URL.Reveal(), store.Options{Batch: c.Batch, Conns: c.Conns, Log: log})
	if err != nil {
		return nil, err
	}
	if _, err := st.Migrate(ctx); err != nil {
		_ = st.Close() // the first error is the one to tell
		return nil, err
	}
	return st, nil
}

func newHasher(c config.PasswordsConfig, busy func(bool)) *password.Hasher {
	return password.NewHasher(password.Options{
		Params: password.Params{Memory: c.Memory, Time: c.Time, Threads: c.Threads},
		Slots:  c.Slots,
		Wait:   c.Wait,
		Busy:   busy,
	})
}

func newBreached(c config.PasswordsConfig, log *slog.Logger) *breach.Checker {
	return breach.New(breach.Options{List: c.Breached, URL: c.HIBPURL, Log: log})
}

func newTokens(c config.TokensConfig) *token.Tokens {
	return token.New(token.Options{
		Algorithm: c.Algorithm, Secret: c.Secret, Accept: c.Accept, AcceptMaxAge: c.AcceptMaxAge, AcceptUntil: c.AcceptUntil, UserIDClaim: c.AcceptUserID, Issuer: c.Issuer, Audience: c.Audience,
		AccessLifetime: c.AccessLifetime, RefreshLifetime: c.RefreshLifetime,
	})
}

// newBox is nil without an encryption key: then keys are stored in clear.
func newBox(c config.EncryptionConfig) (*secret.Box, error) { return secret.NewBox(c.Key, c.Old) }

// withService runs fn with the parts of the server for one command.
func withService(e env, c config.Config, fn func(*app.App, *store.Store) error) error {
	log, flush := telemetry.NewLog("warn", "auto")
	defer flush()
	st, err := openStore(e.ctx, c.Database, log)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // what fn did is committed
	hasher := newHasher(c.Passwords, nil)
	defer hasher.Close()
	box, err := newBox(c.Encryption)
	if err != nil {
		return err
	}
	return fn(app.New(st, newTokens(c.Tokens), hasher, app.Options{
		Breached: newBreached(c.Passwords, log), Box: box, Log: log, Staff: currentOperator(e.getenv),
	}), st)
}

// currentOperator is who runs a command, for the events: the account of the
// operating system and, with sudo, the one behind it (which root can feign,
// as it can anything here).
func currentOperator(getenv config.Source) string {
	name := "uid " + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if behind := getenv("SUDO_USER"); behind != "" && behind != name {
		name += " for " + behind
	}
	return name
}
