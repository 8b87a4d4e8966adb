package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// noon is a time with microseconds, in a zone that is not UTC.
var noon = time.Date(2026, 3, 29, 12, 0, 0, 123456000, time.FixedZone("Casablanca", 3600))

func newUser(name string) account.User {
	return account.User{
		Username: name, Email: name + "@example.ma", FirstName: "Amina", LastName: "بن علي",
		PasswordHash: "$argon2id$x", Active: true, Language: "ar", JoinedAt: noon, PasswordAt: noon,
	}
}

// write runs fn in a transaction that must succeed.
func write(t *testing.T, s *store.Store, fn func(_ context.Context, tx *store.Store) error) {
	t.Helper()
	if err := s.Tx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func createUser(t *testing.T, s *store.Store, name string) account.User {
	t.Helper()
	u := newUser(name)
	write(t, s, func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) })
	return u
}

func newSession(userID int64, id string) account.Session {
	return account.Session{
		ID: id, UserID: userID, CreatedAt: noon, LastUsedAt: noon, ExpiresAt: noon.Add(24 * time.Hour),
		IP: "2001:db8::1", UserAgent: "Test/1.0", RefreshID: "r1", RefreshAt: noon,
	}
}

func createSession(t *testing.T, s *store.Store, userID int64, id string) account.Session {
	t.Helper()
	sess := newSession(userID, id)
	write(t, s, func(_ context.Context, tx *store.Store) error { return tx.CreateSession(t.Context(), sess) })
	return sess
}

func TestUserComesBackAsStoredWithTimesInUTC(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := newUser("amina")
		u.Staff, u.Superuser = true, true
		u.LastLoginAt = noon.Add(time.Hour)
		write(t, s, func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) })
		want := u
		want.JoinedAt, want.PasswordAt, want.LastLoginAt = noon.UTC(), noon.UTC(), noon.Add(time.Hour).UTC()
		for name, find := range map[string]func() (account.User, error){
			"id":       func() (account.User, error) { return s.UserByID(t.Context(), u.ID) },
			"username": func() (account.User, error) { return s.UserByUsername(t.Context(), "amina") },
			"email":    func() (account.User, error) { return claimant(t, s, "AMINA@Example.MA") },
		} {
			got, err := find()
			if err != nil {
				t.Fatalf("by %s: %v", name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("by %s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestUserWithoutLastLoginHasZeroTime(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		got, err := s.UserByID(t.Context(), u.ID)
		if err != nil || !got.LastLoginAt.IsZero() {
			t.Fatalf("got %v, %v; want the zero time", got.LastLoginAt, err)
		}
	})
}

func TestUnknownUserIsNotFound(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		_, byID := s.UserByID(t.Context(), 7)
		_, byName := s.UserByUsername(t.Context(), "nobody")
		_, byEmail := s.Prover(t.Context(), "nobody@example.ma", 0)
		for name, err := range map[string]error{"id": byID, "username": byName, "email": byEmail} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("by %s: got %v, want ErrNotFound", name, err)
			}
		}
	})
}

func TestUsernameIsUniqueByteByByte(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		createUser(t, s, "amina")
		again := newUser("amina")
		err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &again) })
		if !errors.Is(err, store.ErrTaken) {
			t.Fatalf("second amina: got %v, want ErrTaken", err)
		}
		createUser(t, s, "Amina") // another name
		createUser(t, s, "amina ")
		for name, want := range map[string]bool{"amina": true, "Amina": true, "AMINA": false} {
			if got, err := s.UsernameTaken(t.Context(), name, 0, noon); err != nil || got != want {
				t.Errorf("UsernameTaken(%q) = %v, %v; want %v", name, got, err, want)
			}
		}
	})
}

func TestUserIDsAreNeverGivenTwice(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		createUser(t, s, "a")
		newest := createUser(t, s, "b")
		write(t, s, func(_ context.Context, tx *store.Store) error { return tx.CloseUser(t.Context(), newest.ID, noon) })
		write(t, s, func(_ context.Context, tx *store.Store) error {
			gone, err := tx.EraseUsers(t.Context(), []int64{newest.ID})
			if len(gone) != 1 {
				t.Errorf("erased %v", gone)
			}
			return err
		})
		if next := createUser(t, s, "c"); next.ID <= newest.ID {
			t.Fatalf("the id %d of an erased user came again: %d", newest.ID, next.ID)
		}
	})
}

