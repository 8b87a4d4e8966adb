// Package packages tries what an operator installs: the Debian package in a
// clean Debian, its unit, the chart, the alerts. What builds, or needs programs
// that make test does not, has the build tag long: make test-packages runs it.
package packages

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestAlertsAndDashboardNameOurMetrics: what they ask for is what a server has.
func TestAlertsAndDashboardNameOurMetrics(t *testing.T) {
	t.Parallel()
	there := map[string]bool{"up": true}
	for _, settings := range [][]string{nil, {"YOOZAK_DATABASE_URL=" + pgtest.Start(t).NewDatabase(t)}} {
		metrics := porttest.Address(t)
		yoozaktest.Start(t, append(append([]string{"YOOZAK_METRICS_LISTEN=" + metrics}, yoozaktest.CheapHashes...), settings...)...)
		res, err := http.Get("http://" + metrics + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		var page bytes.Buffer
		_, err = page.ReadFrom(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)`).FindAllStringSubmatch(page.String(), -1) {
			there[m[1]] = true
			if m[2] == "histogram" {
				there[m[1]+"_bucket"] = true
			}
		}
	}
	there["yoozak_tls_certificate_expiry_timestamp_seconds"] = true // only with a certificate: see test/https
	for _, file := range []string{"alerts.yml", "dashboard.json"} {
		text, err := os.ReadFile("../../packaging/monitoring/" + file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\b(yoozak|process)_[a-z_]+`).FindAllString(string(text), -1)
		if len(names) < 15 {
			t.Errorf("%s names %d metrics", file, len(names))
		}
		for _, name := range names {
			if !there[name] {
				t.Errorf("%s asks for %s, which no server has", file, name)
			}
		}
	}
}
