package webhook

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

const (
	// mostAtOnce is how many attempts of one webhook are under way at once. A
	// worker begins with one, and takes one more for each that is answered: so
	// that a receiver that never answers costs one.
	mostAtOnce = 32

	// deadAfter so many attempts in a row that failed, whoever they were about,
	// a receiver counts as dead: it is tried by one attempt at a time, after
	// waits up to longestProbe.
	deadAfter    = 8
	longestProbe = 5 * time.Minute

	pollEvery  = 250 * time.Millisecond // for what is new or due
	renewEvery = Lease / 4
	stopGrace  = 3 * time.Second // for the attempts under way when the server stops
	queueMost  = 500             // new deliveries in one transaction
)

// backoff: a delivery is tried again after these waits and then every
// longestWait, until it has been tried for giveUpAfter: then it is given up, or
// the webhook is turned off (see [accepts]). Each wait is from half of it to one
// and a half, by lot.
var backoff = []time.Duration{
	time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
}

const (
	longestWait = 12 * time.Hour
	giveUpAfter = 3 * 24 * time.Hour
)

// worker delivers what one webhook is owed, while it has the lease. All of it
// belongs to one goroutine, but for the attempts, which answer by results.
type worker struct {
	*Service
	hook  account.Webhook
	sign  *signer
	lease string

	atOnce  int                        // attempts, at most
	failed  int                        // attempts in a row
	probeAt time.Time                  // not before it, when the receiver counts as dead
	inHand  map[int64]account.Delivery // under way, or not noted yet
	clients map[int64]bool             // of those in hand
	results chan result

	revived  bool     // it answered again, so what waits is due
	tried    []result // to be noted
	extended time.Time
	work     bool // something is to be done in the database
}

// result is what came of an attempt.
type result struct {
	delivery account.Delivery // as it is to be noted
	before   time.Time        // of the attempt before; zero: there was none
	aborted  bool             // the server stops: nothing is known
}

// stepped is how a transaction of the worker left things.
type stepped struct {
	hook account.Webhook
	due  []account.Delivery
	off  string // why the webhook was turned off; empty: it was not
}

// run works until ctx ends, the webhook is turned off, or its lease is lost.
func (w *worker) run(ctx context.Context) {
	attempts, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	w.work, w.extended = true, time.Now()
	for ctx.Err() == nil {
		if w.work || len(w.tried) > 0 || time.Since(w.extended) > renewEvery {
			if done := w.turn(ctx, attempts); done {
				return
			}
		}
		select {
		case <-ctx.Done():
		case r := <-w.results:
			w.take(r)
			w.takeAll()
		case <-poll.C:
			w.look(ctx)
		}
	}
	w.stop(ctx, abort)
}

// turn notes what is known, hears what is new and begins attempts. It reports
// whether the worker is over.
func (w *worker) turn(ctx, attempts context.Context) (done bool) {
	w.work = false
	s, err := w.step(ctx)
	switch {
	case errors.Is(err, store.ErrNotFound): // another has it, and what was not noted is tried again
		w.log.WarnContext(ctx, "the lease of a webhook was lost", "webhook", w.hook.ID)
		w.drain()
		return true
	case err != nil:
		if ctx.Err() == nil {
			w.log.WarnContext(ctx, "what came of webhook deliveries could not be noted; it will be tried again", "webhook", w.hook.ID, "error", err.Error())
			time.Sleep(pollEvery) // the attempts under way go on
			w.work = true
		}
		return false
	case s.off != "":
		w.log.ErrorContext(ctx, "a webhook was turned off", "webhook", w.hook.ID, "reason", s.off)
		w.leave(ctx)
		return true
	case !s.hook.DisabledAt.IsZero():
		w.leave(ctx)
		return true
	case s.hook.Version != w.hook.Version:
		return w.adopt(ctx, s.hook)
	}
	w.begin(attempts, s.due)
	return false
}

// adopt goes by the webhook as it is now, once no attempt is under way that
// does not. The next step says so to the command that waits for it.
func (w *worker) adopt(ctx context.Context, hook account.Webhook) (done bool) {
	w.drain()
	sign, err := newSigner(w.o.Box, hook)
	if err != nil {
		w.log.ErrorContext(ctx, "a webhook cannot be delivered to", "webhook", w.hook.ID, "error", err.Error())
		w.leave(ctx)
		return true
	}
	w.hook, w.sign, w.work = hook, sign, true
	return false
}

