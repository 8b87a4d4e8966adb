package staff_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// TestListsAreNoExport: who may not export by themselves does not copy everybody
// page by page, by whatever list, and owners are told of who tries.
func TestListsAreNoExport(t *testing.T) {
	t.Parallel()
	for _, two := range []bool{false, true} {
		authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
			ctx := t.Context()
			s.Employs(t, "owner", account.Owner)
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
				for i := range store.MaxUserPage {
					u := account.User{Username: fmt.Sprint("client", i), PasswordHash: "!", Active: true, JoinedAt: s.Clock.Now()}
					if err := tx.CreateUser(ctx, &u); err != nil {
						return err
					}
				}
				return nil
			})
			throttled := func(err error) bool {
				var e *account.Error
				return errors.As(err, &e) && e.Kind == account.Throttled
			}
			page := staff.Query{Search: account.TextInput("client"), PageSize: account.TextInput(strconv.Itoa(store.MaxUserPage))}
			for role, free := range map[account.Role]bool{account.Support: false, account.Manager: !two} {
				agent := s.Staff.As(s.AgentOf(t, s.Employs(t, string(role), role)))
				pages := 0
				var err error
				for pages <= guard.ListedPerAgent.Count/store.MaxUserPage && err == nil {
					if _, err = agent.List(ctx, page); err == nil {
						pages++
					}
				}
				if free != (err == nil) || !free && (!throttled(err) || pages != guard.ListedPerAgent.Count/store.MaxUserPage) {
					t.Errorf("%s, two persons %v: %d pages, %v", role, two, pages, err)
				}
				if _, err := agent.Queue(ctx, account.Input{}, account.Input{}); free == throttled(err) {
					t.Errorf("%s: the queue: %v", role, err)
				}
				dry := staff.Bulk{Query: staff.Query{IsActive: account.TextInput("true")}, DryRun: true}
				if _, err := agent.Do(ctx, staff.BulkEnable, dry); free == throttled(err) {
					t.Errorf("%s: who is left out: %v", role, err)
				}
				s.Clock.Advance(20 * time.Minute)
				if _, err := agent.List(ctx, page); err != nil {
					t.Errorf("%s, after twenty minutes: %v", role, err)
				}
			}
			s.Deliver(t)
			told := 0
			for _, m := range smtp.Messages() {
				if strings.HasPrefix(m.To, "owner@") && strings.Contains(m.Text, "20") && strings.Contains(m.Text, "000") {
					told++
				}
			}
			want := 1
			if two {
				want = 2
			}
			if told != want {
				t.Errorf("two persons %v: the owner was told %d times", two, told)
			}
		}, authtest.Limited, func(o *app.Options, _ *token.Options) { o.TwoPersons = two })
	}
}
