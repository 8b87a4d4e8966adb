package main

import (
	"fmt"
	"time"

	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/store"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" default:"withargs" help:"Apply the steps that are missing (the default)."`
	Status migrateStatusCmd `cmd:"" help:"List the steps, applied and pending."`
}

type migrateUpCmd struct{ config.Database }

func (cmd migrateUpCmd) Run(e env) error {
	return withStore(e, groups{cmd.Database}, func(st *store.Store) error {
		done, err := st.Migrate(e.ctx)
		if err != nil {
			return err
		}
		for _, m := range done {
			fmt.Fprintf(e.stdout, "applied %s\n", m.Name)
		}
		if len(done) == 0 {
			fmt.Fprintln(e.stdout, "the schema is up to date")
		}
		return nil
	})
}

type migrateStatusCmd struct{ config.Database }

func (cmd migrateStatusCmd) Run(e env) error {
	return withStore(e, groups{cmd.Database}, func(st *store.Store) error {
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
