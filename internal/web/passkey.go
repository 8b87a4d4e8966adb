package web

import _ "embed"

// PasskeyScript is the script of pages with a passkey's form, for browsers have
// no other way to an authenticator: those of the customers, and the staff's. It
// fills in and sends the form with data-passkey, whose first request has the
// field "begin".
//
//go:embed passkey.js
var PasskeyScript []byte

// PasskeyAnswer is what the script gets: what to ask, where to go first, or why
// not.
type PasskeyAnswer struct {
	Ceremony string `json:"ceremony,omitempty"`
	Options  any    `json:"options,omitempty"`
	Location string `json:"location,omitempty"`
	Detail   string `json:"detail,omitempty"`
}
