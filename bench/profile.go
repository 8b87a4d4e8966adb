//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// profile takes a CPU profile of the server while play loads it. It is a turn of its own, after
// those that count: a profile takes some percent of the core.
func (b *bench) profile(name string, y *yoozak, play func(time.Duration) error) error {
	if b.options.profiles == "" {
		return nil
	}
	if err := os.MkdirAll(b.options.profiles, 0o755); err != nil {
		return err
	}
	seconds := max(2, int(b.options.window.Seconds()))
	played := make(chan error, 1)
	go func() { played <- play(time.Duration(seconds+1) * time.Second) }()
	time.Sleep(400 * time.Millisecond)
	file := filepath.Join(b.options.profiles, name+".pb.gz")
	err := download(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", y.debug, seconds), file)
	if err := errors.Join(err, <-played); err != nil {
		return fmt.Errorf("profile %s: %w", name, err)
	}
	top := exec.CommandContext(b.ctx, "go", "tool", "pprof", "-top", "-nodecount=60", file)
	text, err := top.Output()
	if err != nil {
		return fmt.Errorf("profile %s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(b.options.profiles, name+".txt"), text, 0o644)
}

func download(url, file string) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, answer.Status)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, answer.Body)
	return errors.Join(err, out.Close())
}
