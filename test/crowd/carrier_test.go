// Package crowd plays as many customers as a limit is about.
package crowd

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestCustomersBehindOneAddress: a mobile operator puts thousands of them
// behind one IPv4 address. They all come at once, for the clock stands, and
// nobody is told to wait. But in make test-long nine of ten have come before:
// what they asked for is counted, and they are not there.
func TestCustomersBehindOneAddress(t *testing.T) {
	t.Parallel()
	const allLogins, allRegistrations, allResets = 5000, 1500, 300
	part := yoozaktest.Long(10, 1)
	logins, registrations, resets := allLogins/part, allRegistrations/part, allResets/part
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st, func(o *app.Options, _ *token.Options) {
			l := guard.NewLimiter(guard.LimiterOptions{Now: o.Now, Store: st, Timeout: time.Minute, Log: slog.New(slog.DiscardHandler)})
			o.Limits, o.Mail.Verify = l, true
		}, authtest.MailFreely)
		// As many as a server takes at once; more would wait for their turn.
		each := func(n int, act func(i int) error) {
			t.Helper()
			var all sync.WaitGroup
			next := make(chan int)
			for range 32 {
				all.Go(func() {
					for i := range next {
						if err := act(i); err != nil {
							t.Errorf("customer %d: %s", i, authtest.Outcome(err))
						}
					}
				})
			}
			for i := range n {
				next <- i
			}
			close(next)
			all.Wait()
			if t.Failed() {
				t.FailNow()
			}
		}
		for quota, uses := range map[guard.Quota]int{
			guard.RegisterPerNetwork: allRegistrations - registrations,
			guard.LoginPerNetwork:    allLogins - logins,
			guard.ResetPerNetwork:    allResets - resets,
			guard.LinkPerNetwork:     3 * (allRegistrations + allResets - registrations - resets), // two looks and the button
			guard.TokenPerNetwork:    3 * (allLogins - logins),                                    // verified, renewed, out
		} {
			if uses == 0 {
				continue
			}
			atOnce := guard.Quota{Name: quota.Name, Count: 1, Per: time.Duration(uses) * (quota.Per / time.Duration(quota.Count))} // counted as the time in which they come back
			if err := s.Guard.AllowRequest(t.Context(), atOnce, authtest.Req); err != nil {
				t.Fatalf("%s: %v", quota.Name, err)
			}
		}
		name := func(i int) string { return fmt.Sprintf("customer-%d", i) }
		each(registrations, func(i int) error {
			if err := s.Guard.AllowRequest(t.Context(), guard.RegisterPerNetwork, authtest.Req); err != nil { // as the route does
				return err
			}
			_, err := s.Register(t.Context(), authtest.Req, authtest.Registration(name(i)))
			return err
		})
		first, err := st.UserByUsername(t.Context(), name(0))
		if err != nil {
			t.Fatal(err)
		}
		const atOnce = 100                                         // in a transaction, which must not take long
		for from := registrations; from < logins; from += atOnce { // the rest have been customers for long
			err = st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				for i := from; i < min(from+atOnce, logins); i++ {
					u := first
					u.Username, u.Email = name(i), name(i)+"@example.ma"
					if err := tx.CreateUser(ctx, &u); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		grants := make([]auth.LoginResult, logins)
		each(logins, func(i int) (err error) {
			if err := s.Guard.AllowRequest(t.Context(), guard.LoginPerNetwork, authtest.Req); err != nil {
				return err
			}
			grants[i], err = s.Login(t.Context(), authtest.Req, auth.Credentials{Username: account.TextInput(name(i)), Password: account.TextInput(authtest.Good)})
			return err
		})
		each(resets, func(i int) error {
			return s.RequestReset(t.Context(), authtest.Req, account.TextInput(name(i)+"@example.ma"), account.Input{})
		})
		// Each opens the page of the link, and presses its button.
		each(registrations+resets, func(int) error {
			for range 2 {
				if _, _, err := s.CheckChallenge(t.Context(), authtest.Req, account.VerifyEmail, "x"); authtest.Throttled(err) {
					return err
				}
			}
			if err := s.VerifyEmail(t.Context(), authtest.Req, account.TextInput("x")); authtest.Throttled(err) {
				return err
			}
			return nil
		})
		mails, err := s.Staff.Mails(t.Context(), registrations+resets+1)
		if err != nil {
			t.Fatal(err)
		}
		owed := map[account.MailKind]int{}
		for _, m := range mails {
			owed[m.Kind]++
		}
		if owed[account.MailVerifyEmail] != registrations || owed[account.MailResetRequest] != resets {
			t.Errorf("mails owed: %v", owed)
		}
		each(logins, func(i int) error {
			if _, err := s.Authenticate(t.Context(), grants[i].Access); err != nil {
				return err
			}
			if err := s.VerifyToken(t.Context(), authtest.Req, account.TextInput(grants[i].Refresh)); err != nil {
				return err
			}
			_, err := s.Refresh(t.Context(), authtest.Req, account.TextInput(grants[i].Refresh))
			return err
		})
		each(logins, func(i int) error { return s.Logout(t.Context(), authtest.Req, account.TextInput(grants[i].Refresh)) })
	})
}
