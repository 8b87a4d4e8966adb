package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/fold"
)

// place is where somebody stands in an order.
type place struct {
	ID    int64     `json:"i"`
	Text  string    `json:"t,omitempty"`
	At    time.Time `json:"a,omitzero"`
	Never bool      `json:"n,omitempty"` // among those who have no such time
	With  bool      `json:"w,omitempty"` // who stands here is ahead, too
}

// way is an order, in one direction, for the SQL that walks along it.
type way struct {
	key   string // column; "" is the id alone
	only  bool   // the key is nobody else's
	nulls bool   // the key may be missing
	down  bool   // from large keys to small ones
	first bool   // those without a key come first: it is the way back
	id    string // the id as the index of the key has it
	place func(listed) place
}

// listed is a user with what an order needs of the row besides.
type listed struct {
	account.User
	emailKey string
}

func (s *Store) wayOf(o UserOrdering) (way, error) {
	name, down := strings.CutPrefix(string(o), "-")
	w := way{down: down, id: s.dialect.tieID}
	switch UserOrdering(name) {
	case ByID:
		w.place = func(listed) place { return place{} }
	case ByUsername:
		w.key, w.only = "username", true
		w.place = func(u listed) place { return place{Text: u.Username} }
	case ByEmail:
		w.key = "email_key"
		w.place = func(u listed) place { return place{Text: u.emailKey} }
	case ByJoined:
		w.key = "joined_at"
		w.place = func(u listed) place { return place{At: u.JoinedAt} }
	case ByLastLogin:
		w.key, w.nulls = "last_login_at", true
		w.place = func(u listed) place { return place{At: u.LastLoginAt, Never: u.LastLoginAt.IsZero()} }
	default:
		return way{}, ErrOrdering
	}
	return w, nil
}

func (w way) reversed() way {
	w.down, w.first = !w.down, !w.first
	return w
}

// timed says that the key is a time.
func (w way) timed() bool { return w.nulls || w.key == "joined_at" }

func (w way) placeOf(u listed) *place {
	p := w.place(u)
	p.ID = u.ID
	return &p
}

// stretch is a part of an order that one index yields in order. Each end of it is
// one condition: of two the engines use one, and perhaps the wider.
type stretch struct {
	where string // conditions of u, with %s for parameters: all but the far end
	args  []any
	far   string // the condition of the far end; "" is none
	end   []any  // its parameters
	never bool   // of who has no key
	tie   bool   // of who has the same
}

// stretches are what is ahead of a place, or all: first who ties with it, then the
// others, then who has no key, or these first on the way back.
func (w way) stretches(from *place, r timeRange) []stretch {
	than := ">"
	if w.down {
		than = "<"
	}
	thanID := than
	if from != nil && from.With {
		thanID += "="
	}
	if w.key == "" {
		if from == nil {
			return []stretch{{}}
		}
		return []stretch{{where: `u.id ` + thanID + ` %s`, args: []any{from.ID}}}
	}
	var keyed, never []stretch
	key, all := "u."+w.key, w.whole(r)
	switch {
	case from == nil || from.Never && w.first:
		keyed = []stretch{all}
	case !from.Never && w.only:
		keyed = []stretch{{where: key + ` ` + thanID + ` %s`, args: []any{from.Text}}}
	case !from.Never:
		at := any(from.Text)
		if w.timed() {
			at = from.At.UTC()
		}
		keyed = []stretch{
			{where: key + ` = %s AND ` + w.id + ` ` + thanID + ` %s`, args: []any{at, from.ID}, tie: true},
			{where: key + ` ` + than + ` %s`, args: []any{at}, far: all.far, end: all.end},
		}
	}
	if w.nulls && !r.set {
		switch {
		case from != nil && from.Never:
			never = []stretch{{where: key + ` IS NULL AND ` + w.id + ` ` + thanID + ` %s`, args: []any{from.ID}, never: true}}
		case from == nil || !w.first:
			never = []stretch{{where: key + ` IS NULL`, never: true}}
		}
	}
	if w.first {
		return append(never, keyed...)
	}
	return append(keyed, never...)
}

