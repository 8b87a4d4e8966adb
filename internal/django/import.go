package django

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
)

// Options say how to import.
type Options struct {
	DryRun bool // undo everything at the end
	// EmailsVerified says that Django checked that people read the addresses
	// that it has for them.
	EmailsVerified bool
	Now            time.Time
	Told           func(Issue)                     // each row that is left out, or in part
	Reading        func(done float64, users int64) // after each batch
}

// Issue is what there is to say about a row. It holds no hash and no
// address.
type Issue struct {
	Note     bool   // nothing was left out; there is just something to know
	ID       string // as it came
	Username string
	Reason   string
	Owner    int64 // of the username, where that is the reason
}

// Report counts what an import did.
type Report struct {
	Read      int64
	Imported  int64
	Updated   int64
	Unchanged int64
	Skipped   map[string]int64 // by reason
	Kept      int64            // passwords that were chosen here meanwhile
	Gone      int64            // imported once, and not in the source any more
	Revoked   int64            // refresh tokens on the blacklist, new ones
	Formats   map[string]int64 // of the hashes of those who were not skipped
	Dead      int64            // users whose hash no password can match here, though it is no unusable one
	Bare      int64            // users with a date that has no time zone; they were read as UTC
	Verified  int64            // addresses that count as verified from now on
}

// Why a good row is left out, or a part of it.
const (
	reasonTwice   = "the id comes twice in the source"
	reasonTaken   = "the username is taken here"
	reasonOther   = "the id belongs here to a user who did not come from Django"
	reasonErased  = "the user was erased here since the last import"
	reasonChosen  = "the password changed on both sides; the one chosen here stays"
	reasonForm    = "the username is not in Unicode's NFKC form, to which every login is brought: log in by e-mail, or rename"
	reasonShared  = "the address stays unverified: it is also used" // by user …
	reasonOwner   = "the user is not active in Django, and stays active here: the staff would have no owner"
	reasonMissing = "the user is not in the source any more; the account here stays"
)

// ErrNothingRead says that not one row of the source could be read.
var ErrNothingRead = errors.New("none of the source's rows could be read")

// errUndo ends a dry run.
var errUndo = errors.New("dry run")

// batchSize is how many rows are looked up and written together.
const batchSize = 1000

// mostPostponed bounds the memory for rows whose username is in use: it may
// become free when its owner's own row comes.
const mostPostponed = 20_000

// language is that of users who never chose one.
const language = "fr"

// Import takes everything in the source in, in one transaction. Until it
// ends, the server's writes wait. The report is good without an error only.
func Import(ctx context.Context, st *store.Store, src Source, o Options) (Report, error) {
	o.Now = o.Now.UTC().Truncate(time.Microsecond) // as the databases keep it
	var report Report
	err := st.Import(ctx, func(ctx context.Context, tx *store.Import) error {
		r := &run{ctx: ctx, tx: tx, o: o, report: Report{Skipped: map[string]int64{}, Formats: map[string]int64{}}}
		if err := r.all(src); err != nil {
			return err
		}
		report = r.report
		if o.DryRun {
			return errUndo
		}
		return tx.ContinueIDs(ctx)
	})
	if errors.Is(err, errUndo) {
		err = nil
	}
	return report, err
}

// run is one import under way.
type run struct {
	ctx        context.Context
	tx         *store.Import
	o          Options
	report     Report
	seen       idSet
	largest    int64 // id here before the import
	newest     int64 // id that was imported
	unreadable int64
	postponed  []User
	staff      map[int64]bool // who has a role; nil: nobody asked yet
}

func (r *run) all(src Source) (err error) {
	if r.largest, err = r.tx.LargestID(r.ctx); err != nil {
		return err
	}
	if err := r.users(src); err != nil {
		return err
	}
	if r.report.Read > 0 && r.unreadable == r.report.Read {
		return ErrNothingRead
	}
	if err := r.settleNames(); err != nil {
		return err
	}
	if err := r.retryPostponed(); err != nil {
		return err
	}
	if err := r.reportMissing(); err != nil {
		return err
	}
	if r.o.EmailsVerified {
		if err := r.verifyEmails(); err != nil {
			return err
		}
	}
	return r.blacklist(src)
}

// users takes batch after batch while the next one is being read.
func (r *run) users(src Source) error {
	ctx, stop := context.WithCancel(r.ctx)
	batches := make(chan []Record, 2)
	var failed error
	go func() {
		defer close(batches)
		failed = inBatches(src.Users(ctx), func(b []Record) bool {
			select {
			case batches <- b:
				return true
			case <-ctx.Done():
				return false
			}
		})
	}()
	defer func() {
		stop()
		for range batches { //nolint:revive // until the reader has ended: the source is used again
		}
	}()
	for batch := range batches {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := r.records(batch); err != nil {
			return err
		}
		if r.o.Reading != nil {
			r.o.Reading(src.Progress(), r.report.Read)
		}
	}
	return errors.Join(failed, r.ctx.Err())
}

