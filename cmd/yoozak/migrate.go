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

type migrateStatusCmd struct{ config.Database }

func (cmd migrateStatusCmd) Run(e env) error {
	c, err := load(e, groups{cmd.Database})
	if err != nil {
		return err
	}
	return withAnySchema(e, c, func(st *store.Store) error {
		all, err := st.Migrations(e.ctx)
		for _, m := range all {
			state := "pending"
			if !m.AppliedAt.IsZero() {
				state = "applied " + m.AppliedAt.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(e.stdout, "%s\t%s\n", m.Name, state)
		}
		return err
	})
}