// whole is the stretch of all who have a key, or one within a range of times.
func (w way) whole(r timeRange) stretch {
	key := "u." + w.key
	switch {
	case !w.timed():
		return stretch{}
	case w.down:
		return stretch{where: key + ` < %s`, args: []any{r.before}, far: key + ` >= %s`, end: []any{r.after}}
	}
	return stretch{where: key + ` >= %s`, args: []any{r.after}, far: key + ` < %s`, end: []any{r.before}}
}

// until is a stretch as far as somebody in it: who comes before all who tie with
// them, and those of these who are meant. (As one condition it would meet all
// who tie, and half of a shop may have no address.)
func (w way) until(st stretch, p place) []stretch {
	than := ">"
	if !w.down {
		than = "<"
	}
	if w.key == "" {
		st.far, st.end = `u.id `+than+`= %s`, []any{p.ID}
		return []stretch{st}
	}
	if st.never || st.tie {
		st.far, st.end = w.id+` `+than+`= %s`, []any{p.ID}
		return []stretch{st}
	}
	at, key := any(p.Text), `u.`+w.key
	if w.timed() {
		at = p.At
	}
	if st.end = []any{at}; w.only {
		st.far = key + ` ` + than + `= %s`
		return []stretch{st}
	}
	st.far = key + ` ` + than + ` %s`
	return []stretch{st, {where: key + ` = %s`, args: []any{at}, far: w.id + ` ` + than + `= %s`, end: []any{p.ID}, tie: true}}
}

// conditions are all of a stretch, with their parameters.
func (st stretch) conditions() (where string, args []any) {
	return and(st.where, st.far), append(slices.Clone(st.args), st.end...)
}

// order is what follows ORDER BY in a stretch.
func (w way) order(st stretch) string {
	direction := ""
	if w.down {
		direction = " DESC"
	}
	if w.key == "" {
		return "u.id" + direction
	}
	if st.never || st.tie {
		return w.id + direction
	}
	if w.only {
		return "u." + w.key + direction
	}
	return "u." + w.key + direction + ", " + w.id + direction
}

// timeRange is from one moment until before another.
type timeRange struct {
	after, before time.Time
	set           bool
}

