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
)

var lifetimes = map[kind]time.Duration{
	resetLink: time.Hour, verifyLink: 24 * time.Hour, confirmLink: 24 * time.Hour, undoLink: 7 * 24 * time.Hour,
}

// reference is all that the model knows: the accounts of one life, and what
// was and will be mailed to them.
type reference struct {
	delivers bool
	users    []*user // in the order of registration, the erased ones too
	links    []*link // in the order of delivery
	owed     []*debt
}

// user is what the model knows of an account.
type user struct {
	id                       int64
	name, password, email    string // no password: none opens the account
	proved                   bool   // that they read the mailbox of the address
	disabled, closed, erased bool
	closedAt                 time.Time
	names                    []oldName
	sessions                 []*session
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
	to    string // the key of an address
	links []*link
}

func (m message) String() string {
	if len(m.links) == 0 {
		return m.to + ": a notice"
	}
	parts := make([]string, len(m.links))
	for i, k := range m.links {
		parts[i] = fmt.Sprintf("%s of user %d", k.kind, k.user.id)
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

// login is whose account opens, or nil: rule 3.
func (r *reference) login(name, password string) *user {
	candidates := []*user{r.named(name)}
	if strings.Contains(name, "@") {
		exact := candidates[0]
		alone := r.delivers && r.prover(name, nil) == nil && exact != nil && exact.open()
		if !alone {
			candidates = []*user{r.holder(name), exact}
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
	r.notice(u)
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
func (r *reference) notice(u *user) {
	if u.proved {
		r.owed = append(r.owed, &debt{user: u, email: u.email})
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
	for _, d := range r.owed {
		if d.user == u && slices.Contains(kinds, d.kind) {
			d.void = true
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
}

// disown takes the address away: rule 7.
func (r *reference) disown(k *link) {
	k.user.email, k.user.proved = "", false
	r.void(k.user, resetLink, verifyLink, confirmLink)
}

// setPassword is what every new password does.
func (r *reference) setPassword(u *user, password string, keep *session) {
	u.password = password
	u.end(keep)
	r.void(u, resetLink, confirmLink)
}

// reset gives another password and proves the address, if nobody else has.
func (r *reference) reset(k *link, password string) {
	u := k.user
	u.proved = u.proved || r.prover(u.email, u) == nil
	r.setPassword(u, password, nil)
	r.notice(u)
}

// confirm gives the account the address that the link was mailed to, and
// the one before a way back: rule 12.
func (r *reference) confirm(k *link, now time.Time) {
	u := k.user
	before, proved := u.email, u.proved
	u.email, u.proved = k.email, true
	r.void(u, resetLink, verifyLink, confirmLink)
	r.wayBack(u, before, proved, now)
}

// wayBack tells the address before: with a link, if it was proved and the
// account has none.
func (r *reference) wayBack(u *user, before string, proved bool, now time.Time) {
	switch {
	case before == "" || !proved || same(before, u.email):
	case len(r.undoes(u, now)) > 0 || r.undoOwed(u):
		r.owed = append(r.owed, &debt{user: u, email: before})
	default:
		r.owed = append(r.owed, &debt{kind: undoLink, user: u, email: before, since: now})
	}
}

// undo gives the account back to who had it before: rules 13 and 14.
func (r *reference) undo(k *link) {
	u := k.user
	if !same(u.email, k.email) {
		r.notice(u)
	}
	u.email, u.password, u.closed = k.email, "", false
	u.proved = r.prover(k.email, u) == nil
	u.end(nil)
	r.void(u, resetLink, verifyLink, confirmLink)
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
	r.owe(resetLink, u, u.email)
}

// close ends an account, tells its address and those that could take it
// back, or will once their mail arrives: rule 15.
func (r *reference) close(u *user, now time.Time) {
	told := map[string]bool{}
	tell := func(email string) {
		if !told[key(email)] {
			r.owed = append(r.owed, &debt{user: u, email: email})
		}
		told[key(email)] = true
	}
	if u.proved {
		tell(u.email)
	}
	for _, k := range r.undoes(u, now) {
		tell(k.email)
	}
	for _, d := range slices.Clone(r.owed) {
		if d.user == u && d.kind == undoLink && !d.void {
			tell(d.email)
		}
	}
	u.closed, u.closedAt = true, now
	u.end(nil)
	r.void(u, resetLink, verifyLink, confirmLink)
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
	before, proved := u.email, u.proved
	u.email, u.proved = normalEmail(email), false
	r.void(u, resetLink, verifyLink, confirmLink)
	r.owe(verifyLink, u, u.email)
	r.wayBack(u, before, proved, now)
}

// recover is staff's way to give an account back to its owner: rule 16.
func (r *reference) recover(u *user, email string) {
	if !same(u.email, email) {
		r.notice(u)
	}
	u.email, u.password, u.closed = normalEmail(email), "", false
	u.proved = r.prover(email, u) == nil
	u.end(nil)
	r.void(u, resetLink, verifyLink, confirmLink, undoLink)
	r.owe(resetLink, u, u.email)
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

// deliver empties the outbox but for what an address does not take now, and
// returns what lies in the mailboxes.
func (r *reference) deliver(now time.Time, unreached string) []message {
	var mails []message
	var left []*debt
	for _, d := range r.owed {
		users := r.readers(d)
		switch {
		case d.due.After(now):
			left = append(left, d)
			continue
		case users == nil:
			continue
		case key(d.email) == unreached:
			if d.request && !d.looked && len(users) == 1 { // from now on it is that one's
				d.request, d.kind, d.user, d.email = false, resetLink, users[0], users[0].email
			}
			d.looked = true
			d.due = now.Add(backOff[d.attempts])
			d.attempts++
			left = append(left, d)
			continue
		}
		m := message{to: key(d.email)}
		for _, u := range users {
			if d.kind != "" || d.request {
				k := &link{kind: d.kind, user: u, email: d.email, made: now}
				if d.request {
					k.kind = resetLink
				}
				if k.kind == undoLink { // as old as the change, whenever its mail arrives
					k.made = d.since
				}
				k.expires = now.Add(lifetimes[k.kind])
				m.links = append(m.links, k)
			}
		}
		mails = append(mails, m)
		r.links = append(r.links, m.links...)
	}
	r.owed = left
	return mails
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
	case resetLink:
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