// leave ends the worker: it waits for the attempts under way, notes what came
// of them, and gives the lease back.
func (w *worker) leave(ctx context.Context) {
	w.drain()
	if _, err := w.step(ctx); err != nil && !errors.Is(err, store.ErrNotFound) {
		w.log.WarnContext(ctx, "what came of the last webhook deliveries could not be noted; they may come twice", "webhook", w.hook.ID, "error", err.Error())
	}
	w.release(ctx)
}

// step is the worker's transaction: it keeps the lease, notes what came of
// attempts, gives places to what is new, and reads what is due.
func (w *worker) step(ctx context.Context) (stepped, error) {
	ctx = context.WithoutCancel(ctx) // a step that was made unknown to us would be noted twice
	now, began := w.now(), time.Now()
	var s stepped
	var givenUp []account.Delivery
	err := w.store.Tx(ctx, func(ctx context.Context, tx *store.Store) (err error) {
		s = stepped{}
		if s.hook, err = tx.ExtendWebhook(ctx, w.hook.ID, w.lease, now.Add(Lease), w.hook.Version, w.accepted()); err != nil {
			return err
		}
		if givenUp, err = w.note(ctx, tx, s.hook, now); err != nil {
			return err
		}
		if !s.hook.DisabledAt.IsZero() || s.hook.Version != w.hook.Version {
			return nil
		}
		if s.off = w.exhausted(s.hook, now); s.off != "" {
			return w.turnOff(ctx, tx, s.off, now)
		}
		if s.hook.Sequence, err = w.queue(ctx, tx, s.hook.Sequence, now); err != nil {
			return err
		}
		s.due, err = w.due(ctx, tx, now)
		return err
	})
	if err != nil {
		return stepped{}, err
	}
	w.extended = began
	if n := len(givenUp); n > 0 {
		w.givenUp.Add(int64(n))
		w.log.WarnContext(ctx, "messages to a webhook were given up: its receiver refused them for three days, and accepts others",
			"webhook", w.hook.ID, "count", n, "error", givenUp[n-1].Failure)
	}
	for _, r := range w.tried {
		delete(w.inHand, r.delivery.Number)
		delete(w.clients, r.delivery.UserID)
	}
	w.tried, w.revived = nil, false
	return s, nil
}

// due reads what is due, enough for all attempts that may be under way. When the
// receiver counts as dead, what was never tried comes first: it may be dead for
// those clients alone whose deliveries it refused, and they would be tried for
// hours, one by one, before any other.
func (w *worker) due(ctx context.Context, tx *store.Store, now time.Time) ([]account.Delivery, error) {
	limit := w.atOnce + len(w.inHand)
	if w.failed >= deadAfter {
		if untried, err := tx.UntriedDeliveries(ctx, w.hook.ID, now, latestDue(now), limit); err != nil || len(untried) > 0 {
			return untried, err
		}
	}
	return tx.DueDeliveries(ctx, w.hook.ID, now, latestDue(now), limit)
}

// latestDue is later than any delivery can be due by a clock that is right.
func latestDue(now time.Time) time.Time { return now.Add(2 * longestWait) }

// note writes down what came of attempts, and lets the next of each client go.
// It returns what it gave up: what was refused for as long as anything is tried,
// by a receiver that accepted another message since the attempt before. When it
// did not, it may be down at present, and nobody's message is lost to that.
func (w *worker) note(ctx context.Context, tx *store.Store, hook account.Webhook, now time.Time) (givenUp []account.Delivery, err error) {
	var tried []account.Delivery
	var over []int64
	for _, r := range w.tried {
		if r.aborted {
			continue
		}
		d := r.delivery
		if spent(d, now) && accepts(hook, now) && !hook.AcceptedAt.Before(r.before) {
			d.State, d.DueAt = account.DeliveryGivenUp, time.Time{}
			givenUp = append(givenUp, d)
		}
		tried = append(tried, d)
		if d.State != account.DeliveryWaiting && d.UserID != 0 {
			over = append(over, d.UserID)
		}
	}
	if err := tx.FinishDeliveries(ctx, tried); err != nil || len(tried) == 0 {
		return nil, err
	}
	if n := len(givenUp); n > 0 {
		if err := tx.CountGivenUp(ctx, w.hook.ID, w.lease, n, givenUp[n-1].Failure, now); err != nil {
			return nil, err
		}
	}
	if err := tx.DueNext(ctx, w.hook.ID, over, now); err != nil {
		return nil, err
	}
	if w.revived {
		if err := tx.HastenDeliveries(ctx, w.hook.ID, now, false); err != nil {
			return nil, err
		}
	}
	return givenUp, tx.ForgetDelivered(ctx, over) // what waited when they were erased
}

