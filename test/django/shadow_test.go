package django

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestShadowOfDjango is a week before the change: Django answers, and our
// copy, which has the same users, answers the same.
func TestShadowOfDjango(t *testing.T) {
	t.Parallel()
	p := newPair(t, "ES256", "", "", "YOOZAK_ACCEPT_HS256_SECRET="+secret)
	address := porttest.Address(t)
	cmd := exec.Command(yoozaktest.Shadow(t), "--listen", address, "--upstream", string(p.django), "--copy", string(p.yoozak))
	cmd.Dir = t.TempDir()
	var report, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &report, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	shop := site("http://" + address)
	shop.await(t)

	credentials := `{"username":"amina","password":"` + password + `"}`
	a := shop.post(t, loginPath, credentials)
	access, refresh := a.field("access"), a.field("refresh")
	p.wantMe(t, shop, "Django answers", access, ofDjangos)
	for _, call := range []struct {
		method, path, body, authorization string
		want                              int
	}{
		{http.MethodPost, refreshPath, `{"refresh":"` + refresh + `"}`, "", http.StatusOK},
		{http.MethodPost, refreshPath, `{"refresh":"` + access + `"}`, "", http.StatusUnauthorized},
		{http.MethodPost, refreshPath, `{}`, "", http.StatusBadRequest},
		{http.MethodPost, loginPath, `{"username":"amina","password":"wrong"}`, "", http.StatusUnauthorized},
		{http.MethodPost, loginPath, `{"username":`, "", http.StatusBadRequest},
		{http.MethodGet, loginPath, "", "", http.StatusMethodNotAllowed},
		{http.MethodPost, registerPath, credentials, "", http.StatusBadRequest},
		{http.MethodPost, registerPath, `{"username":"badr","password":"` + password + `"}`, "", http.StatusCreated},
		{http.MethodPost, loginPath, `{"username":"badr","password":"` + password + `"}`, "", http.StatusOK},
		{http.MethodGet, mePath, "", "Bearer " + access + "x", http.StatusUnauthorized},
		{http.MethodGet, mePath, "", "", http.StatusUnauthorized},
	} {
		if a := shop.call(t, call.method, call.path, call.body, call.authorization); a.status != call.want {
			t.Errorf("%s %s: %d %s; want %d", call.method, call.path, a.status, a.body, call.want)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended = true
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s ended with %v:\n%s", filepath.Base(cmd.Path), err, errs.String())
	}

	var summary struct {
		Event string
		What  struct {
			Routes      []struct{ Count, Same int }
			Differences []any
		}
	}
	lines := strings.Split(strings.TrimSpace(report.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &summary); err != nil || summary.Event != "summary" {
		t.Fatalf("no summary, %v: %s", err, report.String())
	}
	count, same := 0, 0
	for _, route := range summary.What.Routes {
		count, same = count+route.Count, same+route.Same
	}
	if count != 13 || same != 13 || len(summary.What.Differences) != 0 {
		t.Errorf("%d of 13 requests counted, %d the same:\n%s\n%s", count, same, report.String(), errs.String())
	}
	for _, text := range []string{password, access, refresh, "amina", secret} {
		if strings.Contains(report.String()+errs.String(), text) {
			t.Errorf("the report or the log holds %q", text)
		}
	}
}