func rangeOf(after, before time.Time) timeRange {
	r := timeRange{after.UTC(), before.UTC(), !after.IsZero() || !before.IsZero()}
	if before.IsZero() {
		r.before = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return r
}

// selection is a filter as SQL.
type selection struct {
	nobody bool // nobody is meant
	where  []string
	args   []any
	query  fold.Query
	search int    // how many of where, the last of them, and of args are the search
	paths  []path // to candidates, what is cheaper to ask first; the search comes last
	joined timeRange
	login  timeRange
}

// path is a query of the ids of candidates: all who are meant are among them.
type path struct {
	query string // with %s for parameters
	args  []any
}

// kind and verified are what the index users_kind has; they are written as it is.
const (
	kind     = `(CASE WHEN u.closed_at IS NOT NULL THEN 2 WHEN u.is_active THEN 0 ELSE 1 END)`
	verified = `(CASE WHEN u.email_verified_at IS NULL THEN 0 ELSE 1 END)`
)

// selection checks a filter and makes SQL of it. How many texts there are is
// bounded, because they are kept as prepared statements.
func (s *Store) selection(f UserFilter) (*selection, error) {
	sel := &selection{joined: rangeOf(f.JoinedAfter, f.JoinedBefore), login: rangeOf(f.LastLoginAfter, f.LastLoginBefore)}
	sel.byKind(f)
	if sel.joined.set {
		sel.add(unindexed("u.joined_at")+` >= %s AND `+unindexed("u.joined_at")+` < %s`, sel.joined.after, sel.joined.before)
		sel.paths = append(sel.paths, path{`SELECT u.id FROM users u WHERE u.joined_at >= %s AND u.joined_at < %s`, []any{sel.joined.after, sel.joined.before}})
	}
	if sel.login.set {
		sel.add(unindexed("u.last_login_at")+` >= %s AND `+unindexed("u.last_login_at")+` < %s`, sel.login.after, sel.login.before)
		sel.paths = append(sel.paths, path{`SELECT u.id FROM users u WHERE u.last_login_at >= %s AND u.last_login_at < %s`, []any{sel.login.after, sel.login.before}})
	}
	if f.Staff != nil {
		const staff = `EXISTS (SELECT 1 FROM staff m WHERE m.user_id = u.id)`
		if *f.Staff {
			sel.add(staff)
			sel.paths = append(sel.paths, path{query: `SELECT user_id AS id FROM staff`})
		} else {
			sel.add(`NOT ` + staff)
		}
	}
	return sel, sel.bySearch(s, f.Search)
}

func (sel *selection) add(where string, args ...any) {
	sel.where, sel.args = append(sel.where, where), append(sel.args, args...)
}

// byKind adds what the index users_kind answers.
func (sel *selection) byKind(f UserFilter) {
	kinds := map[account.UserState][]int{"": {0, 1, 2}, account.UserActive: {0}, account.UserDisabled: {1}, account.UserClosed: {2}}[f.State]
	proofs := []int{0, 1}
	if f.Active != nil {
		kinds = slices.DeleteFunc(slices.Clone(kinds), func(k int) bool { return (k == 0) != *f.Active })
	}
	if f.Verified != nil {
		proofs = proofs[:1]
		if *f.Verified {
			proofs = []int{1}
		}
	}
	if len(kinds) == 0 {
		sel.nobody = true
		return
	}
	if len(kinds) == 3 && len(proofs) == 2 && f.Language == "" {
		return
	}
	in := func(column string, values []int) string {
		return column + ` IN (` + strings.Trim(strings.ReplaceAll(fmt.Sprint(values), " ", ", "), "[]") + `)`
	}
	p := path{query: `SELECT u.id FROM users u WHERE ` + in(kind, kinds) + ` AND ` + in(verified, proofs)}
	sel.add(in(unindexed(kind), kinds) + ` AND ` + in(unindexed(verified), proofs))
	if f.Language != "" {
		p.query, p.args = p.query+` AND u.language = %s`, []any{f.Language}
		sel.add(unindexed("u.language")+` = %s`, f.Language)
	}
	sel.paths = append(sel.paths, p)
}

// unindexed is a column as no index has it: the plan is made here.
func unindexed(column string) string { return `COALESCE(` + column + `, ` + column + `)` }

// bySearch adds the search. Words come by fours, so that there are few texts: an
// empty one is part of every text.
func (sel *selection) bySearch(s *Store, search string) error {
	switch {
	case search == "":
		return nil
	case !utf8.ValidString(search) || strings.ContainsRune(search, 0):
		return ErrSearchText
	case utf8.RuneCountInString(search) > MaxSearch:
		return ErrSearchLong
	}
	sel.query = fold.Parse(search)
	parts := sel.query.Parts
	switch {
	case len(parts) > MaxSearchWords:
		return ErrSearchLong
	case len(parts) == 0:
		sel.nobody = true
		return nil
	}
	for len(parts)%4 != 0 && len(parts) > 1 {
		parts = append(parts, "")
	}
	slices.SortStableFunc(parts, func(a, b string) int { return len(b) - len(a) }) // what most have not comes first
	for _, part := range parts {
		sel.add(fmt.Sprintf(s.dialect.contains, "u.search", "%s"), part)
	}
	sel.search = len(parts)
	sel.paths = append(sel.paths, path{s.dialect.findGrams, []any{s.dialect.gramQuery(sel.query.Grams())}})
	return nil
}

// numbered makes a query of one with %s for each parameter. $1 stays.
func numbered(query string, n int) string {
	marks := make([]any, n)
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(i+1)
	}
	return fmt.Sprintf(query, marks...)
}

// and joins conditions.
func and(conditions ...string) string {
	conditions = slices.DeleteFunc(conditions, func(c string) bool { return c == "" })
	if len(conditions) == 0 {
		return "TRUE"
	}
	return strings.Join(conditions, " AND ")
}

const listedColumns = userColumns + `, u.email_key`

func scanListed(scan func(...any) error) (u listed, err error) {
	err = scan(append(userTarget(&u.User), &u.emailKey)...)
	return u, err
}

