//go:build linux

package main

import (
	"math"
	"slices"
)

// spread is what a series of rounds is reduced to. A median of few rounds hides how far
// they lie apart, so the extremes always travel with it.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf returns NaNs when values is empty.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// ratios divides pair by pair: what disturbs the machine for some seconds disturbs both
// halves of a pair, and drops out of their ratio but not out of a ratio of two medians.
func ratios(measured, baseline []float64) []float64 {
	if len(measured) != len(baseline) {
		panic("bench: rounds without a partner")
	}
	quotients := make([]float64, len(measured))
	for i := range measured {
		quotients[i] = measured[i] / baseline[i]
	}
	return quotients
}

// perRound picks one number out of every round.
func perRound(rounds []sample, pick func(sample) float64) []float64 {
	values := make([]float64, len(rounds))
	for i, s := range rounds {
		values[i] = pick(s)
	}
	return values
}
