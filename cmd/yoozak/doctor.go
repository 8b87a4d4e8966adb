package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/doctor"
	"github.com/yoozak/clients/internal/store"
)

type doctorCmd struct {
	Mail string `placeholder:"ADDRESS" help:"Send a mail to this address, too, as the server would: it says at once what the SMTP server answers."`
	JSON bool   `name:"json" help:"Print a JSON array."`
	serverSettings
}

// errFindings is the exit code's reason: the findings are printed already.
var errFindings = errors.New("not all is well")

// Run prints what it finds. The exit code is 1 when something is bad.
func (cmd doctorCmd) Run(e env, command *kong.Context) error {
	found := cmd.look(e, secretFiles(e, command.Selected().Flags))
	var err error
	if cmd.JSON {
		err = printJSON(e.stdout, found)
	} else {
		err = printFindings(e.stdout, found)
	}
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Level == doctor.Bad {
			return errFindings
		}
	}
	return nil
}

func printFindings(w io.Writer, found []doctor.Finding) error {
	marks := map[doctor.Level]string{doctor.Good: "ok  ", doctor.Note: "note", doctor.Bad: "BAD "}
	for _, f := range found {
		if _, err := fmt.Fprintf(w, "%s  %-8s  %s\n", marks[f.Level], f.Check, oneLine(f.Text)); err != nil {
			return err
		}
		if f.Remedy != "" {
			if _, err := fmt.Fprintf(w, "                → %s\n", oneLine(f.Remedy)); err != nil {
				return err
			}
		}
	}
	return nil
}

// oneLine is a text that may hold what another program said.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// look opens the database, unless the settings are wrong.
func (cmd doctorCmd) look(e env, secrets []string) []doctor.Finding {
	c, err := config.Load(e.settings, cmd.groups()...)
	if err == nil {
		err = checkParts(c)
	}
	var found []doctor.Finding
	for _, warning := range c.Warnings {
		found = append(found, doctor.Finding{Check: "settings", Level: doctor.Note, Text: warning})
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			found = append(found, doctor.Finding{Check: "settings", Level: doctor.Bad, Text: line, Remedy: "docs/configuration.md"})
		}
		return found
	}
	found = append(found, doctor.Finding{Check: "settings", Level: doctor.Good, Text: "the settings are good"})
	if cmd.Mail != "" {
		found = append(found, cmd.tryMail(e, c))
	}
	quiet := slog.New(slog.DiscardHandler)
	a, err := app.Open(e.ctx, c, app.Setup{Log: quiet, Operator: currentOperator(e.getenv), AnySchema: true})
	if err != nil {
		remedy := "is it there, does it answer, and are YOOZAK_DATABASE_URL and its password right?"
		if errors.Is(err, store.ErrSchema) {
			remedy = "a new server on SQLite makes it when it starts; elsewhere: yoozak migrate"
		}
		return append(found, doctor.Finding{Check: "schema", Level: doctor.Bad, Text: "the database cannot be used: " + explain(err), Remedy: remedy})
	}
	defer a.Close()
	return append(found, doctor.Look(e.ctx, doctorOptions(c, a, secrets))...)
}

// doctorOptions are what the doctor looks at, at the terminal and in the console.
func doctorOptions(c config.Config, a *app.App, secrets []string) doctor.Options {
	o := doctor.Options{
		Store: a.Store, Audit: a.Audit, Keys: a.Keys, Symmetric: c.Tokens.Algorithm == "HS256", Encrypted: !c.Encryption.Key.Empty(),
		KeyRotation: c.Tokens.KeyRotation, MailsLeave: !c.Mail.SMTPURL.Empty(), Secrets: secrets,
	}
	if a.Store.Engine() == "sqlite" {
		o.Database = strings.TrimPrefix(c.Database.URL.Reveal(), "sqlite:")
	}
	return o
}

// secretFiles are those that flags and variables name, in force or not: a URL
// with a password, a secret, the certificate's key.
func secretFiles(e env, flags []*kong.Flag) (paths []string) {
	for _, flag := range flags {
		if len(flag.Envs) == 0 {
			continue
		}
		name := flag.Envs[0]
		if name != "YOOZAK_TLS_KEY" && !strings.HasSuffix(name, "_FILE") || name == "YOOZAK_HEAD_FILE" {
			continue
		}
		path, given := e.settings.Flag(name)
		if !given {
			path = e.getenv(name)
		}
		if path = config.Clean(path); path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// tryMail sends a mail, as the server would.
func (cmd doctorCmd) tryMail(e env, c config.Config) doctor.Finding {
	f := doctor.Finding{Check: "mail", Level: doctor.Good, Text: "the SMTP server took a mail to " + cmd.Mail, Remedy: "look whether it arrived, and not among spam"}
	if c.Mail.SMTPURL.Empty() {
		return doctor.Finding{Check: "mail", Level: doctor.Bad, Text: "no mail can be sent: there is no SMTP server", Remedy: "set YOOZAK_SMTP_URL, YOOZAK_MAIL_FROM and YOOZAK_PUBLIC_URL"}
	}
	if reason := app.TryMail(e.ctx, c, cmd.Mail); reason != "" {
		server := "YOOZAK_SMTP_URL"
		if u, err := url.Parse(c.Mail.SMTPURL.Reveal()); err == nil { // its user and password stay out
			server += " (" + u.Scheme + "://" + u.Host + ")"
		}
		f.Level, f.Text, f.Remedy = doctor.Bad, "the mail was not sent: "+reason, server+", YOOZAK_MAIL_FROM and YOOZAK_SMTP_HELO (docs/configuration.md)"
	}
	return f
}
