package browser

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/store"
)

// joined stores a customer who joined at a time of the shop.
func (d *desk) joined(t *testing.T, username, first, last, language string, at time.Time) {
	t.Helper()
	u := account.User{Username: username, Email: username + "@example.ma", FirstName: first, LastName: last, Active: true, Language: language, JoinedAt: at, PasswordAt: at}
	err := d.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &u) })
	if err != nil {
		t.Fatal(err)
	}
	d.ids[username] = u.ID
}

// listed are the names in the list, in its order, those first that were meant as a
// whole.
func (b *tab) listed() string {
	b.t.Helper()
	return b.run(`return [...document.querySelectorAll('#results tbody a[data-row]')].map(a => a.textContent).join(', ')`)
}

// query is what the address asks for.
func (b *tab) query() url.Values {
	b.t.Helper()
	query, err := url.ParseQuery(strings.TrimPrefix(b.run("return location.search"), "?"))
	if err != nil {
		b.t.Fatal(err)
	}
	return query
}

// november is a day of November 2026, in the shop.
func november(day int) time.Time {
	zone, err := time.LoadLocation("Africa/Casablanca")
	if err != nil {
		panic(err)
	}
	return time.Date(2026, time.November, day, 23, 30, 0, 0, zone)
}

// TestConsoleFilterIsTheAddress: filters are chosen in the form, the address
// says them, and a colleague who is sent it sees the same list. A day that
// there is not is an error at its field, and nobody is shown. What was typed
// stays when a filter is taken away, and so does the focus.
func TestConsoleFilterIsTheAddress(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	d.joined(t, "first", "Amina", "Zitouni", "ar", november(1))
	d.joined(t, "last", "Hind", "Bennani", "ar", november(24))
	d.joined(t, "early", "Trop", "Tôt", "ar", november(1).AddDate(0, 0, -1))
	d.joined(t, "late", "Trop", "Tard", "ar", november(25))
	d.joined(t, "french", "En", "Français", "fr", november(10))
	d.joined(t, "closed", "Plus", "Active", "ar", november(10))
	if err := d.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.SetActive(ctx, d.ids["closed"], false) }); err != nil {
		t.Fatal(err)
	}
	manager, owner := d.session(t, "karim"), d.session(t, "nadia")
	for _, o := range consoleWidths {
		t.Run(o.name(), func(t *testing.T) {
			b := openTab(t, o)
			b.open(d.URL + "/console/login")
			b.has(d, manager)
			b.open(d.URL + "/console/clients")
			b.do(chromedp.Click(chromedp.CSS(".filters details summary")))
			b.run(`const set = (id, value) => { document.getElementById(id).value = value }
				set('is_active', 'true'), set('language', 'ar'), set('date_joined_after', '2026-11-01'), set('date_joined_before', '2026-11-24'), set('ordering', 'email')`)
			b.status(b.pressIn(".grid button.primary"), http.StatusOK)
			want := url.Values{"is_active": {"true"}, "language": {"ar"}, "date_joined_after": {"2026-11-01"}, "date_joined_before": {"2026-11-24"}, "ordering": {"email"}}
			if got := b.query(); got.Encode() != want.Encode() {
				t.Errorf("the address asks for %v, want %v", got, want)
			}
			const both = "Amina Zitouni, Hind Bennani"
			if got := b.listed(); got != both {
				t.Errorf("listed: %s", got)
			}
			b.says("État\u00a0: Actif", "Langue\u00a0: العربية", "Inscrit à partir du\u00a0: 1er\u00a0nov.\u00a02026", "Inscrit jusqu’au\u00a0: 24\u00a0nov.\u00a02026", "2 clients")

			colleague := openTab(t, tabOptions{language: "ar", width: 1280, height: 860, scripts: true, patient: true})
			colleague.open(d.URL + "/console/login")
			colleague.has(d, owner)
			colleague.status(colleague.open(b.run("return location.href")), http.StatusOK)
			if got := colleague.listed(); got != both {
				t.Errorf("a colleague sees: %s", got)
			}

			// The last filter is taken away with the keyboard: more are found, and
			// the focus is among the filters still, beside what was typed.
			b.do(chromedp.SendKeys(chromedp.CSS("#search"), "trop"))
			b.until(`location.search.includes('search=trop') && document.querySelector('#results .empty')`)
			b.run(`document.querySelector('.chips li:nth-child(4) a').focus()`)
			b.status(b.load(chromedp.KeyEvent(kb.Enter)), http.StatusOK)
			b.until(`document.activeElement.id === 'chips'`)
			if got := b.listed(); got != "Trop Tard" || b.query().Get("search") != "trop" || b.query().Has("date_joined_before") {
				t.Errorf("%v lists %s", b.query(), got)
			}
			b.holds("search", "trop")
			b.do(chromedp.KeyEvent(kb.Tab))
			if got := b.run("return document.activeElement.textContent"); !strings.Contains(got, "Actif") {
				t.Errorf("after the filters comes %q", got)
			}

			// What was typed a moment ago is in the filters' form, and in that of
			// the language.
			b.fill("search", "zit")
			b.until(`location.search.includes('search=zit')`)
			b.do(chromedp.Click(chromedp.CSS(".filters details summary")))
			b.status(b.pressIn(".grid button.primary"), http.StatusOK)
			if got := b.listed(); got != "Amina Zitouni" {
				t.Errorf("after the form: %s", got)
			}
			b.inField("search")
			b.fill("search", "bennani")
			b.until(`location.search.includes('search=bennani')`)
			b.status(b.load(chromedp.Click(chromedp.CSS(`.languages button[value=ar]`))), http.StatusOK)
			if got := b.listed(); got != "Hind Bennani" || b.read().Dir != "rtl" {
				t.Errorf("in Arabic: %s", got)
			}
			b.status(b.load(chromedp.Click(chromedp.CSS(`.languages button[value=fr]`))), http.StatusOK)

			b.status(b.open(d.URL+"/console/clients?language=ar&date_joined_before=2026-02-31"), http.StatusBadRequest)
			b.says(locale.Text("fr", "console.filter.wrong.day", nil), locale.Text("fr", "console.filter.wrong_why", nil))
			if got := b.listed(); got != "" {
				t.Errorf("a day that there is not lists %s", got)
			}
			b.holds("date_joined_before", "2026-02-31")
			if got := b.run(`return document.querySelector('[aria-invalid]').id + document.querySelector('.chip.wrong').textContent`); got != "date_joined_beforeInscrit jusqu’au\u00a0: \u20682026-02-31\u2069" {
				t.Errorf("what is wrong is at %s", got)
			}
			b.status(b.load(chromedp.Click(chromedp.CSS(".chip.wrong"))), http.StatusOK)
			if got := b.listed(); !strings.Contains(got, "Trop Tôt") || strings.Contains(got, "Français") {
				t.Errorf("without what was wrong: %s", got)
			}
		})
	}
}
