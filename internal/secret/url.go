package secret

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// errURL says how a URL with a password is written. It quotes nothing.
var errURL = errors.New("cannot be read without guessing where its password ends: in a user or password write " +
	"@ / ? # % : and a blank as %40 %2F %3F %23 %25 %3A and %20, and letters beyond ASCII percent-encoded, too; " +
	"nowhere else may there be a bare @, # or blank")

// CheckURL refuses the URL of a server where a part of its user or password
// could be taken for something else, which would then be looked up, and
// logged. The error quotes nothing.
func CheckURL(text string) error {
	authority, after, ok := splitURL(text)
	if !ok || strings.ContainsAny(after, "@#") || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return errURL
	}
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		if _, err := url.Parse("x://" + authority[:at] + "@host"); err != nil {
			return errURL
		}
	}
	return nil
}

// CheckPostgresURL is CheckURL for PostgreSQL, whose libraries end a password
// at the first @ and not, as others do, at the last.
func CheckPostgresURL(text string) error {
	if strings.Count(text, "@") > 1 {
		return errURL
	}
	return CheckURL(text)
}

// splitURL returns what a URL says of user and host, and what comes after.
func splitURL(text string) (authority, after string, ok bool) {
	scheme, rest, ok := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return rest[:end], rest[end:], ok && scheme != ""
}

// Redact takes the user and the passwords of a URL out of an error's text.
// The error is otherwise the same: [errors.Is] and [errors.As] find what it
// wraps.
func Redact(err error, text string) error {
	if err == nil {
		return nil
	}
	said := err.Error()
	users, passwords := secretParts(text)
	for _, password := range passwords {
		if len(password) >= longPassword {
			said = strings.ReplaceAll(said, password, redacted)
		}
		said = replaceWord(said, password)
	}
	for _, user := range users {
		said = replaceWord(said, user)
	}
	if said == err.Error() {
		return err
	}
	return &redactedError{said, err}
}

// longPassword is how long a password is that no other word has in it by
// chance.
const longPassword = 5

type redactedError struct {
	text string
	err  error
}

// Error is the text without what is secret.
func (e *redactedError) Error() string { return e.text }

// Unwrap returns the whole error, for those who look at its kind.
func (e *redactedError) Unwrap() error { return e.err }

// secretParts are the users and passwords of a URL, as they are written and
// as they are meant. A user who is called like the database is none: its name
// is no secret.
func secretParts(text string) (users, passwords []string) {
	authority, after, _ := splitURL(text)
	path, query, _ := strings.Cut(strings.TrimPrefix(after, "/"), "?")
	add := func(parts []string, written string) []string {
		meant, _ := url.PathUnescape(written)
		for _, part := range []string{written, meant} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		return parts
	}
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		user, password, _ := strings.Cut(authority[:at], ":")
		users, passwords = add(users, user), add(passwords, password)
	}
	for pair := range strings.SplitSeq(query, "&") {
		switch name, value, _ := strings.Cut(pair, "="); name {
		case "user":
			users = add(users, value)
		case "password", "sslpassword":
			passwords = add(passwords, value)
		}
	}
	return slices.DeleteFunc(users, func(user string) bool { return user == path }), passwords
}

// replaceWord replaces a part where it stands by itself.
func replaceWord(text, part string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, part)
		if !found {
			return out.String() + text
		}
		out.WriteString(before)
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		if inWord(last) || inWord(next) {
			out.WriteString(part)
		} else {
			out.WriteString(redacted)
		}
		text = after
	}
}

func inWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