// inBatches hands out what seq yields, many at a time, until take wants no
// more.
func inBatches[T any](seq iter.Seq2[T, error], take func([]T) bool) error {
	batch := make([]T, 0, batchSize)
	for v, err := range seq {
		if err != nil {
			return err
		}
		batch = append(batch, v)
		if len(batch) == batchSize {
			if !take(batch) {
				return nil
			}
			batch = make([]T, 0, batchSize)
		}
	}
	if len(batch) > 0 {
		take(batch)
	}
	return nil
}

// records sorts out what cannot be taken.
func (r *run) records(batch []Record) error {
	users := make([]User, 0, len(batch))
	for _, rec := range batch {
		r.report.Read++
		reason := rec.Reason
		if reason != "" {
			r.unreadable++
		}
		if rec.User.ID > 0 && !r.seen.add(rec.User.ID) && reason == "" {
			reason = reasonTwice
		}
		if reason != "" {
			r.skip(Issue{ID: rec.ID, Username: rec.User.Username, Reason: reason})
			continue
		}
		if rec.Bare {
			r.report.Bare++
		}
		users = append(users, rec.User)
	}
	return r.importBatch(users, func(u User, owner int64) {
		if len(r.postponed) < mostPostponed {
			r.postponed = append(r.postponed, u)
			return
		}
		r.skip(conflict(u, owner))
	})
}

// inOrder reports whether ids have only grown so far, this batch included. As
// long as they do, the smallest id with a name is the one that came first.
func (r *run) inOrder(users []User) bool {
	for _, u := range users {
		if u.ID < r.newest {
			return false
		}
		r.newest = u.ID
	}
	return true
}

// settleNames takes back those of a first import whose username another has.
func (r *run) settleNames() error {
	return r.tx.SettleNames(r.ctx, func(u account.User, owner int64) {
		r.report.Imported--
		r.count(u.PasswordHash, -1)
		r.skip(conflict(User{ID: u.ID, Username: u.Username}, owner))
	})
}

// retryPostponed tries what was postponed until no more usernames become free.
func (r *run) retryPostponed() error {
	for before := -1; len(r.postponed) > 0; {
		users, last := r.postponed, len(r.postponed) == before
		before, r.postponed = len(users), nil
		for len(users) > 0 {
			n := min(batchSize, len(users))
			err := r.importBatch(users[:n], func(u User, owner int64) {
				if last {
					r.skip(conflict(u, owner))
					return
				}
				r.postponed = append(r.postponed, u)
			})
			if err != nil {
				return err
			}
			users = users[n:]
		}
	}
	return nil
}

// importBatch decides about users whose ids differ, and writes them. Those whose
// username somebody else has are given to busy.
func (r *run) importBatch(users []User, busy func(u User, owner int64)) error {
	if r.tx.NamesLater() && !r.inOrder(users) {
		if err := r.settleNames(); err != nil {
			return err
		}
	}
	here, err := r.lookup(users)
	if err != nil {
		return err
	}
	var (
		inserts, updates []store.ImportRow
		ends             ending
	)
	for _, u := range users {
		old, exists := here.users[u.ID]
		from, known := here.origins[u.ID]
		switch {
		case known && !exists:
			r.skip(Issue{ID: strconv.FormatInt(u.ID, 10), Username: u.Username, Reason: reasonErased})
			continue
		case exists && !known && !sameAccount(u, old):
			r.skip(Issue{ID: strconv.FormatInt(u.ID, 10), Username: u.Username, Reason: reasonOther})
			continue
		}
		now := originOf(u)
		if known && string(now[:]) == string(from.Fields) {
			r.report.Unchanged++
			r.count(u.Password, 1)
			continue
		}
		if owner, taken := here.owners[u.Username]; taken && owner != u.ID && (!exists || now.since(from.Fields).username) {
			busy(u, owner)
			continue
		}
		r.count(u.Password, 1)
		if !exists {
			if !r.tx.NamesLater() {
				// A name that this batch frees stays taken until the next: the
				// database does not promise in which order rows are updated.
				here.owners[u.Username] = u.ID
			}
			inserts = append(inserts, r.fresh(u, now))
			if account.NormalizeUsername(u.Username) != u.Username {
				r.tell(Issue{Note: true, ID: strconv.FormatInt(u.ID, 10), Username: u.Username, Reason: reasonForm})
			}
			r.report.Imported++
			continue
		}
		row, newPassword := r.merge(u, now, old, from)
		if old.Active && !row.User.Active {
			if err := r.keepOwner(&row); err != nil {
				return err
			}
		}
		here.owners[row.User.Username] = u.ID
		updates = append(updates, row)
		ends.of(old, row.User, newPassword)
		r.report.Updated++
	}
	if err := r.tx.Update(r.ctx, updates); err != nil {
		return err
	}
	if err := r.end(ends); err != nil {
		return err
	}
	return r.tx.Insert(r.ctx, inserts)
}