// accepted is when the receiver last accepted a client's message, of those that
// are to be noted; zero: none. A test is about nobody: a receiver that refuses
// every client may answer it.
func (w *worker) accepted() (at time.Time) {
	for _, r := range w.tried {
		if d := r.delivery; !r.aborted && d.State == account.DeliveryDelivered && d.Type != account.WebhookTest && d.TriedAt.After(at) {
			at = d.TriedAt
		}
	}
	return at
}

// spent reports whether a delivery was tried for as long as any is, in vain.
func spent(d account.Delivery, now time.Time) bool {
	return d.State == account.DeliveryWaiting && now.Sub(d.FirstAt) >= giveUpAfter
}

// accepts reports whether a receiver accepted a client's message within the time
// for which one is tried; else it is dead. A time that is to come is one of a
// clock that was set back: a receiver that lives has accepted something since.
func accepts(hook account.Webhook, now time.Time) bool {
	at := hook.AcceptedAt
	return !at.IsZero() && !at.After(now) && now.Sub(at) < giveUpAfter
}

// queue gives places to what is new, and returns the newest.
func (w *worker) queue(ctx context.Context, tx *store.Store, sequence int64, now time.Time) (int64, error) {
	fresh, err := tx.NewDeliveries(ctx, w.hook.ID, queueMost)
	if err != nil || len(fresh) == 0 {
		return sequence, err
	}
	newest := sequence
	for i := range fresh {
		if fresh[i].Sequence == 0 && fresh[i].Type != account.WebhookTest { // not one that is replayed
			newest++
			fresh[i].Sequence = newest
		}
	}
	w.work = len(fresh) == queueMost
	if err := tx.QueueDeliveries(ctx, fresh, now); err != nil || newest == sequence {
		return newest, err
	}
	return newest, tx.SetWebhookSequence(ctx, w.hook.ID, w.lease, newest)
}

// begin makes attempts at what is due, one of each client at most, as many as
// may be.
func (w *worker) begin(ctx context.Context, due []account.Delivery) {
	now := w.now()
	for _, d := range due {
		if _, known := w.inHand[d.Number]; known || d.UserID != 0 && w.clients[d.UserID] {
			continue
		}
		if len(w.inHand) >= w.atOnce || w.failed >= deadAfter && now.Before(w.probeAt) {
			return
		}
		w.inHand[d.Number] = d
		if d.UserID != 0 {
			w.clients[d.UserID] = true
		}
		hook, sign := w.hook, w.sign
		go func() {
			at := w.now()
			w.results <- newResult(d, w.sender.send(ctx, hook.URL, sign, d, at), at, ctx.Err() != nil)
		}()
	}
}

// newResult is what an attempt makes of a delivery.
func newResult(d account.Delivery, a attempt, at time.Time, aborted bool) result {
	if aborted && a.failure != "" {
		return result{delivery: d, aborted: true}
	}
	before := d.TriedAt
	d.TriedAt, d.Took, d.Status, d.Failure, d.DueAt = at, a.took, a.status, a.failure, time.Time{}
	if d.FirstAt.IsZero() || d.FirstAt.After(at) { // by a clock that was set back
		d.FirstAt = at
	}
	switch {
	case a.failure == "":
		d.State = account.DeliveryDelivered
	case d.Type == account.WebhookTest:
		d.State = account.DeliveryGivenUp
	default:
		d.State, d.DueAt = account.DeliveryWaiting, nextAttempt(d, at)
	}
	return result{delivery: d, before: before}
}

