package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// eventually repeats a question until it is answered with nil.
func eventually(t *testing.T, what string, ask func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// database is the name of a URL's database.
func database(url string) string {
	return url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")]
}

// both is a URL with two servers in it.
func both(first, second *pgtest.Cluster, database, rest string) string {
	host := func(c *pgtest.Cluster) string {
		after := strings.SplitN(strings.TrimPrefix(c.URL(database), "postgres://yoozak@"), "/", 2)
		return after[0]
	}
	return fmt.Sprintf("postgres://yoozak@%s,%s/%s?sslmode=disable%s", host(first), host(second), database, rest)
}

// fillPool has as many connections as there may be for changes: three of four.
func fillPool(t *testing.T, s *store.Store, conns int) {
	t.Helper()
	var all sync.WaitGroup
	meet := make(chan struct{}, conns)
	for range conns {
		all.Go(func() {
			err := s.Tx(t.Context(), func(context.Context, *store.Store) error {
				meet <- struct{}{}
				for len(meet) < conns { // until all are there
					time.Sleep(time.Millisecond)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestServerThatTurnsReadOnlyIsLeft: managed PostgreSQL turns read-only
// without cutting connections, when its disk is nearly full or another
// becomes the primary.
func TestServerThatTurnsReadOnlyIsLeft(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]string{"said": "&target_session_attrs=read-write", "by itself": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := pgtest.StartOwn(t)
			first.Exec(t, "CREATE DATABASE y")
			second := first.Standby(t)
			s, err := store.Open(t.Context(), both(first, second, "y", rest), store.Options{Conns: 4})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // the test is about its connections
			if _, err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			fillPool(t, s, 3)
			createUser(t, s, "before")
			second.Promote(t, first)
			first.Exec(t, "ALTER SYSTEM SET default_transaction_read_only = on")
			first.Exec(t, "SELECT pg_reload_conf()")
			add := func(name string) error {
				u := newUser(name)
				return s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &u) })
			}
			// Each session hears of it a moment later: until then a change is taken.
			failed := 0
			eventually(t, "the first server stays", func() error {
				err := add(fmt.Sprint("during", time.Now().UnixNano()))
				if err == nil && failed == 0 {
					return errors.New("still written to the first")
				}
				if err != nil {
					failed++
					if !errors.Is(err, account.ErrUnavailable) || !errors.Is(err, store.ErrReadOnly) {
						t.Errorf("got %v, want ErrUnavailable and ErrReadOnly", err)
					}
				}
				return err
			})
			if failed != 1 {
				t.Errorf("%d changes failed, want the one that finds out", failed)
			}
			fillPool(t, s, 3)
			for i := range 20 {
				if err := add(fmt.Sprint("after", i)); err != nil {
					t.Errorf("after the fail-over: %v", err)
				}
			}
			if err := s.Ready(t.Context()); err != nil {
				t.Errorf("Ready: %v", err)
			}
		})
	}
}

// TestReadyFindsOutWhoTakesChanges: while a server is not ready nobody sends
// it a change, so Ready itself has to look for another database server.
func TestReadyFindsOutWhoTakesChanges(t *testing.T) {
	t.Parallel()
	first := pgtest.StartOwn(t)
	first.Exec(t, "CREATE DATABASE y")
	second := first.Standby(t)
	s := storetest.Open(t, both(first, second, "y", ""))
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.Exec(t, "ALTER SYSTEM SET default_transaction_read_only = on")
	first.Exec(t, "SELECT pg_reload_conf()")
	eventually(t, "ready on a server that takes no changes", func() error {
		if s.Ready(t.Context()) == nil {
			return errors.New("ready")
		}
		return nil
	})
	second.Promote(t, first)
	eventually(t, "Ready", func() error { return s.Ready(t.Context()) })
	createUser(t, s, "amina")
}

// TestStandbyIsNotReadyUntilItIsPromoted: a server that starts while its
// database cannot be changed answers what needs no change.
func TestStandbyIsNotReadyUntilItIsPromoted(t *testing.T) {
	t.Parallel()
	first := pgtest.StartOwn(t)
	first.Exec(t, "CREATE DATABASE y")
	first.Exec(t, "CREATE DATABASE empty")
	before := storetest.Open(t, first.URL("y"))
	u := createUser(t, before, "amina")
	second := first.Standby(t)
	eventually(t, "the standby follows", func() error {
		s, err := store.Open(t.Context(), second.URL("y"), store.Options{})
		if err != nil {
			return err
		}
		defer s.Close() //nolint:errcheck // one question
		_, err = s.UserByID(t.Context(), u.ID)
		return err
	})
	s := storetest.Open(t, second.URL("y")) // which migrates: there is nothing to do
	err := s.Ready(t.Context())
	if !errors.Is(err, store.ErrReadOnly) || !errors.Is(err, account.ErrUnavailable) {
		t.Errorf("Ready: %v, want ErrReadOnly", err)
	}
	if _, err := s.UserByID(t.Context(), u.ID); err != nil {
		t.Errorf("a question that needs no change: %v", err)
	}
	if reader, _ := unmigrated(t, second.URL("y"), 0); reader.CheckSchema(t.Context()) != nil {
		t.Error("a command that only reads does not work there")
	}
	empty, err := store.Open(t.Context(), second.URL("empty"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close() //nolint:errcheck // the test is about Migrate
	if _, err := empty.Migrate(t.Context()); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Migrate where there is something to do: %v, want ErrReadOnly", err)
	}
	second.Promote(t, first)
	eventually(t, "Ready after the promotion", func() error { return s.Ready(t.Context()) })
	createUser(t, s, "badr")
}

// TestConnectionsThatTheServerEndsAreReplaced: one request finds out, not one
// for each connection.
func TestConnectionsThatTheServerEndsAreReplaced(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.NewDatabase(t)
	s := storetest.Open(t, url)
	fillPool(t, s, 6)
	server.Exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+database(url)+"'")
	failed := 0
	for i := range 20 {
		u := newUser(fmt.Sprint("u", i))
		if err := s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &u) }); err != nil {
			failed++
		}
	}
	if failed > 1 {
		t.Errorf("%d of 20 changes failed, want one at most", failed)
	}
}

