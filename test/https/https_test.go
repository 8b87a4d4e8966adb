// Package https asks the built binary over TLS: with certificates in files, and
// with those of an ACME authority.
package https

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// patience is how long tests wait for what must come. None is about how long
// that takes, and a busy machine takes its time.
const patience = 2 * time.Minute

// serve starts a server that says all it can.
func serve(t *testing.T, env ...string) *yoozaktest.Server {
	t.Helper()
	return yoozaktest.Launch(t, append([]string{"YOOZAK_LOG_LEVEL=debug"}, env...)...)
}

// certificate writes a self-made one for a name and its key.
func certificate(t *testing.T, name, certPath, keyPath string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(certPath, certPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return pool
}

// reply is what is looked at in a response.
type reply struct {
	status, protocol int
	header           http.Header
	tls              uint16
}

// get asks the server at an address by a name; every call is a new handshake.
func get(t *testing.T, address, url string, settings *tls.Config) (reply, error) {
	t.Helper()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	client := &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: settings, DialContext: dial, DisableKeepAlives: true, ForceAttemptHTTP2: true},
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close() //nolint:errcheck // nothing of it is needed
	r := reply{status: res.StatusCode, protocol: res.ProtoMajor, header: res.Header}
	if res.TLS != nil {
		r.tls = res.TLS.Version
	}
	return r, nil
}

// eventually tries until it works, on a busy machine too.
func eventually(t *testing.T, s *yoozaktest.Server, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v\n%s", err, s.Output.String())
		}
	}
}

func TestTLSByFilesThatAreRenewed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certPath, keyPath := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := certificate(t, "one.example", certPath, keyPath)
	s := serve(t, "YOOZAK_TLS_CERT="+certPath, "YOOZAK_TLS_KEY="+keyPath)
	var res reply
	eventually(t, s, func() (err error) {
		res, err = get(t, s.Address, "https://one.example/healthz", &tls.Config{RootCAs: first})
		return err
	})
	if res.status != http.StatusOK || res.protocol != 2 || res.tls != tls.VersionTLS13 {
		t.Errorf("%d, HTTP/%d, TLS %x", res.status, res.protocol, res.tls)
	}
	if hsts := res.header.Get("Strict-Transport-Security"); hsts != "max-age=31536000" {
		t.Errorf("HSTS %q", hsts)
	}
	if _, err := get(t, s.Address, "https://one.example/healthz", &tls.Config{RootCAs: first, MaxVersion: tls.VersionTLS12}); err != nil {
		t.Errorf("TLS 1.2: %v", err)
	}
	old := &tls.Config{RootCAs: first, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if _, err := get(t, s.Address, "https://one.example/healthz", old); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if res, err := get(t, s.Address, "http://one.example/healthz", nil); err == nil && res.status != http.StatusBadRequest {
		t.Errorf("plain HTTP is answered with %d", res.status)
	}

	// Half of a renewal: the certificate before stays. Then all of it.
	if err := os.WriteFile(certPath, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, s, func() error {
		if !strings.Contains(s.Output.String(), "YOOZAK_TLS_CERT and YOOZAK_TLS_KEY: tls: failed") {
			return fmt.Errorf("nothing is said about files that do not fit")
		}
		return nil
	})
	if _, err := get(t, s.Address, "https://one.example/healthz", &tls.Config{RootCAs: first}); err != nil {
		t.Errorf("while the files do not fit: %v", err)
	}
	second := certificate(t, "two.example", certPath, keyPath)
	eventually(t, s, func() error {
		_, err := get(t, s.Address, "https://two.example/healthz", &tls.Config{RootCAs: second})
		return err
	})
	if strings.Contains(s.Output.String(), "PRIVATE KEY") {
		t.Error("the key is in the log")
	}
}

