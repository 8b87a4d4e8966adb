package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/store"
)

type keyCmd struct {
	List   keyListCmd   `cmd:"" help:"List the keys, the youngest first."`
	Rotate keyRotateCmd `cmd:"" help:"Make the next keys. Running servers publish them within seconds and sign with them two minutes later; tokens of the old keys stay good until they expire."`
}

type keyListCmd struct {
	config.Database
	config.Tokens
}

// Run lists keys, never their private parts.
func (cmd keyListCmd) Run(e env) error {
	return withKeys(e, cmd.Database, cmd.Tokens, func(s *auth.Service) error {
		keys, err := s.Keys(e.ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "KEY\tSIGNS\tALGORITHM\tSTATE\tFROM\tVERIFIES UNTIL")
		now := time.Now()
		for _, k := range keys {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.TokenType, k.Algorithm,
				keyState(k, now), k.ActiveAt.Format(time.DateTime), until(k.RetiresAt))
		}
		return table.Flush()
	})
}

func keyState(k store.SigningKey, now time.Time) string {
	switch {
	case !k.RetiresAt.IsZero() && !now.Before(k.RetiresAt):
		return "retired"
	case now.Before(k.ActiveAt):
		return "next"
	case !k.RetiresAt.IsZero():
		return "verifies"
	}
	return "signs"
}

func until(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateTime)
}

type keyRotateCmd struct {
	config.Database
	config.Tokens
}

// Run rotates keys.
func (cmd keyRotateCmd) Run(e env) error {
	return withKeys(e, cmd.Database, cmd.Tokens, func(s *auth.Service) error {
		if err := s.RotateKeys(e.ctx); err != nil {
			return err
		}
		_, err := fmt.Fprintf(e.stdout, "made the next keys; they sign in %v\n", auth.KeyDelay)
		return err
	})
}

func withKeys(e env, d config.Database, t config.Tokens, fn func(*auth.Service) error) error {
	c, err := load(e, d, t)
	if err != nil {
		return err
	}
	return withService(e, c, func(s *auth.Service, _ *store.Store) error {
		if err := s.LoadKeys(e.ctx); err != nil {
			return err
		}
		return fn(s)
	})
}
