package webhook_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/yoozak/clients/internal/webhook"
	"github.com/yoozak/clients/internal/webhooktest"
)

func TestAddressesThatAreDialled(t *testing.T) {
	t.Parallel()
	for addr, good := range map[string]bool{
		"93.184.216.34": true, "1.1.1.1": true, "100.63.255.255": true, "100.128.0.0": true, "172.15.0.1": true, "172.32.0.1": true,
		"2606:4700::1111": true, "2a00:1450:4007::1": true, "::ffff:93.184.216.34": true, "64:ff9b::5db8:d822": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "100.127.255.255": false, "127.0.0.1": false, "127.255.0.1": false,
		"169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.8": false, "192.0.2.1": false, "192.88.99.1": false, "192.168.1.1": false,
		"198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:10.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:0.0.0.0": false, "::7f00:1": false, "::10.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a00:1": false, "64:ff9b:1::7f00:1": false, "100::1": false, "2001::1": false, "2001:db8::1": false,
		"2002:7f00:1::": false, "2002:5db8:d822::1": false, "3fff::1": false, "fc00::1": false, "fd12:3456::1": false, "fe80::1": false, "fe80::1%eth0": false,
		"fec0::1": false, "ff02::1": false, "5f00::1": false, "4000::1": false,
	} {
		at := netip.MustParseAddr(addr)
		if err := webhook.CheckAddress(nil, false, at); (err == nil) != good {
			t.Errorf("%s: %v", addr, err)
		}
		if err := webhook.CheckAddress(nil, true, at); err == nil {
			t.Errorf("%s is dialled without TLS", addr)
		}
	}
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.2.0/24"), netip.MustParsePrefix("fd00:1::/32")}
	for addr, good := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "fd00:1::7": true, "fd00:1::7%eth0": true,
		"10.1.3.3": false, "127.0.0.1": false, "fd00:2::7": false,
	} {
		for _, plain := range []bool{false, true} {
			if err := webhook.CheckAddress(allow, plain, netip.MustParseAddr(addr)); (err == nil) != good {
				t.Errorf("%s with %v, plain %t: %v", addr, allow, plain, err)
			}
		}
	}
}

// nameServer answers for every name what it is told, and counts. It speaks DNS
// over a pipe.
type nameServer struct {
	asked  atomic.Int32
	answer func(n int32) []netip.Addr
}

func (s *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go s.serve(theirs)
		return ours, nil
	}}
}

// serve answers one question, in the form of DNS over TCP (RFC 1035, section
// 4.2.2), which the resolver speaks with what is no packet connection.
func (s *nameServer) serve(c net.Conn) {
	defer c.Close() //nolint:errcheck // a pipe
	for {
		size := make([]byte, 2)
		if _, err := io.ReadFull(c, size); err != nil {
			return
		}
		packed := make([]byte, int(size[0])<<8|int(size[1]))
		if _, err := io.ReadFull(c, packed); err != nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(packed); err != nil {
			return
		}
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		q := m.Questions[0]
		for _, addr := range s.answer(s.asked.Add(1)) {
			h := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0}
			switch {
			case addr.Is4() && q.Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: addr.As4()}})
			case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
			}
		}
		packed, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := c.Write(append([]byte{byte(len(packed) >> 8), byte(len(packed))}, packed...)); err != nil {
			return
		}
	}
}

func addrs(texts ...string) []netip.Addr {
	all := make([]netip.Addr, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParseAddr(text)
	}
	return all
}

