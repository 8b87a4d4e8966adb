package model

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// The model's own constants: it must not ask the product for them.
const (
	accessLifetime  = time.Hour
	refreshLifetime = 24 * time.Hour
	grace           = 10 * time.Second
	nameHeld        = 30 * 24 * time.Hour // an old username, for who had it
	renames         = 2                   // at most, in that time
	eraseAfter      = 30 * 24 * time.Hour
	mostLinks       = 50 // in one mail
)

// kind says what a link does.
type kind string

const (
	resetLink   kind = "reset-password"
	verifyLink  kind = "verify-email"
	confirmLink kind = "confirm-email"
	undoLink    kind = "undo-email"

	undoFactorLink kind = "undo-factor"
	notMeLink      kind = "not-me"
	stopLink       kind = "stop-recovery"
	finishLink     kind = "finish-recovery"

	// Of mails that have a code and no link, and of what is voided without a link.
	loginMail   kind = "login code"
	confirmMail kind = "confirmation code"
	secondStep  kind = "second step"
	finishOwed  kind = "mails to finish a recovery"
)

// actsKept is how long the link of an act is mailed after it.
const actsKept = 7 * 24 * time.Hour

var lifetimes = map[kind]time.Duration{
	resetLink: time.Hour, verifyLink: 24 * time.Hour, confirmLink: 24 * time.Hour, undoLink: 7 * 24 * time.Hour,
	undoFactorLink: 7 * 24 * time.Hour, notMeLink: 7 * 24 * time.Hour,
	stopLink: 30*24*time.Hour + recoveryOpen, finishLink: recoveryOpen,
}

// What another password, and another address, make worthless.
var (
	linksOfPassword = []kind{resetLink, confirmLink, secondStep}
	linksOfActs     = []kind{confirmLink, undoLink, undoFactorLink, notMeLink, stopLink}
	linksOfAddress  = []kind{resetLink, verifyLink, confirmLink, secondStep}
)

// reference is all that the model knows: the accounts of one life, and what
// was and will be mailed to them.
type reference struct {
	delivers bool
	users    []*user // in the order of registration, the erased ones too
	links    []*link // in the order of delivery
	owed     []*debt
	apps     []*factor
	devices  []*trusted
	waiting  []*waiting
	codes    []*code
	given    []*recoveryCode // to anybody
}

// user is what the model knows of an account.
type user struct {
	former                   string    // the password before the first change of the last days
	formerAt                 time.Time // of that change
	id                       int64
	name, password, email    string // no password: none opens the account
	proved                   bool   // that they read the mailbox of the address
	disabled, closed, erased bool
	closedAt                 time.Time
	names                    []oldName
	sessions                 []*session
	apps                     []*factor // also those that wait to be confirmed, and that are gone
	codes                    []*recoveryCode
	recoveries               []*recovery
	told                     map[string]*count
	refusedAt                time.Time // the notice of a wrong factor
}

// oldName is a username that somebody had until a time.
type oldName struct {
	name  string
	until time.Time
}

// link is a token that was mailed.
type link struct {
	raw           string
	kind          kind
	user          *user
	email         string
	made, expires time.Time
	void          bool // used, or worthless because of another act
	factor        *factor
	recovery      *recovery
}

// fresh says whether the link itself is good; what else it needs, allows says.
func (k *link) fresh(now time.Time) bool { return !k.void && now.Before(k.expires) }

// debt is a mail that is owed and not delivered yet.
type debt struct {
	kind    kind // empty: a notice, or a request
	user    *user
	email   string
	request bool   // to reset: becomes one mail for those who claim the address
	only    string // of a request: the username that narrows it
	void    bool
	since   time.Time // of a way back
	owedAt  time.Time

	code     *code
	factor   *factor
	recovery *recovery
	more     bool // instead of many notices; only one waits

	looked   bool      // who it is for was looked up once
	attempts int       // to deliver it, in vain
	due      time.Time // when the next is
}

// backOff are the waits after an attempt that was in vain.
var backOff = []time.Duration{
	10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour,
}

// message is what lies in a mailbox: one without links is a notice.
type message struct {
	to     string // the key of an address
	links  []*link
	coded  bool
	code   *code  // in the model
	digits string // in the mail
}

