//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPostgresIsOurOwnAndDurable(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/var/tmp", "yoozak-bench-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	server, err := startPostgres(t.Context(), dir, 0, false, "shared_buffers=16MB")
	if err != nil {
		t.Fatal(err)
	}
	defer server.process.stop(syscall.SIGINT)
	url, err := server.create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{"fsync": "on", "synchronous_commit": "on", "listen_addresses": "", "shared_buffers": "16MB"} {
		got, err := exec.Command(filepath.Join(server.bin, "psql"), "-Atc", "SHOW "+setting, url).CombinedOutput()
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%s is %q, %v; want %q", setting, got, err, want)
		}
	}
}
