package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/webhook"
	"github.com/yoozak/clients/internal/webhooktest"
)

// forEach runs a test with a server on each engine and a receiver.
func forEach(t *testing.T, test func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver), settings ...authtest.Setting) {
	t.Helper()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		test(t, s, webhooktest.Start(t))
	}, append([]authtest.Setting{authtest.Calling}, settings...)...)
}

// told are the messages that were taken, as "TYPE USER", in the order of their
// places, which must have no gap; each must have come once.
func told(t *testing.T, messages []webhooktest.Message) (all []string) {
	t.Helper()
	slices.SortFunc(messages, func(a, b webhooktest.Message) int { return int(a.Sequence - b.Sequence) })
	for i, m := range messages {
		if i > 0 && m.Sequence != messages[i-1].Sequence+1 {
			t.Errorf("place %d comes after %d", m.Sequence, messages[i-1].Sequence)
		}
		all = append(all, fmt.Sprint(m.Type, " ", m.Data.UserID))
	}
	return all
}

func waitFor(t *testing.T, r *webhooktest.Receiver, n int) []webhooktest.Message {
	t.Helper()
	authtest.Eventually(t, func() bool { return len(r.Taken()) >= n })
	return r.Taken()
}

// owe is an act about each of some users, in one transaction.
func owe(t *testing.T, s *authtest.Server, users ...int64) {
	t.Helper()
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		for _, id := range users {
			if err := s.Audit.Record(ctx, tx, s.Audit.ByStaff(account.EventUserEnabled, id, s.Clock.Now())); err != nil {
				return err
			}
		}
		return nil
	})
}

// settled waits until nothing is new or due.
func settled(t *testing.T, s *authtest.Server, webhookID string) []account.Delivery {
	t.Helper()
	var all []account.Delivery
	authtest.Eventually(t, func() bool {
		all = s.Deliveries(t, webhookID)
		return !slices.ContainsFunc(all, func(d account.Delivery) bool {
			return d.State == account.DeliveryNew || !d.DueAt.IsZero() && !d.DueAt.After(s.Clock.Now())
		})
	})
	return all
}

func TestActsAreTold(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		s.SignUp(t, "before") // nobody is told
		w, plain := s.Subscribe(t, r.URL)
		only := webhooktest.Start(t)
		s.Subscribe(t, only.URL, account.SessionRevoked)
		s.CallWebhooks(t)
		amina, badr := s.SignUp(t, "amina"), s.SignUp(t, "badr")
		if err := s.LogoutAll(t.Context(), s.CallerOf(t, amina)); err != nil {
			t.Fatal(err)
		}
		want := []string{fmt.Sprint("client.created ", amina.User.ID), fmt.Sprint("client.created ", badr.User.ID), fmt.Sprint("session.revoked ", amina.User.ID)}
		got := waitFor(t, r, len(want))
		if diff := cmp.Diff(want, told(t, got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want[2:], told(t, waitFor(t, only, 1))); diff != "" {
			t.Errorf("of one type (-want +got):\n%s", diff)
		}
		for _, m := range got {
			if err := secretOf(t, plain).VerifyIgnoringTimestamp(m.Raw, m.Header); err != nil {
				t.Errorf("%s: %v", m.Raw, err)
			}
			if m.ID != m.Header.Get("Webhook-Id") || strings.Contains(m.ID, ".") || m.Header.Get("Content-Type") != "application/json" || !m.Timestamp.Equal(s.Clock.Now().Truncate(time.Microsecond)) {
				t.Errorf("%s %v", m.Raw, m.Header)
			}
			for _, never := range []string{"amina", "badr", "example"} {
				if strings.Contains(string(m.Raw), never) {
					t.Errorf("%s tells a value, %s", m.Raw, never)
				}
			}
		}
		for _, d := range settled(t, s, w.ID) {
			if d.State != account.DeliveryDelivered || d.Attempts != 1 || d.Status != http.StatusNoContent || d.Failure != "" {
				t.Errorf("%+v", d)
			}
		}
	})
}

// TestWithoutWebhooksNothingIsWritten, nor for those that are off.
func TestWithoutWebhooksNothingIsWritten(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		s.SignUp(t, "amina")
		w, _ := s.Subscribe(t, r.URL)
		if err := s.Staff.DisableWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		s.SignUp(t, "badr")
		if backlogs, err := s.Store.Backlogs(t.Context()); err != nil || len(backlogs) != 0 {
			t.Errorf("%v, %v", backlogs, err)
		}
	})
}

// TestUndoneActIsNotTold.
func TestUndoneActIsNotTold(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		w, _ := s.Subscribe(t, r.URL)
		undo := errors.New("undo")
		err := s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			if err := s.Audit.Record(ctx, tx, s.Audit.ByStaff(account.EventUserEnabled, 1, s.Clock.Now())); err != nil {
				return err
			}
			return undo
		})
		if !errors.Is(err, undo) || len(s.Deliveries(t, w.ID)) != 0 {
			t.Errorf("%v, %+v", err, s.Deliveries(t, w.ID))
		}
	})
}

