package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // for --time-zone, on machines without a list of zones

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/telemetry"
)

// djangoColumns are flags of both directions.
type djangoColumns struct {
	Model    string            `default:"auth.user" placeholder:"APP.MODEL" help:"The user model in a dump."`
	Column   map[string]string `placeholder:"FIELD=NAME" help:"Where a custom user model keeps a field of Django's; FIELD= if it has nothing of the kind. May be repeated."`
	TimeZone string            `name:"time-zone" placeholder:"NAME" help:"For a project with USE_TZ=False: its TIME_ZONE, such as Africa/Casablanca, which its dates without a zone mean."`
}

// layout is what these flags mean.
func (d djangoColumns) layout() (django.Layout, error) {
	l := django.Layout{Model: d.Model, Columns: d.Column}
	if d.TimeZone == "" {
		return l, nil
	}
	zone, err := time.LoadLocation(d.TimeZone)
	if err != nil || d.TimeZone == "Local" {
		return l, fmt.Errorf("--time-zone: there is no time zone %q; they are called like Africa/Casablanca", d.TimeZone)
	}
	l.Zone = zone
	return l, nil
}

type importDjangoCmd struct {
	Source         string `arg:"" optional:"" placeholder:"PATH" help:"Django's SQLite file, a postgres:// URL, or a JSON of dumpdata. A URL with a password goes into YOOZAK_IMPORT_SOURCE or a file instead: every user of this machine can read arguments."`
	SourceFile     string `placeholder:"PATH" help:"File that holds the source's URL."`
	DryRun         bool   `help:"Do everything, then undo it and say what would have happened."`
	Table          string `default:"auth_user" placeholder:"NAME" help:"The table of users in a database."`
	Blacklist      *bool  `negatable:"" help:"Bring the refresh tokens on simplejwt's blacklist; without this flag, if there is one."`
	EmailsVerified bool   `help:"Django checked that people read the addresses that it has for them: they count as verified here. Of several accounts with one address, that of the earliest open one."`
	WrapWeak       bool   `help:"Afterwards put Argon2id over hashes that are guessed fast (salted MD5 and SHA-1). It takes about 20 ms of a core for each; the server may run."`
	djangoColumns
	config.Database
	config.Passwords
}

// Help is shown below the flags.
func (importDjangoCmd) Help() string {
	return `Ids, names, dates and password hashes are kept. It is one transaction: until it ends, registrations and logins of a
running server wait and may be answered 503, so stop the server first or choose a quiet minute; the same goes for a
dry run. Run it again to bring over what changed in Django since; what was changed here stays.`
}

// Run imports, and prints a line for each row that was left out, then the
// report.
func (cmd importDjangoCmd) Run(e env) error {
	where, err := cmd.where(e)
	if err != nil {
		return &app.SettingsError{Err: err}
	}
	c, err := load(e, groups{cmd.Database, cmd.Passwords})
	if err != nil {
		return err
	}
	layout, err := cmd.layout()
	if err != nil {
		return &app.SettingsError{Err: err}
	}
	src, err := django.Open(e.ctx, where, layout)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // only read
	st, err := app.OpenStore(e.ctx, c, telemetry.NewLog("warn", "auto"))
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // what was imported is committed
	if err := checkRoom(e, st, src); err != nil {
		return err
	}
	report, err := django.Import(e.ctx, st, src, django.Options{
		DryRun: cmd.DryRun, EmailsVerified: cmd.EmailsVerified, Now: time.Now(), Reading: progress(e.stderr),
		Told: func(m django.Issue) { printRemark(e.stdout, m) },
	})
	switch {
	case err != nil && e.ctx.Err() != nil:
		return errors.New("interrupted: nothing was imported")
	case err != nil:
		return fmt.Errorf("nothing was imported: %w", err)
	}
	if err := printReport(e.stdout, report, cmd.DryRun); err != nil || !cmd.WrapWeak || cmd.DryRun {
		return err
	}
	hasher := app.NewHasher(c, nil, nil)
	defer hasher.Close()
	wrapped, err := django.WrapWeak(e.ctx, st, hasher)
	if err != nil {
		return fmt.Errorf("everything was imported, and %d weak hashes were wrapped; run it again for the rest: %w", wrapped, err)
	}
	_, err = fmt.Fprintf(e.stdout, "%d weak hashes wrapped in Argon2id\n", wrapped)
	return err
}

