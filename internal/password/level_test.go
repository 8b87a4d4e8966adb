package password_test

import (
	"encoding/base64"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/password"
)

// TestFastHashesTakeTheTimeOfNobody: a quick answer would tell that a name is
// of somebody who came from Django, and never logged in here. The clock goes
// by the memory that was hashed over, which is what takes the time, and does
// not depend on what else the machine does. x/crypto's code has it from the
// heap, where it can be counted; ours takes as long for as much.
func TestFastHashesTakeTheTimeOfNobody(t *testing.T) { // not in parallel: others allocate, too
	h := newHasher(t, password.Options{Params: password.Params{Memory: 4096, Time: 1, Threads: 1}, Slots: 1, Portable: true, Now: func() time.Time {
		return time.Unix(0, int64(allocated()))
	}})
	quick := newHasher(t, password.Options{Params: password.Params{Memory: 256, Time: 1, Threads: 1}})
	before, err := quick.Hash(t.Context(), "another")
	if err != nil {
		t.Fatal(err)
	}
	work := func(do func() error) uint64 {
		t.Helper()
		was := allocated()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		return allocated() - was
	}
	for _, plain := range []string{"wrong", "wrong\uff11"} { // the second has two forms
		nobody := work(func() error { return h.VerifyNobody(t.Context(), plain) })
		for name, hash := range map[string]string{
			"md5":          "md5$salt$" + strings.Repeat("0", 32),
			"sha1":         "sha1$salt$" + strings.Repeat("0", 40),
			"PBKDF2":       "pbkdf2_sha256$1$salt$" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
			"ours, before": before,
		} {
			if !password.Usable(hash) {
				t.Fatalf("%s: nothing can match %s", name, hash)
			}
			somebody := work(func() error {
				r, err := h.Verify(t.Context(), hash, plain)
				if r.Match {
					t.Errorf("%s matches", name)
				}
				return err
			})
			if ratio := float64(somebody) / float64(nobody); ratio < 0.7 || ratio > 1.4 {
				t.Errorf("%s, %q: %d bytes, and %d for nobody", name, plain, somebody, nobody)
			}
		}
	}
}

// allocated is how much memory the process has had from the heap until now.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestRightPasswordOfAFastHash is a match, in the form that Django hashed.
func TestRightPasswordOfAFastHash(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	for plain, hash := range map[string]string{"abc": "10374787ed585803bc4cdb63f92a545b", "\uff41bc": "069a52b29d6d42f14f077c74aaa12903"} {
		r, err := h.Verify(t.Context(), "md5$salt$"+hash, plain)
		if err != nil || !r.Match || !r.Outdated {
			t.Errorf("%q: %+v, %v", plain, r, err)
		}
	}
	if r, err := h.Verify(t.Context(), "md5$salt$10374787ed585803bc4cdb63f92a545b", "\uff41bc"); err != nil || r.Match {
		t.Errorf("another form: %+v, %v", r, err)
	}
}