// effort is how much is looked at for a page. A user costs about two
// microseconds on SQLite, and on PostgreSQL, which reads another page for almost
// each of them, three times as many.
type effort struct {
	first      int // users of the first walk
	most       int // of all walks
	candidates int // who are collected and sorted
	enough     int // candidates that are so few that no other part of the filter is asked
}

// listing makes a page.
type listing struct {
	store  *Store
	sel    *selection
	way    way
	effort effort
	want   int // one more than the page has

	found   []listed
	stopped bool  // the time was up
	reached place // how far it looked then
}

// ranged is the range of times that the filter has of the order's own key.
func (l *listing) ranged() timeRange {
	if l.way.nulls {
		return l.sel.login
	}
	return l.sel.joined
}

// ahead are the stretches from a place on.
func (l *listing) ahead(from *place) []stretch { return l.way.stretches(from, l.ranged()) }

// run fills the page from a place on.
func (l *listing) run(ctx context.Context, from *place) error {
	stretches := l.ahead(from)
	if len(l.sel.where) == 0 {
		return l.all(ctx, stretches)
	}
	for most, sum := l.effort.first, 0; len(stretches) > 0 && !l.full(); {
		walked, err := l.walk(ctx, stretches[0], most)
		switch {
		case err != nil || l.full():
			return err
		case !walked.more:
			stretches = stretches[1:]
			continue
		}
		stretches = l.ahead(&walked.last)
		if sum == 0 {
			if done, err := l.collect(ctx, walked, stretches); err != nil || done {
				return err
			}
		}
		if sum += most; sum >= l.effort.most {
			l.stopped, l.reached = true, walked.last
			return nil
		}
		most = min(4*most, l.effort.most-sum)
	}
	return nil
}

func (l *listing) full() bool { return len(l.found) == l.want }

// all takes everybody, because nobody is left out.
func (l *listing) all(ctx context.Context, stretches []stretch) error {
	for _, st := range stretches {
		where, args := st.conditions()
		err := l.take(ctx, `FROM users u WHERE `+where+` ORDER BY `+l.way.order(st), args)
		if err != nil || l.full() {
			return err
		}
	}
	return nil
}

// walk is what was walked along.
type walk struct {
	parts []stretch
	last  place
	more  bool // beyond the last
	met   int  // how many
}

// walk looks at so many users of a stretch, in their order. Where they end is
// asked of the index first: so the query that looks at them reads of each only
// what it needs.
func (l *listing) walk(ctx context.Context, st stretch, most int) (w walk, err error) {
	w.met = most
	if w.last, w.more, err = l.nth(ctx, st, most); err != nil {
		return w, err
	}
	if w.parts = []stretch{st}; w.more {
		w.parts = l.way.until(st, w.last)
	}
	for _, st := range w.parts {
		where, args := st.conditions()
		err = l.take(ctx, `FROM users u WHERE `+and(append([]string{where}, l.sel.where...)...)+` ORDER BY `+l.way.order(st), append(args, l.sel.args...))
		if err != nil || l.full() {
			break
		}
	}
	return w, err
}

// commonSearch reports whether so many of a walk are found by the search alone
// that its candidates would not be few. To ask who they are would cost more on
// PostgreSQL than all the rest, however few are wanted.
func (l *listing) commonSearch(ctx context.Context, w walk) (bool, error) {
	found := int64(len(l.found))
	if len(l.sel.paths) > 1 && l.sel.search > 0 {
		found = 0
		from := len(l.sel.where) - l.sel.search
		for _, st := range w.parts {
			where, args := st.conditions()
			args = append(args, l.sel.args[len(l.sel.args)-l.sel.search:]...)
			n, err := queryValue[int64](ctx, l.store, "list users",
				numbered(`SELECT count(*) FROM users u WHERE `+and(append([]string{where}, l.sel.where[from:]...)...), len(args)), args...)
			if err != nil {
				return false, err
			}
			found += n
		}
	}
	return found*125 >= int64(w.met), nil // 0.8 % of a million are 8000
}

