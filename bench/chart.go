//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"strings"
)

// peers are what other servers reached by the same measure on 2026-11-25, each with PostgreSQL but for PocketBase.
var peers = []struct {
	name  string
	me    float64 // of the bare server
	flood float64 // p99 in milliseconds
}{
	{"PocketBase", 0.049, 2200},
	{"Kratos", 0.018, 2800},
	{"GoTrue", 0.012, 3000},
}

// bar is one line of a chart. What is not ours is grey.
type bar struct {
	name  string
	value float64
	ours  bool
}

// chart draws the figures of the file at results as SVG, for README.
func chart(results, out string) error {
	content, err := os.ReadFile(results)
	if err != nil {
		return err
	}
	var r report
	if err := json.Unmarshal(content, &r); err != nil {
		return fmt.Errorf("%s: %w", results, err)
	}
	figure := func(operation, engine string) bar {
		for _, line := range r.Results {
			if line.Operation == operation && line.Engine == engine && line.Algorithm == "ES256" {
				return bar{"Yoozak, " + map[string]string{sqlite: "SQLite", postgres: "PostgreSQL"}[engine], line.Figure.Median, true}
			}
		}
		return bar{}
	}
	me := []bar{figure("me", sqlite), figure("me", postgres)}
	login := []bar{figure("login", sqlite), figure("login", postgres), {"golang.org/x/crypto, alone", 1, false}}
	const flooded = "p99 of GET me in a login flood"
	flood := []bar{figure(flooded, sqlite), figure(flooded, postgres)}
	for _, p := range peers {
		me, flood = append(me, bar{p.name, p.me, false}), append(flood, bar{p.name, p.flood, false})
	}
	var b strings.Builder
	y := 24
	panel := func(title string, format string, bars []bar) {
		var most float64
		for _, bar := range bars {
			most = max(most, bar.value)
		}
		fmt.Fprintf(&b, "<text class=\"title\" x=\"16\" y=\"%d\">%s</text>\n", y, html.EscapeString(title))
		y += 12
		for _, bar := range bars {
			class := "other"
			if bar.ours {
				class = "ours"
			}
			fmt.Fprintf(&b, "<text x=\"16\" y=\"%d\">%s</text><rect class=\"%s\" x=\"210\" y=\"%d\" width=\"%.1f\" height=\"14\" rx=\"2\"/><text x=\"%.1f\" y=\"%d\">%s</text>\n",
				y+12, html.EscapeString(bar.name), class, y, max(2, 380*bar.value/most), 218+max(2, 380*bar.value/most), y+12, fmt.Sprintf(format, bar.value))
			y += 20
		}
		y += 26
	}
	panel("Reading a profile, as a share of an empty Go server (more is better)", "%.3g", me)
	panel("Logins, as a multiple of the usual Go Argon2id alone (more is better)", "%.2g", login)
	panel("Reading a profile while 64 clients log in: slowest 1 % (less is better)", "%.0f ms", flood)
	fmt.Fprintf(&b, "<text class=\"note\" x=\"16\" y=\"%d\">%s, one core for the server; %s. Others: 2026-11-25, same measure.</text>\n", y, html.EscapeString(r.Machine.CPU), r.Machine.Date)
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 %d" role="img" aria-label="Figures beside those of other servers">
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600 } .note { font-size: 11px; fill: #59636e }
.ours { fill: #0b5d4e } .other { fill: #9aa4ae }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #9198a1 } .ours { fill: #3fb59b } .other { fill: #59636e } }
</style>
%s</svg>
`, y+16, b.String())
	return os.WriteFile(out, []byte(svg), 0o644)
}
