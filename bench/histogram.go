//go:build linux

package main

import (
	"math/bits"
	"time"
)

// Each power of two of nanoseconds is divided into subBuckets, so a quantile is at most 1/32 too high.
const (
	subBits    = 5
	subBuckets = 1 << subBits
)

// histogram counts durations in buckets that grow with the duration. The zero value is empty.
type histogram struct {
	counts [(64 - subBits + 1) * subBuckets]uint64
	total  uint64
	max    time.Duration
}

func (h *histogram) record(d time.Duration) {
	if d < 0 {
		d = 0
	}
	h.counts[bucketOf(uint64(d))]++
	h.total++
	h.max = max(h.max, d)
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// quantile returns a duration which at least the fraction q of all records did not exceed;
// zero when there are none. It errs upwards, never in favour of what is measured.
func (h *histogram) quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	// The smallest rank with rank/total >= q.
	rank := uint64(q * float64(h.total))
	if float64(rank) < q*float64(h.total) {
		rank++
	}
	rank = min(max(rank, 1), h.total)
	var seen uint64
	for i, n := range h.counts {
		seen += n
		if seen >= rank {
			return min(time.Duration(bucketTop(i)), h.max)
		}
	}
	return h.max
}

func bucketOf(ns uint64) int {
	if ns < subBuckets {
		return int(ns)
	}
	shift := bits.Len64(ns) - 1 - subBits
	return (shift+1)*subBuckets + int(ns>>shift) - subBuckets
}

// bucketTop is the largest value that bucketOf puts into bucket i.
func bucketTop(i int) uint64 {
	if i < subBuckets {
		return uint64(i)
	}
	shift := i/subBuckets - 1
	mantissa := uint64(i%subBuckets + subBuckets)
	return (mantissa+1)<<shift - 1
}
