package browser

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/store"
)

// happens adds fifty events a second until it is stopped, whether a server runs
// or not.
func (d *desk) happens(t *testing.T) (stop func()) {
	t.Helper()
	log := audit.New(d.store, audit.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		tick := time.NewTicker(time.Second / 50)
		defer tick.Stop()
		for n := int64(0); ; n++ {
			select {
			case <-ctx.Done():
				failed <- nil
				return
			case <-tick.C:
			}
			err := d.store.Tx(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Store) error {
				return log.Record(ctx, tx, audit.Entry{Kind: account.EventLogin, UserID: d.ids["amina"] + n%3, At: time.Now()})
			})
			if err != nil {
				failed <- err
				return
			}
		}
	}()
	return func() {
		t.Helper()
		cancel()
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
}

// quoted is a text as scripts have it.
func quoted(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// rows are the ids of the events that the page shows, the newest first.
func (b *tab) rows() (ids []int64) {
	b.t.Helper()
	for id := range strings.FieldsSeq(b.run(`return [...document.querySelectorAll('#days li')].map(row => row.id.slice(1)).join(' ')`)) {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			b.t.Fatal(err)
		}
		ids = append(ids, n)
	}
	return ids
}

// liveRows is how many events the page keeps.
const liveRows = 200

// TestConsoleLive: fifty events a second, the page stays as it is for who reads
// further down, says how many are new at most every ten seconds, keeps two
// hundred rows, says when the connection was lost, and goes on with none missing
// when the server was killed and comes back. One that is told to stop is not held
// up by pages that listen.
func TestConsoleLive(t *testing.T) {
	t.Parallel()
	d := startDesk(t, "YOOZAK_SHUTDOWN_TIMEOUT=10s")
	session := d.session(t, "nadia")
	b := openTab(t, consoleWidths[0])
	b.open(d.URL + "/console/login")
	b.has(d, session)
	b.open(d.URL + "/console/events")
	b.run(`window.EventSource = class extends EventSource { constructor(url) { super(url); window.stream = this } }
		window.said = []
		const text = Object.getOwnPropertyDescriptor(Node.prototype, 'textContent')
		for (const region of document.querySelectorAll('.live [role=status].unseen'))
			Object.defineProperty(region, 'textContent', { get: text.get, set(words) { said.push([Date.now(), words]); text.set.call(this, words) } })`)
	b.until(`(button(/^En direct$/)?.click(), document.querySelector('[aria-pressed=true]'))`)
	stop := d.happens(t)

	// At the top they come in by themselves; below it they wait.
	b.until(`document.querySelectorAll('#days li').length > 100`)
	b.run(`scrollTo({ top: 600 })`)
	b.until(`/^\d+ nouveaux ↑$/.test(button(/nouveaux/)?.textContent ?? '')`)
	before := b.rows()
	waiting := b.run(`return document.querySelector('.live button:nth-child(2)').textContent`)
	b.until(`button(/nouveaux/).textContent !== ` + quoted(waiting))
	if after := b.rows(); !slices.Equal(before, after) {
		t.Errorf("the list moves under the hand: %d, then %d", before[0], after[0])
	}
	if got := b.run(`const at = document.querySelector('.live').getBoundingClientRect(); return at.top >= 0 && at.bottom <= innerHeight`); got != "true" {
		t.Error("what says that there are new ones is out of sight")
	}
	b.until(`/^\d{3,} /.test(button(/nouveaux/).textContent)`)
	b.do(chromedp.Click(chromedp.CSS(".live button:nth-child(2)")))
	if after := b.rows(); after[0] <= before[0] || len(after) > liveRows {
		t.Errorf("%d rows, the newest is %d and was %d", len(after), after[0], before[0])
	}
	if got := b.run(`return document.activeElement.textContent + scrollY`); got != "En direct0" {
		t.Errorf("the focus, and the place: %s", got)
	}
	b.accessible()

	// Whoever has a row in focus keeps it there.
	b.do(chromedp.KeyEvent(kb.ArrowDown))
	row := b.run(`return document.activeElement.closest('li').id`)
	b.until(`button(/nouveaux/)`)
	if got := b.run(`return document.activeElement.closest('li')?.id + document.querySelector('#days li').id`); got != row+row {
		t.Errorf("the focus is on %s, was on %s", got, row)
	}
	b.run(`document.activeElement.blur()`)

	d.Kill()
	b.until(`/^Connexion perdue à \d\d:\d\d$/.test(document.querySelector('.live [role=status]').textContent)`)
	again := d.Again(t)
	again.Ready(t)
	b.until(`document.querySelector('.live [role=status]').textContent === ''`)
	stop()
	all, err := d.store.Events(t.Context(), store.EventFilter{}, liveRows)
	if err != nil {
		t.Fatal(err)
	}
	b.until(`document.getElementById('e` + strconv.FormatInt(all[0].ID, 10) + `')`)
	got := b.rows()
	for i, e := range all {
		if len(got) != len(all) || got[i] != e.ID {
			t.Fatalf("%d rows: %v\nwant those of %d to %d", len(got), got, all[0].ID, all[len(all)-1].ID)
		}
	}
	var said [][2]any
	if err := json.Unmarshal([]byte(b.run(`return JSON.stringify(said)`)), &said); err != nil || len(said) == 0 {
		t.Fatalf("said %v, %v", said, err)
	}
	for i, one := range said {
		if text := one[1].(string); !strings.HasSuffix(text, "nouveaux") && !strings.HasSuffix(text, "nouveau") {
			t.Errorf("it says %q", text)
		}
		if i > 0 && one[0].(float64)-said[i-1][0].(float64) < 10_000 { // by the clock that the page goes by, when it speaks
			t.Errorf("it speaks too often: %v", said)
		}
	}

	// The space bar pauses; what comes then is not shown.
	b.do(chromedp.KeyEvent(" "))
	b.until(`document.querySelector('.live [role=status]').textContent === ` + quoted(locale.Text("fr", "console.live.off", nil)))
	if got := b.run(`return document.querySelector('.live button').getAttribute('aria-pressed')`); got != "false" {
		t.Errorf("pressed: %s", got)
	}

	b.until(`(button(/^En direct$/)?.click(), document.querySelector('[aria-pressed=true]'))`)
	b.until(`stream.readyState === EventSource.OPEN`)
	again.Stop(t) // else it waits for ten seconds, and ends with an error
}
