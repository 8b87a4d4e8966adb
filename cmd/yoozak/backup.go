package main

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/backup"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/store"
)

type backupCmd struct {
	File  string `arg:"" help:"The file to write. One that is there is never replaced."`
	Check bool   `help:"Look at a backup instead: restore it into a temporary folder (TMPDIR names another), bring its schema up to date there, and verify its events. Nothing of the file or of the database is changed."`
	config.Database
}

// Run writes or checks a backup. Servers may run meanwhile.
func (cmd backupCmd) Run(e env) error {
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
	if url := c.Database.URL.Reveal(); !strings.HasPrefix(url, "sqlite:") {
		return pgDumpInstead(url, cmd.File)
	}
	syscall.Umask(0o077) // whatever SQLite makes beside the file
	// With the schema that it has: a backup comes before an update.
	return withAnySchema(e, c, func(st *store.Store) error {
		r, err := backup.Write(e.ctx, st, cmd.File)
		for _, name := range r.Removed {
			fmt.Fprintf(e.stderr, "yoozak: removed %s, which an interrupted backup had left\n", shown(name))
		}
		if err != nil {
			return err
		}
		return printBackup(e, "wrote "+shown(cmd.File), r)
	})
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
	return fmt.Errorf("\"yoozak backup\" is for SQLite; of PostgreSQL its own program makes a backup:\n  (umask 077; %s)\ndocs/backup.md says how to check and to restore it", strings.Join(args, " "))
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