func TestUsersComeInPages(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		for i := range 5 {
			createUser(t, s, fmt.Sprint("u", i))
		}
		var names []string
		for after := int64(0); ; {
			page, err := s.Users(t.Context(), after, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, u := range page {
				after = u.ID
				names = append(names, u.Username)
			}
		}
		if diff := cmp.Diff([]string{"u0", "u1", "u2", "u3", "u4"}, names); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestLoginWithAnotherHash: a login that began with an old password must not
// succeed after the password was changed, nor undo the change.
func TestLoginWithAnotherHash(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		write(t, s, func(_ context.Context, tx *store.Store) error {
			return tx.SetPassword(t.Context(), u.ID, "chosen", noon)
		})
		login := func(old, hash string) error {
			return s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.Login(t.Context(), u.ID, old, hash, noon) })
		}
		if err := login(u.PasswordHash, "rehashed"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("old hash: %v, want ErrNotFound", err)
		}
		if err := login("chosen", "rehashed"); err != nil {
			t.Error(err)
		}
		if got, err := s.UserByID(t.Context(), u.ID); err != nil || got.PasswordHash != "rehashed" || !got.LastLoginAt.Equal(noon) {
			t.Errorf("%+v, %v", got, err)
		}
		write(t, s, func(_ context.Context, tx *store.Store) error { return tx.SetActive(t.Context(), u.ID, false) })
		if err := login("rehashed", "rehashed"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("inactive: %v, want ErrNotFound", err)
		}
	})
}

func TestChangesToAMissingUserAreNotFound(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		for name, fn := range map[string]func(_ context.Context, tx *store.Store) error{
			"SetPassword":   func(_ context.Context, tx *store.Store) error { return tx.SetPassword(t.Context(), 9, "x", noon) },
			"SetActive":     func(_ context.Context, tx *store.Store) error { return tx.SetActive(t.Context(), 9, true) },
			"Login":         func(_ context.Context, tx *store.Store) error { return tx.Login(t.Context(), 9, "x", "x", noon) },
			"RevokeSession": func(_ context.Context, tx *store.Store) error { return tx.RevokeSession(t.Context(), "no", noon) },
		} {
			if err := s.Tx(t.Context(), fn); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: got %v, want ErrNotFound", name, err)
			}
		}
	})
}

func TestSessionComesWithItsUser(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		want := createSession(t, s, u.ID, "s1")
		sess, got, err := s.SessionUser(t.Context(), "s1")
		if err != nil {
			t.Fatal(err)
		}
		if sess.UserID != u.ID || !sess.ExpiresAt.Equal(want.ExpiresAt) || sess.ExpiresAt.Location() != time.UTC || !sess.RevokedAt.IsZero() || sess.RefreshID != "r1" {
			t.Errorf("session %+v", sess)
		}
		if got.ID != u.ID || got.Username != "amina" || got.LastName != "بن علي" || !got.Active {
			t.Errorf("user %+v", got)
		}
		if _, _, err := s.SessionUser(t.Context(), "s2"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown session: got %v, want ErrNotFound", err)
		}
	})
}

// TestStrangeSessionIDIsNobodysTrouble: lookups share a query, which
// PostgreSQL refuses as a whole for one bad text.
func TestStrangeSessionIDIsNobodysTrouble(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		createSession(t, s, u.ID, "s1")
		var all sync.WaitGroup
		for range 50 {
			for _, id := range []string{"\x00", "s1\x00", "\xff", "\xed\xa0\x80", "é", " ", strings.Repeat("s", 1<<20)} {
				all.Go(func() {
					if _, _, err := s.SessionUser(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
						t.Errorf("%.10q: got %v, want ErrNotFound", id, err)
					}
				})
			}
			all.Go(func() {
				if _, _, err := s.SessionUser(t.Context(), "s1"); err != nil {
					t.Errorf("a good session beside them: %v", err)
				}
			})
		}
		all.Wait()
	})
}

func TestSessionNeedsAUser(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return tx.CreateSession(t.Context(), account.Session{ID: "s", UserID: 404, CreatedAt: noon, LastUsedAt: noon, ExpiresAt: noon, RefreshAt: noon})
		})
		if !errors.Is(err, store.ErrGone) {
			t.Fatalf("a session of nobody: %v", err)
		}
	})
}