func (m message) String() string {
	var parts []string
	for _, k := range m.links {
		part := fmt.Sprintf("%s of user %d", k.kind, k.user.id)
		if k.factor != nil {
			part += ", factor " + k.factor.id
		}
		parts = append(parts, part)
	}
	if m.coded {
		parts = append(parts, "a code")
	}
	if parts == nil {
		return m.to + ": a notice"
	}
	return m.to + ": " + strings.Join(parts, ", ")
}

// key is what an address is, however it is typed; empty for what is none.
// All addresses of a life are of one domain, which has two forms.
func key(text string) string {
	if !strings.Contains(text, "@") {
		return ""
	}
	return strings.ReplaceAll(norm.NFC.String(strings.ToLower(text)), asciiDomain, unicodeDomain)
}

const unicodeDomain, asciiDomain = "exämple.ma", "xn--exmple-cua.ma"

// normalEmail is an address as it is stored: the domain in lower case.
func normalEmail(email string) string {
	local, domain, _ := strings.Cut(email, "@")
	return local + "@" + strings.ToLower(domain)
}

// same says whether two texts are one address.
func same(a, b string) bool { return a != "" && key(a) == key(b) }

// open accounts are the only ones that count for who has an address.
func (u *user) open() bool { return !u.disabled && !u.closed && !u.erased }

// row is what is stored of an account.
func (u *user) row() string {
	return fmt.Sprintf("%q, address %q, proved %t, open %t, closed %t", u.name, key(u.email), u.proved, u.open(), u.closed)
}

// prover is the other open account that has proved an address, or nil.
func (r *reference) prover(email string, but *user) *user {
	for _, u := range r.users {
		if u != but && u.open() && u.proved && same(u.email, email) {
			return u
		}
	}
	return nil
}

// claimants are the open accounts that have the address in their e-mail, the
// oldest first.
func (r *reference) claimants(email string) []*user {
	var all []*user
	for _, u := range r.users {
		if u.open() && same(u.email, email) {
			all = append(all, u)
		}
	}
	return all
}

// holder is who has an address: rule 2.
func (r *reference) holder(email string) *user {
	if u := r.prover(email, nil); u != nil {
		return u
	}
	all := r.claimants(email)
	if len(all) == 0 || r.delivers && len(all) > 1 {
		return nil
	}
	return all[0]
}

// named is the account with exactly this username, whatever its state.
func (r *reference) named(name string) *user {
	for _, u := range r.users {
		if !u.erased && u.name == norm.NFKC.String(name) {
			return u
		}
	}
	return nil
}

// calledByKey is the account whose username is an address in the form in which
// addresses are compared, however it is typed, whatever its state.
func (r *reference) calledByKey(name string) *user {
	for _, u := range r.users {
		if !u.erased && u.name == lookedUp(name) {
			return u
		}
	}
	return nil
}

// lookedUp is an address as it is compared: in small letters, the domain as it is
// looked up.
func lookedUp(email string) string { return strings.ReplaceAll(key(email), unicodeDomain, asciiDomain) }

// login is whose account opens, or nil: rule 3.
func (r *reference) login(name, password string) *user {
	candidates := []*user{r.named(name)}
	if strings.Contains(name, "@") {
		exact := candidates[0]
		alone := r.delivers && r.prover(name, nil) == nil && exact != nil && exact.open()
		called := exact
		if called == nil {
			called = r.calledByKey(name)
		}
		if !alone {
			candidates = []*user{r.holder(name), called}
		}
	}
	for _, u := range candidates {
		if u != nil && u.open() && u.password != "" && u.password == password {
			return u
		}
	}
	return nil
}

// free says whether a username can become that of a user, or of somebody new
// (nil): rules 5 and 6.
func (r *reference) free(name string, of *user, now time.Time) bool {
	for _, u := range r.users {
		if u == of || u.erased {
			continue
		}
		held := slices.ContainsFunc(u.names, func(o oldName) bool { return o.name == name && now.Before(o.until) })
		if u.name == name || held {
			return false
		}
	}
	return r.prover(name, of) == nil
}

// register adds an account whose name was free.
func (r *reference) register(u *user) {
	r.users = append(r.users, u)
	if u.email != "" {
		r.owe(verifyLink, u, u.email)
	}
}

// rename gives an account another name.
func (r *reference) rename(u *user, name string, now time.Time) {
	u.names = append(u.names, oldName{u.name, now.Add(nameHeld)})
	u.name = name
	r.notice(u, "username", notMeLink, now)
}