// keepOwner is asked of whom Django shuts out. It leaves the last owner of the staff
// active, and tells: only a command could make another. The next import finds the
// difference again.
func (r *run) keepOwner(row *store.ImportRow) error {
	if r.staff == nil {
		members, err := r.tx.StaffMembers(r.ctx)
		if err != nil {
			return err
		}
		r.staff = map[int64]bool{}
		for _, m := range members {
			r.staff[m.UserID] = true
		}
	}
	u := &row.User
	if !r.staff[u.ID] {
		return nil
	}
	last, err := r.tx.LastOwner(r.ctx, u.ID)
	if err != nil {
		return err
	}
	if !last {
		return r.tx.SetActive(r.ctx, u.ID, false) // at once: the next in the batch may be the last then
	}
	u.Active = true
	row.Origin.Fields[activeAt] = bit(true)
	r.tell(Issue{Note: true, ID: strconv.FormatInt(u.ID, 10), Username: u.Username, Reason: reasonOwner})
	return nil
}

// ending is whose sessions, links and so on a batch ends.
type ending struct{ sessions, links, corrections, approvals []int64 }

// of notes what ends of a user whom an import changes. It is what the staff end who
// do the same to an account here.
func (e *ending) of(before, after account.User, newPassword bool) {
	shut := before.Active && !after.Active
	moved := account.EmailKey(after.Email) != account.EmailKey(before.Email)
	if newPassword || shut {
		e.sessions = append(e.sessions, after.ID)
	}
	if newPassword || shut || moved {
		e.links = append(e.links, after.ID)
	}
	if moved {
		// The staff corrected an address that Django has corrected since: the reader of
		// theirs, a stranger perhaps, must not get the account later.
		e.corrections = append(e.corrections, after.ID)
	}
	if shut {
		e.approvals = append(e.approvals, after.ID)
	}
}

func (r *run) end(e ending) error {
	if err := r.tx.EndSessions(r.ctx, e.sessions, r.o.Now); err != nil {
		return err
	}
	if err := r.tx.EndLinks(r.ctx, e.links, account.LinksOfAddress(), voidMails, r.o.Now); err != nil {
		return err
	}
	if err := r.tx.EndCorrections(r.ctx, e.corrections, r.o.Now); err != nil {
		return err
	}
	return r.tx.EndApprovals(r.ctx, e.approvals)
}

// voidMails are the mails with a link or a code that are worthless, as the links
// are, once a password, an address or who is active has changed in Django: whoever
// had the old one may have asked for them.
var voidMails = []account.MailKind{
	account.MailResetPassword, account.MailInvited, account.MailVerifyEmail, account.MailConfirmEmail,
	account.MailRoleOffered, account.MailLoginCode, account.MailConfirmCode,
}

// existing is what the store has of a batch's ids and names.
type existing struct {
	users   map[int64]account.User
	origins map[int64]store.Origin
	owners  map[string]int64
}

func (r *run) lookup(users []User) (h existing, err error) {
	var ids []int64
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Username
		if u.ID <= r.largest {
			ids = append(ids, u.ID)
		}
	}
	if h.users, err = r.tx.UsersWithID(r.ctx, ids); err != nil {
		return h, err
	}
	if h.origins, err = r.tx.Origins(r.ctx, ids); err != nil {
		return h, err
	}
	if r.tx.NamesLater() {
		h.owners = map[string]int64{}
		return h, nil
	}
	h.owners, err = r.tx.Owners(r.ctx, names, r.o.Now.Add(-account.UsernameKept))
	return h, err
}

// fresh is a user who was not here.
func (r *run) fresh(u User, now origin) store.ImportRow {
	joined := u.DateJoined
	if joined.IsZero() {
		joined = r.o.Now
	}
	return store.ImportRow{
		User: account.User{
			ID: u.ID, Username: u.Username, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName,
			PasswordHash: u.Password, Active: u.IsActive, Staff: u.IsStaff, Superuser: u.IsSuperuser,
			Language: language, JoinedAt: joined, LastLoginAt: u.LastLogin, PasswordAt: joined,
		},
		Origin: store.Origin{Fields: now[:], PasswordAt: joined},
	}
}

