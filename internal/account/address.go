package account

import (
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// EmailKeyVersion is the version of the rule of [EmailKey]. A key that is
// stored has it beside it, so that rows of an earlier rule are found. Version
// 1 left the domain in the letters in which it was typed.
const EmailKeyVersion = 2

// EmailKey is the form in which addresses are compared: people do not mean
// two mailboxes by "Amina@…" and "amina@…", and browsers write the domain of
// an address in ASCII where phones do not (RFC 5891). It is computed here,
// not in SQL, because the engines disagree on what lower case is outside ASCII.
func EmailKey(email string) string {
	key := lowered(email)
	local, domain, ok := cutDomain(key)
	if !ok {
		return key
	}
	return local + "@" + ASCIIDomain(domain)
}

// EmailKeys are the keys under which an address may be stored: the present
// one first, then those of earlier rules, for rows that are not refilled yet.
func EmailKeys(email string) []string {
	keys := []string{EmailKey(email)}
	typed := lowered(email)
	local, domain, ok := cutDomain(typed)
	if !ok {
		return keys
	}
	for _, key := range []string{typed, local + "@" + unicodeDomain(domain)} {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// MailboxKey says which mailbox a mail to an address ends in, as far as
// that can be known: what stands after a "+" is a tag of its owner's
// (RFC 5233), Gmail does not look at dots, and quotation marks only allow other
// letters (RFC 5321, section 4.1.2). It is for quotas alone. Two addresses with
// one mailbox are still two addresses.
func MailboxKey(email string) string {
	local, domain, ok := cutDomain(EmailKey(email))
	if !ok {
		return local
	}
	local = unquoted(local)
	if tag := strings.IndexByte(local, '+'); tag > 0 {
		local = local[:tag]
	}
	if domain == "googlemail.com" {
		domain = "gmail.com"
	}
	if domain == "gmail.com" {
		local = strings.ReplaceAll(local, ".", "")
	}
	return local + "@" + domain
}

// unquoted is what stands before the @ without quotation marks, and without
// the backslashes that they allow before any letter.
func unquoted(local string) string {
	if len(local) < 2 || local[0] != '"' || local[len(local)-1] != '"' {
		return local
	}
	text := make([]byte, 0, len(local))
	for i := 1; i < len(local)-1; i++ {
		if local[i] == '\\' && i+1 < len(local)-1 {
			i++
		}
		text = append(text, local[i])
	}
	return string(text)
}

// ASCIIDomain writes a domain in the letters that every mail server
// understands, as it is looked up (RFC 5891). What is no domain name, such as
// an address in brackets, stays as it is.
func ASCIIDomain(domain string) string {
	if isASCII(domain) {
		return domain
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		return ascii
	}
	return domain
}

func unicodeDomain(domain string) string {
	if text, err := idna.Lookup.ToUnicode(domain); err == nil {
		return lowered(text)
	}
	return domain
}

func lowered(email string) string {
	return norm.NFC.String(lower.String(norm.NFC.String(email)))
}

func cutDomain(email string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return email, "", false
	}
	return email[:at], email[at+1:], true
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}