// TestNamesThatLeadToUs: a receiver listens where they lead, and must hear
// nothing.
func TestNamesThatLeadToUs(t *testing.T) {
	t.Parallel()
	r := webhooktest.Start(t)
	_, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(r.URL, "http://"), "/hook"))
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string][]netip.Addr{
		"loopback": addrs("127.0.0.1"), "loopback 6": addrs("::1"), "metadata": addrs("169.254.169.254"), "mapped": addrs("::ffff:127.0.0.1"),
		"nat64": addrs("64:ff9b::7f00:1"), "any": addrs("0.0.0.0"), "any 6": addrs("::"), "two": addrs("10.0.0.1", "127.0.0.1"),
	} {
		names := &nameServer{answer: func(int32) []netip.Addr { return answer }}
		for _, scheme := range []string{"http", "https"} {
			_, failure := webhook.Attempt(t.Context(), webhook.Options{Resolver: names.resolver()}, scheme+"://orders.example:"+port+"/hook")
			if !strings.HasPrefix(failure, "refused: ") || names.asked.Load() == 0 {
				t.Errorf("%s by %s, after %d questions: %q", name, scheme, names.asked.Load(), failure)
			}
		}
	}
	// Spellings of 127.0.0.1 are names that nobody has, or what they say.
	nobody := &nameServer{answer: func(int32) []netip.Addr { return nil }}
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "2130706433", "127.1", "0177.0.0.1", "localhost", "0.0.0.0", "0"} {
		_, failure := webhook.Attempt(t.Context(), webhook.Options{Resolver: nobody.resolver()}, "http://"+host+":"+port+"/hook")
		if !strings.HasPrefix(failure, "refused: ") && failure != "the name of the host is not found" {
			t.Errorf("%s: %q", host, failure)
		}
	}
	if n := len(r.Messages()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	// What the setting names is dialled, and no more.
	names := &nameServer{answer: func(int32) []netip.Addr { return addrs("127.0.0.1") }}
	o := webhook.Options{Resolver: names.resolver(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	if status, failure := webhook.Attempt(t.Context(), o, "http://orders.example:"+port+"/hook"); status != http.StatusNoContent {
		t.Errorf("%d, %q", status, failure)
	}
	names.answer = func(int32) []netip.Addr { return addrs("127.0.0.2") }
	if _, failure := webhook.Attempt(t.Context(), o, "http://orders.example:"+port+"/hook"); !strings.HasPrefix(failure, "refused: 127.0.0.2 is loopback") {
		t.Errorf("%q", failure)
	}
}

// TestURLThatWouldBeRefusedIsToldAtOnce, with the setting that would allow it.
func TestURLThatWouldBeRefusedIsToldAtOnce(t *testing.T) {
	t.Parallel()
	allow := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, test := range map[string]struct {
		url    string
		answer []netip.Addr // of the name server
		o      webhook.Options
		want   string // in the error; empty: there is none
	}{
		"open network":          {"https://orders.example/", addrs("93.184.215.14"), webhook.Options{}, ""},
		"loopback":              {"https://127.0.0.1/?key=planted", nil, webhook.Options{}, "127.0.0.1 is loopback; the server's YOOZAK_WEBHOOK_ALLOW would"},
		"link-local":            {"https://[fe80::1]/", nil, webhook.Options{}, "fe80::1 is link-local; the server's YOOZAK_WEBHOOK_ALLOW would"},
		"private by a name":     {"https://orders.example/", addrs("10.0.0.7"), webhook.Options{}, "10.0.0.7 is private; the server's YOOZAK_WEBHOOK_ALLOW would"},
		"that is allowed":       {"http://orders.example/", addrs("10.0.0.7"), webhook.Options{Allow: allow}, ""},
		"another is not":        {"https://orders.example/", addrs("192.168.0.7"), webhook.Options{Allow: allow}, "192.168.0.7 is private"},
		"one of two is dialled": {"https://orders.example/", addrs("10.0.0.7", "93.184.215.14"), webhook.Options{}, ""},
		"http in the open":      {"http://orders.example/", addrs("93.184.215.14"), webhook.Options{}, "http:// is not encrypted; the server's YOOZAK_WEBHOOK_ALLOW would"},
		"nobody's name":         {"https://orders.example/", nil, webhook.Options{}, "is not found from here; with YOOZAK_WEBHOOK_PROXY"},
		"by a proxy":            {"https://orders.example/", nil, webhook.Options{Proxy: &url.URL{Scheme: "http", Host: "proxy.example:3128"}}, ""},
	} {
		names := &nameServer{answer: func(int32) []netip.Addr { return test.answer }}
		test.o.Resolver = names.resolver()
		err := webhook.New(nil, nil, test.o).CheckURL(t.Context(), test.url)
		if (err != nil) != (test.want != "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "planted")) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	broken := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("planted") }}
	err := webhook.New(nil, nil, webhook.Options{Resolver: broken}).CheckURL(t.Context(), "https://orders.example/")
	if err == nil || err.Error() != "the name of its host cannot be looked up now" {
		t.Errorf("without a name server: %v", err)
	}
}

// TestSecondAnswerIsAnother: what was looked up before says nothing of what is
// dialled.
func TestSecondAnswerIsAnother(t *testing.T) {
	t.Parallel()
	r := webhooktest.Start(t)
	_, port, _ := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(r.URL, "http://"), "/hook"))
	names := &nameServer{answer: func(n int32) []netip.Addr {
		if n <= 2 { // A and AAAA of the first look-up
			return addrs("127.0.0.1")
		}
		return addrs("127.0.0.9")
	}}
	o := webhook.Options{Resolver: names.resolver(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	url := "http://orders.example:" + port + "/hook"
	if status, failure := webhook.Attempt(t.Context(), o, url); status != http.StatusNoContent {
		t.Errorf("%d, %q", status, failure)
	}
	if _, failure := webhook.Attempt(t.Context(), o, url); !strings.HasPrefix(failure, "refused: 127.0.0.9") {
		t.Errorf("%q", failure)
	}
}

// TestProxyOfTheEnvironmentIsNotUsed.
func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	proxy := webhooktest.Start(t)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, strings.TrimSuffix(proxy.URL, "/hook"))
	}
	names := &nameServer{answer: func(int32) []netip.Addr { return addrs("10.0.0.1") }}
	if _, failure := webhook.Attempt(t.Context(), webhook.Options{Resolver: names.resolver()}, "http://orders.example/hook"); !strings.HasPrefix(failure, "refused: ") {
		t.Errorf("%q", failure)
	}
	if n := len(proxy.Messages()); n != 0 {
		t.Errorf("%d requests went to the proxy", n)
	}
}

// rawServer answers each connection with some bytes, one at a time if slowly.
func rawServer(t *testing.T, answer string, pause time.Duration) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()                                       //nolint:errcheck // it was written
				if _, err := c.Read(make([]byte, 4096)); err != nil { // an answer before the request is no answer
					return
				}
				for i := 0; i < len(answer); i++ {
					if _, err := c.Write([]byte{answer[i]}); err != nil {
						return
					}
					time.Sleep(pause)
				}
			}()
		}
	}()
	return fmt.Sprintf("http://%s/", l.Addr())
}