// TestWhatRefersToWhoIsErasedSaysSo: that somebody was erased while another wrote
// about them is nobody's mistake.
func TestWhatRefersToWhoIsErasedSaysSo(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		agent := createUser(t, s, "salma").ID
		for name, write := range map[string]func(ctx context.Context, tx *store.Store) error{
			"a mail": func(ctx context.Context, tx *store.Store) error {
				return tx.AddMail(ctx, account.Mail{Kind: account.MailResetPassword, UserID: 404, Email: "amina@example.ma", CreatedAt: noon, DueAt: noon})
			},
			"a note": func(ctx context.Context, tx *store.Store) error {
				return tx.AddNote(ctx, &account.Note{UserID: 404, AuthorID: agent, Text: "called", CreatedAt: noon})
			},
			"a look": func(ctx context.Context, tx *store.Store) error {
				_, err := tx.NoteLook(ctx, agent, 404, noon, noon)
				return err
			},
			"a role": func(ctx context.Context, tx *store.Store) error {
				return tx.SetStaff(ctx, account.StaffMember{UserID: 404, Role: account.Support, GivenAt: noon})
			},
		} {
			if err := s.Tx(t.Context(), write); !errors.Is(err, store.ErrGone) || errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestRevokedSessionStaysRevoked(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		createSession(t, s, u.ID, "s1")
		createSession(t, s, u.ID, "s2")
		write(t, s, func(_ context.Context, tx *store.Store) error { return tx.RevokeSession(t.Context(), "s1", noon) })
		write(t, s, func(_ context.Context, tx *store.Store) error {
			return tx.RevokeSessions(t.Context(), u.ID, "", noon.Add(time.Hour))
		})
		for id, at := range map[string]time.Time{"s1": noon, "s2": noon.Add(time.Hour)} {
			sess, _, err := s.SessionUser(t.Context(), id)
			if err != nil || !sess.RevokedAt.Equal(at) {
				t.Errorf("%s revoked at %v, %v; want %v", id, sess.RevokedAt, err, at)
			}
		}
		err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return tx.Rotate(t.Context(), store.Rotation{SessionID: "s1", OldID: "r1", NewID: "r2", At: noon, ExpiresAt: noon})
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("rotating a revoked session: got %v, want ErrNotFound", err)
		}
	})
}

// A login that is under way when its user logs out everywhere is before that
// or after it: what was opened before does not stay, and neither fails.
func TestRevokedSessionsAreThoseOfALoginUnderWayToo(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		createSession(t, s, u.ID, "s1")
		noted := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			err := s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				if err := tx.Login(ctx, u.ID, u.PasswordHash, u.PasswordHash, noon); err != nil {
					return err
				}
				close(noted)
				time.Sleep(300 * time.Millisecond) // the other waits, or has missed it
				sess := account.Session{ID: "s2", UserID: u.ID, CreatedAt: noon, LastUsedAt: noon, ExpiresAt: noon.Add(time.Hour), RefreshID: "r", RefreshAt: noon}
				if err := tx.CreateSession(ctx, sess); err != nil {
					return err
				}
				return tx.UseSession(ctx, "s1", noon)
			})
			if err != nil {
				t.Errorf("login: %v", err)
			}
		})
		<-noted
		write(t, s, func(_ context.Context, tx *store.Store) error { return tx.RevokeSessions(t.Context(), u.ID, "", noon) })
		wg.Wait()
		for _, id := range []string{"s1", "s2"} {
			if sess, _, err := s.SessionUser(t.Context(), id); err != nil || sess.RevokedAt.IsZero() {
				t.Errorf("%s is not revoked, %v", id, err)
			}
		}
	})
}

