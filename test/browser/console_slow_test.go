package browser

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/pgtest"
)

// line is a way to a database that a test cuts, and mends.
type line struct {
	url string

	mu    sync.Mutex
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
	t.Cleanup(func() {
		_ = l.Close()
		n.cut(true)
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
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}
	go carry(far, near)
	go carry(near, far)
}

// cut ends what there is and lets nobody through, or lets them through again.
func (n *line) cut(gone bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gone = gone
	if gone {
		for _, c := range n.conns {
			_ = c.Close()
		}
		n.conns = nil
	}
}

// slowProxy is before a server, and keeps the answers of searches for as long
// as a test wants.
type slowProxy struct {
	url  string
	mu   sync.Mutex
	keep bool
	kept []*keptAnswer // in the order in which they were asked for
}

type keptAnswer struct {
	search string
	goes   chan struct{}
}

func newSlowProxy(t *testing.T, s *server) *slowProxy {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy, p := httputil.NewSingleHostReverseProxy(target), &slowProxy{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		k := &keptAnswer{search: r.URL.Query().Get("search"), goes: make(chan struct{})}
		if p.keep && r.Header.Get("HX-Request") != "" {
			p.kept = append(p.kept, k)
		} else {
			close(k.goes)
		}
		p.mu.Unlock()
		<-k.goes
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		p.release()
		srv.Close()
	})
	p.url = srv.URL
	return p
}

// hold keeps the answers from now on.
func (p *slowProxy) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep = true
}

// asked waits until an answer is kept for each of these searches, and for no
// other; on a busy machine the beginning of a word may have been asked for while
// it was typed.
func (p *slowProxy) asked(t *testing.T, searches ...string) {
	t.Helper()
	var got []string
	for range 1200 {
		got = nil
		p.mu.Lock()
		for _, k := range p.kept {
			if last := len(got) - 1; last >= 0 && strings.HasPrefix(k.search, got[last]) {
				got = got[:last]
			}
			got = append(got, k.search)
		}
		p.mu.Unlock()
		if slices.Equal(got, searches) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("asked for %v, want %v", got, searches)
}

// release lets the answers go, the last first.
func (p *slowProxy) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range slices.Backward(p.kept) {
		close(k.goes)
	}
	p.kept, p.keep = nil, false
}

// TestConsoleSlow: while an answer does not come, what is there stays, it is said
// that it takes long, and typing goes on; then the last word's answer is shown,
// and none of those before, whichever comes last.
func TestConsoleSlow(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	session := d.session(t, "karim")
	p := newSlowProxy(t, d.server)
	for _, o := range consoleWidths {
		t.Run(o.name(), func(t *testing.T) {
			b := openTab(t, o)
			b.open(p.url + "/console/login")
			b.has(d, session)
			b.open(p.url + "/console/clients")
			b.inField("search")
			b.write("search", "alaoui")
			b.until(`location.search.includes('search=alaoui')`)
			rows := b.listed()
			p.hold()
			b.write("search", "tazi")
			b.until(`!document.getElementById('slow').hidden && document.getElementById('slow').textContent === ''`)
			slow := locale.Text("fr", "console.slow", nil)
			b.until(`document.getElementById('slow').textContent === ` + quoted(slow))
			p.asked(t, "tazi")
			if got := b.listed(); got != rows {
				t.Errorf("meanwhile the rows are %s, were %s", got, rows)
			}
			b.accessible()
			b.write("search", "maximil")
			b.holds("search", "maximil")
			p.asked(t, "tazi", "maximil")
			if got := b.run(`return document.getElementById('slow').textContent`); !strings.HasPrefix(got, slow) {
				t.Errorf("another word, and it says %q", got)
			}
			p.release()
			b.until(`location.search.includes('search=maximil') && document.getElementById('slow').hidden`)
			b.inField("search")
			if got := b.listed(); !strings.HasPrefix(got, "Maximilienne") || strings.Contains(got, "Tazi") {
				t.Errorf("the last word's answer is %s", got)
			}
			if got := b.run(`const search = document.getElementById('search'); return search.selectionStart + ' ' + search.value`); got != "7 maximil" {
				t.Errorf("the caret and the word: %s", got)
			}
		})
	}
}

// TestConsoleDatabaseGone: a block says so, with a reference, in the place of the
// list; trying again leads to what was typed, and so does a form that could not
// be sent.
func TestConsoleDatabaseGone(t *testing.T) {
	t.Parallel()
	database := pgtest.Start(t).NewDatabase(t)
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
			n.cut(true)
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
			n.cut(false)
			d.Ready(t)
			b.status(b.load(retry), http.StatusOK)
			b.holds("search", "amina")
			if got := b.listed(); !strings.Contains(got, "Amina Alaoui") || strings.Contains(got, "Tazi") {
				t.Errorf("at last: %s", got)
			}

			b.open(d.client("tazi") + "/disable")
			b.write("reason", "fraude signalée par la banque")
			n.cut(true)
			b.status(b.pressIn("button.danger"), http.StatusServiceUnavailable)
			b.says("La base de données ne répond pas. Rien n’a été changé.")
			n.cut(false)
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
