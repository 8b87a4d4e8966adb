package console

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

// Say is a text of the catalogue in the page's language; pairs are names and
// values of its placeholders. The number "n" chooses the plural, and is written
// with its groups where the text has {count}.
func (v *view) Say(key string, pairs ...any) string {
	args := locale.Args{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		value := pairs[i+1]
		if name == "n" {
			n := whole(value)
			args["n"], args["count"] = n, v.Number(n)
			continue
		}
		args[name] = value
	}
	return locale.Text(v.Language, key, args)
}

func whole(value any) int {
	switch n := value.(type) {
	case int:
		return n
	case int64:
		return int(n)
	}
	return 0
}

// Number writes a number with the language's groups. Digits are Western in
// all three: CLDR has latn for ar-MA.
func (v *view) Number(value any) string {
	group := "\u202f"
	if v.Language == "en" {
		group = ","
	}
	digits := strconv.Itoa(whole(value))
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if len(digits) <= 3 {
		return sign + digits
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// shopTime is a time by the shop's clock, whose changes of the hour are in the
// zone's rules.
func (v *view) shopTime(t time.Time) time.Time { return v.shop.In(t) }

// Day is a date with the month's short name: "25 nov. 2026".
func (v *view) Day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = v.shopTime(t)
	months := strings.Fields(v.Say("console.date.months"))
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		day = v.Say("date.first")
	}
	return v.Say("console.date.day", "day", day, "month", months[t.Month()-1], "year", strconv.Itoa(t.Year()))
}

// Moment is a date and the time of day: "25 nov. 2026, 14:32".
func (v *view) Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return v.Say("console.date.moment", "day", v.Day(t), "time", v.Clock(t))
}

// Clock is the time of day.
func (v *view) Clock(t time.Time) string { return v.shopTime(t).Format("15:04") }

// Ago says how long ago something was that was today, in words, and else when
// it was: yesterday with the time, before that the day.
func (v *view) Ago(t time.Time) string {
	if t.IsZero() {
		return v.Say("console.date.never")
	}
	since := v.now.Sub(t)
	switch days := v.daysAgo(t); {
	case since < 0:
		return v.Moment(t)
	case since < time.Minute:
		return v.Say("console.date.now")
	case since < time.Hour:
		return v.Say("console.date.minutes", "n", int(since.Minutes()))
	case since < 24*time.Hour && days == 0:
		return v.Say("console.date.hours", "n", int(since.Hours()))
	case days == 1:
		return v.Say("console.date.yesterday", "time", v.Clock(t))
	}
	return v.Day(t)
}

// daysAgo counts midnights of the shop between a time and now.
func (v *view) daysAgo(t time.Time) int {
	a, b := v.shopTime(t), v.shopTime(v.now)
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(day(b).Sub(day(a)).Hours() / 24)
}

// Heading is a day above a list: today, yesterday, or its date.
func (v *view) Heading(t time.Time) string {
	switch v.daysAgo(t) {
	case 0:
		return v.Say("console.date.today_is", "day", v.Day(t))
	case 1:
		return v.Say("console.date.yesterday_is", "day", v.Day(t))
	}
	return v.Day(t)
}

// When is a time as people say it, with the exact one for who asks.
func (v *view) When(t time.Time) template.HTML {
	if t.IsZero() {
		return template.HTML(template.HTMLEscapeString(v.Say("console.date.never"))) //nolint:gosec // escaped
	}
	return v.timeElement(t, v.Ago(t))
}

// OnDay is a day, which stays on one line.
func (v *view) OnDay(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	return v.timeElement(t, v.Day(t))
}

// At is the exact time.
func (v *view) At(t time.Time) template.HTML {
	if t.IsZero() {
		return template.HTML(template.HTMLEscapeString(v.Say("console.date.never"))) //nolint:gosec // escaped
	}
	return v.timeElement(t, v.Moment(t))
}

func (v *view) timeElement(t time.Time, text string) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, //nolint:gosec // escaped
		t.UTC().Format(time.RFC3339), template.HTMLEscapeString(v.Moment(t)), template.HTMLEscapeString(text)))
}

// Name is what a user is called: by name, else username, else address.
func Name(u account.User) string {
	for _, name := range []string{strings.TrimSpace(u.FirstName + " " + u.LastName), u.Username, u.Email} {
		if name != "" {
			return name
		}
	}
	return "#" + strconv.FormatInt(u.ID, 10)
}

// How many letters of a text lists have: of a name more than the two lines that
// the style shows of it, which stands whole on the client's page; of a reason
// what is read in passing, which stands whole on the event's.
const (
	briefName   = 120
	briefReason = 280
)