func TestStricterIsolationOfADatabaseChangesNothing(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.NewDatabase(t)
	server.Exec(t, "ALTER DATABASE "+database(url)+" SET default_transaction_isolation = 'serializable'")
	s := storetest.Open(t, url)
	u := createUser(t, s, "amina")
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			err := s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				if _, err := tx.UserByID(ctx, u.ID); err != nil {
					return err
				}
				return tx.SetPassword(ctx, u.ID, fmt.Sprint(i), noon)
			})
			if err != nil {
				t.Errorf("one of many changes at once: %v", err)
			}
		})
	}
	all.Wait()
}

func TestDatabaseOfAnotherEncodingIsRefused(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		s, err := store.Open(t.Context(), server.NewEncoded(t, encoding), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the test is about Migrate
		if _, err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "encoding is "+encoding) || !strings.Contains(err.Error(), "UTF8") {
			t.Errorf("%s: got %v", encoding, err)
		}
	}
}

func TestClientEncodingIsUTF8WhateverTheDefault(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.NewDatabase(t)
	server.Exec(t, "ALTER DATABASE "+database(url)+" SET client_encoding = 'LATIN1'")
	for _, url := range []string{url, url + "&client_encoding=LATIN1"} {
		s := storetest.Open(t, url)
		u := createUser(t, s, fmt.Sprint("u", len(url)))
		if got, err := s.UserByID(t.Context(), u.ID); err != nil || got.LastName != u.LastName {
			t.Errorf("%q, %v; want %q", got.LastName, err, u.LastName)
		}
	}
}

// TestFullServerIsSharedByWhatIsOpen: PostgreSQL's max_connections is for all
// servers together.
func TestFullServerIsSharedByWhatIsOpen(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.NewDatabase(t)
	role := "shop_" + database(url)
	server.Exec(t, "CREATE ROLE "+role+" LOGIN CONNECTION LIMIT 3")
	server.Exec(t, "ALTER DATABASE "+database(url)+" OWNER TO "+role)
	s, err := store.Open(t.Context(), strings.Replace(url, "yoozak@", role+"@", 1), store.Options{Conns: 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is about its connections
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			u := newUser(fmt.Sprint("u", i))
			if err := s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &u) }); err != nil {
				t.Errorf("with fewer connections than wanted: %v", err)
			}
		})
	}
	all.Wait()
}

