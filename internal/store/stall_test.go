package store_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestSessionsAreFoundWhileChangesStall: more logins than there are
// connections wait, and whoever is logged in does not wait with them.
func TestSessionsAreFoundWhileChangesStall(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		const conns = 4
		s, err := store.Open(t.Context(), url, store.Options{Conns: conns})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		sess := createSession(t, s, createUser(t, s, "amina").ID, "s1").ID
		leave := make(chan struct{})
		var stalled sync.WaitGroup
		for range 3 * conns {
			stalled.Go(func() {
				err := s.Tx(t.Context(), func(context.Context, *store.Store) error {
					<-leave
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		found(t, s, sess)
		close(leave)
		stalled.Wait()
	})
}

// TestSessionsAreFoundWhileChangesStallOnFewerConnections: PostgreSQL gives
// less than were wanted, and changes do not take all that there are.
func TestSessionsAreFoundWhileChangesStallOnFewerConnections(t *testing.T) {
	t.Parallel()
	const conns = 8 // six of them for changes
	for _, without := range []int{1, 3, 5} {
		t.Run(fmt.Sprint("without ", without), func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), storetest.Postgres(t), store.Options{Conns: conns})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			sess := createSession(t, s, createUser(t, s, "amina").ID, "s1").ID
			s.DoWithout(without)
			leave := make(chan struct{})
			var stalled sync.WaitGroup
			var begun atomic.Int32
			for range 2 * conns {
				stalled.Go(func() {
					err := s.Tx(t.Context(), func(context.Context, *store.Store) error {
						begun.Add(1)
						<-leave
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			eventually(t, "some changes go on", func() error {
				if n := int(begun.Load()); n < max(1, conns-2-without) {
					return fmt.Errorf("%d", n)
				}
				return nil
			})
			found(t, s, sess)
			close(leave)
			stalled.Wait()
		})
	}
}

// TestSessionsAreFoundWhileCommitsStall: PostgreSQL does not answer to
// COMMIT, as when its disk, or its synchronous standby, does not.
func TestSessionsAreFoundWhileCommitsStall(t *testing.T) {
	t.Parallel()
	p, s := throughProxy(t)
	sess := createSession(t, s, createUser(t, s, "amina").ID, "s1").ID
	release := p.hold("commit", 1000)
	var stalled sync.WaitGroup
	for range 20 {
		stalled.Go(func() {
			err := s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.UseSession(ctx, sess, noon) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	p.held(t, 1)
	found(t, s, sess)
	release()
	stalled.Wait()
}

// TestOneSlowLookupHoldsUpNobody: PostgreSQL does not answer to one query.
func TestOneSlowLookupHoldsUpNobody(t *testing.T) {
	t.Parallel()
	p, s := throughProxy(t)
	user := createUser(t, s, "amina").ID
	sess := createSession(t, s, user, "s1").ID
	workers := runtime.GOMAXPROCS(0)
	for i := range workers {
		createSession(t, s, user, fmt.Sprint("slow-session-", i))
	}
	// As many as there are workers, each in a query of its own.
	release := p.hold("slow-session", workers)
	var slow sync.WaitGroup
	for i := range workers {
		id := fmt.Sprint("slow-session-", i)
		slow.Go(func() {
			if _, _, err := s.SessionUser(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
		p.held(t, i+1)
	}
	found(t, s, sess)
	release()
	slow.Wait()
}

// found fails the test when a session is not found in time, again and again.
func found(t *testing.T, s *store.Store, sess string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // less than a transaction may take
	defer cancel()
	for range 100 {
		if _, _, err := s.SessionUser(ctx, sess); err != nil {
			t.Errorf("a session beside what stalls: %v", err)
			return
		}
	}
}

// throughProxy is a store whose PostgreSQL is behind a proxy.
func throughProxy(t *testing.T) (*proxy, *store.Store) {
	t.Helper()
	target, err := url.Parse(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: target.Host}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.listener.Close() })
	go p.serve()
	target.Host = p.listener.Addr().String()
	s, err := store.Open(t.Context(), target.String(), store.Options{Conns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p, s
}

// proxy stands before a PostgreSQL, and can keep what clients say to it.
type proxy struct {
	target   string
	listener net.Listener

	mu     sync.Mutex
	marker []byte
	most   int
	count  int
	opened chan struct{}
}

// hold keeps what has the marker in it, most times, until release is called.
func (p *proxy) hold(marker string, most int) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	opened := make(chan struct{})
	p.marker, p.most, p.count, p.opened = []byte(marker), most, 0, opened
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.marker = nil
		close(opened)
	}
}

// held waits until so many are kept.
func (p *proxy) held(t *testing.T, n int) {
	t.Helper()
	for {
		p.mu.Lock()
		count := p.count
		p.mu.Unlock()
		if count >= n {
			return
		}
		if t.Context().Err() != nil {
			t.Fatal("nothing was kept")
		}
		time.Sleep(time.Millisecond)
	}
}

func (p *proxy) wait(said []byte) {
	p.mu.Lock()
	kept, opened := len(p.marker) > 0 && p.count < p.most && bytes.Contains(said, p.marker), p.opened
	if kept {
		p.count++
	}
	p.mu.Unlock()
	if kept {
		<-opened
	}
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		pass := func(to, from net.Conn, look func([]byte)) {
			defer to.Close()   //nolint:errcheck // over
			defer from.Close() //nolint:errcheck // over
			buffer := make([]byte, 64<<10)
			for {
				n, err := from.Read(buffer)
				if err != nil {
					return
				}
				look(buffer[:n])
				if _, err := to.Write(buffer[:n]); err != nil {
					return
				}
			}
		}
		go pass(server, client, p.wait)
		go pass(client, server, func([]byte) {})
	}
}
