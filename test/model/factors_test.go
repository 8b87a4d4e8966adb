package model

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/totp"
)

// The rules of second factors, those of docs/decisions/0029-second-factors.md
// and 0032-devices-and-recovery.md, and their constants, which the model does
// not ask the product for.
const (
	proofLifetime   = 5 * time.Minute
	waitingLifetime = 5 * time.Minute // of a login that waits for its second factor
	waitingTries    = 5
	setupLifetime   = 10 * time.Minute
	mostApps        = 3
	mostSetups      = 3 // of a session that wait to be confirmed
	recoveryCodes   = 10
	trustLifetime   = 30 * 24 * time.Hour
	mostTrusted     = 10
	passwordKept    = 7 * 24 * time.Hour // that was in force before a factor came
	refusedEvery    = 24 * time.Hour     // the notice of a wrong factor
	recoveryWait    = 24 * time.Hour
	recoveryOpen    = 7 * 24 * time.Hour // from the end of the waiting time on
	recoveryEvery   = 7 * 24 * time.Hour
	settledAfter    = 7 * 24 * time.Hour // then a factor is taken for the owner's
	recoveryKept    = 365 * 24 * time.Hour
	noticesAnHour   = 5 // of a kind to a mailbox; then one mail says that more happened
)

// factor is an authenticator app, from its set-up on.
type factor struct {
	id               string
	seed             []byte
	user             *user
	session          *session // that set it up
	created, expires time.Time
	lost             bool      // another session has added a factor since
	confirmed        time.Time // zero: it waits
	last             int64     // the newest step that was used
	before           string    // the password that opens the way back; empty: none does
	gone             bool
}

// live says whether it is a factor.
func (f *factor) live() bool { return !f.gone && !f.confirmed.IsZero() }

// recoveryCode stands in for a factor, once.
type recoveryCode struct {
	text string
	user *user
	made time.Time
	used bool
}

// shown is what somebody shows as a second factor.
type shown struct {
	factor   *factor // whose code it is; nil: a recovery code, or nothing that anybody has
	step     int64
	recovery *recoveryCode
}

// trusted is a device that stands in for a factor.
type trusted struct {
	raw, id      string
	user         *user
	set          string // of factors that its user had
	made, expire time.Time
	void         bool
}

// waiting is a login that waits for its second factor.
type waiting struct {
	raw     string
	user    *user
	set     string
	expires time.Time
	tries   int
	void    bool // also when it was used
}

// recovery is one that waits.
type recovery struct {
	user                           *user
	email                          string
	keeps, byStaff                 bool
	start                          time.Time
	told, stopped, byFactor, ended bool
	young                          bool      // the factor that stopped it: it may be a thief's
	stoppedAt                      time.Time // who stopped it counts for nothing once a change of address from before is undone
	undone                         bool
	stoppedByStaff                 bool
}

func (y *recovery) ready() time.Time { return y.start.Add(recoveryWait) }

func (y *recovery) running(now time.Time) bool {
	return !y.stopped && !y.ended && now.Before(y.ready().Add(recoveryOpen))
}

// factors are those that a user can show.
func (u *user) factors() []*factor { return without(u.apps, func(f *factor) bool { return !f.live() }) }

