package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/backup"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/store"
)

type backupCmd struct {
	File  string `arg:"" optional:"" placeholder:"PATH" help:"The file to write. One that is there is never replaced."`
	Check bool   `help:"Look at a backup instead: restore it into a temporary folder (TMPDIR names another), bring its schema up to date there, and verify its events. Nothing of the file or of the database is changed."`
	Made  bool   `help:"Write nothing: note that another program has just made a backup, such as pg_dump. \"yoozak doctor\" and the metrics tell how old the newest is."`
	config.Database
}

// Run writes, checks or notes a backup. Servers may run meanwhile.
func (cmd backupCmd) Run(e env) error {
	if (cmd.File == "") != cmd.Made || cmd.Made && cmd.Check {
		return errors.New("give the file of the backup, or --made")
	}
	if cmd.Check {
		r, err := backup.Check(e.ctx, cmd.File)
		if err != nil {
			return err
		}
		return printBackup(e, cmd.File+" is good", r)
	}
	c, err := load(e, groups{cmd.Database})
	if err != nil {
		return err
	}
	if cmd.Made {
		return withAnySchema(e, c, func(st *store.Store) error {
			if err := noteBackup(e, st); err != nil {
				return err
			}
			_, err := fmt.Fprintln(e.stdout, "noted")
			return err
		})
	}
	if url := c.Database.URL.Reveal(); !strings.HasPrefix(url, "sqlite:") {
		return pgDumpInstead(url, cmd.File)
	}
	ownFiles() // whatever SQLite makes beside the file
	// With the schema that it has: a backup comes before an update.
	return withAnySchema(e, c, func(st *store.Store) error {
		r, err := backup.Write(e.ctx, st, cmd.File)
		for _, name := range r.Removed {
			fmt.Fprintf(e.stderr, "yoozak: removed %s, which an interrupted backup had left\n", shown(name))
		}
		if err != nil {
			return err
		}
		if err := printBackup(e, "wrote "+shown(cmd.File), r); err != nil {
			return err
		}
		if err := noteBackup(e, st); err != nil { // the backup is good all the same
			fmt.Fprintf(e.stderr, "yoozak: the time of this backup is not noted, and \"yoozak doctor\" will not know it: %v\n", err)
		}
		return nil
	})
}

// noteBackup notes that a backup was made now. A backup also comes before an
// update, of a schema that has no place for the note yet.
func noteBackup(e env, st *store.Store) error {
	if err := st.CheckSchema(e.ctx); err != nil {
		return err
	}
	return st.Tx(e.ctx, func(ctx context.Context, tx *store.Store) error { return tx.SetBackedUpAt(ctx, time.Now()) })
}

func printBackup(e env, done string, r backup.Report) error {
	fmt.Fprintf(e.stdout, "%s: %d users, %d sessions, %d events, %d bytes; the file is whole, the chain of events holds\n",
		done, r.Counts.Users, r.Counts.Sessions, r.Counts.Events, r.Bytes)
	for _, m := range r.Steps {
		fmt.Fprintf(e.stdout, "the next start applies %s\n", m.Name)
	}
	if r.Events.Head.Seq == 0 { // nothing is sealed yet
		return nil
	}
	_, err := fmt.Fprintf(e.stdout, "head %s\n", audit.HeadText(r.Events.Head))
	return err
}

// pgDumpInstead says how PostgreSQL is backed up: its own program knows how,
// and has to be of the server's version. The password is not in it; pg_dump
// asks, or takes PGPASSWORD or ~/.pgpass.
func pgDumpInstead(url, file string) error {
	cfg, err := store.ParsePostgresURL(url)
	if err != nil {
		return err
	}
	args := []string{"pg_dump", "--format=custom", "--file=" + file, "--host=" + cfg.Host, "--port=" + strconv.Itoa(int(cfg.Port)), "--username=" + cfg.User, "--dbname=" + cfg.Database}
	for i, arg := range args {
		args[i] = shellWord(arg)
	}
	return fmt.Errorf("\"yoozak backup\" is for SQLite; of PostgreSQL its own program makes a backup:\n  (umask 077; %s) && yoozak backup --made\ndocs/backup.md says how to check and to restore it", strings.Join(args, " "))
}

// shellWord is a text as a shell takes it for one word.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=+,@%", r)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
