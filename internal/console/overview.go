package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/staff"
)

// daysOfCharts is how many days the charts show, today among them.
const daysOfCharts = 30

// today is what the overview shows: is all well, what waits?
type today struct {
	Warnings []warning
	Figures  []figure
	Charts   []chart
	Events   []eventDay
	Failed   string
	Time     string
	Counted  string // when the days were, if that was before; empty: now
}

type warning struct{ Text, Link, URL string }

type figure struct{ Name, Value, More, URL string }

// chart is bars of thirty days. Oldest at the left in every language.
type chart struct {
	Title, Said, Failed string // what is said in a sentence; why it cannot be drawn
	Top, Half           string
	From, To            string
	Bars                []bar
	Rows                []chartRow
	Bad                 bool
}

type bar struct {
	X, Y, Height float64
	Today        bool
}

type chartRow struct{ Day, Value string }

func (p *page) overview() {
	v, ctx := p.view, p.r.Context()
	p.title(v.Say("console.overview"))
	d := &today{Time: v.Clock(v.now)}
	clients := figure{Name: v.Say("console.clients"), Value: v.Say("console.unknown"), URL: "clients"}
	if c, err := p.staff.Everybody(ctx); err != nil {
		p.internal(err)
	} else {
		clients.Value = v.Number(c.N)
		if !c.Exact {
			clients.Value = v.Say("console.about", "n", c.N)
		}
	}
	days, at, err := p.c.days.read(ctx, p.staff, v, p.o.Now)
	if err != nil {
		p.internal(err)
	} else {
		if v.now.Sub(at) >= time.Second {
			d.Counted = v.Say("console.chart.counted", "time", v.shopTime(at).Format(time.TimeOnly))
		}
		clients.More = v.Say("console.figures.today", "n", days[len(days)-1].Registered)
	}
	sessions := figure{Name: v.Say("console.figures.sessions"), Value: v.Say("console.unknown")}
	mails := figure{Name: v.Say("console.figures.mails"), Value: v.Say("console.unknown"), URL: "mails?state=waiting"}
	f, figuresErr := p.staff.Figures(ctx)
	if figuresErr != nil {
		p.internal(figuresErr)
	} else {
		sessions.Value, mails.Value = v.Number(f.Sessions), v.Number(f.MailsWait)
		if !f.SessionsExact {
			sessions.Value = v.Say("console.about", "n", f.Sessions)
		}
		if !f.MailsSince.IsZero() {
			mails.More = v.Say("console.figures.oldest", "when", v.Ago(f.MailsSince))
		}
		if f.MailsFailed > 0 {
			d.Warnings = append(d.Warnings, warning{v.Say("console.warning.failed", "n", f.MailsFailed), v.Say("console.warning.mails"), "mails?state=failed"})
		}
		if !f.MailsSince.IsZero() && v.now.Sub(f.MailsSince) > 10*time.Minute {
			d.Warnings = append(d.Warnings, warning{v.Say("console.warning.stuck", "when", v.Ago(f.MailsSince)), v.Say("console.warning.mails"), "mails?state=waiting"})
		}
	}
	taken, takenErr := p.staff.AddressesThenLinks(ctx)
	if takenErr != nil {
		p.internal(takenErr)
	}
	for _, id := range taken {
		d.Warnings = append(d.Warnings, warning{v.Say("console.warning.taken", "id", id), v.Say("console.warning.look"), "clients/" + strconv.FormatInt(id, 10) + "/events"})
	}
	if p.agent.Role.May(account.DecideApprovals) {
		d.Warnings = append(d.Warnings, p.approvalsToDecide()...)
	}
	queue := figure{Name: v.Say("console.figures.queue"), Value: v.Say("console.unknown"), More: v.Say("console.figures.unmeasured")}
	if p.o.Queue != nil {
		queue.Value, queue.More = v.Number(p.o.Queue()), v.Say("console.figures.queue_why")
	}
	d.Figures = []figure{clients, sessions, mails, queue}
	for _, c := range []struct {
		key string
		of  func(staff.DayFigures) int
		bad bool
	}{
		{"registered", func(d staff.DayFigures) int { return d.Registered }, false},
		{"logins", func(d staff.DayFigures) int { return d.Logins }, false},
		{"failed", func(d staff.DayFigures) int { return d.Failed }, true},
	} {
		one := chart{Title: v.Say("console.chart." + c.key), Bad: c.bad}
		if err != nil {
			one.Failed = v.Say("console.unavailable", "id", p.w.RequestID)
		} else {
			v.draw(&one, days, c.of)
		}
		d.Charts = append(d.Charts, one)
	}
	events, err := p.staff.FindEvents(ctx, staff.EventQuery{})
	if err != nil {
		d.Failed = p.failTab(err)
	}
	d.Events = p.days(events[:min(len(events), 8)])
	p.show(http.StatusOK, "overview", d)
}

