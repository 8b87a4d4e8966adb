package browser

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/pgtest"
)

// line is a way to a database on which a test holds everything up, or cuts
// what there is and lets nobody through.
type line struct {
	url string

	mu    sync.Mutex
	free  sync.Cond
	held  bool
	gone  bool
	conns []net.Conn
}

func newLine(t *testing.T, database string) *line {
	t.Helper()
	to, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	target := to.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to.Host = l.Addr().String()
	n := &line{url: to.String()}
	n.free.L = &n.mu
	t.Cleanup(func() {
		_ = l.Close()
		n.set(false, true)
	})
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return // closed
			}
			n.join(near, target)
		}
	}()
	return n
}

func (n *line) join(near net.Conn, target string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	far, err := net.Dial("tcp", target)
	if err != nil || n.gone {
		_ = near.Close()
		if err == nil {
			_ = far.Close()
		}
		return
	}
	n.conns = append(n.conns, near, far)
	go n.carry(far, near)
	go n.carry(near, far)
}

func (n *line) carry(to, from net.Conn) {
	defer to.Close() //nolint:errcheck // one of two
	block := make([]byte, 32<<10)
	for {
		size, err := from.Read(block)
		if err != nil {
			return
		}
		n.mu.Lock()
		for n.held {
			n.free.Wait()
		}
		n.mu.Unlock()
		if _, err := to.Write(block[:size]); err != nil {
			return
		}
	}
}

// set holds everything up, or cuts it, or neither.
func (n *line) set(held, gone bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held, n.gone = held, gone
	if gone {
		for _, c := range n.conns {
			_ = c.Close()
		}
		n.conns = nil
	}
	n.free.Broadcast()
}

// TestConsoleSlow: while the database does not answer, what is there stays, it
// is said that it takes long, and typing goes on; then the last word's answer
// is shown, and none of those before. When the database is gone a block says
// so, with a reference, and nothing that was typed is lost.
func TestConsoleSlow(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	database := cluster.NewDatabase(t)
	n := newLine(t, database)
	d := startDeskOn(t, n.url, database)
	session := d.session(t, "karim")
	for _, o := range consoleWidths {
		t.Run(o.name(), func(t *testing.T) {
			b := openTab(t, o)
			b.open(d.URL + "/console/login")
			b.has(d, session)
			b.open(d.URL + "/console/clients")
			b.inField("search")
			b.write("search", "alaoui")
			b.until(`location.search.includes('search=alaoui')`)
			rows := b.listed()

			n.set(true, false)
			b.write("search", "tazi")
			b.until(`!document.getElementById('slow').hidden && document.getElementById('slow').textContent === ''`)
			b.until(`document.getElementById('slow').textContent === ` + quoted(locale.Text("fr", "console.slow", nil)))
			if got := b.listed(); got != rows {
				t.Errorf("meanwhile the rows are %s, were %s", got, rows)
			}
			b.accessible()
			b.write("search", "maximil")
			b.holds("search", "maximil")
			if got := b.run(`return document.getElementById('slow').textContent`); got != locale.Text("fr", "console.slow", nil) {
				t.Errorf("another word, and it says %q", got)
			}
			n.set(false, false)
			b.until(`location.search.includes('search=maximil') && document.getElementById('slow').hidden`)
			if got := b.listed(); !strings.HasPrefix(got, "Maximilienne") || strings.Contains(got, "Tazi") {
				t.Errorf("the last word's answer is %s", got)
			}
			b.inField("search")
			if got := b.run(`const search = document.getElementById('search'); return search.selectionStart + ' ' + search.value`); got != "7 maximil" {
				t.Errorf("the caret and the word: %s", got)
			}

			n.set(false, true)
			b.write("search", "amina")
			b.until(`document.querySelector('#results [role=alert]')`)
			b.says(locale.Text("fr", "console.problem", nil), "La base de données ne répond pas", "Référence")
			if got := b.run(`return document.querySelectorAll('h1, header, main').length`); got != "3" {
				t.Errorf("there is a page within the page: %s", got)
			}
			b.holds("search", "amina")
			retry := chromedp.Click(chromedp.CSS("main a.button"))
			b.status(b.load(chromedp.Click(chromedp.CSS("#results a.button"))), http.StatusServiceUnavailable)
			b.says("La base de données ne répond pas", "Référence")
			n.set(false, false)
			d.Ready(t)
			b.status(b.load(retry), http.StatusOK)
			b.holds("search", "amina")
			if got := b.listed(); !strings.Contains(got, "Amina Alaoui") || strings.Contains(got, "Tazi") {
				t.Errorf("at last: %s", got)
			}

			// A form that could not be sent.
			b.open(d.client("tazi") + "/disable")
			b.write("reason", "fraude signalée par la banque")
			n.set(false, true)
			b.status(b.pressIn("button.danger"), http.StatusServiceUnavailable)
			b.says("La base de données ne répond pas. Rien n’a été changé.")
			n.set(false, false)
			d.Ready(t)
			b.status(b.load(retry), http.StatusOK)
			b.holds("reason", "fraude signalée par la banque")
			d.phone(t, "tazi") // nothing was done
		})
	}
}

// TestConsoleBehindAProxyThatAnswers: while the server restarts, the proxy before
// it says something of its own. It takes the place of no list, and trying again
// asks for what is typed.
func TestConsoleBehindAProxyThatAnswers(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	target, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	var down atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(target)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte("<html><body><h1>502 Bad Gateway</h1></body></html>"))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	b := openTab(t, consoleWidths[0])
	b.open(srv.URL + "/console/login")
	b.has(d, d.session(t, "salma"))
	b.open(srv.URL + "/console/clients")
	rows := b.listed()
	down.Store(true)
	b.write("search", "tazi")
	b.until(`document.getElementById('slow').textContent.startsWith(` + quoted(locale.Text("fr", "console.lost", nil)) + `)`)
	if got := b.listed(); got != rows || strings.Contains(b.read().Text, "Bad Gateway") {
		t.Errorf("the rows are %s, were %s", got, rows)
	}
	b.accessible()
	b.holds("search", "tazi")
	down.Store(false)
	b.do(chromedp.Click(chromedp.CSS("#slow button")))
	b.until(`location.search.includes('search=tazi') && document.getElementById('slow').hidden`)
	if got := b.inField("search"); !strings.Contains(got.Text, "Mohamed Tazi") || strings.Contains(got.Text, "Alaoui") {
		t.Errorf("tried again:\n%s", got.Text)
	}
}
