package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestMakeRunLetsPagesOfThisMachineIn: it is for development, and serve by
// itself is not. Who sets the variable is not overruled.
func TestMakeRunLetsPagesOfThisMachineIn(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "make", "--dry-run", "-C", "../..", "run")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "YOOZAK_CORS_LOOPBACK=${YOOZAK_CORS_LOOPBACK:-true} bin/yoozak serve"; !strings.Contains(string(out), want) {
		t.Errorf("make run does not do %q:\n%s", want, out)
	}
}