func TestTLSFilesThatCannotBeUsedStopTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certPath, keyPath, other := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "other.pem")
	certificate(t, "one.example", certPath, keyPath)
	certificate(t, "one.example", filepath.Join(dir, "unused.pem"), other)
	for name, test := range map[string]struct{ cert, key, want string }{
		"no file":     {certPath + "x", keyPath, "YOOZAK_TLS_CERT: open "},
		"no key file": {certPath, keyPath + "x", "YOOZAK_TLS_KEY: open "},
		"other key":   {certPath, other, "private key does not match"},
		"key as cert": {keyPath, keyPath, "YOOZAK_TLS_CERT and YOOZAK_TLS_KEY: "},
	} {
		cmd := exec.CommandContext(t.Context(), yoozaktest.Binary(t), "serve")
		cmd.Dir = t.TempDir()
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "YOOZAK_LISTEN=127.0.0.1:0", "YOOZAK_TLS_CERT=" + test.cert, "YOOZAK_TLS_KEY=" + test.key}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), test.want) || strings.Contains(string(out), "PRIVATE") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestPlainListenerHasNoHSTS(t *testing.T) {
	t.Parallel()
	s := serve(t)
	eventually(t, s, func() error {
		res, err := get(t, s.Address, "http://"+s.Address+"/healthz", nil)
		if err == nil && res.header.Get("Strict-Transport-Security") != "" {
			t.Error("HSTS without TLS")
		}
		return err
	})
}

// authority is an ACME server (Let's Encrypt's own Pebble) that looks for the
// domains on this machine.
func authority(t *testing.T, tlsPort int) (directory, trust string, roots *x509.CertPool) {
	t.Helper()
	names := dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg)
		answer.SetReply(question)
		for _, q := range question.Question {
			if q.Qtype == dns.TypeA {
				answer.Answer = append(answer.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)})
			}
		}
		_ = w.WriteMsg(answer)
	})
	queries, err := net.Listen("tcp", "127.0.0.1:0") // Pebble asks over TCP
	if err != nil {
		t.Fatal(err)
	}
	resolver := &dns.Server{Listener: queries, Handler: names}
	go resolver.ActivateAndServe() //nolint:errcheck // ended below
	t.Cleanup(func() { _ = resolver.Shutdown() })

	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "for tests"}})
	validator := va.New(quiet, 1, tlsPort, false, queries.Addr().String(), store)
	front := wfe.New(quiet, store, validator, issuer, []string{"pebble.example"}, false, false, 1, 1)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)

	trust = filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(trust, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(issuer.GetRootCert(0).PEM())
	return server.URL + wfe.DirectoryPath, trust, roots
}

func TestTLSByACME(t *testing.T) { // not in parallel: it sets variables
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	port, err := porttest.Keep()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(port.Release)
	address := port.Address()
	directory, trust, roots := authority(t, port.Number())
	cache := filepath.Join(t.TempDir(), "acme")
	s := serve(t, "YOOZAK_LISTEN="+address, "YOOZAK_ACME_DOMAINS=accounts.shop.example", "YOOZAK_ACME_EMAIL=admin@shop.example",
		"YOOZAK_ACME_CACHE="+cache, "YOOZAK_ACME_DIRECTORY="+directory, "SSL_CERT_FILE="+trust)
	var res reply
	eventually(t, s, func() (err error) {
		res, err = get(t, address, "https://accounts.shop.example/healthz", &tls.Config{RootCAs: roots})
		return err
	})
	if res.status != http.StatusOK || res.protocol != 2 || res.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%d, HTTP/%d, %v", res.status, res.protocol, res.header)
	}
	if _, err := get(t, address, "https://other.shop.example/healthz", &tls.Config{RootCAs: roots}); err == nil {
		t.Error("a certificate for a name that is not configured")
	}
	files, err := os.ReadDir(cache)
	if err != nil || len(files) < 2 { // the account's key and the certificate
		t.Errorf("the cache has %v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestACMEThatFailsIsSaid(t *testing.T) {
	t.Parallel()
	s := serve(t, "YOOZAK_ACME_DOMAINS=accounts.shop.example", "YOOZAK_ACME_DIRECTORY=https://127.0.0.1:1/directory")
	eventually(t, s, func() error {
		if _, err := get(t, s.Address, "https://accounts.shop.example/healthz", nil); err == nil {
			t.Error("there is an answer without a certificate")
		}
		if !strings.Contains(s.Output.String(), "no certificate by ACME") {
			return fmt.Errorf("nothing is said")
		}
		return nil
	})
}