// TestOneClientsFailureHoldsUpOnlyTheirs.
func TestOneClientsFailureHoldsUpOnlyTheirs(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		r.Judge(func(m webhooktest.Message) int {
			if m.Data.UserID == 13 {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		})
		w, _ := s.Subscribe(t, r.URL)
		s.CallWebhooks(t)
		for range 5 {
			owe(t, s, 13, 1, 2, 3, 4)
		}
		got := waitFor(t, r, 20)
		settled(t, s, w.ID)
		last := map[int64]int64{}
		for _, m := range got {
			if m.Sequence <= last[m.Data.UserID] {
				t.Errorf("of %d the place %d comes after %d", m.Data.UserID, m.Sequence, last[m.Data.UserID])
			}
			last[m.Data.UserID] = m.Sequence
		}
		if n := len(r.Messages()) - len(got); n != 1 {
			t.Errorf("%d attempts failed, want 1", n)
		}
		// It is mended.
		r.Judge(func(webhooktest.Message) int { return http.StatusOK })
		s.Clock.Advance(2 * time.Second)
		got = waitFor(t, r, 25)
		var of13 []int64
		for _, m := range got {
			if m.Data.UserID == 13 {
				of13 = append(of13, m.Sequence)
			}
		}
		if len(of13) != 5 || !slices.IsSorted(of13) {
			t.Errorf("the places of the client that failed: %v", of13)
		}
		told(t, got)
	})
}

// TestClientsThatAreRefusedHoldUpNoOther, however many they are: the receiver
// looks dead while it is tried for them, and the next that it would take comes
// before them.
func TestClientsThatAreRefusedHoldUpNoOther(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		const refused = 1000 // and those above it are taken
		r.Judge(func(m webhooktest.Message) int {
			if m.Data.UserID <= refused {
				return http.StatusNotFound
			}
			return http.StatusOK
		})
		w, _ := s.Subscribe(t, r.URL)
		s.CallWebhooks(t)
		for i := range int64(60) {
			owe(t, s, i+1)
		}
		noted := func() (n int) {
			for _, d := range s.Deliveries(t, w.ID) {
				n += d.Attempts
			}
			return n
		}
		authtest.Eventually(t, func() bool { return noted() >= webhook.DeadAfter })
		for round := range 2 { // after the first it has answered, and all are due again
			owe(t, s, int64(refused+1+round))
			n := 0
			for probes := 0; len(r.Taken()) <= round; probes++ {
				if probes == 3 {
					t.Fatalf("round %d: %d attempts, and none for who would be taken", round, noted())
				}
				n = noted()
				s.Clock.Advance(10 * time.Minute)
				authtest.Eventually(t, func() bool { return noted() > n })
			}
			authtest.Eventually(t, func() bool { return noted() >= n+1+webhook.DeadAfter }) // it looks dead again
		}
	})
}

// TestDeadReceiverCostsOneAttemptAtATime, whether it refuses or hangs, and all
// goes on when it answers again.
func TestDeadReceiverCostsOneAttemptAtATime(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		const users = 200
		r.Judge(func(webhooktest.Message) int { return http.StatusServiceUnavailable })
		w, _ := s.Subscribe(t, r.URL)
		s.CallWebhooks(t)
		ids := make([]int64, users)
		for i := range ids {
			ids[i] = int64(i + 1)
		}
		owe(t, s, ids...)
		noted := func() bool {
			n := 0
			for _, d := range s.Deliveries(t, w.ID) {
				n += d.Attempts
			}
			return n == len(r.Messages())
		}
		authtest.Eventually(t, func() bool { return len(r.Messages()) >= webhook.DeadAfter })
		for range 3 { // and no more of them than a probe now and then
			authtest.Eventually(t, noted) // else it waits from a time after the clock was set
			n := len(r.Messages())        // before the clock: the attempt may follow at once
			s.Clock.Advance(10 * time.Minute)
			authtest.Eventually(t, func() bool { return len(r.Messages()) > n })
		}
		if got := r.AtOnce(); got != 1 {
			t.Errorf("%d attempts at once at a receiver that is dead, want 1", got)
		}
		if got := len(r.Messages()); got > webhook.DeadAfter+2*3 {
			t.Errorf("%d attempts at a receiver that is dead", got)
		}
		authtest.Eventually(t, noted) // the last probe too, else the next is due after the clock was set
		r.Judge(func(webhooktest.Message) int { return http.StatusOK })
		s.Clock.Advance(10 * time.Minute)
		told(t, waitFor(t, r, users))
		for _, d := range settled(t, s, w.ID) {
			if d.State != account.DeliveryDelivered {
				t.Errorf("%+v", d)
			}
		}
		// One that is good has many at once.
		r.AtOnce()
		owe(t, s, ids...)
		waitFor(t, r, 2*users)
	})
}