// checkRoom says what a large import takes of the disk, and refuses one that
// would end with a full one.
func checkRoom(e env, st *store.Store, src django.Source) error {
	found, exact := src.Count()
	room, err := st.ImportRoom(e.ctx, found)
	if err != nil {
		return err
	}
	return tellRoom(e.stderr, room, exact)
}

func tellRoom(out io.Writer, room store.Room, exact bool) error {
	const large, megabyte = 100_000, 1_000_000
	if room.Users < large {
		return nil
	}
	about := "up to"
	if exact {
		about = "about"
	}
	where := "at the PostgreSQL server"
	switch {
	case room.Folder != "" && room.Free < 0:
		where = "in " + room.Folder
	case room.Folder != "":
		where = fmt.Sprintf("in %s, where %d MB are free", room.Folder, room.Free/megabyte)
	}
	fmt.Fprintf(out, "%s %d new users: %d MB of disk until the import ends, %d MB from then on, %s\n",
		about, room.Users, room.During/megabyte, room.After/megabyte, where)
	if exact && room.Free >= 0 && room.Free < room.During*3/4 { // what a user takes is an estimate
		return fmt.Errorf("nothing was imported: %d MB of disk are needed in %s, and %d MB are free", room.During/megabyte, room.Folder, room.Free/megabyte)
	}
	return nil
}

// progress says every ten seconds how far an import is.
func progress(out io.Writer) func(done float64, users int64) {
	shown := time.Now()
	return func(done float64, users int64) {
		if time.Since(shown) >= 10*time.Second {
			shown = time.Now()
			fmt.Fprintf(out, "%d users read, %.0f %%\n", users, 100*done)
		}
	}
}

// where is the source, from one of three places. A URL that could be read in
// two ways is refused by the name of its place.
func (cmd importDjangoCmd) where(e env) (string, error) {
	where, place, err := cmd.source(e)
	if err == nil && django.IsPostgres(where) {
		if err = secret.CheckPostgresURL(where); err != nil {
			err = fmt.Errorf("%s %w", place, err)
		}
	}
	return where, err
}

func (cmd importDjangoCmd) source(e env) (where, place string, err error) {
	variable := strings.TrimSpace(config.Clean(e.getenv("YOOZAK_IMPORT_SOURCE")))
	switch {
	case cmd.Source != "" && cmd.SourceFile != "":
		return "", "", errors.New("SOURCE and --source-file are both given: keep one")
	case cmd.SourceFile != "":
		data, err := os.ReadFile(cmd.SourceFile)
		if err != nil {
			return "", "", fmt.Errorf("--source-file cannot be read: %w", err)
		}
		return strings.TrimSpace(config.Clean(string(data))), "the URL in the file of --source-file", nil
	case cmd.Source != "":
		if django.IsPostgres(cmd.Source) && hasPassword(cmd.Source) {
			return "", "", errors.New("every user of this machine can read a password in an argument: set YOOZAK_IMPORT_SOURCE, or give --source-file, instead")
		}
		return cmd.Source, "SOURCE", nil
	case variable != "":
		return variable, "YOOZAK_IMPORT_SOURCE", nil
	}
	return "", "", errors.New("SOURCE is missing: Django's SQLite file, a postgres:// URL or a JSON of dumpdata")
}

// hasPassword is true where it cannot be told.
func hasPassword(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return true
	}
	_, has := u.User.Password()
	return has || u.Query().Has("password")
}

func (cmd importDjangoCmd) layout() (django.Layout, error) {
	l, err := cmd.djangoColumns.layout()
	l.Table = cmd.Table
	switch {
	case cmd.Blacklist == nil:
	case *cmd.Blacklist:
		l.Blacklist = django.Required
	default:
		l.Blacklist = django.Ignored
	}
	return l, err
}
