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

// TestMakeRunKeepsEveryMail: a mail at registration, too, goes into the
// folder, unless there is a server to send it.
func TestMakeRunKeepsEveryMail(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "make", "--dry-run", "-C", "../..", "run").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, recipe, found := strings.Cut(string(out), "[ -n ")
	if !found {
		t.Fatalf("make run chooses no folder:\n%s", out)
	}
	recipe, _, _ = strings.Cut("[ -n "+recipe, "YOOZAK_CORS_LOOPBACK")
	for _, test := range []struct{ env, want string }{
		{"", "mails"}, {"YOOZAK_MAIL_FOLDER=/tmp/x", "/tmp/x"},
		{"YOOZAK_SMTP_URL=smtps://mail.example", ""}, {"YOOZAK_SMTP_URL_FILE=/run/smtp", ""},
	} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(recipe, "\\\n", "\n")+"\nprintf %s \"$YOOZAK_MAIL_FOLDER\"")
		cmd.Env = []string{test.env}
		got, err := cmd.CombinedOutput()
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v; want %q", test.env, got, err, test.want)
		}
	}
}
