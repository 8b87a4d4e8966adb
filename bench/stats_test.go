//go:build linux

package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{7}, spread{7, 7, 7}},
		{[]float64{9, 1, 5}, spread{5, 1, 9}},
		{[]float64{4, 1, 3, 2}, spread{2.5, 1, 4}},
	} {
		if got := spreadOf(tt.values); got != tt.want {
			t.Errorf("spreadOf(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
	if got := spreadOf(nil); !math.IsNaN(got.Median) {
		t.Errorf("spreadOf(nil) = %v, want NaN", got)
	}
}

// A machine that is slow for one turn slows both sides of it: the ratio of medians would be 25/100.
func TestRatioIsFormedWithinATurn(t *testing.T) {
	t.Parallel()
	baseline, measured := []float64{100, 10, 100}, []float64{50, 5, 25}
	got := ratios(measured, baseline)
	if want := []float64{0.5, 0.5, 0.25}; !cmp.Equal(got, want) {
		t.Errorf("ratios = %v, want %v", got, want)
	}
	if got := spreadOf(got); got != (spread{0.5, 0.25, 0.5}) {
		t.Errorf("spread of ratios = %v", got)
	}
}

func TestRatioPerCPUSecondIgnoresWhatOthersTook(t *testing.T) {
	t.Parallel()
	free := sample{Rate: 1000, CPU: cpuUse{Server: 1}}
	disturbed := sample{Rate: 250, CPU: cpuUse{Server: 0.5}}
	r := ratioResult("me", sqlite, "ES256", []sample{free}, []sample{disturbed})
	if r.Figure.Median != 0.25 || r.PerCPU == nil || r.PerCPU.Median != 0.5 {
		t.Errorf("ratio %v, per CPU second %v, want 0.25 and 0.5", r.Figure, r.PerCPU)
	}
	silent := ratioResult("me", sqlite, "ES256", []sample{{Rate: 1}}, []sample{{Rate: 1}})
	if silent.PerCPU != nil {
		t.Errorf("without CPU figures: ratio per CPU second %v, want none", silent.PerCPU)
	}
}

func TestVerdictHoldsTheMark(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		op, engine, algorithm string
		value                 float64
		text, verdict         string
	}{
		{"me", sqlite, "ES256", 0.7, "≥ 0.7", "met"},
		{"me", sqlite, "ES256", 0.699, "≥ 0.7", "not met"},
		{"me", postgres, "ES256", 0.5, "≥ 0.5", "met"},
		{"me", sqlite, "HS256", 0.1, "–", "–"},
		{"refresh", sqlite, "HS256", 0.34, "≥ 0.35", "not met"},
		{"login", postgres, "ES256", 2.1, "≥ 2", "met"},
		{"flood", sqlite, "ES256", 5.1, "≤ 5", "not met"},
		{"flood-memory", sqlite, "ES256", 60, "≤ 60", "met"},
		{"memory", postgres, "ES256", 25, "≤ 25", "met"},
		{"register", sqlite, "HS256", 2.9, "≥ 3", "not met"},
	} {
		m := markOf(tt.op, tt.engine, tt.algorithm)
		if got := m.String(); got != tt.text {
			t.Errorf("mark of %s %s %s = %s, want %s", tt.op, tt.engine, tt.algorithm, got, tt.text)
		}
		if got := m.verdict(tt.value); got != tt.verdict {
			t.Errorf("%s %s %s of %v: %s, want %s", tt.op, tt.engine, tt.algorithm, tt.value, got, tt.verdict)
		}
	}
}

// TestChartShowsTheFigures: the committed picture is that of the committed figures.
func TestChartShowsTheFigures(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "figures.svg")
	if err := chart("results.json", out); err != nil {
		t.Fatal(err)
	}
	drawn, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../docs/images/figures.svg")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(drawn, committed) {
		t.Error("docs/images/figures.svg is not that of results.json: go run ./bench -chart docs/images/figures.svg")
	}
}
