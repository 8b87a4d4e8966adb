package yoozaktest_test

import (
	"net/http"
	"testing"

	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestServerIsReadyStopsAndIsKilled: the tests that use it say nothing when
// it does not.
func TestServerIsReadyStopsAndIsKilled(t *testing.T) {
	t.Parallel()
	stopped, killed := yoozaktest.Launch(t), yoozaktest.Launch(t)
	for _, s := range []*yoozaktest.Server{stopped, killed} {
		s.Ready(t)
		res, err := http.Get(s.URL + "/healthz") //nolint:noctx // a test
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("healthz: %v, %v", res, err)
		}
		_ = res.Body.Close()
	}
	stopped.Stop(t)
	killed.Kill()
	if stopped.Err() != nil || killed.Err() == nil {
		t.Errorf("stopped: %v, killed: %v", stopped.Err(), killed.Err())
	}
}