// TestHangingReceiverHoldsUpNoMail, nor another receiver.
func TestHangingReceiverHoldsUpNoMail(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		hangs, fine := webhooktest.Start(t), webhooktest.Start(t)
		hangs.Judge(func(webhooktest.Message) int { return webhooktest.Hang })
		s.Subscribe(t, hangs.URL)
		s.Subscribe(t, fine.URL)
		s.CallWebhooks(t)
		s.SignUp(t, "amina")
		authtest.Eventually(t, func() bool { return hangs.AtOnce() == 1 })
		for _, name := range []string{"badr", "chama", "driss"} {
			s.SignUp(t, name)
		}
		waitFor(t, fine, 4)
		s.Deliver(t)
		if n := len(smtp.Messages()); n != 4 {
			t.Errorf("%d mails, want 4", n)
		}
	}, authtest.Calling)
}

// TestReceiverThatAcceptsNothingForThreeDaysIsTurnedOff, though it accepted a
// message just before and answers tests: the operator is told, and nothing that
// waited is lost when it is turned on again.
func TestReceiverThatAcceptsNothingForThreeDaysIsTurnedOff(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		smtp := smtptest.Start(t, smtptest.Options{})
		s := authtest.New(t, st, authtest.Mailing(t, smtp), authtest.Calling, func(o *app.Options, _ *token.Options) {
			o.Mail.Operator, o.Mail.OperatorLanguage = "ops@yoozak.ma", "en"
		})
		r := webhooktest.Start(t)
		w, _ := s.Subscribe(t, r.URL)
		s.CallWebhooks(t)
		owe(t, s, 9)
		waitFor(t, r, 1)
		settled(t, s, w.ID)
		r.Judge(func(m webhooktest.Message) int {
			if m.Type == string(account.WebhookTest) {
				return http.StatusOK
			}
			return http.StatusTeapot
		})
		owe(t, s, 1, 2, 1)
		off := func() account.Webhook {
			got, err := st.Webhook(t.Context(), w.ID)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		began := s.Clock.Now()
		tested := false
		for attempts := 1; off().DisabledAt.IsZero(); {
			authtest.Eventually(t, func() bool {
				noted := 0
				for _, d := range s.Deliveries(t, w.ID) {
					noted += d.Attempts
				}
				return noted == len(r.Messages()) && noted > attempts || !off().DisabledAt.IsZero()
			})
			attempts = len(r.Messages())
			next := s.Clock.Now()
			for _, d := range s.Deliveries(t, w.ID) {
				if d.DueAt.After(next) && (next.Equal(s.Clock.Now()) || d.DueAt.Before(next)) {
					next = d.DueAt
				}
			}
			s.Clock.Set(next.Add(8 * time.Minute)) // beyond the wait of who is dead
			if !tested && s.Clock.Now().Sub(began) > 2*24*time.Hour {
				tested = true
				authtest.Write(t, st, func(ctx context.Context, tx *store.Store) error {
					_, err := tx.AddDelivery(ctx, account.Delivery{WebhookID: w.ID, MessageID: webhook.NewTestID(w.ID), Type: account.WebhookTest, At: s.Clock.Now()})
					return err
				})
			}
		}
		if !slices.ContainsFunc(r.Taken(), func(m webhooktest.Message) bool { return m.Type == string(account.WebhookTest) }) {
			t.Error("no test was answered meanwhile")
		}
		if after := off().DisabledAt.Sub(began); after < webhook.GiveUpAfter || after > webhook.GiveUpAfter+19*time.Hour {
			t.Errorf("off after %v", after)
		}
		if got := off(); !strings.Contains(got.DisabledWhy, "418") || got.GivenUp != 0 {
			t.Errorf("off because: %s; %d given up", got.DisabledWhy, got.GivenUp)
		}
		s.Deliver(t)
		mails := 0
		for _, m := range smtp.Messages() {
			if m.To == "ops@yoozak.ma" && strings.Contains(m.Text, w.ID) && strings.Contains(m.Text, "418") && strings.Contains(m.Text, "yoozak webhook enable") {
				mails++
			}
		}
		if mails != 1 || s.EventKinds(t)[account.EventWebhookDisabled] != 1 {
			t.Errorf("%d mails to the operator, events %v", mails, s.EventKinds(t))
		}
		r.Judge(func(webhooktest.Message) int { return http.StatusOK })
		owe(t, s, 3) // told nobody
		if err := s.Staff.EnableWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		owe(t, s, 4)
		if diff := cmp.Diff([]int64{0, 1, 2, 3, 4, 6}, places(waitFor(t, r, 6))); diff != "" { // 0 is the test; 5 was left out
			t.Errorf("places (-want +got):\n%s", diff)
		}
	})
}

// places are those of messages, sorted.
func places(messages []webhooktest.Message) (all []int64) {
	for _, m := range messages {
		all = append(all, m.Sequence)
	}
	slices.Sort(all)
	return all
}