func TestOfManyRotationsAtOnceOneWins(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		createSession(t, s, u.ID, "s1")
		var (
			wg   sync.WaitGroup
			mu   sync.Mutex
			wins []string
		)
		for i := range 20 {
			wg.Go(func() {
				next := fmt.Sprint("next", i)
				err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
					return tx.Rotate(t.Context(), store.Rotation{SessionID: "s1", OldID: "r1", NewID: next, At: noon, ExpiresAt: noon.Add(time.Hour)})
				})
				switch {
				case err == nil:
					mu.Lock()
					wins = append(wins, next)
					mu.Unlock()
				case !errors.Is(err, store.ErrNotFound):
					t.Errorf("rotation %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		sess, _, err := s.SessionUser(t.Context(), "s1")
		if err != nil || len(wins) != 1 || sess.RefreshID != wins[0] || sess.PreviousID != "r1" {
			t.Fatalf("winners %v, session %+v, %v; want one winner, stored", wins, sess, err)
		}
	})
}

func TestDeleteSessionsForgetsTheOldest(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		for i := range 5 {
			createSession(t, s, u.ID, fmt.Sprint("s", i))
		}
		var n int64
		write(t, s, func(_ context.Context, tx *store.Store) (err error) {
			n, err = tx.DeleteSessions(t.Context(), noon.Add(24*time.Hour), 3)
			return err
		})
		if n != 0 {
			t.Errorf("deleted %d sessions that had not expired", n)
		}
		for _, want := range []int64{3, 2, 0} {
			write(t, s, func(_ context.Context, tx *store.Store) (err error) {
				n, err = tx.DeleteSessions(t.Context(), noon.Add(25*time.Hour), 3)
				return err
			})
			if n != want {
				t.Errorf("deleted %d, want %d", n, want)
			}
		}
	})
}

func TestFailedTransactionLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		oops := errors.New("oops")
		u := newUser("amina")
		err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			if err := tx.CreateUser(t.Context(), &u); err != nil {
				return err
			}
			return oops
		})
		if !errors.Is(err, oops) {
			t.Fatalf("got %v, want the function's error", err)
		}
		if taken, err := s.UsernameTaken(t.Context(), "amina", 0, noon); err != nil || taken {
			t.Fatalf("the user is there: %v, %v", taken, err)
		}
	})
}

func TestOneFailureInABatchDoesNotTouchTheOthers(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		oops := errors.New("oops")
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				u := newUser(fmt.Sprint("u", i))
				err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
					if err := tx.CreateUser(t.Context(), &u); err != nil {
						return err
					}
					if i%3 == 0 {
						return oops
					}
					return nil
				})
				if (i%3 == 0) != errors.Is(err, oops) {
					t.Errorf("transaction %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		for i := range 60 {
			taken, err := s.UsernameTaken(t.Context(), fmt.Sprint("u", i), 0, noon)
			if err != nil || taken == (i%3 == 0) {
				t.Errorf("user %d: stored %v, %v", i, taken, err)
			}
		}
	})
}

func TestPanicInATransactionUndoesItAndHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		func() {
			defer func() { _ = recover() }()
			_ = s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
				u := newUser("amina")
				if err := tx.CreateUser(t.Context(), &u); err != nil {
					return err
				}
				panic("mistake")
			})
		}()
		createUser(t, s, "amina")
	})
}

func TestTransactionOfACallerWhoLeftIsNotRun(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		u := newUser("amina")
		err := s.Tx(ctx, func(_ context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &u) })
		if !errors.Is(err, account.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		if taken, err := s.UsernameTaken(t.Context(), "amina", 0, noon); err != nil || taken {
			t.Errorf("the user is there: %v, %v", taken, err)
		}
	})
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		u := newUser("amina")
		if err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) }); err == nil {
			t.Fatal("a closed store took a user")
		}
	})
}

func TestTwoServersMigrateAtOnce(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s, err := store.Open(t.Context(), url, store.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close() //nolint:errcheck // the test is about Migrate
				if _, err := s.Migrate(t.Context()); err != nil {
					t.Error(err)
				}
				if err := s.Ready(t.Context()); err != nil {
					t.Errorf("after Migrate: %v", err)
				}
			})
		}
		wg.Wait()
	})
}

func TestReadyAsksForMigrations(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the test is about Ready
		if err := s.Ready(t.Context()); err == nil {
			t.Fatal("ready without a schema")
		}
		all, err := s.Migrations(t.Context())
		if err != nil || len(all) == 0 || !all[0].AppliedAt.IsZero() {
			t.Fatalf("migrations %v, %v; want them pending", all, err)
		}
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Fatalf("after Migrate: %v", err)
		}
		if again, err := s.Migrate(t.Context()); err != nil || len(again) != 0 {
			t.Fatalf("second Migrate did %v, %v; want nothing", again, err)
		}
	})
}

