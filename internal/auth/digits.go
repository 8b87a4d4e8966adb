package auth

import (
	"strings"
	"unicode"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/totp"
)

// readDigits reads a code of six digits as people type it: in any script, with
// blanks and hyphens between, and with the marks of direction that are copied
// along. What is no such code is an error, and no try.
func readDigits(errs account.Fields, f Field, in account.Input) string {
	f.Required = true
	text := f.read(errs, in)
	if len(errs[f.Name]) > 0 {
		return ""
	}
	code, ok := foldDigits(text)
	if !ok {
		errs.Add(f.Name, "factor_format", nil)
	}
	return code
}

func foldDigits(text string) (code string, ok bool) {
	var b strings.Builder
	for _, c := range text {
		switch {
		case unicode.Is(unicode.Nd, c):
			b.WriteByte('0' + digitValue(c))
		case unicode.IsSpace(c), unicode.Is(unicode.Pd, c), unicode.Is(unicode.Cf, c):
		default:
			return "", false
		}
	}
	return b.String(), b.Len() == totp.Digits
}

// digitValue is the value of a decimal digit. Unicode has those of a script
// one after another from zero on, so each of its ranges begins with a zero.
func digitValue(c rune) byte {
	for _, r := range unicode.Nd.R16 {
		if rune(r.Lo) <= c && c <= rune(r.Hi) {
			return byte((c - rune(r.Lo)) % 10) //nolint:gosec // below ten
		}
	}
	for _, r := range unicode.Nd.R32 {
		if rune(r.Lo) <= c && c <= rune(r.Hi) { //nolint:gosec // Unicode ends far below
			return byte((c - rune(r.Lo)) % 10) //nolint:gosec // as above
		}
	}
	return 0
}