// TestMessageThatIsRefusedForThreeDaysIsGivenUp where others are accepted
// meanwhile: its client goes on with the next, nobody else notices, and the gap
// stays until it is replayed.
func TestMessageThatIsRefusedForThreeDaysIsGivenUp(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		for _, name := range []string{"amina", "badr"} { // 1 and 2: nobody is told again of who is not there
			s.SignUp(t, name)
		}
		r.Judge(func(m webhooktest.Message) int {
			if m.Sequence == 1 {
				return http.StatusNotFound
			}
			return http.StatusOK
		})
		w, _ := s.Subscribe(t, r.URL)
		s.CallWebhooks(t)
		owe(t, s, 1, 1, 1) // the first is refused, the others wait behind it
		began := s.Clock.Now()
		first := func() account.Delivery { return s.Deliveries(t, w.ID)[0] }
		others := int64(0)
		for n := 1; ; n++ {
			authtest.Eventually(t, func() bool { return first().Attempts == n })
			settled(t, s, w.ID)
			if first().State != account.DeliveryWaiting {
				break
			}
			if s.Clock.Now().Sub(began) > webhook.GiveUpAfter {
				t.Fatalf("it goes on for ever: %+v", first())
			}
			if n := len(r.Taken()); n != int(others) {
				t.Fatalf("%d messages were accepted while the first of its client waits, want the %d of another", n, others)
			}
			s.Clock.Set(first().DueAt)
			owe(t, s, 2)
			others++
			authtest.Eventually(t, func() bool { return len(r.Taken()) >= int(others) })
		}
		if after := s.Clock.Now().Sub(began); after != webhook.GiveUpAfter || first().State != account.DeliveryGivenUp || !first().DueAt.IsZero() {
			t.Errorf("after %v: %+v", after, first())
		}
		want := []int64{}
		for place := int64(2); place <= others+3; place++ {
			want = append(want, place)
		}
		if diff := cmp.Diff(want, places(waitFor(t, r, len(want)))); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
		settled(t, s, w.ID)
		hook := func() account.Webhook {
			got, err := s.Store.Webhook(t.Context(), w.ID)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := hook(); !got.DisabledAt.IsZero() || got.GivenUp != 1 || !got.GivenUpAt.Equal(s.Clock.Now().Truncate(time.Microsecond)) || !strings.Contains(got.GivenUpWhy, "404") {
			t.Errorf("off since %v; %d given up, the last %v: %s", got.DisabledAt, got.GivenUp, got.GivenUpAt, got.GivenUpWhy)
		}
		if n := s.Webhooks.GivenUp(); n != 1 || s.EventKinds(t)[account.EventWebhookDisabled] != 0 {
			t.Errorf("%d given up; events %v", n, s.EventKinds(t))
		}
		some, err := s.Staff.Deliveries(t.Context(), w.ID, store.DeliveryFilter{GivenUp: true}, 10)
		if err != nil || len(some) != 1 || some[0].Sequence != 1 {
			t.Errorf("%+v, %v", some, err)
		}
		r.Judge(func(webhooktest.Message) int { return http.StatusOK })
		if n, err := s.Staff.ReplayGivenUp(t.Context(), w.ID); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		waitFor(t, r, len(want)+1)
		if got := hook(); got.GivenUp != 0 || !got.GivenUpAt.IsZero() {
			t.Errorf("%d given up, the last %v", got.GivenUp, got.GivenUpAt)
		}
	})
}

// TestOutageGivesNothingUp: a message that is refused and would be given up stays
// while its receiver accepts nothing, and comes when it does.
func TestOutageGivesNothingUp(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		refusing := func(users ...int64) func(webhooktest.Message) int {
			return func(m webhooktest.Message) int {
				if slices.Contains(users, m.Data.UserID) {
					return http.StatusBadGateway
				}
				return http.StatusOK
			}
		}
		r.Judge(refusing(1))
		w, _ := s.Subscribe(t, r.URL)
		s.CallWebhooks(t)
		owe(t, s, 1)
		began := s.Clock.Now()
		first := func() account.Delivery { return s.Deliveries(t, w.ID)[0] }
		others := 0
		for n := 1; ; n++ {
			authtest.Eventually(t, func() bool { return first().Attempts == n })
			settled(t, s, w.ID)
			after := s.Clock.Now().Sub(began)
			if after >= webhook.GiveUpAfter {
				break
			}
			if after < 40*time.Hour { // some acceptance is less than three days old to the end
				owe(t, s, 2)
				others++
				authtest.Eventually(t, func() bool { return len(r.Taken()) == others })
				settled(t, s, w.ID)
			} else {
				r.Judge(refusing(1, 2))
			}
			s.Clock.Set(first().DueAt)
		}
		hook, err := s.Store.Webhook(t.Context(), w.ID)
		if err != nil || hook.GivenUp != 0 || !hook.DisabledAt.IsZero() || first().State != account.DeliveryWaiting {
			t.Fatalf("%d given up, off since %v, %v: %+v", hook.GivenUp, hook.DisabledAt, err, first())
		}
		r.Judge(refusing())
		s.Clock.Set(first().DueAt)
		told(t, waitFor(t, r, others+1)) // without a gap
	})
}