func TestErrorsOfAURLNameWhatIsWrongAndNoSecret(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://yz:hunter22@127.0.0.1:1/y?sslmode=verify_full":                              "sslmode",
		"postgres://yz:hunter22@127.0.0.1:1/y?sslmode=verify-full&sslrootcert=/no/such/ca.pem":  "/no/such/ca.pem",
		"postgres://yz:hunter22@127.0.0.1:1/y?sslcert=/no/such/cert&sslkey=/no/such/key":        "/no/such/key",
		"postgres://yz:hunter22@127.0.0.1:1/y?connect_timeout=soon":                             "connect_timeout",
		"postgres://yz:hunter22@127.0.0.1:1/y?target_session_attrs=best":                        "target_session_attrs",
		"postgres://yz:hunter22@127.0.0.1:999999/y":                                             "port",
		"postgres://yz:hunter22@127.0.0.1:1/y?service=shop":                                     "service",
		"postgres://yz:hunter22@hunter22@127.0.0.1:1/y":                                         "%40",
		"postgres://yz:hunter22/hunter22@127.0.0.1:1/y":                                         "%2F",
		"postgres://yz:hunter22@127.0.0.1:1/y?sslmode=disable":                                  "127.0.0.1:1",
		"postgres://hunter22@127.0.0.1:1/y?sslmode=disable":                                     "127.0.0.1:1", // a password in the wrong place
		pgtest.Start(t).URL("nosuchdatabase"):                                                   "nosuchdatabase",
		strings.Replace(pgtest.Start(t).URL("postgres"), "yoozak@", "hunter22:x@", 1):           "role",
		strings.Replace(pgtest.Start(t).URL("postgres"), "yoozak@", "yoozak@", 1) + "&colour=1": "colour",
	} {
		s, err := store.Open(t.Context(), url, store.Options{})
		if err == nil {
			_, err = s.Migrate(t.Context())
			_ = s.Close() // the error is what the test is about
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter22") || strings.Contains(err.Error(), "yz") {
			t.Errorf("%s: got %v, want %q in it", url, err, want)
		}
	}
}

func TestAdviceOfTheStart(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.NewDatabase(t)
	storetest.Open(t, url)
	advice := func(url string, conns int) string {
		t.Helper()
		var log bytes.Buffer
		s, err := store.Open(t.Context(), url, store.Options{Conns: conns, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the test is about Advise
		if err := s.Advise(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		return log.String()
	}
	if got := advice(url, 8); got != "" {
		t.Errorf("where all is well: %s", got)
	}
	if got := advice(storetest.SQLite(t), 0); got != "" {
		t.Errorf("of SQLite: %s", got)
	}
	if got := advice(url, 1000); !strings.Contains(got, "servers=3 may_take=3000 given=397") {
		t.Errorf("of too many connections: %s", got)
	}
	if got := advice(url, 133); !strings.Contains(got, "servers=3 may_take=399 given=397") {
		t.Errorf("of a server of which three are too many: %s", got)
	}
	if got := advice(url, 132); got != "" {
		t.Errorf("of a server of which there may be three: %s", got)
	}
	beating := storetest.Open(t, url)
	for _, name := range []string{"one", "two", "three"} {
		if _, err := beating.Beat(t.Context(), store.Heartbeat{Server: name, At: time.Now(), Believed: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if got := advice(url, 132); !strings.Contains(got, "servers=4 may_take=528 given=397") {
		t.Errorf("of a server beside three others: %s", got)
	}
	server.Exec(t, "ALTER DATABASE "+database(url)+" CONNECTION LIMIT 30")
	if got := advice(url, 8); !strings.Contains(got, "may_take=32 given=30") {
		t.Errorf("of a database with a limit of its own: %s", got)
	}
	if got := advice(server.Pooler(t, url, 2), 1000); !strings.Contains(got, "through a pooler") || strings.Contains(got, "may_take") {
		t.Errorf("behind a pooler: %s", got)
	}
	server.Exec(t, "ALTER DATABASE "+database(url)+" SET default_transaction_read_only = on")
	if got := advice(url, 8); !strings.Contains(got, "the database is read-only") {
		t.Errorf("of a database that cannot be changed: %s", got)
	}
}
