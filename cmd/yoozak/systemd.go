package main

import (
	"context"
	"log/slog"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/yoozak/clients/internal/job"
)

// tellSystemd tells the service manager that started the server (Type=notify)
// what it does now; where there is none, it does nothing.
func tellSystemd(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd cannot be told how the server is", "state", state, "error", err.Error())
	}
}

// watchdog are the signs of life that systemd wants (WatchdogSec=), twice as
// often as it asks for. They say that the process runs its jobs, and no more:
// one that answered to requests only would be killed by a flood of them.
func watchdog() []job.Job {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every <= 0 {
		return nil
	}
	return []job.Job{{Name: "tell systemd that the server lives", Every: every / 2, Run: func(context.Context) error {
		_, err := daemon.SdNotify(false, daemon.SdNotifyWatchdog)
		return err
	}}}
}