// renamable says whether an account may have another name: rule 6.
func (r *reference) renamable(u *user, name string, now time.Time) bool {
	var kept []string
	for _, o := range u.names {
		if now.Before(o.until) {
			kept = append(kept, o.name)
		}
	}
	return (len(kept) < renames || kept[0] == name) && r.free(name, u, now)
}

// owe puts a mail with a link into the outbox.
func (r *reference) owe(kind kind, u *user, email string) {
	r.owed = append(r.owed, &debt{kind: kind, user: u, email: email})
}

// notice owes one to the user's address, if that is proved: rule 8.
func (r *reference) notice(u *user, what string, kind kind, now time.Time) {
	if u.proved {
		r.tell(&debt{kind: kind, user: u, email: u.email}, what, now)
	}
}

// void makes links of a user worthless, those that are owed too. Those that
// undo are voided by recover in this way, and by undo.
func (r *reference) void(u *user, kinds ...kind) {
	for _, k := range r.links {
		if k.user == u && slices.Contains(kinds, k.kind) {
			k.void = true
		}
	}
	if slices.Contains(kinds, resetLink) {
		kinds = append(slices.Clone(kinds), loginMail, confirmMail)
	}
	if slices.Contains(kinds, finishOwed) {
		kinds = append(slices.Clone(kinds), finishLink)
	}
	for _, d := range r.owed {
		if d.user == u && slices.Contains(kinds, d.kind) {
			d.void = true
		}
	}
	for _, w := range r.waiting {
		if w.user == u && slices.Contains(kinds, secondStep) {
			w.void = true
		}
	}
	for _, c := range r.codes {
		if of := c.purpose == forVerify; c.user == u && (of && slices.Contains(kinds, verifyLink) || !of && slices.Contains(kinds, resetLink)) {
			c.void = true
		}
	}
}

// undoes are the ways back of an account that are open, the oldest first.
func (r *reference) undoes(u *user, now time.Time) []*link {
	var all []*link
	for _, k := range r.links {
		if k.user == u && k.kind == undoLink && k.fresh(now) {
			all = append(all, k)
		}
	}
	slices.SortStableFunc(all, func(a, b *link) int { return a.made.Compare(b.made) })
	return all
}

// undoOwed says whether a way back is still on its way.
func (r *reference) undoOwed(u *user) bool {
	return slices.ContainsFunc(r.owed, func(d *debt) bool { return d.user == u && d.kind == undoLink && !d.void })
}

// allows says whether a link does now what it is for.
func (r *reference) allows(k *link, now time.Time) bool {
	u := k.user
	if !k.fresh(now) || u.erased {
		return false
	}
	switch k.kind {
	case verifyLink:
		return u.open() && same(u.email, k.email) && r.prover(k.email, u) == nil
	case resetLink:
		return u.open() && same(u.email, k.email)
	case confirmLink:
		return u.open() && r.prover(k.email, u) == nil
	case undoFactorLink: // at once or not: see undoFactor
		return u.open() && k.factor.live()
	case notMeLink:
		return u.open() && u.proved && same(u.email, k.email)
	case stopLink: // in any state: it only takes away
		return u.running(now) == k.recovery
	case finishLink:
		return u.open() && u.running(now) == k.recovery && !now.Before(k.recovery.ready()) && (!k.recovery.keeps || r.prover(k.email, u) == nil)
	}
	return !u.disabled // the way back is there for who was closed out, too
}

// disowns says whether a link to verify an address can take the address out
// of the account: also when another account has proved it, but not when this
// one has.
func (r *reference) disowns(k *link, now time.Time) bool {
	return k.fresh(now) && k.user.open() && same(k.user.email, k.email) && !k.user.proved
}

// verify proves the address. Other links stay.
func (r *reference) verify(k *link) {
	k.void = true
	k.user.proved = true
	for _, c := range r.codes {
		if c.user == k.user && c.purpose == forVerify {
			c.void = true
		}
	}
}

// disown takes the address away: rule 7.
func (r *reference) disown(k *link) {
	k.user.email, k.user.proved = "", false
	r.void(k.user, linksOfAddress...)
}

// setPassword is what every new password does.
func (r *reference) setPassword(u *user, password string, keep *session) {
	u.password = password
	r.sessionsEnd(u, keep)
	r.void(u, linksOfPassword...)
}

