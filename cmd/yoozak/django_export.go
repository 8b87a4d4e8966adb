package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/store"
)

type exportDjangoCmd struct {
	File string `arg:"" optional:"" placeholder:"PATH" default:"-" help:"Where the fixture goes; - is standard output. It holds password hashes, so only you can read the file."`
	djangoColumns
	config.Database
}

// Run writes a fixture. A file appears when it is whole.
func (cmd exportDjangoCmd) Run(e env) error {
	layout, err := cmd.layout()
	if err != nil {
		return &app.SettingsError{Err: err}
	}
	return withStore(e, groups{cmd.Database}, func(st *store.Store) error {
		if cmd.File == "-" {
			_, err := django.Export(e.ctx, st, e.data, layout)
			return err
		}
		f, err := os.CreateTemp(filepath.Dir(cmd.File), ".export-django-*") // 0600
		if err != nil {
			return err
		}
		defer os.Remove(f.Name()) //nolint:errcheck // gone when it was renamed
		written, err := django.Export(e.ctx, st, f, layout)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		if err := os.Rename(f.Name(), cmd.File); err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.stderr, "wrote %d users to %s; load it with: manage.py loaddata %s\n", written, cmd.File, cmd.File)
		return err
	})
}
