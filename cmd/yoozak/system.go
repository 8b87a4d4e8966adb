package main

import (
	"context"

	"github.com/alecthomas/kong"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/console"
	"github.com/yoozak/clients/internal/doctor"
)

// systemOf is what owners and managers see of this server in the console.
func systemOf(e env, c config.Config, a *app.App, flags []*kong.Flag) console.System {
	s := console.System{Version: versionText(), Database: "PostgreSQL", Migrations: a.Store.Migrations} // its URL may hold a password
	if a.Store.Engine() == "sqlite" {
		s.Database = "SQLite"
	}
	secrets := secretFiles(e, flags)
	for _, flag := range flags {
		if len(flag.Envs) == 0 {
			continue
		}
		s.Settings = append(s.Settings, shownSetting(e.setting(flag)))
	}
	s.Look = func(ctx context.Context) (found []console.Finding) {
		for _, f := range doctor.Look(ctx, doctorOptions(c, a, secrets)) {
			found = append(found, console.Finding{Check: f.Check, Level: string(f.Level), Key: doctor.KeyPrefix + f.Key, Args: f.Args})
		}
		return found
	}
	return s
}

// shownSetting is a setting as a page shows it.
func shownSetting(s setting) console.Setting {
	one := console.Setting{Name: s.Name, Value: s.Value, Group: s.Group, Given: s.Source != "default"}
	if s.Value == notShown {
		one.Value, one.Secret, one.Set = "", true, true
	}
	return one
}
