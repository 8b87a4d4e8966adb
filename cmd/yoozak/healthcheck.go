package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/config"
)

type healthcheckCmd struct {
	Ready bool `help:"Ask whether it is ready to be sent requests (/readyz), not only alive (/healthz): a server that is alive and not ready must not be restarted."`
	config.HTTP
	config.TLS
}

// Run asks the server that runs with these settings. The exit code is 1 when
// it is not well.
func (cmd healthcheckCmd) Run(e env) error {
	c, err := load(e, groups{cmd.HTTP, cmd.TLS})
	if err != nil {
		return err
	}
	path := "/healthz"
	if cmd.Ready {
		path = "/readyz"
	}
	scheme := "http"
	if c.TLS.On() {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(e.ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+reachable(c.HTTP.Listen)+path, nil)
	if err != nil {
		return err
	}
	// It is this machine's server, whatever name its certificate has, and nothing
	// is told to it.
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // see above
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("no answer from %s: %w", c.HTTP.Listen, err)
	}
	defer res.Body.Close()                               //nolint:errcheck // it was read
	body, _ := io.ReadAll(io.LimitReader(res.Body, 512)) // what the status says counts
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d: %s", path, res.StatusCode, shown(strings.TrimSpace(string(body))))
	}
	_, err = fmt.Fprintln(e.stdout, "ok")
	return err
}

// reachable is an address to call for one to listen at: every address of the
// machine is this machine's, too.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}
