package telemetry_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yoozak/clients/internal/telemetry"
)

// TestErrorsAreWrittenAtOnce: a crash must not lose what led to it. Other
// lines wait for a moment, together.
func TestErrorsAreWrittenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, format := range []string{"json", "text"} {
			var out bytes.Buffer
			log, flush := telemetry.NewLogTo(&out, "info", format)
			log.Debug("not wanted")
			log.Info("before")
			if out.Len() > 0 {
				t.Errorf("%s: a line of no urgency is written at once: %s", format, out.String())
			}
			log.With("a", 1).WithGroup("g").Error("the error", "b", 2)
			if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "before") || !strings.Contains(got, "the error") {
				t.Errorf("%s: after an error: %q", format, got)
			}
			log.Info("after")
			time.Sleep(time.Second)
			if got := out.String(); strings.Count(got, "\n") != 3 {
				t.Errorf("%s: a second later: %q", format, got)
			}
			log.Info("last")
			flush()
			if got := out.String(); strings.Count(got, "\n") != 4 || strings.Contains(got, "not wanted") {
				t.Errorf("%s: in the end: %q", format, got)
			}
		}
	})
}