// reset gives another password and proves the address, if nobody else has, and
// if the account does not stay shut to whoever reads its mailbox.
func (r *reference) reset(u *user, password string, now time.Time) {
	u.proved = u.proved || len(u.factors()) == 0 && r.prover(u.email, u) == nil
	u.changed(now)
	r.forgetPasswords(u, u.email, now)
	r.setPassword(u, password, nil)
	r.notice(u, "password", notMeLink, now)
}

// confirm gives the account the address that the link was mailed to, and
// the one before a way back: rule 12.
func (r *reference) confirm(k *link, now time.Time) {
	u := k.user
	r.endCorrection(u, false, now)
	before, proved := u.email, u.proved
	u.email, u.proved = k.email, true
	r.void(u, linksOfAddress...)
	r.wayBack(u, before, proved, now)
}

// wayBack tells the address before: with a link, if it was proved and no other
// one has one.
func (r *reference) wayBack(u *user, before string, proved bool, now time.Time) {
	switch {
	case before == "" || !proved || same(before, u.email):
	case slices.ContainsFunc(r.undoes(u, now), func(k *link) bool { return !same(k.email, before) }) ||
		slices.ContainsFunc(r.owed, func(d *debt) bool { return d.user == u && d.kind == undoLink && !d.void && !same(d.email, before) }):
		r.tell(&debt{user: u, email: before}, "e-mail", now)
	default:
		r.owed = append(r.owed, &debt{kind: undoLink, user: u, email: before, since: now})
	}
}

// undo gives the account back to who had it before: rules 13 and 14.
func (r *reference) undo(k *link, now time.Time) {
	u := k.user
	u.closed = false
	for _, other := range r.links { // the younger ones, and those to the same reader
		if other.user == u && other.kind == undoLink && (!other.made.Before(k.made) || same(other.email, k.email)) {
			other.void = true
		}
	}
	for _, d := range r.owed {
		if d.user == u && d.kind == undoLink && (!d.since.Before(k.made) || same(d.email, k.email)) {
			d.void = true
		}
	}
	r.tellBefore(u, k.email)
	r.giveTo(u, k.email, now)
	for _, y := range u.recoveries {
		y.undone = y.undone || y.stopped && !y.stoppedAt.Before(k.made)
	}
}

// goesBackTo says whether an account can be taken back to an address, or will
// once a mail arrives.
func (r *reference) goesBackTo(u *user, email string, now time.Time) bool {
	return slices.ContainsFunc(r.undoes(u, now), func(k *link) bool { return same(k.email, email) }) ||
		slices.ContainsFunc(r.owed, func(d *debt) bool { return d.user == u && d.kind == undoLink && !d.void && same(d.email, email) })
}

// tellBefore owes the address before a notice that another has the account.
func (r *reference) tellBefore(u *user, email string) {
	if u.proved && !same(u.email, email) {
		r.owed = append(r.owed, &debt{user: u, email: u.email})
	}
}

// giveTo gives an account to who reads a mailbox. A recovery for another mailbox
// ends, but for one to which the account can be taken back.
func (r *reference) giveTo(u *user, email string, now time.Time) {
	r.endCorrection(u, false, now)
	if y := u.running(now); y != nil && !same(y.email, email) && !r.goesBackTo(u, y.email, now) {
		r.stop(y, false, now)
	}
	u.email = normalEmail(email)
	u.proved = r.prover(email, u) == nil
	r.lockOut(u, u.email, now, linksOfAddress...)
	if !r.goesBackElsewhere(u, u.email, now) { // from before the factors they stay: who comes by a way back, or a password, is the owner
		u.former, u.formerAt = "", time.Time{}
	}
	r.forgetElsewhere(u, now)
}

// forgetElsewhere leaves no link that begins or stops a recovery to mailboxes
// that the account had since.
func (r *reference) forgetElsewhere(u *user, now time.Time) {
	stay := append(r.owners(u, now), u.email)
	left := func(of *user, k kind, email string) bool {
		return of == u && (k == undoFactorLink || k == stopLink) && !isAmong(stay, email)
	}
	for _, k := range r.links {
		k.void = k.void || left(k.user, k.kind, k.email)
	}
	for _, d := range r.owed {
		d.void = d.void || left(d.user, d.kind, d.email)
	}
}

func isAmong(emails []string, email string) bool {
	return slices.ContainsFunc(emails, func(one string) bool { return same(one, email) })
}

// close ends an account, tells its address and those that could take it
// back, or will once their mail arrives: rule 15.
func (r *reference) close(u *user, now time.Time) {
	r.noticeOwners(u, "closed", "", now)
	u.closed, u.closedAt = true, now
	r.sessionsEnd(u, nil)
	r.void(u, linksOfAddress...)
}