// TestReceiverIsJudgedByWhatItAcceptedWithinThreeDays, by a clock that may have
// been set back since.
func TestReceiverIsJudgedByWhatItAcceptedWithinThreeDays(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		at   time.Time
		want bool
	}{
		"never":             {time.Time{}, false},
		"now":               {now, true},
		"almost three days": {now.Add(time.Second - webhook.GiveUpAfter), true},
		"three days":        {now.Add(-webhook.GiveUpAfter), false},
		"to come":           {now.Add(time.Hour), false},
	} {
		if got := webhook.Accepts(account.Webhook{AcceptedAt: test.at}, now); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestWhatWaitsBehindAForgottenMessageGoesOn: the log forgets what is older than
// 30 days, also what waits in a webhook that is off.
func TestWhatWaitsBehindAForgottenMessageGoesOn(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		r.Judge(func(webhooktest.Message) int { return http.StatusNotFound })
		w, _ := s.Subscribe(t, r.URL)
		s.CallWebhooks(t)
		owe(t, s, 1)
		authtest.Eventually(t, func() bool { return s.Deliveries(t, w.ID)[0].Attempts == 1 })
		s.Clock.Advance(time.Second / 4) // less than until it is tried again
		for range 2 {
			owe(t, s, 1)
		}
		settled(t, s, w.ID)
		if err := s.Staff.DisableWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(30*24*time.Hour - time.Second/8)
		s.SweepAll(t)
		if left := s.Deliveries(t, w.ID); len(left) != 2 {
			t.Fatalf("%+v", left)
		}
		r.Judge(func(webhooktest.Message) int { return http.StatusOK })
		if err := s.Staff.EnableWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		owe(t, s, 1)
		if diff := cmp.Diff([]int64{2, 3, 5}, places(waitFor(t, r, 3))); diff != "" { // 4 was left out
			t.Errorf("places (-want +got):\n%s", diff)
		}
	})
}

// TestReplayIsTheSameMessage: the same id and bytes, signed anew.
func TestReplayIsTheSameMessage(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		for _, name := range []string{"amina", "badr", "chama"} { // 1, 2, 3: nobody is told again of who is not there
			s.SignUp(t, name)
		}
		w, plain := s.Subscribe(t, r.URL)
		r.Judge(func(m webhooktest.Message) int {
			if m.Attempt == 1 {
				return http.StatusBadGateway
			}
			return http.StatusOK
		})
		s.CallWebhooks(t)
		owe(t, s, 1, 2, 3)
		authtest.Eventually(t, func() bool { return len(r.Messages()) == 3 })
		settled(t, s, w.ID)
		s.Clock.Advance(time.Minute)
		waitFor(t, r, 3)
		settled(t, s, w.ID)
		s.Clock.Advance(time.Hour)
		for _, span := range [][3]int64{{2, 2, 1}, {1, 2, 2}, {7, 9, 0}} {
			if n, err := s.Staff.ReplayWebhook(t.Context(), w.ID, span[0], span[1]); err != nil || n != span[2] {
				t.Errorf("replay of %d to %d: %d, %v", span[0], span[1], n, err)
			}
			settled(t, s, w.ID)
		}
		waitFor(t, r, 6)
		byID := map[string][]webhooktest.Message{}
		for _, m := range r.Messages() {
			byID[m.ID] = append(byID[m.ID], m)
		}
		counts := map[int64]int{}
		for _, all := range byID {
			counts[all[0].Sequence] = len(all)
			signatures := map[string]bool{}
			for _, m := range all {
				signatures[m.Header.Get("Webhook-Signature")] = true
				if string(m.Raw) != string(all[0].Raw) {
					t.Errorf("%s is now %s", all[0].Raw, m.Raw)
				}
				if err := secretOf(t, plain).VerifyIgnoringTimestamp(m.Raw, m.Header); err != nil {
					t.Error(err)
				}
			}
			if at := all[0].Header.Get("Webhook-Timestamp"); at == all[1].Header.Get("Webhook-Timestamp") {
				t.Errorf("the second attempt has the time of the first, %s", at)
			}
			if len(signatures) < 2 {
				t.Errorf("signatures of %d attempts: %v", len(all), signatures)
			}
		}
		if diff := cmp.Diff(map[int64]int{1: 3, 2: 4, 3: 2}, counts); diff != "" {
			t.Errorf("attempts by place (-want +got):\n%s", diff)
		}
	})
}

