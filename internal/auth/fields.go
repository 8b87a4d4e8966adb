package auth

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/password"
)

// Field is a field of a request: what its flow checks, and what a document says
// of it. Each flow has a list of its own, as [LoginFields].
type Field struct {
	Name     string
	Min      int      // characters, of what is not blank; zero: no bound
	Max      int      // characters; zero: no bound of its own
	Required bool     // neither missing nor blank; null is never good
	Format   string   // of OpenAPI: "email", "password"; empty: any text. "day" is one, or a moment. No text is a "boolean", an "integer", an "object", a list of "integers"
	Choices  []string // what it may be; nil: anything

	tooLong string // the key of the message; empty: that of every field
	check   func(f Field, errs account.Fields, in account.Input) string
}

// Read applies the field's rules to what came in and returns the text, for
// flows of other packages.
func (f Field) Read(errs account.Fields, in account.Input) string { return f.read(errs, in) }

// ReadBoolean is Read of a field that is true or false.
func (f Field) ReadBoolean(errs account.Fields, in account.Input) bool {
	return f.readBoolean(errs, in)
}

// read applies the field's rules to what came in and returns the text.
func (f Field) read(errs account.Fields, in account.Input) string {
	if f.check != nil {
		return f.check(f, errs, in)
	}
	return f.text(errs, in)
}

// readGiven is read of a field that may be left out, also where it is required
// otherwise.
func (f Field) readGiven(errs account.Fields, in account.Input) string {
	if in.State == account.Missing {
		return ""
	}
	return f.read(errs, in)
}

// text is read by the rules that every text has.
func (f Field) text(errs account.Fields, in account.Input, rules ...rule) string {
	if f.Max > 0 {
		rules = append(rules, f.bound)
	}
	if f.Choices != nil {
		rules = append(rules, f.oneOf)
	}
	return checkText(errs, f.Name, in, f.Required, rules...)
}

// object returns the JSON of an object that came in, or of a text that begins
// as one: a form has only texts.
func (f Field) object(errs account.Fields, in account.Input) string {
	switch {
	case in.State == account.NotText && strings.HasPrefix(in.JSON, "{"):
		return in.JSON
	case in.State == account.NotText, in.State == account.Given && !strings.HasPrefix(in.Text, "{"):
		errs.Add(f.Name, "field.object", nil)
		return ""
	}
	f.Required = true
	return f.text(errs, in)
}

func (f Field) bound(errs account.Fields, field, text string) {
	key := f.tooLong
	if key == "" {
		key = "field.max_length"
	}
	atMost(f.Max, key)(errs, field, text)
}

func (f Field) oneOf(errs account.Fields, field, text string) {
	if !slices.Contains(f.Choices, text) {
		errs.Add(field, "field.choice", nil)
	}
}

// The longest values, in characters: Django's columns. What is longer than
// [password.MaxLength] is no password but a way to keep the server busy; what
// else a new one must be, checkPolicy says.
var (
	usernameField  = Field{Name: "username", Max: 150, Required: true, check: checkUsername}
	passwordField  = Field{Name: "password", Max: password.MaxLength, Required: true, Format: "password", tooLong: "password_too_long"}
	emailField     = Field{Name: "email", Max: 254, Required: true, Format: "email", check: checkEmail}
	firstNameField = Field{Name: "first_name", Max: 150}
	lastNameField  = Field{Name: "last_name", Max: 150}
	tokenField     = Field{Name: "token", Required: true}
	refreshField   = Field{Name: "refresh", Required: true}
)

// named is the same field by another name.
func (f Field) named(name string) Field {
	f.Name = name
	return f
}

// required is the same field where it must be there.
func (f Field) required() Field {
	f.Required = true
	return f
}

// optional is the same field where it may be missing or blank.
func (f Field) optional() Field {
	f.Required = false
	return f
}

// checkText applies the rules that every text has and returns it. Messages
// come in the order of Django REST Framework's validators.
func checkText(errs account.Fields, field string, in account.Input, required bool, rules ...rule) string {
	switch {
	case in.State == account.Missing:
		if required {
			errs.Add(field, "field.required", nil)
		}
		return ""
	case in.State == account.Null:
		errs.Add(field, "field.null", nil)
		return ""
	case in.State == account.NotText:
		errs.Add(field, "field.invalid", nil)
		return ""
	case in.Text == "":
		if required {
			errs.Add(field, "field.blank", nil)
		}
		return ""
	}
	for _, check := range rules {
		check(errs, field, in.Text)
	}
	// NUL ends a text in PostgreSQL; half a surrogate pair is no character.
	if strings.ContainsRune(in.Text, 0) {
		errs.Add(field, "field.null_characters", nil)
	}
	if point, found := surrogate(in.Text); found {
		errs.Add(field, "field.surrogates", account.Args{"code_point": fmt.Sprintf("%X", point)})
	}
	return in.Text
}

