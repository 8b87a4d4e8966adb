package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/secret"
)

type configCmd struct {
	Show  configShowCmd  `cmd:"" help:"Print the settings that serve would run with, and where each comes from. Secrets are never shown."`
	Check configCheckCmd `cmd:"" help:"Say whether serve can run with the settings, without starting it: every mistake is named."`
}

// serverSettings are the settings of serve.
type serverSettings struct {
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
	config.Addresses
	config.Recovery
	config.Passkeys
	config.Limits
}

func (s serverSettings) groups() groups {
	return groups{s.Database, s.Schema, s.Tokens, s.Passwords, s.Mail, s.Shop, s.Webhooks, s.Accounts, s.Addresses, s.Recovery, s.Passkeys, s.Limits, s.Encryption, s.HTTP, s.TLS}
}

type configCheckCmd struct{ serverSettings }

// Run reads what serve reads before it opens the database. The exit code is 2
// for settings that cannot be used.
func (cmd configCheckCmd) Run(e env) error {
	c, err := load(e, cmd.groups())
	if err != nil {
		return err
	}
	if err := checkParts(c); err != nil {
		return &app.SettingsError{Err: err}
	}
	_, err = fmt.Fprintln(e.stdout, "the settings are good")
	return err
}

// checkParts finds what serve refuses of good settings when it puts its parts
// together: what the certificate's files or the SMTP server's URL hold.
func checkParts(c config.Config) error {
	_, _, err := newTLS(c.TLS, slog.New(slog.DiscardHandler))
	return errors.Join(app.CheckMail(c), err)
}

type configShowCmd struct {
	serverSettings
	JSON bool `name:"json" help:"Print a JSON array."`
}

// setting is one as it is shown.
type setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`  // of a secret "set" or ""
	Source string `json:"source"` // "flag", "variable" or "default"
	Group  string `json:"group"`
}

// Run prints every setting, also those that hold a mistake: who looks for it
// needs to see it.
func (cmd configShowCmd) Run(e env, command *kong.Context) error {
	var all []setting
	for _, flag := range command.Selected().Flags {
		if len(flag.Envs) > 0 {
			all = append(all, e.setting(flag))
		}
	}
	if cmd.JSON {
		return printJSON(e.stdout, all)
	}
	table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	group := ""
	for _, s := range all {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(table, "# %s\n", group)
		}
		line := s.Name
		if s.Value != "" {
			line += "\t" + shown(s.Value)
		}
		if s.Source != "default" {
			line += "\t(" + s.Source + ")"
		}
		fmt.Fprintln(table, line)
	}
	return table.Flush()
}

// notShown stands for a secret that is set.
const notShown = "(set, not shown)"

// secretTypes are those of settings that must not be shown.
var secretTypes = []reflect.Type{reflect.TypeFor[secret.Text](), reflect.TypeFor[secret.Bytes]()}

// setting says what a flag is set to.
func (e env) setting(flag *kong.Flag) setting {
	name := flag.Envs[0]
	s := setting{Name: name, Value: flag.Default, Source: "default", Group: strings.TrimSuffix(flag.Group.Title, ":")}
	if given := config.Clean(e.getenv(name)); given != "" {
		s.Value, s.Source = given, "variable"
	}
	if text, is := e.settings.Flag(name); is {
		s.Value, s.Source = text, "flag"
	}
	switch of := flag.Target.Type(); {
	case of == secretTypes[0] && !strings.HasSuffix(name, "_FILE"): // a URL: what it names is not secret, its password is
		s.Value = withoutPassword(s.Value)
	case of == secretTypes[0] || of == secretTypes[1]: // the flag is the path of a file; the secret itself is a variable
		if plain := strings.TrimSuffix(name, "_FILE"); config.Clean(e.getenv(plain)) != "" {
			s.Name, s.Value, s.Source = plain, notShown, "variable"
		}
	}
	if u, err := url.Parse(s.Value); err == nil && u.User != nil { // of a proxy
		s.Value = u.Redacted()
	}
	return s
}

// withoutPassword is a URL of a database as it may be shown: a file's as it is,
// of PostgreSQL no more than that it is one.
func withoutPassword(address string) string {
	if strings.HasPrefix(address, "sqlite:") {
		return address
	}
	return notShown
}
