package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

// names puts the names that a mail may have into args, and returns the key of
// its greeting.
//
// Anybody can open an account with anybody's address, and choose a name that
// mail programs make a link of: "www.evil.example", or a first name "Win 1000
// DH: evil.example". Sent by us, it would be an invitation from us. So where
// the account has not shown that it reads the mailbox, nobody is greeted by
// name, and the username, which tells people which account is meant, is
// broken up. This holds for every kind of mail.
func names(m account.Mail, args locale.Args) (greeting string) {
	d := m.Details
	username, old := d.Username, d.OldUsername
	if !ownerReads(m) {
		username, old = breakAutolinks(username), breakAutolinks(old)
	}
	if m.Kind == account.MailUsernameChanged {
		username = breakAutolinks(username) // just chosen, perhaps by somebody who should not have been there
	}
	args["username"], args["old_username"] = username, old
	args["email"] = breakAutolinks(d.Email) // chosen by whoever made the change
	name := ""
	if ownerReads(m) {
		name = addressed(d.FirstName, d.Username)
	}
	if name == "" {
		return "mail.greeting_nameless"
	}
	args["name"] = name
	return "mail.greeting"
}

// ownerReads says that the account has shown that it reads the mailbox, and does
// still: an address that it uses no more may be a stranger's.
func ownerReads(m account.Mail) bool {
	return m.Details.Verified && m.Kind != account.MailEmailRestored
}

// breakAutolinks keeps mail programs from making a link of a name. A space
// without width after each dot and at sign is seen by nobody.
func breakAutolinks(name string) string {
	return strings.NewReplacer(".", ".\u200b", "@", "@\u200b", ":", ":\u200b", "/", "/\u200b").Replace(name)
}

// addressed is what people are called by: their first name, else a username
// that is a name. A telephone number or an address is none.
func addressed(firstName, username string) string {
	if firstName = strings.Join(strings.Fields(firstName), " "); isGivenName(firstName) {
		return firstName
	}
	if strings.Contains(username, "@") || !strings.ContainsFunc(username, unicode.IsLetter) {
		return ""
	}
	return breakAutolinks(username) // nobody copies a greeting into a form
}

// longestName is longer than people's first names, and shorter than messages.
const longestName = 40

// isGivenName is strict, because any text can be given as a first name:
// letters with their marks, spaces, hyphens and apostrophes.
func isGivenName(name string) bool {
	if name == "" || utf8.RuneCountInString(name) > longestName {
		return false
	}
	return !strings.ContainsFunc(name, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsMark(c) && !strings.ContainsRune(" -'’ʼ", c)
	})
}
