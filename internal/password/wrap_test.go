package password_test

import (
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/password"
)

func TestWeakHashesAreWrapped(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	wrapped := 0
	for _, row := range hashesOfDjango(t) {
		got, err := h.WrapWeak(t.Context(), row.Hash)
		if row.Kind != "md5" && row.Kind != "sha1" {
			if err == nil {
				t.Errorf("%s became %s", row.Hash, got)
			}
			continue
		}
		wrapped++
		parts := strings.Split(row.Hash, "$")
		if err != nil || !strings.HasPrefix(got, "wrapped$"+parts[0]+"$"+parts[1]+"$argon2id$v=19$m=64,t=1,p=1$") || strings.Contains(got, parts[2]) {
			t.Errorf("%s became %s, %v", row.Hash, got, err)
		}
		if name, weak := password.Format(got); name != "wrapped" || weak || !password.Usable(got) {
			t.Errorf("%s is %s, weak %t", got, name, weak)
		}
		for plain, match := range row.Answers {
			want := password.Result{Match: match, Outdated: match}
			if r, err := h.Verify(t.Context(), got, plain); err != nil || r != want {
				t.Errorf("%s, %q: got %+v, %v; want %+v", got, plain, r, err, want)
			}
		}
		if r, err := h.Verify(t.Context(), got, parts[2]); err != nil || r.Match {
			t.Errorf("%s matches the digest itself", got)
		}
		if _, err := h.WrapWeak(t.Context(), got); err == nil {
			t.Errorf("%s was wrapped again", got)
		}
	}
	if wrapped < 10 {
		t.Errorf("%d weak hashes, want more", wrapped)
	}
}

func TestWayBackToDjango(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	for _, row := range hashesOfDjango(t) {
		if got := password.ToDjango(row.Hash); got != row.Hash {
			t.Errorf("%s became %s", row.Hash, got)
		}
		if ours, ok := strings.CutPrefix(row.Hash, "argon2$argon2id$"); ok {
			if got := password.ToDjango("$argon2id$" + ours); got != row.Hash {
				t.Errorf("ours became %s, want %s", got, row.Hash)
			}
		}
		if wrapped, err := h.WrapWeak(t.Context(), row.Hash); err == nil && password.ToDjango(wrapped) != wrapped {
			t.Errorf("%s became %s", wrapped, password.ToDjango(wrapped))
		}
	}
	for hash, want := range map[string]string{"": "", "!": "!", "gone": "gone"} {
		if got := password.ToDjango(hash); got != want {
			t.Errorf("%q became %q", hash, got)
		}
	}
	for _, hash := range []string{"$argon2id$v=19$", "$argon2i$v=19$m=64,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2hpamtsbW5vcA"} {
		if got := password.ToDjango(hash); len(got) != 41 || password.Usable(got) {
			t.Errorf("%q became %q", hash, got)
		}
	}
}