// nth is where the n-th of a stretch stands, if there are so many.
func (l *listing) nth(ctx context.Context, st stretch, n int) (p place, there bool, err error) {
	columns, scan := `u.id`, func(scan func(...any) error) (p place, err error) {
		p.Never = st.never
		err = scan(&p.ID)
		return p, err
	}
	switch {
	case l.way.key == "" || st.never:
	case l.way.timed():
		columns, scan = `u.id, u.`+l.way.key, func(scan func(...any) error) (p place, err error) {
			err = scan(&p.ID, asUTC(&p.At))
			return p, err
		}
	default:
		columns, scan = `u.id, u.`+l.way.key, func(scan func(...any) error) (p place, err error) {
			err = scan(&p.ID, &p.Text)
			return p, err
		}
	}
	where, args := st.conditions()
	query := `SELECT ` + columns + ` FROM users u WHERE ` + where + ` ORDER BY ` + l.way.order(st) + ` LIMIT 1 OFFSET ` + strconv.Itoa(n-1)
	found, err := queryAll(ctx, l.store, "list users", scan, numbered(query, len(args)), args...)
	if err != nil || len(found) == 0 {
		return place{}, false, err
	}
	return found[0], true, nil
}

// collect takes those of the stretches among the candidates of the path that
// leaves fewest, if these are few.
func (l *listing) collect(ctx context.Context, w walk, stretches []stretch) (done bool, err error) {
	paths := l.sel.paths
	if l.sel.search > 0 {
		common, err := l.commonSearch(ctx, w)
		if err != nil {
			return false, err
		}
		if common {
			paths = paths[:len(paths)-1]
		}
	}
	ids, few, err := l.store.candidates(ctx, paths, l.effort.candidates, l.effort.enough)
	if err != nil || !few || len(ids) == 0 {
		return few, err
	}
	for _, st := range stretches {
		where, args := st.conditions()
		from := `FROM (
			WITH meant AS MATERIALIZED (
				SELECT u.* FROM ` + l.store.dialect.idList + ` CROSS JOIN users u
				WHERE u.id = c.id AND ` + and(append([]string{where}, l.sel.where...)...) + `)
			SELECT * FROM meant) u
			ORDER BY ` + l.way.order(st)
		args = append(append([]any{l.store.dialect.ids(ids)}, args...), l.sel.args...)
		if err := l.take(ctx, from, args); err != nil || l.full() {
			return true, err
		}
	}
	return true, nil
}

// candidates are the ids among which all are who are meant, if there are not
// more than most: what all those parts of the filter leave that leave so few,
// or the first of them if they are enough.
func (s *Store) candidates(ctx context.Context, paths []path, most, enough int) (ids []int64, few bool, err error) {
	for _, p := range paths {
		list, err := queryValue[string](ctx, s, "list users", numbered(`
			SELECT COALESCE(string_agg(CAST(id AS TEXT), ','), '')
			FROM (`+p.query+` LIMIT `+strconv.Itoa(most+1)+`) AS these`, len(p.args)), p.args...)
		if err != nil {
			return nil, false, err
		}
		these, err := idsIn(list)
		switch {
		case err != nil:
			return nil, false, err
		case len(these) > most:
			continue
		case few:
			ids = slices.DeleteFunc(ids, func(id int64) bool { _, is := slices.BinarySearch(these, id); return !is })
		default:
			ids, few = these, true
		}
		if len(ids) <= enough {
			break
		}
	}
	return ids, few, nil
}

// idsIn are the ids of a list with commas, in their order.
func idsIn(list string) ([]int64, error) {
	if list == "" {
		return nil, nil
	}
	ids := make([]int64, 0, strings.Count(list, ",")+1)
	for text := range strings.SplitSeq(list, ",") {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}

// take adds to what was found what a query has besides its columns and their
// number, in its order.
func (l *listing) take(ctx context.Context, from string, args []any) error {
	query := `SELECT ` + listedColumns + ` ` + from + ` LIMIT ` + strconv.Itoa(l.want-len(l.found))
	some, err := queryAll(ctx, l.store, "list users", scanListed, numbered(query, len(args)), args...)
	l.found = append(l.found, some...)
	return err
}
