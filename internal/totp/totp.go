// Package totp computes and checks the codes of authenticator apps (RFC 6238):
// SHA-1, six digits, a step of 30 seconds, which are what every app can do
// whatever the address of a secret asks for.
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238; what HMAC needs of a hash, SHA-1 has
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// The form of codes and secrets.
const (
	Digits     = 6
	Step       = 30 * time.Second
	SecretSize = sha1.Size // bytes (RFC 4226, section 4, R6)
)

// tolerance is how many steps a phone's clock may be off, either way
// (RFC 6238, section 5.2).
const tolerance = 1

// maxDrift is how many steps off a code is still known as one, to tell
// somebody who sets their app up what is wrong.
const maxDrift = 20

// NewSecret makes a secret.
func NewSecret() []byte {
	b := make([]byte, SecretSize)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// StepAt is the number of the step of a time.
func StepAt(now time.Time) int64 { return now.Unix() / int64(Step/time.Second) }

// Code is the code of a step: RFC 4226, section 5.3.
func Code(secret []byte, step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step)) //nolint:gosec // bits
	mac := hmac.New(sha1.New, secret)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	n := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", Digits, n%1_000_000)
}

// Match returns the step whose code this is, if a phone may show it now. It
// takes the same time whichever that is.
func Match(secret []byte, code string, now time.Time) (step int64, ok bool) {
	return match(secret, code, StepAt(now), tolerance)
}

// Drift reports whether a code is right for a clock that is off by more than
// [Match] allows, and by how much: negative if it is behind.
func Drift(secret []byte, code string, now time.Time) (off time.Duration, found bool) {
	step, found := match(secret, code, StepAt(now), maxDrift)
	return time.Duration(step-StepAt(now)) * Step, found
}

func match(secret []byte, code string, around, off int64) (step int64, ok bool) {
	for i := around - off; i <= around+off; i++ {
		if subtle.ConstantTimeCompare([]byte(Code(secret, i)), []byte(code)) == 1 {
			step, ok = i, true
		}
	}
	return step, ok
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Text is a secret as people type it, in base32.
func Text(secret []byte) string { return encoding.EncodeToString(secret) }

// How many letters of a name a URI has: its picture must stay readable on a
// small screen.
const (
	maxIssuer  = 30
	maxAccount = 60
)

// URI is the address of a secret that authenticator apps read (Key URI
// Format). Neither name keeps a colon, which parts them.
func URI(secret []byte, issuer, name string) string {
	issuer, name = label(issuer, maxIssuer), label(name, maxAccount)
	// Blanks are %20: some apps show a plus as it is.
	return "otpauth://totp/" + escape(issuer) + ":" + escape(name) + "?secret=" + Text(secret) + "&issuer=" + escape(issuer)
}

func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func label(text string, most int) string {
	text = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(text, ""), ":", " "))
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:most-1])) + "…"
}
