package main

import (
	"fmt"
	"time"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/telemetry"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" default:"withargs" help:"Take the steps that are missing (the default)."`
	Status migrateStatusCmd `cmd:"" help:"List the steps, applied and pending."`
}

type migrateUpCmd struct {
	DryRun bool `help:"Print the SQL of the steps that are missing, and change nothing. It can be run by hand instead."`
	config.Database
}

func (cmd migrateUpCmd) Run(e env) error {
	c, err := load(e, groups{cmd.Database})
	if err != nil {
		return err
	}
	if cmd.DryRun {
		return withAnySchema(e, c, func(st *store.Store) error {
			pending, err := st.PendingSQL(e.ctx)
			if err == nil && pending == "" {
				pending = "-- the schema is up to date\n"
			}
			fmt.Fprint(e.data, pending)
			return err
		})
	}
	st, done, err := app.OpenMigrated(e.ctx, c, telemetry.NewLog("warn", "auto"))
	for _, m := range done {
		fmt.Fprintf(e.stdout, "applied %s\n", m.Name)
	}
	if err != nil {
		return err
	}
	if len(done) == 0 {
		fmt.Fprintln(e.stdout, "the schema is up to date")
	}
	return st.Close()
}

type migrateStatusCmd struct {
	Limit int  `help:"How many of the newest; 0 is all." default:"0"`
	JSON  bool `name:"json" help:"One JSON object a line."`
	config.Database
}

// listedStep is a step as "migrate status --json" prints it.
type listedStep struct {
	Name      string     `json:"name"`
	AppliedAt *time.Time `json:"applied_at"` // null: it is pending
}

func (cmd migrateStatusCmd) Run(e env) error {
	c, err := load(e, groups{cmd.Database})
	if err != nil {
		return err
	}
	return withAnySchema(e, c, func(st *store.Store) error {
		all, err := st.Migrations(e.ctx)
		if cmd.Limit > 0 && cmd.Limit < len(all) {
			all = all[len(all)-cmd.Limit:]
		}
		out := jsonLines(e.stdout)
		for _, m := range all {
			if cmd.JSON {
				if err := out.Encode(listedStep{m.Name, timeOrNull(m.AppliedAt)}); err != nil {
					return err
				}
				continue
			}
			state := "pending"
			if !m.AppliedAt.IsZero() {
				state = "applied " + m.AppliedAt.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(e.stdout, "%s\t%s\n", m.Name, state)
		}
		return err
	})
}
