package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/yoozak/clients/"

// mayImport is the table of docs/architecture.md: what each package may
// import of ours.
var mayImport = map[string][]string{
	"internal/account":         {},
	"internal/argon2":          {},
	"internal/fold":            {},
	"internal/fold/foldtest":   {},
	"internal/breach":          {},
	"internal/breach/make":     {"internal/breach"},
	"internal/config":          {"internal/secret", "internal/shop"},
	"internal/secret":          {},
	"internal/shop":            {},
	"internal/totp":            {},
	"internal/job":             {},
	"internal/locale":          {},
	"internal/password":        {"internal/argon2", "internal/trace"},
	"internal/payload":         {},
	"internal/telemetry":       {},
	"internal/trace":           {},
	"internal/shadow":          {},
	"internal/porttest":        {},
	"internal/pgtest":          {"internal/porttest"},
	"internal/mailtest":        {},
	"internal/smtptest":        {"internal/porttest"},
	"internal/webhooktest":     {},
	"internal/webauthntest":    {},
	"internal/yoozaktest":      {"internal/porttest"},
	"internal/verifytest":      {},
	"verify":                   {}, // public, like client: whoever imports them gets no more of the server
	"client":                   {},
	"internal/token":           {"internal/account", "internal/secret"},
	"internal/store":           {"internal/account", "internal/fold", "internal/secret", "internal/trace"},
	"internal/store/storetest": {"internal/pgtest", "internal/store"},
	"internal/mail":            {"internal/account", "internal/locale", "internal/shop"},
	"internal/web":             {"internal/account", "internal/locale", "internal/trace"},
	"docs":                     {},
	"internal/manual":          {"docs", "internal/web"},
	"internal/pages":           {"internal/account", "internal/auth", "internal/guard", "internal/locale", "internal/shop", "internal/web"},
	"internal/console": {
		"internal/account", "internal/auth", "internal/guard", "internal/locale", "internal/shop", "internal/staff", "internal/store", "internal/web",
	},
	"internal/pulse":   {"internal/account", "internal/store"},
	"internal/audit":   {"internal/account", "internal/store"},
	"internal/backup":  {"internal/audit", "internal/store"},
	"internal/guard":   {"internal/account", "internal/audit", "internal/password", "internal/secret", "internal/store"},
	"internal/keys":    {"internal/account", "internal/audit", "internal/guard", "internal/secret", "internal/store", "internal/token"},
	"internal/outbox":  {"internal/account", "internal/audit", "internal/guard", "internal/mail", "internal/store", "internal/token", "internal/trace"},
	"internal/webhook": {"internal/account", "internal/audit", "internal/secret", "internal/store", "internal/token"},
	"internal/auth": {
		"internal/account", "internal/audit", "internal/breach", "internal/guard", "internal/keys", "internal/outbox", "internal/password", "internal/secret",
		"internal/store", "internal/token", "internal/totp",
	},
	"internal/staff": {"internal/account", "internal/audit", "internal/auth", "internal/guard", "internal/keys", "internal/password", "internal/secret", "internal/store", "internal/token", "internal/webhook"},
	"internal/authtest": {
		"internal/account", "internal/app", "internal/audit", "internal/auth", "internal/guard", "internal/mail", "internal/outbox", "internal/password", "internal/secret", "internal/smtptest", "internal/staff",
		"internal/store", "internal/store/storetest", "internal/token", "internal/totp", "internal/webauthntest", "internal/webhooktest", "internal/yoozaktest",
	},
	"internal/django":  {"internal/account", "internal/password", "internal/secret", "internal/store"},
	"internal/api":     {"internal/account", "internal/auth", "internal/guard", "internal/locale", "internal/payload", "internal/secret", "internal/staff", "internal/web"},
	"internal/openapi": {"internal/api", "internal/auth", "internal/locale", "internal/staff", "internal/web"},
	"internal/app": {
		"internal/account", "internal/argon2", "internal/audit", "internal/auth", "internal/breach", "internal/config", "internal/console", "internal/guard", "internal/keys",
		"internal/mail", "internal/outbox", "internal/pages", "internal/password", "internal/pulse", "internal/secret", "internal/staff", "internal/store", "internal/token", "internal/trace", "internal/webhook",
	},
	"internal/doctor": {"internal/account", "internal/audit", "internal/keys", "internal/locale", "internal/store"},
	"cmd/yoozak": {
		"internal/account", "internal/api", "internal/app", "internal/audit", "internal/auth", "internal/backup", "internal/config", "internal/console", "internal/django", "internal/guard", "internal/job", "internal/keys", "internal/locale",
		"internal/doctor", "internal/manual", "internal/openapi", "internal/pages", "internal/password", "internal/pulse", "internal/secret", "internal/shop", "internal/staff", "internal/store", "internal/telemetry", "internal/token", "internal/trace", "internal/web",
	},
	"cmd/yoozak-shadow": {"internal/api", "internal/config", "internal/job", "internal/shadow", "internal/telemetry"},
	"bench":             {"internal/account", "internal/fold", "internal/pgtest", "internal/secret", "internal/store", "internal/token"},
	"bench/djangousers": {},
	"bench/enumeration": {},
}

func TestImportsGoDownOnly(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,GoFiles", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p struct {
			ImportPath string
			Imports    []string
			GoFiles    []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, known := mayImport[name]
		if !known && len(p.GoFiles) > 0 {
			t.Errorf("%s is not in the table: say what it may import", name)
		}
		for _, i := range p.Imports {
			if ours, is := strings.CutPrefix(i, module); is && known && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which its row of mayImport does not have: docs/architecture.md says which way is down", name, ours)
			}
		}
	}
}
