package verify_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/verifytest"
)

// BenchmarkSeen is a token that was verified before.
func BenchmarkSeen(b *testing.B) {
	k := verifytest.NewKey(b, "k1", "ES256")
	v := newVerifier(b, &keyServer{answer: says(200, verifytest.KeySet(b, k))}, nil)
	token := k.Sign(b, verifytest.Claims(time.Now(), nil))
	for b.Loop() {
		if _, err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNew is a token that is seen for the first time.
func BenchmarkNew(b *testing.B) {
	for _, algorithm := range []string{"ES256", "EdDSA", "RS256"} {
		b.Run(algorithm, func(b *testing.B) {
			k := verifytest.NewKey(b, "k1", algorithm)
			v := newVerifier(b, &keyServer{answer: says(200, verifytest.KeySet(b, k))}, nil)
			// More than there is place for, so that none is remembered when its turn comes again.
			tokens := make([]string, 1<<15)
			at := time.Now()
			for i := range tokens {
				tokens[i] = k.Sign(b, verifytest.Claims(at, map[string]any{"jti": fmt.Sprint(i), "exp": at.Unix() + 3600 + int64(i)}))
			}
			i := 0
			for b.Loop() {
				if _, err := v.Verify(b.Context(), tokens[i%len(tokens)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

// TestMemoryIsBounded: 50,000 good tokens leave no more behind than the
// cache holds.
func TestMemoryIsBounded(t *testing.T) {
	k := verifytest.NewKey(t, "k1", "EdDSA") // which is quick
	v := newVerifier(t, &keyServer{answer: says(200, verifytest.KeySet(t, k))}, nil)
	at := time.Now()
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := used()
	for i := range 50_000 {
		expect(t, v, k.Sign(t, verifytest.Claims(at, map[string]any{"jti": fmt.Sprint(i)})), "good", "a token")
	}
	if after := used(); after > before+8<<20 {
		t.Errorf("%d MB", (after-before)>>20)
	}
	runtime.KeepAlive(v)
}
