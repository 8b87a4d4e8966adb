//go:build linux

package main

import "fmt"

// mark is what a figure has to reach. The zero value asks for nothing.
type mark struct {
	AtLeast float64 `json:"at_least,omitempty"`
	AtMost  float64 `json:"at_most,omitempty"`
}

// marks by operation, engine and algorithm; those missing are shown for comparison only.
var marks = map[[3]string]mark{
	{"me", sqlite, "ES256"}:       {AtLeast: 0.70},
	{"me", postgres, "ES256"}:     {AtLeast: 0.50},
	{"refresh", sqlite, "HS256"}:  {AtLeast: 0.35},
	{"refresh", sqlite, "ES256"}:  {AtLeast: 0.30},
	{"login", sqlite, "ES256"}:    {AtLeast: 2.2},
	{"login", postgres, "ES256"}:  {AtLeast: 2.0},
	{"flood", sqlite, "ES256"}:    {AtMost: 5},
	{"flood", postgres, "ES256"}:  {AtMost: 8},
	{"register", sqlite, "HS256"}: {AtLeast: 3},
}

// marksOfBoth are those that hold for both engines.
var marksOfBoth = map[string]mark{
	"flood-memory": {AtMost: 60},
	"memory":       {AtMost: 25},
	"start":        {AtMost: 50},

	"staff":    {AtMost: 50},
	"staff-me": {AtMost: 1.2},

	"scale-me":       {AtLeast: 0.90},
	"scale-refresh":  {AtLeast: 0.90},
	"scale-sessions": {AtLeast: 0.90},
	"scale-login":    {AtLeast: 0.90},
	"scale-sweep":    {AtLeast: 0.90},
}

func markOf(op, engine, algorithm string) mark {
	if m, found := marks[[3]string{op, engine, algorithm}]; found {
		return m
	}
	return marksOfBoth[op]
}

func (m mark) met(value float64) bool {
	return (m.AtLeast == 0 || value >= m.AtLeast) && (m.AtMost == 0 || value <= m.AtMost)
}

func (m mark) String() string {
	switch {
	case m.AtLeast != 0:
		return fmt.Sprintf("≥ %.4g", m.AtLeast)
	case m.AtMost != 0:
		return fmt.Sprintf("≤ %.4g", m.AtMost)
	}
	return "–"
}

func (m mark) verdict(value float64) string {
	switch {
	case m == mark{}:
		return "–"
	case m.met(value):
		return "met"
	}
	return "not met"
}