// sameAccount recognises an account that began here and went to Django with
// [Export]: nobody else has its id, its name and its first millisecond.
func sameAccount(u User, here account.User) bool {
	return u.Username == here.Username && millis(u.DateJoined) == millis(here.JoinedAt)
}

// merge brings over what changed in Django since the last import, and says
// whether that is the password. What changed only here stays. Where both
// changed, Django's counts, with two exceptions: the later login, and a
// password that the person chose here. (That the hash here is another is not
// enough to know that: a login renews it.) An account that began here and
// comes from Django for the first time was Django's last.
func (r *run) merge(u User, now origin, old account.User, from store.Origin) (store.ImportRow, bool) {
	changed := now.since(from.Fields)
	row := store.ImportRow{User: old, Origin: store.Origin{Fields: now[:], PasswordAt: from.PasswordAt}}
	w := &row.User
	for _, f := range []struct {
		changed  bool
		from, to *string
	}{
		{changed.username, &u.Username, &w.Username}, {changed.email, &u.Email, &w.Email},
		{changed.firstName, &u.FirstName, &w.FirstName}, {changed.lastName, &u.LastName, &w.LastName},
	} {
		if f.changed {
			*f.to = *f.from
		}
	}
	for _, f := range []struct {
		changed  bool
		from, to *bool
	}{
		{changed.active, &u.IsActive, &w.Active}, {changed.staff, &u.IsStaff, &w.Staff}, {changed.superuser, &u.IsSuperuser, &w.Superuser},
	} {
		if f.changed {
			*f.to = *f.from
		}
	}
	if !old.ClosedAt.IsZero() { // who left comes back by themselves or not at all
		w.Active = false
	}
	if account.EmailKey(w.Email) != account.EmailKey(old.Email) {
		w.EmailVerifiedAt = time.Time{}
	}
	if changed.joined && !u.DateJoined.IsZero() {
		w.JoinedAt = u.DateJoined
	}
	if changed.login && u.LastLogin.After(w.LastLoginAt) {
		w.LastLoginAt = u.LastLogin
	}
	switch {
	case from.Fields == nil && password.ToDjango(old.PasswordHash) == password.ToDjango(u.Password):
		row.Origin.PasswordAt = w.PasswordAt
		return row, false
	case !changed.password:
		return row, false
	case from.Fields != nil && !old.PasswordAt.Equal(from.PasswordAt):
		r.report.Kept++
		r.tell(Issue{Note: true, ID: strconv.FormatInt(u.ID, 10), Username: u.Username, Reason: reasonChosen})
		return row, false
	}
	w.PasswordHash, w.PasswordAt, row.Origin.PasswordAt = u.Password, r.o.Now, r.o.Now
	return row, true
}

// reportMissing tells who was imported once and is not in the source any more. They
// stay: whether a person was erased or a dump is not whole is not ours to
// guess.
func (r *run) reportMissing() error {
	if r.largest == 0 {
		return nil
	}
	for after := int64(0); ; {
		ids, err := r.tx.ImportedIDs(r.ctx, after, 10*batchSize)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if !r.seen.has(id) {
				r.report.Gone++
				r.tell(Issue{Note: true, ID: strconv.FormatInt(id, 10), Reason: reasonMissing})
			}
		}
		after = ids[len(ids)-1]
	}
}

// blacklist takes in the tokens that are not expired.
func (r *run) blacklist(src Source) error {
	var failed error
	err := inBatches(src.Blacklisted(r.ctx), func(batch []Token) bool {
		tokens := make([]store.RevokedToken, 0, len(batch))
		for _, t := range batch {
			if t.ExpiresAt.After(r.o.Now) {
				tokens = append(tokens, store.RevokedToken(t))
			}
		}
		var added int64
		added, failed = r.tx.RevokeTokens(r.ctx, tokens)
		r.report.Revoked += added
		return failed == nil
	})
	return errors.Join(err, failed)
}

// count adds n to how many have the format of a hash. It names that, never
// more of the hash.
func (r *run) count(hash string, n int64) {
	name, weak := password.Format(hash)
	switch {
	case hash == "":
		name = "none"
	case name == "unusable":
	case !password.Usable(hash):
		name += " (no password matches it here)"
		r.report.Dead += n
	case weak:
		name += " (weak: guessed fast by who has it)"
	}
	if r.report.Formats[name] += n; r.report.Formats[name] == 0 {
		delete(r.report.Formats, name)
	}
}

func conflict(u User, owner int64) Issue {
	return Issue{ID: strconv.FormatInt(u.ID, 10), Username: u.Username, Reason: reasonTaken, Owner: owner}
}

func (r *run) skip(m Issue) {
	r.report.Skipped[m.Reason]++
	r.tell(m)
}

func (r *run) tell(m Issue) {
	if r.o.Told != nil {
		r.o.Told(m)
	}
}
