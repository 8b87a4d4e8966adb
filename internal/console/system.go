package console

import (
	"context"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/store"
)

// System is what the page of the system shows of this server. What is nil is not
// shown.
type System struct {
	Version    string
	Database   string // what it is, without what opens it
	Settings   []Setting
	Migrations func(ctx context.Context) ([]store.Migration, error)
	Look       func(ctx context.Context) []Finding // for what is wrong: see package doctor
}

// Setting is one of the server's settings. Of a secret there is whether it is
// set, and no value.
type Setting struct {
	Name, Value, Group string
	Secret, Set        bool
	Given              bool // by the operator; else it is the default
}

// Finding is what was found by a check of the installation: Key is that of what
// it says, and with ".remedy" of what to do, unless it is good. Args are numbers
// ("n"), times, what has a text of its own, and what is the same in every
// language: commands, settings, files and what other programs said.
type Finding struct {
	Check, Level, Key string
	Args              map[string]any
}

// lookEvery is for how long findings are shown: each look verifies ten thousand
// events.
const lookEvery = time.Minute

// looked are the last findings.
type looked struct {
	mu    sync.Mutex
	at    time.Time
	found []Finding
}

// look returns what is wrong, and when that was looked at.
func (l *looked) look(ctx context.Context, s System, now time.Time) ([]Finding, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.found != nil && now.Sub(l.at) < lookEvery {
		return l.found, l.at
	}
	found := s.Look(ctx)
	if ctx.Err() == nil { // else it was not seen: whoever asked left, or time was up
		l.found, l.at = found, now
	}
	return found, now
}

type findingRow struct {
	What, Badge, Tone string
	Text, Remedy      template.HTML
}

type settingRow struct {
	Setting
	Shown string
}

type settingGroup struct {
	Name    string
	English bool // it has no other name
	All     []settingRow

	of string
}

// systemPage is how the server stands, for who may see it; nothing is changed
// here.
type systemPage struct {
	Facts     []fact
	Bad, Note int
	Found     []findingRow
	Looked    string
	Groups    []settingGroup
}

func (p *page) system() {
	v, s, ctx := p.view, p.o.System, p.r.Context()
	p.title(v.Say("console.system"))
	d := &systemPage{Facts: words(v.Say("console.system.version"), s.Version, v.Say("console.system.database"), s.Database)}
	if s.Migrations != nil {
		d.Facts = append(d.Facts, fact{v.Say("console.system.schema"), text(p.schema(ctx))})
	}
	d.Facts = append(d.Facts, fact{v.Say("console.system.clock"), v.At(v.now)}, fact{v.Say("console.system.zone"), Code(v.zone().String())})
	if s.Look != nil {
		found, at := p.c.looked.look(ctx, s, v.now)
		d.Looked = v.Say("console.figures.at", "time", v.Clock(at))
		for _, level := range []string{"bad", "note", "good"} { // the worst first
			for _, f := range found {
				if f.Level == level {
					d.Found = append(d.Found, p.findingRow(f))
				}
			}
		}
		for _, f := range found {
			d.Bad += map[bool]int{true: 1}[f.Level == "bad"]
			d.Note += map[bool]int{true: 1}[f.Level == "note"]
		}
	}
	for _, setting := range s.Settings {
		row := settingRow{Setting: setting, Shown: setting.Value}
		switch {
		case setting.Secret && setting.Set:
			row.Shown = v.Say("console.setting.set")
		case setting.Secret || setting.Value == "":
			row.Shown = v.Say("console.setting.unset")
		}
		if n := len(d.Groups); n == 0 || d.Groups[n-1].of != setting.Group {
			d.Groups = append(d.Groups, p.settingGroup(setting.Group))
		}
		g := &d.Groups[len(d.Groups)-1]
		g.All = append(g.All, row)
	}
	p.show(http.StatusOK, "system", d)
}

// settingGroup is a group by what the page's language calls it.
func (p *page) settingGroup(name string) settingGroup {
	key := "console.setting.group." + strings.ToLower(name)
	g := settingGroup{Name: p.view.Say(key), of: name}
	if g.Name == key {
		g.Name, g.English = name, true
	}
	return g
}

// schema says whether the tables are those of this program.
func (p *page) schema(ctx context.Context) string {
	v := p.view
	all, err := p.o.System.Migrations(ctx)
	if err != nil {
		return v.Say("console.system.schema.unknown")
	}
	pending, newest := 0, ""
	for _, m := range all {
		if m.AppliedAt.IsZero() {
			pending++
		} else {
			newest = strings.TrimSuffix(m.Name, ".sql")
		}
	}
	if pending > 0 {
		return v.Say("console.system.schema.pending", "n", pending)
	}
	return v.Say("console.system.schema.good", "name", isolated(newest))
}

// technical is a text in which commands, files and what other programs said stand
// as they are. Its first letter is a capital: at a terminal it is none.
func (v *view) technical(key string, args map[string]any) template.HTML {
	var pairs []any
	for name, value := range args {
		switch of := value.(type) {
		case time.Time:
			value = v.Moment(of)
		case string:
			value = isolated(strings.Join(strings.Fields(of), " "))
		}
		pairs = append(pairs, name, value)
	}
	said := v.Say(key, pairs...)
	if first, size := utf8.DecodeRuneInString(said); size > 0 {
		said = string(unicode.ToUpper(first)) + said[size:]
	}
	var b strings.Builder
	for said != "" {
		before, rest, opened := strings.Cut(said, "\u2068")
		machine, after, closed := strings.Cut(rest, "\u2069")
		b.WriteString(visible(before))
		if opened && closed {
			b.WriteString(`<code dir="ltr">` + visible(machine) + `</code>`)
		}
		said = after
	}
	return template.HTML(b.String()) //nolint:gosec // escaped
}

func (p *page) findingRow(f Finding) findingRow {
	v := p.view
	row := findingRow{What: v.Say("console.finding." + f.Check), Badge: v.Say("console.finding.is_" + f.Level), Text: v.technical(f.Key, f.Args)}
	if f.Level != "good" {
		row.Remedy = v.technical(f.Key+".remedy", f.Args)
	}
	if f.Key == "console.doctor.keys.clear" { // the other finding about keys is that of their age
		row.What = v.Say("console.finding.encryption")
	}
	if row.What == "console.finding."+f.Check {
		row.What = f.Check
	}
	row.Tone = map[string]string{"good": "good", "note": "warn", "bad": "bad"}[f.Level]
	return row
}