// TestAnswersThatNeverEnd are cut: one that drips, and one that is large.
func TestAnswersThatNeverEnd(t *testing.T) {
	t.Parallel()
	o := webhook.Options{Allow: webhooktest.Loopback}
	t.Run("drips", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		_, failure := webhook.Attempt(t.Context(), o, rawServer(t, "HTTP/1.1 200 OK\r\nX-Long: "+strings.Repeat("a", 100), time.Second))
		if took := time.Since(began); failure != "no answer within 10s" || took < 9*time.Second || took > 30*time.Second {
			t.Errorf("%q after %v", failure, took)
		}
	})
	t.Run("large", func(t *testing.T) {
		t.Parallel()
		written := make(chan int64, 1)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close() //nolint:errcheck // the other end hung up
			n := int64(0)
			if _, err := c.Read(make([]byte, 4<<10)); err != nil { // an answer to nothing is none
				written <- 0
				return
			}
			_, err = c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
			for err == nil {
				var m int
				m, err = c.Write(make([]byte, 64<<10))
				n += int64(m)
			}
			written <- n
		}()
		status, failure := webhook.Attempt(t.Context(), o, fmt.Sprintf("http://%s/", l.Addr()))
		if status != 200 || failure != "" {
			t.Errorf("%d, %q", status, failure)
		}
		if n := <-written; n > 16<<20 { // what the kernel's buffers take
			t.Errorf("%d bytes were taken", n)
		}
	})
	t.Run("headers", func(t *testing.T) {
		t.Parallel()
		_, failure := webhook.Attempt(t.Context(), o, rawServer(t, "HTTP/1.1 200 OK\r\nX-Long: "+strings.Repeat("a", 100<<10)+"\r\n\r\n", 0))
		if failure != "the connection failed" {
			t.Errorf("%q", failure)
		}
	})
}

// TestReasonsNameNoSecret: a URL may have one in it.
func TestReasonsNameNoSecret(t *testing.T) {
	t.Parallel()
	names := &nameServer{answer: func(int32) []netip.Addr { return nil }}
	o := webhook.Options{Resolver: names.resolver(), Allow: webhooktest.Loopback}
	closed := rawServer(t, "", 0)
	for _, base := range []string{"https://orders.example/", "http://127.0.0.1:1/", "http://10.0.0.1/", closed} {
		_, failure := webhook.Attempt(t.Context(), o, base+"planted-path?token=planted-query")
		if failure == "" || strings.Contains(failure, "planted") {
			t.Errorf("%s: %q", base, failure)
		}
	}
	var refused *webhook.RefusedError
	if err := webhook.CheckAddress(nil, false, netip.MustParseAddr("::1")); !errors.As(err, &refused) {
		t.Error(err)
	}
}

// TestCertificateWritesNothingIntoTheReason: anybody who answers at the
// address has the words of it.
func TestCertificateWritesNothingIntoTheReason(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	names := &nameServer{answer: func(int32) []netip.Addr { return addrs("127.0.0.1") }}
	o := webhook.Options{Resolver: names.resolver(), Allow: webhooktest.Loopback}
	now := time.Now()
	for want, template := range map[string]x509.Certificate{
		"it is for another name":                    {NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)},
		"it has expired, or is not valid yet":       {NotBefore: now.Add(-2 * time.Hour), NotAfter: now.Add(-time.Hour)},
		"no authority that is known here signed it": {NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), DNSNames: []string{"orders.example"}},
	} {
		template.SerialNumber, template.Subject.CommonName = big.NewInt(1), "\x1b[2Jplanted"
		for range 90 {
			template.DNSNames = append(template.DNSNames, "planted."+strings.Repeat("a", 1000))
		}
		der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}, MinVersion: tls.VersionTLS12}
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		_, failure := webhook.Attempt(t.Context(), o, strings.Replace(server.URL, "127.0.0.1", "orders.example", 1))
		if failure != "its certificate is not good: "+want {
			t.Errorf("%d bytes: %.200q, want %q", len(failure), failure, want)
		}
	}
}
