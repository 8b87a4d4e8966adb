package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/job"
)

// certReload is how often the certificate's files are looked at.
const certReload = 10 * time.Second

// newTLS is how the API is served: by files, by ACME, or (nil) without TLS.
// The jobs are what keeps it up to date.
func newTLS(c config.TLS, log *slog.Logger) (*tls.Config, []job.Job, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case c.Cert != "":
		files := &certFiles{cert: c.Cert, key: c.Key, log: log}
		if err := files.reload(context.Background()); err != nil {
			return nil, nil, err
		}
		settings.GetCertificate = files.get
		return settings, []job.Job{{Name: "reload certificate", Every: certReload, Later: true, Run: files.reload}}, nil
	case len(c.Domains) > 0:
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(c.Cache), Email: c.Email,
			HostPolicy: autocert.HostWhitelist(c.Domains...),
			Client:     &acme.Client{DirectoryURL: c.Directory, UserAgent: "yoozak"},
		}
		settings.GetCertificate = (&acmeFailures{manager: m, domains: c.Domains, log: log}).get
		settings.NextProtos = []string{acme.ALPNProto} // net/http adds its own
		return settings, nil, nil
	}
	return nil, nil, nil
}

// certFiles is a certificate and its key in two files that somebody else
// renews.
type certFiles struct {
	cert, key string
	log       *slog.Logger
	certPEM   []byte // that was tried last; like keyPEM, of reload alone
	keyPEM    []byte
	current   atomic.Pointer[tls.Certificate]
}

func (f *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil }

// reload takes files that changed. Where they do not fit together, because
// one is written after the other, the certificate before stays in use.
func (f *certFiles) reload(context.Context) error {
	certPEM, err := os.ReadFile(f.cert)
	if err != nil {
		return fmt.Errorf("YOOZAK_TLS_CERT: %w", err)
	}
	keyPEM, err := os.ReadFile(f.key)
	if err != nil {
		return fmt.Errorf("YOOZAK_TLS_KEY: %w", err)
	}
	if bytes.Equal(certPEM, f.certPEM) && bytes.Equal(keyPEM, f.keyPEM) {
		return nil
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return fmt.Errorf("YOOZAK_TLS_CERT and YOOZAK_TLS_KEY: %w", err)
	}
	f.certPEM, f.keyPEM = certPEM, keyPEM
	f.current.Store(&pair)
	f.log.Info("certificate loaded", "names", pair.Leaf.DNSNames, "expires", pair.Leaf.NotAfter)
	if time.Now().After(pair.Leaf.NotAfter) {
		f.log.Warn("the certificate has expired", "expires", pair.Leaf.NotAfter)
	}
	return nil
}

// acmeFailures tells the operator why there is no certificate, which
// net/http counts among the broken connections of strangers.
type acmeFailures struct {
	manager *autocert.Manager
	domains []string
	log     *slog.Logger
	mu      sync.Mutex
	told    time.Time
}

func (f *acmeFailures) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	cert, err := f.manager.GetCertificate(hello)
	if err != nil && !errors.Is(err, context.Canceled) && slices.Contains(f.domains, hello.ServerName) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if time.Since(f.told) > time.Minute { // strangers can ask as often as they like
			f.told = time.Now()
			f.log.Warn("no certificate by ACME", "domain", hello.ServerName, "error", err.Error())
		}
	}
	return cert, err
}