// Brief is Name for a list.
func Brief(u account.User) string { return beginning(Name(u), briefName) }

// beginning is a text, or as much of it as fits into so many letters.
func beginning(text string, most int) string {
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	end := most - 1
	for end > 0 && (unicode.In(letters[end], unicode.M, unicode.Sk) || letters[end] == '\u200d' || letters[end-1] == '\u200d') { // no letter without its marks
		end--
	}
	return string(letters[:end]) + "…"
}

// Somebody writes what people chose: in its own direction, apart from what
// stands beside it, with marks that would turn others around made visible.
func Somebody(text string) template.HTML {
	return template.HTML(`<bdi dir="auto">` + visible(text) + `</bdi>`) //nolint:gosec // escaped
}

// letters is what people chose, for an element of ours that has dir="auto" itself:
// one that is cut off has its "…" where its own lines end.
func letters(text string) template.HTML {
	return template.HTML(visible(text)) //nolint:gosec // escaped
}

// quote is what somebody wrote, with its marks: they are on the sides that its own
// direction has, also where it goes over several lines of another one's.
func quote(text string) template.HTML {
	return template.HTML(`<q dir="auto">` + visible(text) + `</q>`) //nolint:gosec // escaped
}

// heading writes a title of ours, in which somebody's name may stand, between the
// marks of [isolated].
func heading(title string) template.HTML {
	before, name, after, found := cutName(title)
	if !found {
		return Somebody(title)
	}
	return template.HTML(visible(before)) + Somebody(name) + template.HTML(visible(after)) //nolint:gosec // escaped
}

// cutName cuts a title of ours where somebody's name stands in it.
func cutName(title string) (before, name, after string, found bool) {
	before, rest, found := strings.Cut(title, "\u2068")
	name, after, ends := strings.Cut(rest, "\u2069")
	return before, name, after, found && ends
}

// Code writes what is written from the left in every language: addresses,
// numbers, ids. A long one goes on in the next line behind an at sign or a dot.
func Code(text string) template.HTML {
	text = strings.NewReplacer("@", "@<wbr>", ".", ".<wbr>").Replace(visible(text))
	return template.HTML(`<bdi dir="ltr">` + text + `</bdi>`) //nolint:gosec // escaped
}

// IP writes an address of the network, which goes on in the next line only
// where a line has no room for it.
func IP(text string) template.HTML {
	return template.HTML(`<bdi class="whole" dir="ltr">` + visible(text) + `</bdi>`) //nolint:gosec // escaped
}

// visible escapes a text. Controls, and marks that turn the direction of what
// follows, are shown as their code points: a name must not be able to look
// like another, or to change how its neighbours are read.
func visible(text string) string {
	var b strings.Builder
	mixed := mixesScripts(text)
	for _, r := range text {
		if mixed && unicode.In(r, unicode.Cyrillic, unicode.Greek) {
			fmt.Fprintf(&b, `%c<span class="mark">U+%04X</span>`, r, r)
			continue
		}
		if isInvisible(r) {
			fmt.Fprintf(&b, `<span class="mark">U+%04X</span>`, r)
			continue
		}
		template.HTMLEscape(&b, []byte(string(r)))
	}
	return b.String()
}

// mixesScripts reports whether a text has Latin letters beside those that only
// look like them.
func mixesScripts(text string) bool {
	latin, other := false, false
	for _, r := range text {
		latin = latin || unicode.Is(unicode.Latin, r)
		other = other || unicode.In(r, unicode.Cyrillic, unicode.Greek)
	}
	return latin && other
}

// isInvisible reports whether a letter is not seen, or moves others. Joiners
// belong to Arabic and to emoji, line breaks to notes.
func isInvisible(r rune) bool {
	switch {
	case r == '\n' || r == '\u200c' || r == '\u200d':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x00ad, r == 0x061c, r == 0x115f, r == 0x1160, r == 0x3164, r == 0xfeff,
		r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe007f:
		return true
	}
	return false
}

// plain is a text for where there is no markup: a title, an attribute.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if isInvisible(r) {
			return '\ufffd'
		}
		return r
	}, text)
}

// named is somebody's name in a title: [heading] shows the marks in it, but for
// those that would end it there.
func named(name string) string {
	return "\u2068" + strings.NewReplacer("\u2068", "\ufffd", "\u2069", "\ufffd").Replace(name) + "\u2069"
}

// isolated is a text among words of another direction, where there is no
// markup (U+2068, U+2069).
func isolated(text string) string { return "\u2068" + plain(text) + "\u2069" }
