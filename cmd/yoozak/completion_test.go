package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/config"
)

// TestComplete: commands, their flags, and what flags and arguments may be,
// wherever on the line the cursor is.
func TestComplete(t *testing.T) {
	t.Parallel()
	parser := kong.Must(&cli{}, config.NewSource(func(string) string { return "" }), kong.Name("yoozak"))
	for line, want := range map[string]string{
		"us":                              "user",
		"user cre":                        "create create-owner",
		"migrate ":                        "up status",
		"migrate --dr":                    "--dry-run", // of the command that it stands for
		"nothing ":                        "",
		"serve x ":                        "",
		"comp":                            "completion", // and no command that only scripts call
		"user list --js":                  "--json",
		"user list --lim":                 "--limit",
		"user list --hel":                 "--help",
		"user --js":                       "",
		"user list -- --j":                "",
		"user list --limit 3 --js":        "--json",
		"user list --limit ":              "",
		"user list --json list":           "",
		"events list --kind account_cl":   "account_closed",
		"events list --kind=account_cl":   "--kind=account_closed",
		"events list --kind = account_cl": "account_closed", // as bash has it
		"events list --kind =":            "",               // below
		"serve --language ":               "fr en ar",
		"serve --docs=o":                  "--docs=on --docs=off",
		"serve --docs o":                  "", // which could be an argument
		"serve --tls-cert ":               fileNames,
		"serve --tls-cert=a":              fileNames,
		"backup --check ":                 fileNames,
		"import-django --no":              "--no-blacklist",
		"user role amina ":                "support manager owner none",
		"user role ":                      "",
		"user role --json amina m":        "manager",
		"user export --format=c":          "--format=csv",
		"user export --format csv --form": "--format",
		"service create orders --scope ":  "introspect revoke",
		"completion z":                    "zsh",
	} {
		words := strings.Split(line, " ")
		var got []string
		for _, c := range complete(parser.Model.Node, words) {
			word, _, _ := strings.Cut(c, "\t")
			got = append(got, word)
		}
		if line == "events list --kind =" { // all of them
			if !slices.Contains(got, "login_failed") || len(got) < 30 {
				t.Errorf("%q: %q", line, got)
			}
			continue
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
	if got := complete(parser.Model.Node, []string{"user", "list", "--js"}); len(got) != 1 || got[0] != "--json\tOne JSON object a line" {
		t.Errorf("%q does not say what it means", got)
	}
	if got := complete(parser.Model.Node, nil); len(got) < 15 {
		t.Errorf("%d commands", len(got))
	}
}
