package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/telemetry"
)

// groups are the settings that a command reads.
type groups []config.Group

// load reads settings, and says what of them was hardly meant.
func load(e env, g groups) (config.Config, error) {
	c, err := config.Load(e.settings, g...)
	for _, warning := range c.Warnings {
		fmt.Fprintln(e.stderr, "yoozak: warning:", warning)
	}
	if err != nil {
		return c, &app.SettingsError{Err: err}
	}
	return c, nil
}

// withStore runs fn with a database whose schema is up to date.
func withStore(e env, g groups, fn func(*store.Store) error) error {
	c, err := load(e, g)
	if err != nil {
		return err
	}
	log := telemetry.NewLog("warn", "auto")
	st, err := app.OpenStore(e.ctx, c, log)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // what fn did is committed
	return fn(st)
}

// withAnySchema runs fn with the database as it is, whatever its schema. It is
// for what only reads.
func withAnySchema(e env, c config.Config, fn func(*store.Store) error) error {
	st, err := app.OpenAsItIs(e.ctx, c, telemetry.NewLog("warn", "auto"))
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // it was read
	return fn(st)
}

// withApp runs fn with the rules, for one command. A schema that is not up to
// date is an error: a command changes none, because servers run on it.
func withApp(e env, g groups, fn func(*app.App) error) error {
	c, err := load(e, g)
	if err != nil {
		return err
	}
	log := telemetry.NewLog("warn", "auto")
	a, err := app.Open(e.ctx, c, app.Setup{Log: log, Operator: currentOperator(e.getenv)})
	if err != nil {
		return err
	}
	defer a.Close()
	return fn(a)
}

// currentOperator is who runs a command, for the events: the account of the
// operating system and, with sudo, the one behind it (which root can feign,
// as it can anything here).
func currentOperator(getenv func(string) string) string {
	name := "uid " + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if behind := getenv("SUDO_USER"); behind != "" && behind != name {
		name += " for " + behind
	}
	return name
}