// nextAttempt is when a delivery that failed is tried again. The last attempt
// is when giveUpAfter is over.
func nextAttempt(d account.Delivery, at time.Time) time.Time {
	wait := longestWait
	if d.Attempts < len(backoff) {
		wait = backoff[d.Attempts]
	}
	next := at.Add(wait/2 + rand.N(wait)) //nolint:gosec // anybody may know it
	if last := d.FirstAt.Add(giveUpAfter); next.After(last) && last.After(at) {
		return last
	}
	return next
}

// take counts a result. What is due at once when the receiver answers again is
// all that waits.
func (w *worker) take(r result) {
	w.tried = append(w.tried, r)
	switch {
	case r.aborted:
	case r.delivery.Failure == "":
		w.delivered.Add(1)
		if w.failed >= deadAfter {
			w.revived = true
			w.log.Info("a webhook's receiver answers again", "webhook", w.hook.ID)
		}
		w.failed = 0
		w.atOnce = min(w.atOnce+1, mostAtOnce)
	default:
		w.failures.Add(1)
		if w.failed++; w.failed < deadAfter {
			return
		}
		if w.failed == deadAfter {
			w.log.Warn("a webhook's receiver does not answer as it should: it is tried one delivery at a time", "webhook", w.hook.ID, "error", r.delivery.Failure)
		}
		w.atOnce = 1
		wait := min(time.Second<<min(w.failed-deadAfter, 20), longestProbe)
		w.probeAt = w.now().Add(wait/2 + rand.N(wait)) //nolint:gosec // anybody may know it
	}
}

// takeAll takes what else has come.
func (w *worker) takeAll() {
	for {
		select {
		case r := <-w.results:
			w.take(r)
		default:
			return
		}
	}
}

// underWay is how many attempts have not ended.
func (w *worker) underWay() int { return len(w.inHand) - len(w.tried) }

// drain waits for the attempts under way, which have deliveryTimeout.
func (w *worker) drain() {
	for w.underWay() > 0 {
		w.take(<-w.results)
	}
}

// look asks whether there is something to do.
func (w *worker) look(ctx context.Context) {
	now := w.now()
	version, work, err := w.store.WebhookWork(ctx, w.hook.ID, now, latestDue(now))
	if err != nil {
		if ctx.Err() == nil {
			w.log.WarnContext(ctx, "webhook deliveries cannot be read, it will be tried again", "webhook", w.hook.ID, "error", err.Error())
		}
		return
	}
	dead := w.failed >= deadAfter && (w.underWay() > 0 || now.Before(w.probeAt))
	w.work = w.work || version != w.hook.Version || work && !dead && w.underWay() < w.atOnce
}

// stop leaves the webhook to another server. Attempts that take too long are
// ended.
func (w *worker) stop(ctx context.Context, abort context.CancelFunc) {
	late := time.AfterFunc(stopGrace, abort)
	defer late.Stop()
	w.leave(ctx)
}

func (w *worker) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := w.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.ReleaseWebhook(ctx, w.hook.ID, w.lease) })
	if err != nil { // it ends by itself
		w.log.WarnContext(ctx, "a webhook could not be left to another server", "webhook", w.hook.ID, "error", err.Error())
	}
}

// exhausted is why the webhook has to be turned off: a delivery was tried for
// as long as any is, and no other was accepted in that time.
func (w *worker) exhausted(hook account.Webhook, now time.Time) string {
	i := slices.IndexFunc(w.tried, func(r result) bool { return !r.aborted && spent(r.delivery, now) })
	if i < 0 || accepts(hook, now) {
		return ""
	}
	return "nothing was accepted for three days; the last time: " + w.tried[i].delivery.Failure
}

// turnOff turns the webhook off, and owes the operator a mail about it.
func (w *worker) turnOff(ctx context.Context, tx *store.Store, why string, now time.Time) error {
	if err := tx.DisableWebhook(ctx, w.hook.ID, why, now); err != nil {
		return err
	}
	if err := w.audit.Record(ctx, tx, w.audit.ByOperator(account.EventWebhookDisabled, account.EventDetails{Webhook: w.hook.ID}, now)); err != nil {
		return err
	}
	if w.o.Operator == "" {
		return nil
	}
	return tx.AddMail(ctx, account.Mail{
		Kind: account.MailOperatorWebhook, Email: w.o.Operator, Language: w.o.OperatorLanguage, CreatedAt: now,
		Details: account.MailDetails{Problem: "webhook " + w.hook.ID + ": " + why},
	})
}