// set names them.
func (u *user) set() string {
	var ids []string
	for _, f := range u.factors() {
		ids = append(ids, f.id)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// left are the recovery codes that were not used.
func (u *user) left() []*recoveryCode {
	return without(u.codes, func(c *recoveryCode) bool { return c.used })
}

// running is the recovery that can come to its end, or nil.
func (u *user) running(now time.Time) *recovery {
	if n := len(u.recoveries); n > 0 && u.recoveries[n-1].running(now) {
		return u.recoveries[n-1]
	}
	return nil
}

// state is what a person sees of their second factors.
func (u *user) state() string {
	return fmt.Sprintf("factors %q, %d recovery codes", u.set(), len(u.left()))
}

// trusts are the devices that stand in for the factors now.
func (r *reference) trusts(u *user, now time.Time) []*trusted {
	return without(r.devices, func(d *trusted) bool {
		return d.void || d.user != u || d.set != u.set() || !now.Before(d.expire)
	})
}

// proves says whether somebody in a session may do what asks for a proof: the
// password with the request is one of who has no factor, and is then looked
// at; else it is what was shown in this session lately.
func (r *reference) proves(s *session, given, right bool, now time.Time) bool {
	if len(s.user.factors()) == 0 && given {
		return right
	}
	return !s.proof.IsZero() && now.Sub(s.proof) <= proofLifetime
}

// accepts says whether what is shown is a second factor of the user.
func (u *user) accepts(x shown, now time.Time) bool {
	switch {
	case x.recovery != nil:
		return slices.Contains(u.left(), x.recovery)
	case x.factor != nil:
		off := x.step - totp.StepAt(now)
		return slices.Contains(u.factors(), x.factor) && x.step > x.factor.last && -1 <= off && off <= 1
	}
	return false
}

// spend uses what was shown up.
func (r *reference) spend(u *user, x shown, now time.Time) {
	if x.recovery != nil {
		x.recovery.used = true
		r.notice(u, "recovery used", "", now)
		return
	}
	x.factor.last = x.step
}

// refuse tells of a wrong second factor, once a day.
func (r *reference) refuse(u *user, now time.Time) {
	if u.proved && !u.refusedAt.After(now.Add(-refusedEvery)) {
		u.refusedAt = now
		r.notice(u, "factor refused", "", now)
	}
}

// good says whether a login that waits can go on.
func (w *waiting) good(now time.Time) bool {
	return !w.void && w.tries < waitingTries && now.Before(w.expires) && w.user.open()
}

// trust is given with the second step: not for a recovery code, and not if the
// factors changed meanwhile.
func (r *reference) mayTrust(w *waiting, x shown) bool {
	return x.recovery == nil && w.set == w.user.set()
}

// trust notes a device. Of too many the oldest goes.
func (r *reference) trust(d *trusted, now time.Time) {
	if all := r.trusts(d.user, now); len(all) >= mostTrusted {
		all[0].void = true
	}
	r.devices = append(r.devices, d)
}

// sessionsEnd ends every session but one, every trust and every login that
// waits.
func (r *reference) sessionsEnd(u *user, keep *session) {
	u.end(keep)
	r.trustEnds(u)
	r.void(u, confirmLink) // who turns somebody out does not know what they asked for
	for _, w := range r.waiting {
		if w.user == u {
			w.void = true
		}
	}
}

// trustEnds is what every change of factors does, too.
func (r *reference) trustEnds(u *user) {
	for _, d := range r.devices {
		if d.user == u {
			d.void = true
		}
	}
}

// prove notes a proof of a session.
func (s *session) prove(x shown, now time.Time) {
	s.proof = now
	s.by, s.byCode = x.factor, x.recovery != nil
}

// changed notes which password its user replaced. Of several changes within some
// days it is the first one's: whoever came by the password can change it.
func (u *user) changed(now time.Time) {
	if u.password != "" && !now.Before(u.formerAt.Add(passwordKept)) {
		u.former, u.formerAt = u.password, now
	}
}

// passwordBefore opens the way back from a factor that is added now.
func (u *user) passwordBefore(now time.Time) string {
	if u.password != "" && now.Before(u.formerAt.Add(passwordKept)) {
		return u.former
	}
	return u.password
}

// mayAdd says whether a set-up can be confirmed in a session: the proof by which it
// was begun stands, or the factor that was added since was shown.
func (f *factor) mayAdd(s *session, now time.Time) bool {
	return f.session == s && !f.gone && f.confirmed.IsZero() && now.Before(f.expires) &&
		(!f.lost || !s.proof.IsZero()) && len(f.user.factors()) < mostApps
}

// add makes a factor of a set-up, and says whether recovery codes come with it.
func (r *reference) add(f *factor, x shown, now time.Time) (first bool) {
	u := f.user
	first = len(u.factors()) == 0
	f.confirmed, f.last, f.before = now, x.step, u.passwordBefore(now)
	r.trustEnds(u)
	r.void(u, confirmLink)
	for _, s := range u.sessions {
		if s != f.session {
			s.proof = time.Time{}
		}
	}
	for _, other := range u.apps {
		if other.session != f.session && other.confirmed.IsZero() {
			other.lost = true
		}
	}
	f.session.prove(x, now)
	for _, email := range r.owners(u, now) {
		// However many there were: it has the only link that undoes this one.
		r.owed = append(r.owed, &debt{kind: undoFactorLink, user: u, email: email, factor: f})
	}
	return first
}

// provesNothing takes the proofs from the sessions but one where the last was by
// what is gone.
func (u *user) provesNothing(but *session, by func(*session) bool) {
	for _, s := range u.sessions {
		if s == but || s.proof.IsZero() || !by(s) {
			continue
		}
		s.proof = time.Time{}
		for _, f := range u.apps {
			if f.session == s && f.confirmed.IsZero() {
				f.lost = true
			}
		}
	}
}

// remove takes a factor away. With the last one the recovery codes go.
func (r *reference) remove(f *factor, in *session, now time.Time) {
	f.gone = true
	f.user.provesNothing(in, func(s *session) bool { return s.by == f })
	r.trustEnds(f.user)
	if len(f.user.factors()) == 0 {
		f.user.codes = nil
	}
	r.notice(f.user, "factor removed", "", now)
}

// owners are the addresses of everybody who may be a user's owner: what they
// have proved, and those to which the account can be taken back.
func (r *reference) owners(u *user, now time.Time) []string {
	var all []string
	add := func(email string) {
		if !slices.ContainsFunc(all, func(other string) bool { return same(other, email) }) {
			all = append(all, email)
		}
	}
	if u.proved {
		add(u.email)
	}
	for _, k := range r.undoes(u, now) {
		add(k.email)
	}
	for _, d := range r.owed {
		if d.user == u && d.kind == undoLink && !d.void {
			add(d.email)
		}
	}
	return all
}

// tellOwners owes each a mail.
func (r *reference) tellOwners(d debt, now time.Time) {
	for _, email := range r.owners(d.user, now) {
		one := d
		one.email = email
		r.owed = append(r.owed, &one)
	}
}

// noticeOwners owes each a notice.
func (r *reference) noticeOwners(u *user, what string, kind kind, now time.Time) {
	for _, email := range r.owners(u, now) {
		r.tell(&debt{kind: kind, user: u, email: email}, what, now)
	}
}

// tell owes a notice, or, of too many in an hour, one mail for all the others.
func (r *reference) tell(d *debt, what string, now time.Time) {
	if d.user.told == nil {
		d.user.told = map[string]*count{}
	}
	c := d.user.told[what+" "+key(d.email)]
	if c == nil || !c.since.After(now.Add(-time.Hour)) {
		c = &count{since: now}
		d.user.told[what+" "+key(d.email)] = c
	}
	most := noticesAnHour
	if what == "recovery used" {
		most = 2 * recoveryCodes
	}
	if c.n++; c.n <= most {
		r.owed = append(r.owed, d)
		return
	}
	waits := func(other *debt) bool { return other.more && other.user == d.user && same(other.email, d.email) }
	if !slices.ContainsFunc(r.owed, waits) {
		r.owed = append(r.owed, &debt{kind: notMeLink, user: d.user, email: d.email, more: true, due: c.since.Add(time.Hour)})
	}
}

// count is of notices.
type count struct {
	since time.Time
	n     int
}

// mayRecover says whether a recovery of an account can begin. What a link began
// in a mailbox that is the account's no more holds up nobody; what a link began
// at all holds up no staff with a reason, unless a factor stopped it that is taken
// for the owner's; nothing does that was stopped before the account was taken back;
// nor does a correction that was stopped, but for another where it was not the staff
// who stopped it.
func (r *reference) mayRecover(u *user, byStaff, keeps bool, now time.Time) bool {
	owners := r.owners(u, now)
	past := without(u.recoveries, func(y *recovery) bool {
		ofLink := !y.byStaff && (!isAmong(owners, y.email) || byStaff && (!y.byFactor || y.young))
		corrects := y.keeps && y.stopped && (!keeps || y.stoppedByStaff)
		return !y.running(now) && (y.undone || ofLink || corrects)
	})
	corrections := 0
	for _, y := range u.recoveries {
		if y.keeps && now.Sub(y.start) < 24*time.Hour {
			corrections++
		}
	}
	if !u.open() || keeps && corrections >= 5 {
		return false
	}
	if len(past) == 0 {
		return true
	}
	last := past[len(past)-1]
	return !last.running(now) && now.Sub(last.start) >= recoveryEvery && (!last.byFactor || byStaff)
}

// begin begins one, and tells everybody who can stop it.
func (r *reference) begin(y *recovery, now time.Time) {
	y.start = now
	y.user.recoveries = append(y.user.recoveries, y)
	r.tellOwners(debt{kind: stopLink, user: y.user, recovery: y}, now)
}

// stop ends one.
func (r *reference) stop(y *recovery, byFactor bool, now time.Time) {
	y.stopped, y.byFactor, y.stoppedAt = true, byFactor, now
	if byFactor {
		oldest := slices.MinFunc(y.user.factors(), func(a, b *factor) int { return a.confirmed.Compare(b.confirmed) })
		y.young = oldest.confirmed.After(y.start.Add(-settledAfter))
	}
	r.void(y.user, finishOwed)
	r.tellOwners(debt{user: y.user}, now)
}

// endCorrection is what another address does to a recovery that only gives one.
func (r *reference) endCorrection(u *user, byStaff bool, now time.Time) {
	if y := u.running(now); y != nil && y.keeps {
		y.stopped, y.stoppedByStaff, y.stoppedAt = true, byStaff, now
		r.void(u, finishOwed)
	}
}

// mayStop says whether somebody in a session may: they have last shown a factor
// that was a week old when it began or, where it was begun by a link alone, the
// oldest; or a recovery code that is as old.
func (r *reference) mayStop(s *session, y *recovery, now time.Time) bool {
	if !r.proves(s, false, false, now) || len(s.user.factors()) == 0 {
		return false
	}
	oldest := slices.MinFunc(s.user.factors(), func(a, b *factor) int { return a.confirmed.Compare(b.confirmed) })
	latest := y.start.Add(-settledAfter)
	if y.keeps { // it takes no factor away: any that was there
		latest = y.start
	}
	if !y.keeps && !y.byStaff && oldest.confirmed.After(latest) && oldest.confirmed.Before(y.start) {
		latest = oldest.confirmed
	}
	switch {
	case oldest.confirmed.After(latest):
		return false
	case s.by != nil:
		return s.by.live() && !s.by.confirmed.After(latest)
	}
	return s.byCode && len(s.user.codes) > 0 && !s.user.codes[0].made.After(latest)
}

// tellReady owes the mails that finish recoveries.
func (r *reference) tellReady(now time.Time) {
	for _, u := range r.users {
		for _, y := range u.recoveries {
			if u.open() && !y.told && y.running(now) && !now.Before(y.ready()) {
				y.told = true
				r.owed = append(r.owed, &debt{kind: finishLink, user: u, email: y.email, recovery: y})
			}
		}
	}
}

// finish gives the account, or the address alone, to who reads the mailbox.
func (r *reference) finish(k *link, now time.Time) {
	u, y := k.user, k.recovery
	y.ended = true
	r.tellOwners(debt{user: u}, now)
	if y.keeps {
		r.confirm(&link{user: u, email: y.email}, now)
		return
	}
	r.void(u, undoFactorLink)
	for _, k := range r.links { // the staff vouch for their mailbox, and nobody for that of a link
		k.void = k.void || k.user == u && k.kind == undoLink && (y.byStaff || same(k.email, y.email))
	}
	for _, d := range r.owed {
		d.void = d.void || d.user == u && d.kind == undoLink && (y.byStaff || same(d.email, y.email))
	}
	r.tellBefore(u, y.email)
	r.giveTo(u, y.email, now)
	for _, f := range u.apps {
		f.gone = true
	}
	u.codes = nil
}

// undoFactor takes a factor, those that came later and the recovery codes away,
// and gives the account back to who reads the mailbox.
func (r *reference) undoFactor(k *link, now time.Time) {
	u := k.user
	if y := u.running(now); y != nil && same(y.email, k.email) {
		r.stop(y, false, now)
	}
	r.tellBefore(u, k.email)
	r.giveTo(u, k.email, now)
	for _, f := range u.apps {
		if f.confirmed.IsZero() || !f.confirmed.Before(k.factor.confirmed) {
			f.gone = true
		}
	}
	u.codes = nil
	r.tell(&debt{user: u, email: k.email}, "factor removed", now)
}

// lockOut takes the account from whoever is in it.
func (r *reference) lockOut(u *user, email string, now time.Time, links ...kind) {
	u.changed(now)
	u.password = ""
	r.sessionsEnd(u, nil)
	r.void(u, links...)
	r.owe(resetLink, u, email)
}

// forgetPasswords does that where an address gives another password, unless the
// account can be taken back to another one.
func (r *reference) forgetPasswords(u *user, email string, now time.Time) {
	if !r.goesBackElsewhere(u, email, now) {
		u.forgetBefore()
	}
}

// goesBackElsewhere says whether an account can be taken back to another address,
// or will once a mail arrives.
func (r *reference) goesBackElsewhere(u *user, email string, now time.Time) bool {
	return slices.ContainsFunc(r.undoes(u, now), func(k *link) bool { return !same(k.email, email) }) ||
		slices.ContainsFunc(r.owed, func(d *debt) bool { return d.user == u && d.kind == undoLink && !d.void && !same(d.email, email) })
}

// forgetBefore has no password open the way back from a factor.
func (u *user) forgetBefore() {
	u.former, u.formerAt = "", time.Time{}
	for _, f := range u.apps {
		f.before = ""
	}
}