// TestNothingIsSentAfterTheCommandReturned: to a webhook that is off, or with a
// secret that ended.
func TestNothingIsSentAfterTheCommandReturned(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		w, first := s.Subscribe(t, r.URL)
		s.CallWebhooks(t)
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() { // acts without end
			defer close(done)
			for id := int64(1); ; id++ {
				select {
				case <-stop:
					return
				default:
					owe(t, s, id%20+1)
					time.Sleep(5 * time.Millisecond) // or they come faster than they are told
				}
			}
		}()
		defer func() { close(stop); <-done }()
		good := func(m webhooktest.Message, v interface {
			VerifyIgnoringTimestamp([]byte, http.Header) error
		}) bool {
			return v.VerifyIgnoringTimestamp(m.Raw, m.Header) == nil
		}
		waitFor(t, r, 50)
		second, until, err := s.Staff.RotateWebhook(t.Context(), w.ID, time.Hour)
		if err != nil || until.IsZero() {
			t.Fatal(until, err)
		}
		n := len(r.Taken())
		for _, m := range waitFor(t, r, n+50)[n:] {
			if !good(m, secretOf(t, first)) || !good(m, secretOf(t, second)) {
				t.Fatalf("while both are good: %s", m.Header.Get("Webhook-Signature"))
			}
		}
		third, _, err := s.Staff.RotateWebhook(t.Context(), w.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		n = len(r.Taken())
		for _, m := range waitFor(t, r, n+50)[n:] {
			if good(m, secretOf(t, first)) || good(m, secretOf(t, second)) || !good(m, secretOf(t, third)) {
				t.Fatalf("after the end of the others: %s", m.Header.Get("Webhook-Signature"))
			}
		}
		if err := s.Staff.DisableWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		n = len(r.Messages())
		for id := range int64(50) {
			owe(t, s, id)
		}
		if got := len(r.Messages()); got != n {
			t.Errorf("%d attempts at a webhook that is off", got-n)
		}
		if err := s.Staff.DisableWebhook(t.Context(), w.ID); !errors.Is(err, staff.ErrWebhookOff) {
			t.Errorf("again: %v", err)
		}
		before := s.Deliveries(t, w.ID)
		if err := s.Staff.EnableWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		authtest.Eventually(t, func() bool { return len(r.Taken()) > n })
		authtest.Eventually(t, func() bool {
			return !slices.ContainsFunc(s.Deliveries(t, w.ID)[:len(before)], func(d account.Delivery) bool { return d.State != account.DeliveryDelivered })
		})
	})
}

// TestTestOfAWebhook is tried once, and takes no place.
func TestTestOfAWebhook(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		w, _ := s.Subscribe(t, r.URL, account.ClientErased)
		s.CallWebhooks(t)
		d, err := s.Staff.TestWebhook(t.Context(), w.ID)
		if err != nil || d.State != account.DeliveryDelivered || d.Sequence != 0 {
			t.Errorf("%+v, %v", d, err)
		}
		r.Judge(func(webhooktest.Message) int { return http.StatusFound })
		d, err = s.Staff.TestWebhook(t.Context(), w.ID)
		if err != nil || d.State != account.DeliveryGivenUp || !strings.Contains(d.Failure, "302") {
			t.Errorf("%+v, %v", d, err)
		}
		if n := len(r.Messages()); n != 2 {
			t.Errorf("%d requests: a redirect was followed, or a test repeated", n)
		}
		if _, err := s.Staff.TestWebhook(t.Context(), "none"); !errors.Is(err, staff.ErrNoSuchWebhook) {
			t.Error(err)
		}
	})
}

// TestDeletedWebhookIsForgotten, with all that it was told and was not, and no
// other is.
func TestDeletedWebhookIsForgotten(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		r.Judge(func(m webhooktest.Message) int {
			if m.Data.UserID == 1 {
				return http.StatusNotFound
			}
			return http.StatusOK
		})
		w, _ := s.Subscribe(t, r.URL)
		other, _ := s.Subscribe(t, webhooktest.Start(t).URL)
		s.CallWebhooks(t)
		owe(t, s, 1, 1, 2)
		waitFor(t, r, 1)
		if _, err := s.Staff.TestWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{w.ID, other.ID} {
			settled(t, s, id)
		}
		if err := s.Staff.DeleteWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		n := len(r.Messages())
		owe(t, s, 3)
		authtest.Eventually(t, func() bool { return len(s.Deliveries(t, other.ID)) == 4 })
		settled(t, s, other.ID)
		if left := s.Deliveries(t, w.ID); len(left) != 0 || len(r.Messages()) != n {
			t.Errorf("%d requests, and there is left: %+v", len(r.Messages())-n, left)
		}
		if all, err := s.Staff.Webhooks(t.Context()); err != nil || len(all) != 1 || all[0].ID != other.ID {
			t.Errorf("%d webhooks, %v", len(all), err)
		}
		events := s.AllEvents(t)
		if last := events[len(events)-2]; last.Kind != account.EventWebhookDeleted || last.ReadDetails().Webhook != w.ID || last.ReadDetails().Count != 2 { // then comes 3
			t.Errorf("%+v", last)
		}
		if err := s.Staff.DeleteWebhook(t.Context(), w.ID); !errors.Is(err, staff.ErrNoSuchWebhook) {
			t.Errorf("again: %v", err)
		}
		if err := s.Staff.DisableWebhook(t.Context(), other.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.Staff.DeleteWebhook(t.Context(), other.ID); err != nil {
			t.Errorf("one that is off: %v", err)
		}
	})
}

