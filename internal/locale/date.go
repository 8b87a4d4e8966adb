package locale

import (
	"strconv"
	"strings"
	"time"
)

// Day is a date in words, by the clock that t has: "25 novembre 2026". Arabic
// months have the names of Morocco (CLDR's ar-MA). It stays on one line, and so
// does the time with the word before it: their spaces are U+00A0.
func Day(lang string, t time.Time) string {
	months := strings.Fields(Text(lang, "date.months", nil))
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		day = Text(lang, "date.first", nil)
	}
	return Text(lang, "date.day", Args{"day": day, "month": months[t.Month()-1], "year": t.Year()})
}

// Moment is a date and the time of day in words: "25 novembre 2026 à 16:16".
func Moment(lang string, t time.Time) string {
	return Text(lang, "date.moment", Args{"day": Day(lang, t), "time": t.Format("15:04")})
}