func TestOfTwoFirstKeysOneIsStored(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		key := store.SigningKey{ID: "k1", Algorithm: "ES256", TokenType: "access", Generation: 1, Private: secret.NewBytes([]byte{0, 1, 255}), CreatedAt: noon, ActiveAt: noon}
		write(t, s, func(_ context.Context, tx *store.Store) error { return tx.CreateKey(t.Context(), key) })
		second := key
		second.ID = "k2"
		err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.CreateKey(t.Context(), second) })
		if !errors.Is(err, store.ErrTaken) {
			t.Fatalf("got %v, want ErrTaken", err)
		}
		next := second
		next.Generation = 2
		write(t, s, func(_ context.Context, tx *store.Store) error {
			if err := tx.CreateKey(t.Context(), next); err != nil {
				return err
			}
			return tx.RetireKeys(t.Context(), "ES256", "access", 2, noon.Add(time.Hour))
		})
		keys, err := s.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		key.CreatedAt, key.ActiveAt, key.RetiresAt = noon.UTC(), noon.UTC(), noon.Add(time.Hour).UTC()
		next.CreatedAt, next.ActiveAt = noon.UTC(), noon.UTC()
		if diff := cmp.Diff([]store.SigningKey{next, key}, keys); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestSessionsOfTokensEndStepByStep: each session is looked at once, whatever
// its id, and only those of the span end.
func TestSessionsOfTokensEndStepByStep(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		ids := []string{"0", "019a1", "019a2", "019a3", "5f", "a", "f9", "~"}
		for i, id := range ids {
			sess := newSession(u.ID, id)
			sess.RefreshAt = noon.Add(time.Duration(i) * time.Minute)
			write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.CreateSession(ctx, sess) })
		}
		var (
			steps []string
			ended int64
		)
		for after := ""; ; {
			write(t, s, func(ctx context.Context, tx *store.Store) error {
				n, last, err := tx.RevokeSessionsOfTokens(ctx, after, 3, noon.Add(time.Minute), noon.Add(6*time.Minute), noon.Add(time.Hour))
				ended, after = ended+n, last
				return err
			})
			if after == "" {
				break
			}
			steps = append(steps, after)
		}
		if want := []string{"019a2", "a", "~"}; ended != 6 || !cmp.Equal(want, steps) {
			t.Errorf("%d ended, in steps to %v; want 6, %v", ended, steps, want)
		}
		for i, id := range ids {
			sess, _, err := s.SessionUser(t.Context(), id)
			if err != nil || sess.RevokedAt.IsZero() != (i == 0 || i == 7) {
				t.Errorf("session %s: ended at %v, %v", id, sess.RevokedAt, err)
			}
		}
	})
}

// TestListedApprovalHasTheFirst of however many it is about: a list of approvals
// of a hundred thousand people each would take gigabytes.
func TestListedApprovalHasTheFirst(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		manager := createUser(t, s, "salma").ID
		numbers := map[string]int{"none": 0, "one": 1, "all": account.ApprovalListed, "more": account.ApprovalListed + 1, "many": 20_000}
		for id, n := range numbers {
			users := make([]int64, n)
			for i := range users {
				users[i] = 1<<62 + int64(i)
			}
			write(t, s, func(ctx context.Context, tx *store.Store) error {
				return tx.CreateApproval(ctx, account.Approval{ID: id, Act: account.ApproveExport, Users: users, AskedBy: manager, AskedAt: noon, ExpiresAt: noon.Add(time.Hour)})
			})
		}
		listed, err := s.Approvals(t.Context(), 10)
		if err != nil || len(listed) != len(numbers) {
			t.Fatal(len(listed), err)
		}
		for _, a := range listed {
			n := numbers[a.ID]
			if a.Count != n || len(a.Users) != min(n, account.ApprovalListed) || len(a.Users) > 0 && a.Users[len(a.Users)-1] != 1<<62+int64(len(a.Users)-1) {
				t.Errorf("%s: %d users of %d", a.ID, len(a.Users), a.Count)
			}
			if one, err := s.Approval(t.Context(), a.ID); err != nil || one.Count != n || len(one.Users) != n {
				t.Errorf("%s by itself: %d users of %d; %v", a.ID, len(one.Users), one.Count, err)
			}
		}
		if ends, err := s.AskedApprovals(t.Context(), manager, noon); len(ends) != len(numbers) || !ends[0].Equal(noon.Add(time.Hour)) || err != nil {
			t.Errorf("asked: %v; %v", ends, err)
		}
		if ends, err := s.AskedApprovals(t.Context(), manager, noon.Add(time.Hour)); len(ends) != 0 || err != nil {
			t.Errorf("an hour later: %v; %v", ends, err)
		}
	})
}