// TestActUnderWayLeavesNothingToADeletedWebhook: one that owed it something and
// is not committed yet is awaited.
func TestActUnderWayLeavesNothingToADeletedWebhook(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, storetest.Open(t, storetest.Postgres(t)), authtest.Calling) // SQLite has one writer
	w, _ := s.Subscribe(t, "https://orders.example/")
	owed, commit := make(chan struct{}), make(chan struct{})
	committed, deleted := make(chan error), make(chan error, 1)
	go func() {
		committed <- s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			err := s.Audit.Record(ctx, tx, s.Audit.ByStaff(account.EventUserEnabled, 7, s.Clock.Now()))
			close(owed)
			<-commit
			return err
		})
	}()
	<-owed
	go func() { deleted <- s.Staff.DeleteWebhook(t.Context(), w.ID) }()
	early := false
	select {
	case err := <-deleted:
		early = true
		deleted <- err
	case <-time.After(500 * time.Millisecond): // it can only fail to show a mistake
	}
	close(commit)
	if err := errors.Join(<-committed, <-deleted); err != nil || early {
		t.Fatalf("it returned before the act was over: %t, %v", early, err)
	}
	if left := s.Deliveries(t, w.ID); len(left) != 0 {
		t.Errorf("%+v", left)
	}
}

// TestTwoServersDeliverOnce: of several servers one has a webhook, and when it
// stops another goes on.
func TestTwoServersDeliverOnce(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		s.Subscribe(t, r.URL)
		another := authtest.New(t, s.Store, authtest.Calling)
		stop := s.CallWebhooks(t)
		another.CallWebhooks(t)
		for range 20 {
			owe(t, s, 1, 2, 3)
		}
		stop()
		for range 20 {
			owe(t, s, 1, 2, 3)
		}
		told(t, waitFor(t, r, 120))
		if n := len(r.Messages()); n != 120 {
			t.Errorf("%d attempts, want 120", n)
		}
	})
}

// TestLateCommitIsNotLost: an act whose row came first, and whose commit comes
// after that of others which were told.
func TestLateCommitIsNotLost(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t) // SQLite has one writer
	s := authtest.New(t, storetest.Open(t, url), authtest.Calling)
	r := webhooktest.Start(t)
	s.Subscribe(t, r.URL)
	s.CallWebhooks(t)
	added, commit := make(chan struct{}), make(chan struct{})
	committed := make(chan error)
	go func() {
		committed <- s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			err := s.Audit.Record(ctx, tx, s.Audit.ByStaff(account.EventUserEnabled, 7, s.Clock.Now()))
			close(added)
			<-commit
			return err
		})
	}()
	<-added
	owe(t, s, 1, 2, 3)
	waitFor(t, r, 3)
	close(commit)
	if err := <-committed; err != nil {
		t.Fatal(err)
	}
	if got := told(t, waitFor(t, r, 4)); got[3] != "client.enabled 7" {
		t.Errorf("%v", got)
	}
}

// TestActUnderWayIsAwaited: one that asked who is to be told before there was
// a webhook is committed before the command returns.
func TestActUnderWayIsAwaited(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, storetest.Open(t, storetest.Postgres(t)), authtest.Calling)
	r := webhooktest.Start(t)
	asked, commit := make(chan struct{}), make(chan struct{})
	committed := make(chan error)
	go func() {
		committed <- s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			err := s.Audit.Record(ctx, tx, s.Audit.ByStaff(account.EventUserEnabled, 7, s.Clock.Now()))
			close(asked)
			<-commit
			return err
		})
	}()
	<-asked
	created := make(chan error, 1)
	go func() {
		_, _, err := s.Staff.CreateWebhook(t.Context(), r.URL, nil)
		created <- err
	}()
	early := false
	select {
	case err := <-created:
		early = true
		created <- err
	case <-time.After(500 * time.Millisecond): // it can only fail to show a mistake
	}
	close(commit)
	if err := errors.Join(<-committed, <-created); err != nil || early {
		t.Fatalf("it returned before the act was over: %t, %v", early, err)
	}
	s.CallWebhooks(t)
	owe(t, s, 8)
	if got := told(t, waitFor(t, r, 1)); got[0] != "client.enabled 8" {
		t.Errorf("%v", got)
	}
}

