package account

import "time"

// MailedCode is a request for a code of six digits that is mailed. The code
// itself is kept nowhere: it follows from the row and from a key of the
// servers', so that the same one can be mailed again while it lives.
type MailedCode struct {
	Hash      string // SHA-256 of the code_id, which only the asker holds
	Purpose   CodePurpose
	UserID    int64  // zero: not known before the mail is sent, or nobody
	Email     string // as it was asked for, then where it was mailed to
	EmailKey  string // of the address that was asked for
	Asker     string // the session that asked; empty: whoever holds the code_id
	KnownTo   int64  // the user from whose known device or session it was asked for; zero: nobody's
	CreatedAt time.Time
	MailID    int64     // the first mail that has it; zero: there is none
	SentAt    time.Time // when that mail was made; zero: not yet, and no code is right
	ExpiresAt time.Time // zero: it was not sent. In the past also when another act made it worthless
	Tries     int       // wrong ones
	UsedAt    time.Time // zero: not yet
}

// Live reports whether the code could be right at the time now.
func (c MailedCode) Live(now time.Time) bool {
	return c.UserID != 0 && !c.SentAt.IsZero() && now.Before(c.ExpiresAt) && c.UsedAt.IsZero()
}

// Known reports whether the request came from a known device or a session of
// the user whom the code is for.
func (c MailedCode) Known() bool { return c.UserID != 0 && c.KnownTo == c.UserID }

// CodePurpose says what a code may be used for.
type CodePurpose string

// The purposes of codes.
const (
	CodeReset   CodePurpose = "reset"   // to choose another password
	CodeVerify  CodePurpose = "verify"  // to show that an address is one's own
	CodeLogin   CodePurpose = "login"   // to log in without a password
	CodeConfirm CodePurpose = "confirm" // to show again, in a session, that it is oneself
)

// CodePurposes are all there are.
func CodePurposes() []CodePurpose {
	return []CodePurpose{CodeReset, CodeVerify, CodeLogin, CodeConfirm}
}