// forget is what a sweep does to what is too old.
func (r *reference) forget(now time.Time) {
	for _, u := range r.users {
		for _, f := range u.apps {
			if f.confirmed.Before(now.Add(-passwordKept)) {
				f.before = ""
			}
		}
		u.recoveries = without(u.recoveries, func(y *recovery) bool { return y.start.Before(now.Add(-recoveryKept)) })
	}
	r.codes = without(r.codes, func(c *code) bool {
		return c.made.Before(now.Add(-month)) || c.user == nil && c.made.Before(now.Add(-nobodysCode))
	})
}

// lastReset is the link to choose a password that was mailed last.
func (r *reference) lastReset(u *user) *link {
	for _, k := range slices.Backward(r.links) {
		if k.user == u && k.kind == resetLink {
			return k
		}
	}
	return nil
}

// reopened takes the proof from an account that is open again, if somebody
// else made one meanwhile: rule 1.
func (r *reference) reopened(u *user) {
	if u.open() && r.prover(u.email, u) != nil {
		u.proved = false
	}
}

// erase forgets who closed their account long ago, unless there is a way
// back: rule 15.
func (r *reference) erase(now time.Time) {
	for _, u := range r.users {
		if u.closed && u.closedAt.Before(now.Add(-eraseAfter)) && !r.undoOwed(u) && len(r.undoes(u, now)) == 0 {
			u.erased = true
		}
	}
}

// correct is staff's change of an address: rule 16.
func (r *reference) correct(u *user, email string, now time.Time) {
	if same(email, u.email) {
		if y := u.running(now); y != nil && y.keeps {
			y.stoppedByStaff = true
			r.stop(y, false, now)
		}
		if u.email = normalEmail(email); !u.proved {
			r.owe(verifyLink, u, u.email)
		}
		return
	}
	r.endCorrection(u, true, now)
	before, proved := u.email, u.proved
	u.email, u.proved = normalEmail(email), false
	r.void(u, linksOfAddress...)
	r.owe(verifyLink, u, u.email)
	r.wayBack(u, before, proved, now)
}

// recover is staff's way to give an account back to its owner: rule 16.
func (r *reference) recover(u *user, email string, now time.Time) {
	u.closed = false
	for _, other := range r.owners(u, now) {
		if !same(other, email) {
			r.tell(&debt{user: u, email: other}, "given", now)
		}
	}
	r.void(u, undoLink)
	r.endCorrection(u, true, now)
	if y := u.running(now); y != nil {
		r.stop(y, false, now)
	}
	r.giveTo(u, email, now)
}

// receivers are the accounts that a request to reset is for, the newest
// first: rule 4.
func (r *reference) receivers(d *debt) []*user {
	users := r.claimants(d.email)
	if u := r.prover(d.email, nil); u != nil {
		users = []*user{u}
	}
	slices.Reverse(users)
	if d.only != "" {
		users = slices.DeleteFunc(users, func(u *user) bool { return u.name != d.only })
	}
	if len(users) == 0 {
		return nil
	}
	return users[:min(len(users), mostLinks)]
}

// dates says when what is owed since the last act was: its mails may have to wait.
func (r *reference) dates(now time.Time) {
	for _, d := range r.owed {
		if d.owedAt.IsZero() {
			d.owedAt = now
		}
	}
}

// deliver empties the outbox but for what an address does not take now, and
// returns what lies in the mailboxes.
func (r *reference) deliver(now time.Time, unreached string) []message {
	var mails []message
	var left []*debt
	for _, d := range r.owed {
		users := r.readers(d)
		if d.due.After(now) {
			left = append(left, d)
			continue
		}
		if slices.Contains(linksOfActs, d.kind) && !same(d.email, d.user.email) && now.Sub(d.owedAt) > actsKept { // what weeks ago was asked for, or done
			continue
		}
		if d.request && !d.looked && len(users) == 1 { // from now on it is that one's
			d.request, d.user, d.email = false, users[0], users[0].email
		}
		if users == nil || d.kind == loginMail && len(users) > 1 {
			continue
		}
		var c *code
		if len(users) == 1 {
			c = r.issue(d, users[0], now)
		}
		if key(d.email) == unreached {
			d.looked, d.more = true, false
			d.due = now.Add(backOff[d.attempts])
			d.attempts++
			left = append(left, d)
			continue
		}
		m := message{to: key(d.email), coded: c != nil, code: c}
		for _, u := range users {
			if lifetimes[d.kind] != 0 {
				k := &link{kind: d.kind, user: u, email: d.email, made: now, factor: d.factor, recovery: d.recovery}
				if k.kind == undoLink { // as old as the change, whenever its mail arrives
					k.made = d.since
				}
				k.expires = now.Add(lifetimes[k.kind])
				if k.kind != undoLink && k.kind != confirmLink && slices.Contains(linksOfActs, k.kind) && !same(k.email, u.email) {
					r.endWithWayBack(k, now)
				}
				m.links = append(m.links, k)
			}
		}
		mails = append(mails, m)
		r.links = append(r.links, m.links...)
	}
	r.owed = left
	return mails
}

