package console_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// TestOverviewCountsToday: the figures of today have what its list of events has,
// as long as they are quick to count, else they say of when they are; the lines
// of a chart are whole numbers.
func TestOverviewCountsToday(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "salma", account.Support)
	for i := range 8 { // and Salma
		a := b.open(t, "/console/")
		if want := "+" + strconv.Itoa(1+i) + " aujourd’hui"; a.status != 200 || !strings.Contains(a.text(), want) || strings.Contains(a.text(), "ont été comptés") {
			t.Fatalf("not %q: %d\n%s", want, a.status, a.text())
		}
		top := []string{"1", "2", "4", "4", "6", "6", "10", "10"}[i]
		if n, _ := strconv.Atoi(top); !strings.Contains(a.body, `text-anchor="end">`+top+`</text>`) || n > 1 && !strings.Contains(a.body, `text-anchor="end">`+strconv.Itoa(n/2)+`</text>`) {
			t.Errorf("%d: not up to %s:\n%s", 1+i, top, a.body)
		}
		s.has(t, "client"+strconv.Itoa(i), "Amina", "Alaoui")
	}
	s.ticks = time.Second // to count takes long: from here on it is done once a minute
	b.open(t, "/console/")
	s.has(t, "youssef", "Youssef", "Alaoui")
	for _, want := range []string{"+9", "+10"} {
		a := b.open(t, "/console/")
		if old := want == "+9"; !strings.Contains(a.text(), want+" aujourd’hui") || strings.Contains(a.text(), "ont été comptés") != old {
			t.Errorf("not %q:\n%s", want, a.text())
		}
		s.Clock.Advance(time.Minute)
	}
}
