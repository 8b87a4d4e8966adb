package browser

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestConsoleActsOnMany: "all results" are those of what was typed a moment ago,
// ticks are those of the list that is shown, and nothing ticked is nobody; with
// scripts and without.
func TestConsoleActsOnMany(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	b := openTab(t, tabOptions{language: "fr", width: 1600, height: 900, scripts: true, patient: true})
	b.works(d, "karim")
	b.open(d.URL + "/console/clients")
	b.do(chromedp.SendKeys(chromedp.CSS("#search"), "alaoui"))
	for range 200 {
		if strings.Contains(b.run("return location.search"), "search=alaoui") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.run(`document.querySelector('.many').open = true; document.getElementById('whom').value = 'all'`)
	b.status(b.load(chromedp.Click(chromedp.CSS(`#many button[value=disable]`))), http.StatusOK)
	b.says("Amina Alaoui", "1 client", "alaoui")
	if p := b.read(); strings.Contains(p.Text, "Tazi") {
		t.Errorf("the search is lost:\n%s", p.Text)
	}
	b.open(d.URL + "/console/clients?search=example.ma")
	if got := b.run(`document.querySelector('#pick input').click(); return document.querySelector('#whom').selectedOptions[0].textContent + document.querySelector('.many').open`); !strings.Contains(got, "(5)true") {
		t.Errorf("ticked: %s", got)
	}
	b.run(`document.querySelectorAll('#results input[name=ids]')[0].click()`)
	b.status(b.load(chromedp.Click(chromedp.CSS(`#many button[value=sign_out]`))), http.StatusOK)
	b.says("4 clients", "Les clients cochés")

	plain := openTab(t, tabOptions{language: "fr", width: 360, height: 740, patient: true})
	plain.works(d, "nadia")
	plain.open(d.URL + "/console/clients?search=alaoui")
	plain.do(chromedp.Click(chromedp.CSS(".many summary")))
	plain.status(plain.load(chromedp.Click(chromedp.CSS(`#many button[value=disable]`))), http.StatusBadRequest)
	plain.says("Aucun client n’est coché")
	plain.status(plain.follow("clients?search=alaoui"), http.StatusOK)
	plain.says("Amina Alaoui")
	plain.open(d.URL + "/console/clients/bulk?whom=all&act=disable&search=alaoui")
	plain.write("reason", "fraude signalée")
	plain.fill("count", "1")
	plain.status(plain.load(chromedp.Click(chromedp.CSS("main button.danger"))), http.StatusOK)
	plain.says("1 compte désactivé")
	if d.opens(t, "amina", firstPassword) || !d.opens(t, "tazi", firstPassword) {
		t.Error("not those who were confirmed")
	}
}
