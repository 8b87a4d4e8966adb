// Package shadow lets a team watch real traffic before it switches servers.
// It is a reverse proxy that answers from the server in use, the upstream,
// plays each request of the API to a copy as well, and reports where the two
// answers differ.
//
// Guarantees:
//
//   - The customer gets the upstream's answer as it is. The copy is asked
//     after that answer has been passed on, from a bounded queue: when the
//     copy is slow or dead, its share is dropped and counted.
//   - Reports and logs hold statuses, paths of the API and shapes of bodies:
//     names, kinds, lists. Never a value, a header's value, a token or any
//     other path.
//   - The requests of one client reach the copy in their order.
//   - Who the client is, a proxy in front may say if it is trusted. Anybody
//     else is the client, whatever their headers say: both servers may
//     believe us, and a stranger must not choose an address there.
package shadow

import (
	"bytes"
	"context"
	"hash/fnv"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what a [Shadow] is made of.
type Options struct {
	Upstream *url.URL       // answers the customers
	Copy     *url.URL       // is compared with it; on data of its own
	Paths    []string       // of the API, with the slash at their end; others are passed on only
	Trusted  []netip.Prefix // proxies in front of us
	Report   io.Writer
	Log      *slog.Logger
	Timeout  time.Duration // of an answer of the copy; 0: 10 seconds
	Queue    int           // requests that wait in one lane; 0: 64
}

const (
	// lanes is how many requests the copy is asked at once, and as many
	// clients go side by side.
	lanes = 8
	// maxBody bounds what is held of a body for the comparison. With full
	// queues that is 64 MiB.
	maxBody = 64 << 10
	// maxUpstream is how long the upstream may take before its answer begins.
	maxUpstream = 2 * time.Minute
)

// Shadow is the reverse proxy. Make one with [New], end it with
// [Shadow.Close].
type Shadow struct {
	o        Options
	paths    map[string]bool
	proxy    *httputil.ReverseProxy
	copy     http.RoundTripper
	lanes    [lanes]chan *exchange
	report   report
	upstream health
	copied   health

	stop     sync.Once
	stopping chan struct{}
	playing  context.Context // ends when Close may wait no longer
	cancel   context.CancelFunc
	workers  sync.WaitGroup
}

// New makes a Shadow that plays at once.
func New(o Options) *Shadow {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Queue == 0 {
		o.Queue = 64
	}
	s := &Shadow{
		o: o, paths: map[string]bool{},
		copy:     &http.Transport{MaxConnsPerHost: lanes, DisableCompression: true, IdleConnTimeout: time.Second},
		report:   newReport(o.Report, o.Log),
		upstream: health{log: o.Log, name: "upstream"},
		copied:   health{log: o.Log, name: "copy"},
		stopping: make(chan struct{}),
	}
	for _, p := range o.Paths {
		s.paths[p], s.paths[strings.TrimSuffix(p, "/")] = true, true
	}
	s.proxy = &httputil.ReverseProxy{
		Rewrite:        s.rewrite,
		ModifyResponse: s.hold,
		ErrorHandler:   s.badGateway,
		ErrorLog:       log.New(io.Discard, "", 0), // it quotes what it could not read
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			DisableCompression:    true, // the customer's choice, not ours
			ExpectContinueTimeout: time.Second,
			MaxIdleConnsPerHost:   64,
			ResponseHeaderTimeout: maxUpstream,
			// Shorter than gunicorn's two seconds: a connection that the upstream
			// closes while it is taken for a POST would be a 502.
			IdleConnTimeout: time.Second,
		},
	}
	s.playing, s.cancel = context.WithCancel(context.Background())
	for i := range s.lanes {
		s.lanes[i] = make(chan *exchange, o.Queue)
		s.workers.Go(func() { s.work(s.lanes[i]) })
	}
	return s
}

// Close plays what waits until ctx ends, and drops the rest.
func (s *Shadow) Close(ctx context.Context) {
	s.stop.Do(func() { close(s.stopping) })
	stop := context.AfterFunc(ctx, s.cancel)
	s.workers.Wait()
	stop()
	s.cancel()
}

// ServeHTTP passes a request on to the upstream and its answer back.
func (s *Shadow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{route: other, skip: notOurs}
	if s.paths[r.URL.Path] {
		x = &exchange{route: routeOf(r), method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, client: s.clientOf(r)}
	}
	s.report.count(x.route)
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	x.take(r)
	defer s.enqueue(x) // also when the customer left: the proxy panics then
	s.proxy.ServeHTTP(w, r)
}

// enqueue gives an exchange that can be compared to the copy. It never
// waits.
func (s *Shadow) enqueue(x *exchange) {
	switch {
	case x.skip != "":
	case !x.ended:
		x.skip = aborted
	default:
		select {
		case <-s.stopping:
			x.skip = dropped
		default:
			h := fnv.New32a()
			_, _ = h.Write([]byte(x.client)) // never fails
			select {
			case s.lanes[h.Sum32()%lanes] <- x:
				return
			default:
				x.skip = dropped
			}
		}
	}
	s.report.skip(x.route, x.skip)
}

// forwarded are the headers that a proxy in front of us sets.
var forwarded = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// rewrite sends the upstream what it would get without us: the host and what
// a trusted proxy in front says of the client. Without one, we say it.
func (s *Shadow) rewrite(p *httputil.ProxyRequest) {
	p.SetURL(s.o.Upstream)
	p.Out.Host = p.In.Host
	p.Out.URL.RawQuery = p.In.URL.RawQuery // also what Go would not parse
	if s.trusts(p.In) {
		for _, name := range forwarded {
			if values, there := p.In.Header[name]; there {
				p.Out.Header[name] = values
			}
		}
	}
	if p.Out.Header["X-Forwarded-For"] == nil {
		p.Out.Header.Set("X-Forwarded-For", s.clientOf(p.In))
	}
	if x := exchangeOf(p.In); x.skip == "" {
		x.header = p.Out.Header.Clone() // without those of the connection
		if body := x.body; body != nil {
			p.Out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		}
	}
}

// badGateway answers for an upstream that did not.
func (s *Shadow) badGateway(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r)
	if r.Context().Err() != nil || x.cut.Load() { // the customer left; nobody failed
		x.skip = aborted
		return
	}
	x.skip = upstreamFailed
	s.upstream.failed(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(w, `{"detail":"The upstream server does not answer."}`) // or the customer left
}

// health logs when a server stops answering and when it is back, not every
// failure between.
type health struct {
	log  *slog.Logger
	name string
	down atomic.Bool
}

func (h *health) failed(err error) {
	if !h.down.Swap(true) {
		h.log.Warn("a server does not answer", "server", h.name, "failure", failure(err))
	}
}

func (h *health) answered() {
	if h.down.Load() && h.down.Swap(false) {
		h.log.Info("a server answers again", "server", h.name)
	}
}
