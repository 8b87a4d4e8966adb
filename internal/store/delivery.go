package store

import (
	"context"
	"database/sql"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const deliveryColumns = `d.id, d.webhook_id, d.message_id, d.type, d.user_id, d.fields, d.at, d.sequence, d.state, d.due_at,
	d.attempts, d.first_at, d.tried_at, d.took, d.status, d.failure`

func scanDelivery(scan func(...any) error) (d account.Delivery, err error) {
	var userID, sequence sql.NullInt64
	var fields string
	var took int64
	err = scan(&d.Number, &d.WebhookID, &d.MessageID, &d.Type, &userID, &fields, asUTC(&d.At), &sequence, &d.State, asUTC(&d.DueAt),
		&d.Attempts, asUTC(&d.FirstAt), asUTC(&d.TriedAt), &took, &d.Status, &d.Failure)
	d.UserID, d.Sequence, d.Fields, d.Took = userID.Int64, sequence.Int64, strings.Fields(fields), time.Duration(took)*time.Microsecond
	return d, err
}

// AddDeliveries owes what acts tell to every webhook that is on and wants it,
// in the transaction of the acts and in their order. The message id of each is
// this one's and the webhook's. Where there is no webhook it writes nothing.
func (s *Store) AddDeliveries(ctx context.Context, owed []account.Delivery) error {
	st := owe(owed)
	_, err := s.execSet(ctx, "owe deliveries", st.query, st.columns...)
	return err
}

// owe is the statement of [Store.AddDeliveries].
func owe(owed []account.Delivery) statement {
	place, at := make([]int64, len(owed)), make([]time.Time, len(owed))
	id, typ, fields := make([]string, len(owed)), make([]string, len(owed)), make([]string, len(owed))
	userID := make([]*int64, len(owed))
	for i, d := range owed {
		place[i], id[i], typ[i], fields[i], at[i] = int64(i), d.MessageID, string(d.Type), strings.Join(d.Fields, " "), d.At.UTC()
		if d.UserID != 0 {
			userID[i] = &d.UserID
		}
	}
	return statement{
		query: `
		INSERT INTO webhook_deliveries (webhook_id, message_id, type, user_id, fields, at, state, attempts, took, status, failure)
		SELECT w.id, v.column2 || w.id, v.column3, v.column4, v.column5, v.column6, 'new', 0, 0, 0, ''
		FROM %s CROSS JOIN webhooks w
		WHERE w.disabled_at IS NULL AND (w.types = '' OR ' ' || w.types || ' ' LIKE '%% ' || v.column3 || ' %%')
		ORDER BY v.column1, w.id`,
		columns: []column{
			columnOf("bigint", place), columnOf("text", id), columnOf("text", typ), columnOf("bigint", userID), columnOf("text", fields),
			columnOf("timestamptz", at),
		},
	}
}

// AddDelivery owes something to one webhook, whatever it wants, and returns
// its number.
func (s *Store) AddDelivery(ctx context.Context, d account.Delivery) (int64, error) {
	return queryValue[int64](ctx, s, "owe a delivery", `
		INSERT INTO webhook_deliveries (webhook_id, message_id, type, fields, at, state, attempts, took, status, failure)
		VALUES ($1, $2, $3, '', $4, 'new', 0, 0, 0, '')
		RETURNING id`, d.WebhookID, d.MessageID, d.Type, d.At.UTC())
}

// NewDeliveries returns deliveries of a webhook that its worker has not seen,
// in the order in which they were owed, at most limit.
func (s *Store) NewDeliveries(ctx context.Context, webhookID string, limit int) ([]account.Delivery, error) {
	return s.deliveries(ctx, `WHERE d.webhook_id = $1 AND d.state = 'new' ORDER BY d.id LIMIT $2`, webhookID, limit)
}

// QueueDeliveries makes new deliveries wait, each with its place (zero: none).
// Those of which no earlier one of the same user waits are due now.
func (s *Store) QueueDeliveries(ctx context.Context, queued []account.Delivery, now time.Time) error {
	ids, sequences, due := make([]int64, len(queued)), make([]*int64, len(queued)), make([]time.Time, len(queued))
	for i, d := range queued {
		ids[i], due[i] = d.Number, now.UTC()
		if d.Sequence != 0 {
			sequences[i] = &d.Sequence
		}
	}
	_, err := s.execSet(ctx, "queue deliveries", `
		UPDATE webhook_deliveries
		SET state = 'waiting', sequence = v.column2
		FROM %s
		WHERE webhook_deliveries.id = v.column1 AND webhook_deliveries.state = 'new'`, columnOf("bigint", ids), columnOf("bigint", sequences))
	if err != nil {
		return err
	}
	_, err = s.execSet(ctx, "queue deliveries", `
		UPDATE webhook_deliveries
		SET due_at = v.column2
		FROM %s
		WHERE webhook_deliveries.id = v.column1 AND webhook_deliveries.state = 'waiting'
		  AND NOT EXISTS (SELECT 1
		                  FROM webhook_deliveries e
		                  WHERE e.webhook_id = webhook_deliveries.webhook_id AND e.user_id = webhook_deliveries.user_id
		                    AND e.state = 'waiting' AND e.id < webhook_deliveries.id)`, columnOf("bigint", ids), columnOf("timestamptz", due))
	return err
}

// DueDeliveries returns deliveries of a webhook that are due now, those that
// are due longest first, at most limit. One that is due later than any can be
// is due: the clock was set back.
func (s *Store) DueDeliveries(ctx context.Context, webhookID string, now, latest time.Time, limit int) ([]account.Delivery, error) {
	return s.deliveries(ctx, `
		WHERE d.webhook_id = $1 AND (d.due_at <= $2 OR d.due_at > $3)
		ORDER BY d.due_at, d.id
		LIMIT $4`, webhookID, now.UTC(), latest.UTC(), limit)
}

// UntriedDeliveries are those of [Store.DueDeliveries] that were never tried,
// the newest first.
func (s *Store) UntriedDeliveries(ctx context.Context, webhookID string, now, latest time.Time, limit int) ([]account.Delivery, error) {
	return s.deliveries(ctx, `
		WHERE d.webhook_id = $1 AND (d.due_at <= $2 OR d.due_at > $3) AND d.first_at IS NULL
		ORDER BY d.id DESC
		LIMIT $4`, webhookID, now.UTC(), latest.UTC(), limit)
}

// WebhookWork is what a worker has to know between its transactions: the
// version of its webhook, and whether something is new or due.
func (s *Store) WebhookWork(ctx context.Context, id string, now, latest time.Time) (version int64, work bool, err error) {
	type answer struct {
		version int64
		work    bool
	}
	a, err := queryRow(ctx, s, "look for deliveries", func(scan func(...any) error) (a answer, err error) {
		err = scan(&a.version, &a.work)
		return a, err
	}, `
		SELECT version,
		       EXISTS (SELECT 1 FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'new')
		       OR EXISTS (SELECT 1 FROM webhook_deliveries WHERE webhook_id = $1 AND (due_at <= $2 OR due_at > $3))
		FROM webhooks
		WHERE id = $1`, id, now.UTC(), latest.UTC())
	return a.version, a.work, err
}

// FinishDeliveries notes what came of an attempt at each of some deliveries
// that wait: State, DueAt, FirstAt, TriedAt, Took, Status and Failure.
func (s *Store) FinishDeliveries(ctx context.Context, tried []account.Delivery) error {
	n := len(tried)
	ids, took, status := make([]int64, n), make([]int64, n), make([]int64, n)
	state, failure := make([]string, n), make([]string, n)
	due, first, at := make([]*time.Time, n), make([]time.Time, n), make([]time.Time, n)
	for i, d := range tried {
		ids[i], took[i], status[i], state[i], failure[i] = d.Number, d.Took.Microseconds(), int64(d.Status), string(d.State), d.Failure
		first[i], at[i] = d.FirstAt.UTC(), d.TriedAt.UTC()
		if !d.DueAt.IsZero() {
			dueAt := d.DueAt.UTC()
			due[i] = &dueAt
		}
	}
	_, err := s.execSet(ctx, "note what came of deliveries", `
		UPDATE webhook_deliveries
		SET state = v.column2, due_at = v.column3, first_at = v.column4, tried_at = v.column5, took = v.column6, status = v.column7,
		    failure = v.column8, attempts = webhook_deliveries.attempts + 1
		FROM %s
		WHERE webhook_deliveries.id = v.column1 AND webhook_deliveries.state = 'waiting'`,
		columnOf("bigint", ids), columnOf("text", state), columnOf("timestamptz", due), columnOf("timestamptz", first), columnOf("timestamptz", at),
		columnOf("bigint", took), columnOf("bigint", status), columnOf("text", failure))
	return err
}

// DueNext makes the first of the deliveries that wait for each of some users
// due now, if it is not due yet.
func (s *Store) DueNext(ctx context.Context, webhookID string, userIDs []int64, now time.Time) error {
	hooks, due := make([]string, len(userIDs)), make([]time.Time, len(userIDs))
	for i := range userIDs {
		hooks[i], due[i] = webhookID, now.UTC()
	}
	_, err := s.execSet(ctx, "go on with deliveries", `
		UPDATE webhook_deliveries
		SET due_at = n.due_at
		FROM (SELECT MIN(d.id) AS id, MIN(v.column3) AS due_at
		      FROM %s
		      JOIN webhook_deliveries d ON d.webhook_id = v.column2 AND d.user_id = v.column1 AND d.state = 'waiting'
		      GROUP BY v.column1) AS n
		WHERE webhook_deliveries.id = n.id AND webhook_deliveries.due_at IS NULL`,
		columnOf("bigint", userIDs), columnOf("text", hooks), columnOf("timestamptz", due))
	return err
}

// HastenDeliveries makes what waits for another attempt due now, behind what is
// due already. With restart the time within which a delivery has to succeed
// begins anew.
func (s *Store) HastenDeliveries(ctx context.Context, webhookID string, now time.Time, restart bool) error {
	set, which := `due_at = $1`, `due_at > $1`
	if restart {
		set, which = set+`, first_at = NULL, attempts = 0`, `due_at IS NOT NULL`
	}
	_, err := s.exec(ctx, "hasten deliveries", `
		UPDATE webhook_deliveries
		SET `+set+`
		WHERE webhook_id = $2 AND `+which, now.UTC(), webhookID)
	return err
}

// ReplayDeliveries makes the deliveries of a webhook with these places new
// again, those that were delivered or given up, and says how many; what waits
// there is due now. Those about people who were erased are left out.
func (s *Store) ReplayDeliveries(ctx context.Context, webhookID string, from, to int64, now time.Time) (int64, error) {
	_, err := s.exec(ctx, "hasten deliveries", `
		UPDATE webhook_deliveries
		SET due_at = $1
		WHERE webhook_id = $2 AND sequence >= $3 AND sequence <= $4 AND due_at > $1`, now.UTC(), webhookID, from, to)
	if err != nil {
		return 0, err
	}
	return s.exec(ctx, "replay deliveries", replay+`
		WHERE webhook_id = $1 AND sequence >= $2 AND sequence <= $3 AND state IN ('delivered', 'given_up') AND user_id IS NOT NULL`, webhookID, from, to)
}

// ReplayGivenUp is [Store.ReplayDeliveries] for all that were given up. They are
// counted from nothing again.
func (s *Store) ReplayGivenUp(ctx context.Context, webhookID string) (int64, error) {
	_, err := s.exec(ctx, "replay deliveries", `
		UPDATE webhooks
		SET given_up = 0, given_up_at = NULL, given_up_why = ''
		WHERE id = $1`, webhookID)
	if err != nil {
		return 0, err
	}
	return s.exec(ctx, "replay deliveries", replay+`
		WHERE webhook_id = $1 AND state = 'given_up' AND user_id IS NOT NULL`, webhookID)
}

const replay = `
		UPDATE webhook_deliveries
		SET state = 'new', due_at = NULL, first_at = NULL, attempts = 0, failure = ''`

// GiveUpDeliveries gives up every delivery that waits, and says how many. Each
// can be replayed.
func (s *Store) GiveUpDeliveries(ctx context.Context, failure string) (int64, error) {
	_, err := s.exec(ctx, "give up all deliveries", `
		UPDATE webhooks
		SET given_up = given_up + (SELECT COUNT(*)
		                           FROM webhook_deliveries d
		                           WHERE d.webhook_id = webhooks.id AND d.state IN ('new', 'waiting') AND d.user_id IS NOT NULL)`)
	if err != nil {
		return 0, err
	}
	return s.exec(ctx, "give up all deliveries", `
		UPDATE webhook_deliveries
		SET state = 'given_up', due_at = NULL, failure = $1
		WHERE state IN ('new', 'waiting')`, failure)
}

// ForgetDelivered forgets whom the deliveries are about that are over, of those
// of some users who were erased, but for those that tell of the erasure.
func (s *Store) ForgetDelivered(ctx context.Context, userIDs []int64) error {
	_, err := s.execSet(ctx, "forget whom deliveries are about", `
		UPDATE webhook_deliveries
		SET user_id = NULL
		WHERE user_id IN (SELECT column1 FROM %s) AND state IN ('delivered', 'given_up') AND type <> 'client.erased'
		  AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = webhook_deliveries.user_id)`, columnOf("bigint", userIDs))
	return err
}

// DeleteDeliveries forgets deliveries about what was done before the given
// time. It looks at the oldest, at most limit, and says how many it forgot.
// What waited behind one of them is due now.
func (s *Store) DeleteDeliveries(ctx context.Context, before, now time.Time, limit int) (int64, error) {
	scan := func(scan func(...any) error) (d account.Delivery, err error) {
		var userID sql.NullInt64
		err = scan(&d.WebhookID, &userID, &d.State)
		d.UserID = userID.Int64
		return d, err
	}
	gone, err := queryAll(ctx, s, "delete deliveries", scan, `
		DELETE FROM webhook_deliveries
		WHERE id IN (SELECT o.id
		             FROM (SELECT id, at FROM webhook_deliveries ORDER BY id LIMIT $2) AS o
		             WHERE o.at < $1)
		RETURNING webhook_id, user_id, state`, before.UTC(), limit)
	if err != nil {
		return 0, err
	}
	behind := map[string][]int64{}
	for _, d := range gone {
		if d.State == account.DeliveryWaiting && d.UserID != 0 {
			behind[d.WebhookID] = append(behind[d.WebhookID], d.UserID)
		}
	}
	for _, webhookID := range slices.Sorted(maps.Keys(behind)) {
		if err := s.DueNext(ctx, webhookID, behind[webhookID], now); err != nil {
			return 0, err
		}
	}
	return int64(len(gone)), nil
}

// DeleteDeliveriesOf forgets up to limit deliveries of a webhook, and says how
// many. Those with a place have an index; the others are few.
func (s *Store) DeleteDeliveriesOf(ctx context.Context, webhookID string, limit int) (int64, error) {
	n, err := s.exec(ctx, "delete deliveries of a webhook", `
		DELETE FROM webhook_deliveries
		WHERE id IN (SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND sequence IS NOT NULL ORDER BY sequence LIMIT $2)`, webhookID, limit)
	if err != nil || n == int64(limit) {
		return n, err
	}
	rest, err := s.exec(ctx, "delete deliveries of a webhook", `
		DELETE FROM webhook_deliveries
		WHERE id IN (SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND sequence IS NULL LIMIT $2)`, webhookID, int64(limit)-n)
	return n + rest, err
}

// DeliveryFilter says which deliveries are wanted; the zero one: all.
type DeliveryFilter struct {
	Failed  bool // those whose last attempt failed
	GivenUp bool
	Before  int64 // those with a smaller number; 0: all
}

// Deliveries returns the newest deliveries of a webhook, at most limit.
func (s *Store) Deliveries(ctx context.Context, webhookID string, f DeliveryFilter, limit int) ([]account.Delivery, error) {
	which := ``
	if f.Failed {
		which += ` AND d.failure <> ''`
	}
	if f.GivenUp {
		which += ` AND d.state = 'given_up'`
	}
	if f.Before == 0 {
		f.Before = math.MaxInt64
	}
	return s.deliveries(ctx, `WHERE d.webhook_id = $1 AND d.id < $2`+which+` ORDER BY d.id DESC LIMIT $3`, webhookID, f.Before, limit)
}

// DeliveriesOf returns the deliveries about one user, the newest first, at most
// limit.
func (s *Store) DeliveriesOf(ctx context.Context, userID int64, limit int) ([]account.Delivery, error) {
	return s.deliveries(ctx, `WHERE d.user_id = $1 ORDER BY d.id DESC LIMIT $2`, userID, limit)
}

// Delivery returns a delivery or [ErrNotFound].
func (s *Store) Delivery(ctx context.Context, number int64) (account.Delivery, error) {
	return queryRow(ctx, s, "find a delivery", scanDelivery, `SELECT `+deliveryColumns+` FROM webhook_deliveries d WHERE d.id = $1`, number)
}

func (s *Store) deliveries(ctx context.Context, rest string, args ...any) ([]account.Delivery, error) {
	return queryAll(ctx, s, "list deliveries", scanDelivery, `SELECT `+deliveryColumns+` FROM webhook_deliveries d `+rest, args...)
}

// Backlog is what has not been delivered yet.
type Backlog struct {
	Count  int       // a hundred thousand at most are counted
	Oldest time.Time // when it was done; zero: there is none
}

// Backlogs returns what each webhook has to deliver yet, by its id.
func (s *Store) Backlogs(ctx context.Context) (map[string]Backlog, error) {
	type row struct {
		id string
		Backlog
	}
	rows, err := queryAll(ctx, s, "count deliveries", func(scan func(...any) error) (r row, err error) {
		err = scan(&r.id, &r.Count, asUTC(&r.Oldest))
		return r, err
	}, `
		SELECT c.webhook_id, c.n, d.at
		FROM (SELECT webhook_id, COUNT(*) AS n, MIN(id) AS id
		      FROM (SELECT webhook_id, id FROM (SELECT webhook_id, id FROM webhook_deliveries WHERE state = 'new' LIMIT 100000) AS a
		            UNION ALL
		            SELECT webhook_id, id FROM (SELECT webhook_id, id FROM webhook_deliveries WHERE state = 'waiting' LIMIT 100000) AS b) AS o
		      GROUP BY webhook_id) AS c
		JOIN webhook_deliveries d ON d.id = c.id`)
	all := make(map[string]Backlog, len(rows))
	for _, r := range rows {
		all[r.id] = r.Backlog
	}
	return all, err
}
