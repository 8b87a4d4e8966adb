// Command yoozak is the customer-account server of Yoozak and its command
// line. See README.md for the five-minute start.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
)

// version is set by the Makefile.
var version = ""

// cli is the table of commands.
type cli struct {
	Serve        serveCmd        `cmd:"" help:"Run the server. Works without any setting: SQLite in yoozak.db, http://127.0.0.1:8000."`
	Migrate      migrateCmd      `cmd:"" help:"Bring the database's tables up to date, or show the steps to it. On SQLite the server does it by itself at its start."`
	User         userCmd         `cmd:"" help:"Create, list, show, disable, enable, unlock and restore users; set a password or an e-mail address."`
	Session      sessionCmd      `cmd:"" help:"List and end sessions of a user."`
	Key          keyCmd          `cmd:"" help:"List, rotate and revoke the keys that sign tokens."`
	Service      serviceCmd      `cmd:"" help:"Create, list and disable the services that may ask about tokens."`
	Webhook      webhookCmd      `cmd:"" help:"Tell other programs what happens to accounts: create, list, test, replay, disable, enable and delete webhooks."`
	Mail         mailCmd         `cmd:"" help:"List the mails of the outbox, and try again those that failed."`
	Events       eventsCmd       `cmd:"" help:"List security-relevant events, and verify that none was changed or removed."`
	Backup       backupCmd       `cmd:"" help:"Write a backup of the SQLite database while servers run, or check one."`
	Restored     restoredCmd     `cmd:"" help:"Make a database that was restored from a backup fit to be served: run it before the first start."`
	ImportDjango importDjangoCmd `cmd:"" help:"Take the users of a Django project in, or bring over what changed there since the last time."`
	ExportDjango exportDjangoCmd `cmd:"" help:"Write the users as a fixture for Django's loaddata: the way back."`
	Doctor       doctorCmd       `cmd:"" help:"Look for what is wrong: settings, schema, changes, clock, keys, events, mails, disk, files. Each finding says what to do."`
	Config       configCmd       `cmd:"" help:"Show the settings, or check them without a start."`
	Healthcheck  healthcheckCmd  `cmd:"" help:"Ask the server of this machine whether it is alive, or ready; for containers, which have no other program."`
	Completion   completionCmd   `cmd:"" help:"Print a script that completes commands, flags and what they may be, in bash, zsh or fish."`
	Complete     completeCmd     `cmd:"" hidden:"" passthrough:"" help:"What the scripts of completion call."`
	Version      versionCmd      `cmd:"" help:"Print the version."`
}

const description = `Customer accounts for storefronts and phones: register, log in, renew, profile.

Start with:  yoozak serve

Every flag is also a variable (in brackets); secrets are variables or files only.`

// env is what a command is given beside its flags.
type env struct {
	ctx    context.Context
	stdin  *os.File
	stdout io.Writer // for a person; see visible
	data   io.Writer // the same, for a file's bytes as they are
	stderr io.Writer
	getenv func(string) string

	settings *config.Source // run makes it
}

func main() {
	ctx, stop := untilSignal(os.Interrupt, syscall.SIGTERM)
	code := run(env{ctx: ctx, stdin: os.Stdin, stdout: &visible{out: os.Stdout}, data: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run returns the exit code: 0, 1 for an error, 2 for a wrong command line
// or setting.
func run(e env, args []string) int {
	config.CleanEnvironment()
	e.settings = config.NewSource(e.getenv)
	parser, err := kong.New(&cli{}, e.settings,
		kong.Name("yoozak"), kong.Description(description),
		kong.Writers(e.stdout, e.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ShortUsageOnError(), kong.UsageOnError(),
	)
	if err != nil {
		panic(err) // the table above is wrong
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		parser.Errorf("%s", err)
		fmt.Fprintln(e.stderr, "Run 'yoozak --help' to see the commands.")
		return 2
	}
	for _, name := range config.Unknown(parser.Model.Node, "YOOZAK_") {
		fmt.Fprintf(e.stderr, "yoozak: the variable %s is no setting of this program: it changes nothing\n", name)
	}
	err = command.Run(e)
	var settings *app.SettingsError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &settings):
		fmt.Fprintf(&visible{out: e.stderr}, "yoozak: the settings cannot be used:\n  %s\n", strings.ReplaceAll(settings.Error(), "\n", "\n  "))
		return 2
	default:
		fmt.Fprintf(&visible{out: e.stderr}, "yoozak: %v\n", explain(err))
		return 1
	}
}

// explain adds what a person at a terminal can do about an error.
func explain(err error) string {
	var e *account.Error
	if errors.As(err, &e) && e.Kind == account.Unavailable {
		return fmt.Sprintf("the database cannot be used: %v", err)
	}
	return err.Error()
}

type versionCmd struct{}

func (versionCmd) Run(e env) error {
	_, err := fmt.Fprintln(e.stdout, "yoozak", versionText())
	return err
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
