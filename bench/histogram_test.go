//go:build linux

package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantileIsNeverBelowTheTruthAndHardlyAbove(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var h histogram
	var all []time.Duration
	for range 20_000 {
		d := time.Duration(math.Exp(random.Float64() * 23)) // 1 ns to 10 s
		h.record(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[int(math.Ceil(q*float64(len(all))))-1]
		got := h.quantile(q)
		if got < want || float64(got) > float64(want)*(1+1.0/subBuckets)+1 {
			t.Errorf("quantile(%v) = %d, want %d or up to a %dth more", q, got, want, subBuckets)
		}
	}
}

func TestBucketsHaveNoGap(t *testing.T) {
	t.Parallel()
	for i := range 40 * subBuckets {
		top := bucketTop(i)
		if got := bucketOf(top); got != i {
			t.Fatalf("bucketOf(%d) = %d, want %d", top, got, i)
		}
		if got := bucketOf(top + 1); got != i+1 {
			t.Fatalf("bucketOf(%d) = %d, want %d", top+1, got, i+1)
		}
	}
	if got := bucketOf(math.MaxUint64); got >= len(histogram{}.counts) {
		t.Errorf("the largest value falls into bucket %d of %d", got, len(histogram{}.counts))
	}
}

func TestQuantileOfFewRecords(t *testing.T) {
	t.Parallel()
	var h histogram
	if got := h.quantile(0.99); got != 0 {
		t.Errorf("quantile of nothing = %v, want 0", got)
	}
	h.record(3 * time.Millisecond)
	for _, q := range []float64{0, 0.5, 1} {
		if got := h.quantile(q); got != 3*time.Millisecond {
			t.Errorf("quantile(%v) of a single record = %v, want 3ms", q, got)
		}
	}
}

func TestMergedHistogramsAreOne(t *testing.T) {
	t.Parallel()
	var one, other, both histogram
	for i := range 1000 {
		d := time.Duration(i) * time.Microsecond
		both.record(d)
		if i%3 == 0 {
			one.record(d)
		} else {
			other.record(d)
		}
	}
	one.merge(&other)
	if one != both {
		t.Error("merging two histograms differs from recording into one")
	}
}
