package main

import (
	"testing"

	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/secret"
)

func TestServerThatKeepsItsMailsSaysSo(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{
		"127.0.0.1:8000": false, "[::1]:8000": false, "localhost:8000": false, "127.9.9.9:8000": false,
		"0.0.0.0:8000": true, ":8000": true, "[::]:8000": true, "192.0.2.7:443": true, "clients.internal:8000": true,
	} {
		c := config.Config{HTTP: config.HTTP{Listen: listen}}
		if got := mailsStayHere(c); got != want {
			t.Errorf("%s with a folder: %v, want %v", listen, got, want)
		}
		c.Mail.SMTPURL = secret.NewText("smtps://mail.example")
		if mailsStayHere(c) {
			t.Errorf("%s with SMTP: a warning", listen)
		}
	}
}
