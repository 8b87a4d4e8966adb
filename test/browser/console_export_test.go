package browser

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// downloads lets a window keep files, and returns what waits for the next of
// them: its name and what is in it.
func (b *tab) downloads() (next func() (name string, data []byte)) {
	b.t.Helper()
	info, err := chromedp.Call(b.ctx, target.GetTargetInfo, target.GetTargetInfoParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	folder := b.t.TempDir()
	behave := func(p browser.SetDownloadBehaviorParams) {
		p.BrowserContextID = info.TargetInfo.BrowserContextID
		if err := set(b.ctx, browser.SetDownloadBehavior, p); err != nil {
			b.t.Fatal(err)
		}
	}
	behave(browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder})
	b.t.Cleanup(func() {
		behave(browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorDefault})
	}) // the window is another test's then
	seen := map[string]bool{}
	return func() (string, []byte) {
		b.t.Helper()
		for range 600 {
			files, err := filepath.Glob(filepath.Join(folder, "clients-*"))
			if err != nil {
				b.t.Fatal(err)
			}
			for _, path := range files {
				if seen[path] || strings.HasSuffix(path, ".crdownload") {
					continue
				}
				seen[path] = true
				data, err := os.ReadFile(path)
				if err != nil {
					b.t.Fatal(err)
				}
				return filepath.Base(path), data
			}
			time.Sleep(100 * time.Millisecond)
		}
		b.t.Fatal("no file comes")
		return "", nil
	}
}

// spreadsheet is what a French spreadsheet shows of a file that somebody opens
// with a double click: columns by semicolons, letters by the byte order mark,
// formulas calculated, numbers without zeros in front.
func spreadsheet(t *testing.T, data []byte) (rows [][]string) {
	t.Helper()
	text, marked := bytes.CutPrefix(data, []byte("\ufeff"))
	if !marked {
		t.Error("without a byte order mark a spreadsheet takes Arabic for Latin letters")
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for i, cell := range row {
			switch n, err := strconv.ParseFloat(strings.TrimSpace(cell), 64); {
			case err == nil:
				row[i] = strconv.FormatFloat(n, 'f', -1, 64)
			case strings.ContainsAny(cell[:min(len(cell), 1)], "=+-@"):
				row[i] = "calculated"
			}
		}
	}
	return rows
}

// TestConsoleExport: those of the filter, in a file that a spreadsheet opens as
// it is stored; and where two persons have to agree, the second approves and
// the first downloads, and the event names both.
func TestConsoleExport(t *testing.T) {
	t.Parallel()
	d := startDesk(t, "YOOZAK_STAFF_TWO_PERSONS=true")
	d.joined(t, "0612345678", "أمينة", "=1+1", "ar", november(2))
	d.joined(t, "+212698765432", "+cmd", "العلوي", "ar", november(3))
	d.joined(t, "1e5", "Hind; \"dite\" Bennani", "@SUM(A1)", "ar", november(4))
	d.joined(t, "other", "Pas", "Elle", "fr", november(4))
	want := [][]string{
		{"'0612345678", "أمينة", "'=1+1"}, {"'+212698765432", "'+cmd", "العلوي"}, {"'1e5", "Hind; \"dite\" Bennani", "'@SUM(A1)"},
	}
	alone := &desk{server: start(t, d.database)} // where one person is enough
	manager, owner := d.session(t, "karim"), d.session(t, "nadia")
	for _, o := range consoleWidths {
		t.Run(o.name(), func(t *testing.T) {
			for persons, server := range []*desk{alone, d} {
				if server == alone && o.width < 1280 { // it is shown in the page of two, too
					continue
				}
				t.Run(strconv.Itoa(persons+1), func(t *testing.T) {
					b := openTab(t, o)
					file := b.downloads()
					var other *tab
					b.open(server.URL + "/console/login")
					b.has(server, manager)
					b.open(server.URL + "/console/clients?language=ar&ordering=id")
					b.run(`document.querySelector('.many').open = true; document.getElementById('whom').value = 'all'`)
					b.status(b.load(chromedp.Click(chromedp.CSS(`#many button[value=export]`))), http.StatusOK)
					b.says("3 clients", "Langue\u00a0: العربية", "enregistré")
					b.write("reason", "pour le comptable")
					if server == alone {
						b.do(chromedp.Click(chromedp.CSS("main button.primary")))
					} else {
						b.status(b.pressIn("button.primary"), http.StatusOK)
						b.says("En attente", "pour le comptable", "3 clients")
						request := b.run("return location.pathname")
						late := "late" + o.name()
						d.joined(t, late, "Trop", "Tard", "ar", november(5)) // not written down
						other = openTab(t, o)
						other.open(d.URL + "/console/login")
						other.has(d, owner)
						other.open(d.URL + "/console/")
						other.says("1 demande")
						other.open(d.URL + request)
						other.says("Karim", "pour le comptable", "3 clients")
						other.status(other.pressIn("button.primary"), http.StatusOK)
						b.open(d.URL + "/console/")
						b.says("Nadia")
						b.open(d.URL + request + "/use")
						b.says("3 clients")
						if err := d.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.SetLanguage(ctx, d.ids[late], "en") }); err != nil {
							t.Fatal(err)
						}
						b.do(chromedp.Click(chromedp.CSS("main button.primary")))
					}
					kind, data := file()
					var got [][]string
					rows := spreadsheet(t, data)
					for _, row := range rows[1:] {
						got = append(got, []string{row[1], row[3], row[4]})
					}
					if !slices.EqualFunc(got, want, slices.Equal[[]string]) || !strings.HasSuffix(kind, ".csv") {
						t.Errorf("%s shows %q, want %q", kind, got, want)
					}
					exports, err := d.store.Events(t.Context(), store.EventFilter{Kind: account.EventUsersExported, Agent: d.ids["karim"]}, 2)
					if err != nil || len(exports) != 2 {
						t.Fatalf("%d events, %v", len(exports), err)
					}
					for i, what := range []string{"written", "expected"} {
						details := exports[i].ReadDetails()
						if details.Count != 3 || details.Fields[0] != what || exports[i].Reason != "pour le comptable" || (details.Approval != "") != (server == d) {
							t.Errorf("event %s: %+v", exports[i].Reason, details)
						}
					}
					if server == d {
						other.open(d.URL + "/console/events/" + strconv.FormatInt(exports[0].ID, 10))
						other.says("Clients exportés", "Karim", "Accord donné par", "Nadia")
					}
				})
			}
		})
	}
}
