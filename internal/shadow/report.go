package shadow

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// other is every path that is not of the API.
const other = "other"

// Why a request was not compared.
const (
	notOurs        = "not of the API"
	large          = "too large"
	aborted        = "aborted"
	dropped        = "dropped"
	encoded        = "unknown encoding"
	upstreamFailed = "upstream failed"
	copyFailed     = "copy failed"
)

// report counts, and writes each kind of difference once. Requests wait for
// the counts, never for the writer.
type report struct {
	log   *slog.Logger
	since time.Time

	counting    sync.Mutex
	routes      map[string]*RouteCount
	differences map[string]*Difference
	unlisted    int

	writing sync.Mutex
	out     io.Writer
	broken  bool
}

// maxListed bounds the kinds of differences that are kept apart.
const maxListed = 500

// RouteCount is what became of the requests of one route. Count is the sum of
// the others and of those under way.
type RouteCount struct {
	Route       string         `json:"route"` // method and path
	Count       int            `json:"count"`
	Same        int            `json:"same"`
	Different   int            `json:"different"`
	NotCompared map[string]int `json:"not_compared,omitempty"` // by reason
}

// Difference is one kind of difference, with the shapes of its first example.
type Difference struct {
	Route    string   `json:"route"`
	Count    int      `json:"count"`
	Differs  []string `json:"differs"`
	Upstream *shape   `json:"upstream"`
	Copy     *shape   `json:"copy"`
}

// Summary is everything since the start.
type Summary struct {
	Since       time.Time    `json:"since"`
	Routes      []RouteCount `json:"routes"`
	Differences []Difference `json:"differences"`
	Unlisted    int          `json:"differences_not_listed,omitempty"` // there were too many kinds
}

func newReport(out io.Writer, log *slog.Logger) report {
	return report{
		log: log, since: time.Now().UTC().Truncate(time.Second), out: out,
		routes: map[string]*RouteCount{}, differences: map[string]*Difference{},
	}
}

// route is for use with the counts locked. There are as many as paths and
// methods.
func (r *report) route(name string) *RouteCount {
	c := r.routes[name]
	if c == nil {
		c = &RouteCount{Route: name, NotCompared: map[string]int{}}
		r.routes[name] = c
	}
	return c
}

func (r *report) count(route string) {
	r.counting.Lock()
	defer r.counting.Unlock()
	r.route(route).Count++
}

func (r *report) skip(route, why string) {
	r.counting.Lock()
	defer r.counting.Unlock()
	r.route(route).NotCompared[why]++
}

func (r *report) compare(route string, want, got answer) {
	differs := differences(want, got)
	if first := r.note(route, differs, want, got); first != nil {
		r.write("difference", first)
	}
}

// note counts a pair of answers and returns the difference if it is the
// first of its kind.
func (r *report) note(route string, differs []string, want, got answer) *Difference {
	r.counting.Lock()
	defer r.counting.Unlock()
	c := r.route(route)
	if differs == nil {
		c.Same++
		return nil
	}
	c.Different++
	kind := route + "\n" + strings.Join(differs, "\n")
	if d := r.differences[kind]; d != nil {
		d.Count++
		return nil
	}
	if len(r.differences) == maxListed {
		r.unlisted++
		return nil
	}
	d := &Difference{Route: route, Count: 1, Differs: differs, Upstream: shapeOf(want.body), Copy: shapeOf(got.body)}
	r.differences[kind] = d
	first := *d
	return &first
}

// Summary counts so far: routes by name, the most frequent differences first.
func (s *Shadow) Summary() Summary {
	r := &s.report
	r.counting.Lock()
	defer r.counting.Unlock()
	sum := Summary{Since: r.since, Routes: []RouteCount{}, Differences: []Difference{}, Unlisted: r.unlisted}
	for _, name := range slices.Sorted(maps.Keys(r.routes)) {
		c := *r.routes[name]
		c.NotCompared = maps.Clone(c.NotCompared)
		sum.Routes = append(sum.Routes, c)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.differences)) {
		sum.Differences = append(sum.Differences, *r.differences[kind])
	}
	slices.SortStableFunc(sum.Differences, func(a, b Difference) int { return b.Count - a.Count })
	return sum
}

// WriteSummary writes the summary to the report.
func (s *Shadow) WriteSummary() { s.report.write("summary", s.Summary()) }

// write adds a line. A full disk must not end the watch: it is logged once.
func (r *report) write(event string, what any) {
	line, err := json.Marshal(struct {
		At    time.Time `json:"at"`
		Event string    `json:"event"`
		What  any       `json:"what"`
	}{time.Now().UTC().Truncate(time.Second), event, what})
	if err != nil {
		panic("shadow: " + err.Error()) // texts and numbers always marshal
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	_, err = r.out.Write(append(line, '\n'))
	if err != nil && !r.broken {
		r.log.Error("the report cannot be written", "error", err.Error())
	}
	r.broken = err != nil
}

// Table writes the summary for a person.
func (s Summary) Table(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ROUTE\tREQUESTS\tSAME\tDIFFERENT\tNOT COMPARED")
	for _, c := range s.Routes {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\n", c.Route, c.Count, c.Same, c.Different, reasons(c.NotCompared))
	}
	_ = table.Flush() // a terminal that cannot be written to cannot be told so
	for _, d := range s.Differences {
		times := "times"
		if d.Count == 1 {
			times = "time"
		}
		fmt.Fprintf(w, "%d %s %s\n  %s\n", d.Count, times, d.Route, strings.Join(d.Differs, "\n  "))
	}
}

func reasons(counts map[string]int) string {
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[why], why))
	}
	return strings.Join(parts, ", ")
}