// TestRestoredTellsNothingTwice: what waited in the backup may have been told,
// and places that were given since are not given again.
func TestRestoredTellsNothingTwice(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		w, _ := s.Subscribe(t, r.URL)
		stop := s.CallWebhooks(t)
		owe(t, s, 1)
		waitFor(t, r, 1)
		stop()
		owe(t, s, 2, 3)
		restored, err := s.Staff.Restored(t.Context(), 1000)
		if err != nil || restored.Told != 2 || len(restored.Webhooks) != 1 || restored.Webhooks[0].ID != w.ID {
			t.Errorf("%+v, %v", restored, err)
		}
		s.CallWebhooks(t)
		owe(t, s, 4)
		if got := waitFor(t, r, 2)[1]; got.Data.UserID != 4 || got.Sequence != 1002 {
			t.Errorf("%s", got.Raw)
		}
		if hook, err := s.Store.Webhook(t.Context(), w.ID); err != nil || hook.GivenUp != 2 || !hook.GivenUpAt.IsZero() { // nobody refused them
			t.Errorf("%d given up, the last %v, %v", hook.GivenUp, hook.GivenUpAt, err)
		}
		if n, err := s.Staff.ReplayGivenUp(t.Context(), w.ID); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if hook, err := s.Store.Webhook(t.Context(), w.ID); err != nil || hook.GivenUp != 0 {
			t.Errorf("%d given up after the replay, %v", hook.GivenUp, err)
		}
		waitFor(t, r, 4)
	})
}

// TestErasureIsToldAndLeavesNoName: but for the row that tells of it, which a
// receiver that lost it can be told again.
func TestErasureIsToldAndLeavesNoName(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		w, _ := s.Subscribe(t, r.URL)
		stop := s.CallWebhooks(t)
		g := s.SignUp(t, "amina")
		waitFor(t, r, 1)
		stop()
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, g), account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(29*24*time.Hour + 23*time.Hour)
		s.SweepAll(t)
		s.Clock.Advance(2 * time.Hour) // the two that wait are not so old that the log forgets them
		if err := s.Auth.Sweep(t.Context(), s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		s.CallWebhooks(t)
		want := []string{fmt.Sprint("client.created ", g.User.ID), fmt.Sprint("client.closed ", g.User.ID), fmt.Sprint("session.revoked ", g.User.ID), fmt.Sprint("client.erased ", g.User.ID)}
		if diff := cmp.Diff(want, told(t, waitFor(t, r, 4))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, d := range settled(t, s, w.ID) {
			if (d.UserID != 0) != (d.Type == account.ClientErased) {
				t.Errorf("%+v", d)
			}
		}
		if n, err := s.Staff.ReplayWebhook(t.Context(), w.ID, 1, 4); n != 1 || err != nil {
			t.Errorf("replayed %d, %v", n, err)
		}
		waitFor(t, r, 5)
		s.Clock.Advance(31 * 24 * time.Hour)
		settled(t, s, w.ID)
		s.SweepAll(t)
		if left := s.Deliveries(t, w.ID); len(left) != 0 {
			t.Errorf("%+v", left)
		}
	}, authtest.EraseAfter30Days)
}

// TestErasureLeavesNoNameWhereItIsNotTold: a webhook that asked for no erasures
// has a message about them under way.
func TestErasureLeavesNoNameWhereItIsNotTold(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, r *webhooktest.Receiver) {
		w, _ := s.Subscribe(t, r.URL, account.ClientClosed)
		g := s.SignUp(t, "amina")
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, g), account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(29*24*time.Hour + 23*time.Hour)
		s.SweepAll(t)
		s.Clock.Advance(2 * time.Hour)
		if err := s.Auth.Sweep(t.Context(), s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		s.CallWebhooks(t)
		if got := told(t, waitFor(t, r, 1)); got[0] != fmt.Sprint("client.closed ", g.User.ID) {
			t.Fatal(got)
		}
		for _, d := range settled(t, s, w.ID) {
			if d.UserID != 0 {
				t.Errorf("%+v", d)
			}
		}
	}, authtest.EraseAfter30Days)
}

// TestWrongWebhooksAreRefused.
func TestWrongWebhooksAreRefused(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *authtest.Server, _ *webhooktest.Receiver) {
		for _, url := range []string{"", "orders", "ftp://orders.example/", "https://", "https:///hook", "https://amina:secret@orders.example/", "https://orders.example/#a", "https://orders.example/a b", "https://orders.example:99999/", "https://orders.example:0/", "https://" + strings.Repeat("a", 2050)} {
			_, _, err := s.Staff.CreateWebhook(t.Context(), url, nil)
			if !errors.Is(err, staff.ErrWebhookURL) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: %v", url, err)
			}
		}
		if _, _, err := s.Staff.CreateWebhook(t.Context(), "https://orders.example/", []account.WebhookType{"client.everything"}); err == nil {
			t.Error("a type that there is not was taken")
		}
		if all, err := s.Staff.Webhooks(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%v, %v", all, err)
		}
	})
}