// readBoolean reads true or false, as JSON has them or as forms write them
// (Django REST Framework's BooleanField). What is missing is false.
func (f Field) readBoolean(errs account.Fields, in account.Input) bool {
	switch in.State {
	case account.Missing:
		if f.Required {
			errs.Add(f.Name, "field.required", nil)
		}
		return false
	case account.Null:
		errs.Add(f.Name, "field.null", nil)
		return false
	}
	switch strings.ToLower(in.Text) {
	case "true", "t", "yes", "y", "on", "1":
		return true
	case "false", "f", "no", "n", "off", "0", "":
		if in.State == account.Given || in.Text != "" {
			return false
		}
	}
	errs.Add(f.Name, "field.boolean", nil)
	return false
}

type rule func(errs account.Fields, field, text string)

func atMost(length int, key string) rule {
	return func(errs account.Fields, field, text string) {
		if utf8.RuneCountInString(text) > length {
			errs.Add(field, key, account.Args{"max": length})
		}
	}
}

// surrogate returns the first lone surrogate, which JSON can escape. In WTF-8
// it begins with bytes that UTF-8 does not have.
func surrogate(text string) (rune, bool) {
	for i := range len(text) - 2 {
		if text[i] == 0xED && text[i+1] >= 0xA0 {
			return 0xD000 | rune(text[i+1]&0x3F)<<6 | rune(text[i+2]&0x3F), true
		}
	}
	return 0, false
}

// checkUsername returns a username in the form in which it is stored, NFKC.
// Both forms must be a username: "admin⑴" becomes "admin(1)", and one letter
// may become eighteen.
func checkUsername(f Field, errs account.Fields, in account.Input) string {
	text := f.text(errs, in, usernameCharacters)
	name := account.NormalizeUsername(text)
	if name == text || len(errs[f.Name]) > 0 {
		return name
	}
	usernameCharacters(errs, f.Name, name)
	f.bound(errs, f.Name, name)
	return name
}

// usernameCharacters is Django's UnicodeUsernameValidator: letters and
// numbers of any script, and @ . + - _.
func usernameCharacters(errs account.Fields, field, text string) {
	for _, c := range text {
		if !unicode.IsLetter(c) && !unicode.IsNumber(c) && !strings.ContainsRune("@.+-_", c) {
			errs.Add(field, "username.invalid", nil)
			return
		}
	}
}

// checkEmail judges an address as it was typed and as it is stored, whose
// letters may be more.
func checkEmail(f Field, errs account.Fields, in account.Input) string {
	if in.State == account.NotText {
		errs.Add(f.Name, "email.invalid", nil)
		return ""
	}
	text := f.text(errs, in)
	stored := account.NormalizeEmail(text)
	if len(errs[f.Name]) == 0 {
		f.bound(errs, f.Name, stored)
	}
	if text != "" && (!validEmail(text) || !validEmail(stored)) {
		errs.Add(f.Name, "email.invalid", nil)
	}
	return text
}

// The two forms of the part before the @ (Django's EmailValidator; RFC 5322
// dot-atom and quoted-string). The dotless and dotted letters are what
// Python's case folding takes for an I.
var (
	emailAtom   = regexp.MustCompile("(?i)^[-!#$%&'*+/=?^_`{}|~0-9A-Zıİ]+(\\.[-!#$%&'*+/=?^_`{}|~0-9A-Zıİ]+)*$")
	emailQuoted = regexp.MustCompile(`^"([\x01-\x08\x0b\x0c\x0e-\x1f!#-\[\]-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*"$`)
	emailDomain = regexp.MustCompile(`(?i)^([A-Z0-9]([A-Z0-9-]{0,61}[A-Z0-9])?\.)+[A-Z0-9-]{1,62}[A-Z0-9]$`)
	emailIP     = regexp.MustCompile(`(?i)^\[([A-F0-9:.]+)\]$`)
)

// maxEmailForm is the longest address of RFC 3696, in characters. Matching a
// longer one would only cost time.
const maxEmailForm = 320

// validEmail is Django's EmailValidator, without the control characters that
// it allows between quotation marks: an address is shown on terminals, and
// none of these was ever a mailbox.
func validEmail(email string) bool {
	at := strings.LastIndexByte(email, '@')
	if at < 0 || account.HasControls(email) || !utf8.ValidString(email) || utf8.RuneCountInString(email) > maxEmailForm {
		return false
	}
	local, domain := email[:at], email[at+1:]
	if !emailAtom.MatchString(local) && !emailQuoted.MatchString(local) {
		return false
	}
	if domain == "localhost" || validDomain(domain) {
		return true
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	return err == nil && validDomain(ascii)
}

func validDomain(domain string) bool {
	if emailDomain.MatchString(domain) {
		return true
	}
	m := emailIP.FindStringSubmatch(domain)
	if m == nil {
		return false
	}
	_, err := netip.ParseAddr(m[1])
	return err == nil
}

// CheckEmail returns an address, which must be one, in the form in which it is
// stored. The error is about the field "email".
func CheckEmail(text string) (string, error) {
	errs := account.Fields{}
	email := account.NormalizeEmail(emailField.read(errs, account.TextInput(text)))
	return email, errs.Err()
}