// The field of a chart: viewBox="0 0 320 96".
const (
	chartLeft, chartTop, chartWidth, chartHeight = 34.0, 6.0, 282.0, 80.0
)

func (v *view) draw(c *chart, days []staff.DayFigures, of func(staff.DayFigures) int) {
	most, sum, known := 0, 0, 0
	var best time.Time
	for _, d := range days {
		n := of(d)
		if d.Known {
			known++
		}
		sum += n
		if n > most {
			most, best = n, d.From
		}
	}
	top := roundUp(most)
	c.Top, c.Half = v.Number(top), v.Number(top/2)
	if top < 2 {
		c.Half = ""
	}
	c.From, c.To = v.Day(days[0].From), v.Day(days[len(days)-1].From)
	step := chartWidth / float64(len(days))
	for i, d := range days {
		value := v.Say("console.unknown")
		if d.Known {
			n := of(d)
			value = v.Number(n)
			height := chartHeight * float64(n) / float64(top)
			if n > 0 {
				height = max(height, 1)
				c.Bars = append(c.Bars, bar{X: chartLeft + step*float64(i) + 1, Y: chartTop + chartHeight - height, Height: height, Today: i == len(days)-1})
			}
		}
		c.Rows = append(c.Rows, chartRow{v.Day(d.From), value})
	}
	slices.Reverse(c.Rows)
	switch {
	case known <= 1: // nothing is known of the days before
		c.Said = v.Say("console.chart.first", "n", sum)
	case sum == 0:
		c.Said = v.Say("console.chart.none", "from", c.From, "to", c.To)
	default:
		average := v.Number(sum / known)
		if sum < known {
			average = v.Say("console.chart.less")
		}
		c.Said = v.Say("console.chart.said", "from", c.From, "to", c.To, "n", sum, "average", average, "day", v.Day(best), "most", v.Number(most))
	}
}

// roundUp is the next of 1, 2, 4, 6 × 10ⁿ: but for 1, half of it is a whole number.
func roundUp(n int) int {
	for ten := 1; ; ten *= 10 {
		for _, digit := range []int{1, 2, 4, 6} {
			if digit*ten >= n {
				return digit * ten
			}
		}
	}
}

// pastDays keeps what was counted of days that are over: it does not change.
// Today is counted again as soon as that is cheap: after a hundred times as long
// as it took, a minute at most.
type pastDays struct {
	mu    sync.Mutex
	known map[time.Time]staff.DayFigures
	today staff.DayFigures
	at    time.Time
	took  time.Duration
}

// read returns the days of the charts, and when today was counted.
func (c *pastDays) read(ctx context.Context, s *staff.Service, v *view, now func() time.Time) ([]staff.DayFigures, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	midnight := v.sinceToday()
	if len(c.known) > 2*daysOfCharts {
		c.known = nil
	}
	if c.known == nil {
		c.known = map[time.Time]staff.DayFigures{}
	}
	var days []staff.DayFigures
	for i := daysOfCharts - 1; i > 0; i-- {
		from := time.Date(midnight.Year(), midnight.Month(), midnight.Day()-i, 0, 0, 0, 0, midnight.Location())
		to := time.Date(midnight.Year(), midnight.Month(), midnight.Day()-i+1, 0, 0, 0, 0, midnight.Location())
		d, is := c.known[from.UTC()]
		if !is {
			var err error
			if d, err = s.Day(ctx, from, to); err != nil {
				return nil, v.now, err
			}
			c.known[from.UTC()] = d
		}
		days = append(days, d)
	}
	if !c.today.From.Equal(midnight) || v.now.Sub(c.at) >= min(100*c.took, time.Minute) {
		begin := now()
		d, err := s.Day(ctx, midnight, v.now.AddDate(0, 0, 1))
		if err != nil {
			return nil, v.now, err
		}
		c.today, c.at, c.took = d, v.now, now().Sub(begin)
	}
	return append(days, c.today), c.at, nil
}

// Width is how wide a bar is.
func (bar) Width() float64 { return chartWidth/daysOfCharts - 2 }

// Class is how a bar looks.
func (c chart) Class(b bar) string {
	class := "bar"
	if b.Today {
		class = "today"
	}
	if c.Bad {
		class += " failed"
	}
	return strings.TrimSpace(class)
}