// endWithWayBack: an address that the account has left has no say once the way
// back to it is over.
func (r *reference) endWithWayBack(k *link, now time.Time) {
	var until time.Time
	for _, undo := range r.undoes(k.user, now) {
		if same(undo.email, k.email) && undo.expires.After(until) {
			until = undo.expires
		}
	}
	if !until.IsZero() && until.Before(k.expires) {
		k.expires = until
	}
}

// retry makes all that is owed due.
func (r *reference) retry() {
	for _, d := range r.owed {
		d.attempts, d.due = 0, time.Time{}
	}
}

// readers are the accounts that a mail is about, or nil if it is not wanted
// any more.
func (r *reference) readers(d *debt) []*user {
	switch {
	case d.request:
		return r.receivers(d)
	case d.void || d.user.erased || d.late():
		return nil
	}
	return []*user{d.user}
}

// late says that a link would be good for nothing by now. The way back is
// never late: who closes the account at once must not take it away.
func (d *debt) late() bool {
	switch d.kind {
	case verifyLink:
		return !d.user.open() || d.user.proved || !same(d.user.email, d.email)
	case resetLink, loginMail, confirmMail:
		return !d.user.open() || !same(d.user.email, d.email)
	case confirmLink:
		return !d.user.open()
	}
	return false
}

// end ends every session but one.
func (u *user) end(keep *session) {
	for _, s := range u.sessions {
		if s != keep {
			s.ended = true
		}
	}
}

// session is one login.
type session struct {
	user      *user
	ended     bool
	expires   time.Time // with the newest refresh token
	access    time.Time // when the newest access token expires, which may be later
	newest    *refresh
	previous  *refresh // which was exchanged for the newest
	rotatedAt time.Time
	seen      bool // the newest, or an access token that came with it or after it, was used

	proof  time.Time // when all that is asked was last shown in it; zero: never
	by     *factor   // that was last shown in it; nil: none
	byCode bool      // a recovery code was
	device *trusted  // on which it was opened
}

// refresh is a refresh token, of which the product may have given several
// equal ones.
type refresh struct {
	raw     string
	session *session
	expires time.Time
}

// access is an access token.
type access struct {
	raw     string
	session *session
	expires time.Time
	with    *refresh // the newest when it was given
}

// allows says whether an access token gives access now.
func (a *access) allows(now time.Time) bool {
	return now.Before(a.expires) && !a.session.ended && a.session.user.open()
}

// renew says what a refresh token gets, and what that does to its session.
func (r *refresh) renew(now time.Time, rotation bool) (allowed, rotated bool) {
	s := r.session
	switch {
	case !now.Before(r.expires), s.ended, !now.Before(s.expires), !s.user.open():
		return false, false
	case !rotation || r == s.newest:
		return true, rotation
	case r == s.previous && (!s.seen || now.Sub(s.rotatedAt) <= grace):
		return true, false // the answer with the newest was lost, or is on its way
	}
	s.ended = true // of two who hold tokens of this session, one has stolen them
	return false, false
}

// tells says whether the use of an access token would tell that the newest
// refresh token has arrived, which was not known.
func (a *access) tells() bool {
	return a.with == a.session.newest && a.session.previous != nil && !a.session.seen
}

// used notes that an access token was taken.
func (a *access) used() {
	if a.with == a.session.newest {
		a.session.seen = true
	}
}

// live says whether any token of the session is good.
func (s *session) live(now time.Time) bool {
	return !s.ended && (now.Before(s.expires) || now.Before(s.access))
}

// seconds is how tokens write a time.
func seconds(t time.Time) time.Time { return t.Truncate(time.Second) }
