package locale

// category is one of CLDR's plural categories.
type category int

const (
	other category = iota
	zero
	one
	two
	few
	many
)

var categories = [...]string{"other", "zero", "one", "two", "few", "many"}

// form is the plural form for the argument n. A text that counts nothing has
// only other.
func (m *message) form(lang string, args Args) template {
	if n, ok := count(args["n"]); ok {
		if t := m[categoryOf(lang, n)]; t != nil {
			return t
		}
	}
	return m[other]
}

func count(n any) (int64, bool) {
	switch n := n.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	default:
		return 0, false
	}
}

// categoryOf follows CLDR's rules for whole numbers.
func categoryOf(lang string, n int64) category {
	switch lang {
	case "ar":
		return arabic(n)
	case "fr":
		switch {
		case -1 <= n && n <= 1:
			return one
		case n%1_000_000 == 0:
			return many
		}
	default:
		if n == 1 || n == -1 {
			return one
		}
	}
	return other
}

func arabic(n int64) category {
	if -2 <= n && n <= 2 {
		return [...]category{two, one, zero, one, two}[n+2]
	}
	hundredth := n % 100
	if hundredth < 0 {
		hundredth = -hundredth
	}
	switch {
	case hundredth >= 11:
		return many
	case hundredth >= 3:
		return few
	default:
		return other
	}
}
