package webhook_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/webhook"
	"github.com/yoozak/clients/internal/webhooktest"
)

// benchApp is a server of a benchmark, and its database.
func benchApp(b *testing.B, url string) *app.App {
	b.Helper()
	st := storetest.Open(b, url)
	hasher := password.NewHasher(password.Options{Params: password.Params{Memory: 8, Time: 1, Threads: 1}})
	b.Cleanup(hasher.Close)
	var ao app.Options
	var to token.Options
	authtest.Quietly(io.Discard)(&ao, &to)
	ao.Webhooks.Allow = webhooktest.Loopback
	a := app.New(st, token.New(token.Options{Algorithm: "EdDSA", Issuer: "yoozak", AccessLifetime: time.Hour, RefreshLifetime: time.Hour}), hasher, ao)
	a.Store = st
	if err := a.Keys.Load(b.Context()); err != nil {
		b.Fatal(err)
	}
	return a
}

var engines = map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres}

// BenchmarkAct is the transaction of a small act: its event alone, with the
// question who is to be told, and with one who is. What turns measure is one
// after the other, so that they see the same machine.
func BenchmarkAct(b *testing.B) {
	for engine, url := range engines {
		b.Run(engine, func(b *testing.B) {
			a := benchApp(b, url(b))
			silent := audit.New(a.Store, audit.Options{})
			act := func(log *audit.Log, n int) time.Duration {
				began := time.Now()
				for i := range n {
					err := a.Store.Tx(b.Context(), func(ctx context.Context, tx *store.Store) error {
						return log.Record(ctx, tx, log.ByStaff(account.EventUserEnabled, int64(i), began))
					})
					if err != nil {
						b.Fatal(err)
					}
				}
				return time.Since(began)
			}
			const turn = 100
			var times [3]time.Duration
			for b.Loop() {
				times[0] += act(silent, turn)
				times[1] += act(a.Audit, turn)
			}
			n := b.N
			if _, _, err := a.Staff.CreateWebhook(b.Context(), "https://orders.example/", nil); err != nil {
				b.Fatal(err)
			}
			for range n {
				times[2] += act(a.Audit, turn)
			}
			for i, name := range []string{"µs/event-alone", "µs/nobody-told", "µs/one-told"} {
				b.ReportMetric(float64(times[i].Microseconds())/float64(n*turn), name)
			}
		})
	}
}

// BenchmarkRegister is a registration, with a hash that costs next to nothing,
// where nobody is told and where one is, in turns.
func BenchmarkRegister(b *testing.B) {
	for engine, url := range engines {
		b.Run(engine, func(b *testing.B) {
			a, told := benchApp(b, url(b)), benchApp(b, url(b))
			if _, _, err := told.Staff.CreateWebhook(b.Context(), "https://orders.example/", nil); err != nil {
				b.Fatal(err)
			}
			next := 0
			register := func(a *app.App, n int) time.Duration {
				began := time.Now()
				for range n {
					next++
					r := auth.Registration{Username: account.TextInput(fmt.Sprint("client", next)), Password: account.TextInput(authtest.Good)}
					if _, err := a.Auth.Register(b.Context(), authtest.Req, r); err != nil {
						b.Fatal(err)
					}
				}
				return time.Since(began)
			}
			const turn = 50
			var nobody, one time.Duration
			for b.Loop() {
				nobody += register(a, turn)
				one += register(told, turn)
			}
			b.ReportMetric(float64(nobody.Microseconds())/float64(b.N*turn), "µs/nobody-told")
			b.ReportMetric(float64(one.Microseconds())/float64(b.N*turn), "µs/one-told")
			b.ReportMetric(one.Seconds()/nobody.Seconds(), "ratio")
		})
	}
}

// BenchmarkDeliver is how many deliveries a second reach a receiver that
// answers at once, of as many clients as there are deliveries, and of 10.
func BenchmarkDeliver(b *testing.B) {
	for engine, url := range engines {
		for _, clients := range []int{5000, 10} {
			b.Run(fmt.Sprintf("%s/%d-clients", engine, clients), func(b *testing.B) {
				a := benchApp(b, url(b))
				var taken atomic.Int64
				receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					taken.Add(1)
				}))
				b.Cleanup(receiver.Close)
				if _, _, err := a.Staff.CreateWebhook(b.Context(), receiver.URL, nil); err != nil {
					b.Fatal(err)
				}
				const many = 5000
				var spent time.Duration
				for b.Loop() {
					err := a.Store.Tx(b.Context(), func(ctx context.Context, tx *store.Store) error {
						acts := make([]audit.Entry, many)
						for i := range acts {
							acts[i] = a.Audit.ByStaff(account.EventUserEnabled, int64(i%clients+1), time.Now())
						}
						return tx.AddDeliveries(ctx, webhook.Told(acts))
					})
					if err != nil {
						b.Fatal(err)
					}
					taken.Store(0)
					ctx, stop := context.WithCancel(b.Context())
					done := make(chan struct{})
					began := time.Now()
					go func() { a.Webhooks.Run(ctx); close(done) }()
					for taken.Load() < many {
						time.Sleep(time.Millisecond)
					}
					spent += time.Since(began)
					stop()
					<-done
				}
				b.ReportMetric(float64(b.N*many)/spent.Seconds(), "deliveries/s")
			})
		}
	}
}

// BenchmarkDeliveryAtRest is how long after its commit an act has reached a
// receiver, where nothing else is under way: each act comes by itself, half a
// second after the one before on average, so that it meets the worker anywhere
// between two looks. Each b.N is an act: -benchtime 1000x for a p99 that is one.
func BenchmarkDeliveryAtRest(b *testing.B) {
	for engine, url := range engines {
		b.Run(engine, func(b *testing.B) {
			a := benchApp(b, url(b))
			arrived := make(chan time.Time, 1)
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				at := time.Now()
				_, _ = io.Copy(io.Discard, r.Body)
				arrived <- at
			}))
			b.Cleanup(receiver.Close)
			if _, _, err := a.Staff.CreateWebhook(b.Context(), receiver.URL, nil); err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() { a.Webhooks.Run(ctx); close(done) }()
			b.Cleanup(func() { stop(); <-done })
			var took []time.Duration
			for b.Loop() {
				time.Sleep(rand.N(time.Second))
				err := a.Store.Tx(b.Context(), func(ctx context.Context, tx *store.Store) error {
					return a.Audit.Record(ctx, tx, a.Audit.ByStaff(account.EventUserEnabled, int64(len(took)+1), time.Now()))
				})
				committed := time.Now()
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, (<-arrived).Sub(committed))
			}
			slices.Sort(took)
			for name, part := range map[string]float64{"p50": 0.5, "p99": 0.99, "max": 1} {
				at := took[max(0, int(math.Ceil(part*float64(len(took))))-1)]
				b.ReportMetric(float64(at.Microseconds())/1000, "ms-"+name)
			}
		})
	}
}
