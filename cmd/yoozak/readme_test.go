package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// twins are documents in French that say all that the English ones say.
var twins = [][2]string{
	{"README.md", "README.fr.md"}, {"docs/README.md", "docs/README.fr.md"}, {"docs/start.md", "docs/start.fr.md"}, {"docs/tokens.md", "docs/tokens.fr.md"}, {"docs/factors.md", "docs/factors.fr.md"},
	{"docs/ssr.md", "docs/ssr.fr.md"}, {"docs/accounts.md", "docs/accounts.fr.md"}, {"docs/api.md", "docs/api.fr.md"}, {"docs/pages.md", "docs/pages.fr.md"},
	{"docs/services.md", "docs/services.fr.md"}, {"docs/webhooks.md", "docs/webhooks.fr.md"}, {"docs/operations.md", "docs/operations.fr.md"},
	{"docs/events.md", "docs/events.fr.md"}, {"docs/keys.md", "docs/keys.fr.md"}, {"docs/configuration.md", "docs/configuration.fr.md"},
	{"sdk/typescript/README.md", "sdk/typescript/README.fr.md"}, {"examples/storefront/README.md", "examples/storefront/README.fr.md"},
}

// TestTwinsAreTwins holds that a document and its French twin have the same
// chapters, code and tables: as many of each, in the same order, and the same
// settings and images.
func TestTwinsAreTwins(t *testing.T) {
	t.Parallel()
	parts := map[string]*regexp.Regexp{
		"levels of headings": regexp.MustCompile(`(?m)^#+ `),
		"languages of code":  regexp.MustCompile("(?m)^```\\w*$"),
		"columns of tables":  regexp.MustCompile(`(?m)^\|(?: --- \|)+$`),
		"settings":           regexp.MustCompile(`YOOZAK_[A-Z0-9_]+`),
		"images":             regexp.MustCompile(`images/[\w.-]+`),
		"calls":              regexp.MustCompile("`(?:GET|POST|PATCH|DELETE) [^`]+`"),
	}
	for _, pair := range twins {
		en, fr := document(t, pair[0]), document(t, pair[1])
		for what, part := range parts {
			a, b := part.FindAllString(en, -1), part.FindAllString(fr, -1)
			if what == "settings" || what == "calls" { // sentences have them in their own order
				slices.Sort(a)
				slices.Sort(b)
				a, b = slices.Compact(a), slices.Compact(b)
			}
			if !slices.Equal(a, b) {
				t.Errorf("%s and %s differ in the %s: what one has must be in the other (-%[1]s +%[2]s):\n%[4]s", pair[0], pair[1], what, cmp.Diff(a, b))
			}
		}
	}
}

// TestBadgesAreTrue: a badge is what somebody sees first.
func TestBadgesAreTrue(t *testing.T) {
	t.Parallel()
	module := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(document(t, "go.mod"))
	if module == nil {
		t.Fatal("go.mod has no version of Go")
	}
	for _, name := range twins[0] {
		text := document(t, name)
		for _, badge := range []string{"badge/Go-" + module[1] + "-", "badge/licence-Apache--2.0-", "fr%20%C2%B7%20ar%20%C2%B7%20en"} {
			if !strings.Contains(text, badge) {
				t.Errorf("%s has no badge %s", name, badge)
			}
		}
		if n := strings.Count(text, "img.shields.io/badge/"); n != 4 {
			t.Errorf("%s has %d badges: say here what makes the others true", name, n)
		}
	}
	if !strings.Contains(document(t, "LICENSE"), "Apache License") {
		t.Error("the licence is another")
	}
}

// TestLinksOfTheDocumentsLeadSomewhere: to a file that is there and, where
// they name one, to a heading in it.
func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, pair := range twins {
		for _, name := range pair {
			for _, found := range link.FindAllStringSubmatch(document(t, name), -1) {
				to := found[1]
				if strings.HasPrefix(to, "https://") {
					continue
				}
				file, heading, _ := strings.Cut(to, "#")
				if file == "" {
					file = filepath.Base(name)
				}
				file = filepath.Join(filepath.Dir(name), file)
				if _, err := os.Stat(filepath.Join("../..", file)); err != nil {
					t.Errorf("%s leads to %s: %v", name, to, err)
					continue
				}
				if heading != "" && !slices.Contains(headingsOf(document(t, file)), heading) {
					t.Errorf("%s leads to %s: there is no such heading", name, to)
				}
			}
		}
	}
}

// TestEachAlertIsExplained: its rule names a chapter, which is there in both
// languages.
func TestEachAlertIsExplained(t *testing.T) {
	t.Parallel()
	rules := regexp.MustCompile(`(?s)alert: (\w+)\n.*?runbook: "docs/operations\.md#(\w+)"`).FindAllStringSubmatch(document(t, "packaging/monitoring/alerts.yml"), -1)
	if n := strings.Count(document(t, "packaging/monitoring/alerts.yml"), "- alert:"); n < 10 || n != len(rules) {
		t.Fatalf("%d alerts, of which %d say where they are explained", n, len(rules))
	}
	for _, name := range []string{"docs/operations.md", "docs/operations.fr.md"} {
		headings := headingsOf(document(t, name))
		for _, rule := range rules {
			if rule[2] != strings.ToLower(rule[1]) || !slices.Contains(headings, rule[2]) {
				t.Errorf("%s: %s is to be explained at #%s", name, rule[1], rule[2])
			}
		}
	}
}

// headingsOf are the names by which GitHub finds a document's headings.
func headingsOf(text string) []string {
	var names []string
	for _, h := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(h[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
