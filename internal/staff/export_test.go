package staff

import "testing"

// TestNoCellIsAFormula, wherever a spreadsheet of another country parts cells.
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                     "",
		"Amina":                "Amina",
		"Fatima-Zahra":         "Fatima-Zahra",
		"N'Diaye, Amina":       "N'Diaye, Amina",
		"a+b@example.ma":       "a+b@example.ma",
		"=1+1":                 "'=1+1",
		"+1":                   "'+1",
		"-1":                   "'-1",
		"@SUM":                 "'@SUM",
		"＝1":                   "'＝1",
		"\t=1":                 "'\t'=1",
		"\n":                   "'\n",
		"x,=1+1":               "x,'=1+1",
		"x;+1":                 "x;'+1",
		"x\t@SUM":              "x\t'@SUM",
		"x\r\n=1":              "x\r\n'=1",
		`x,"=1+1"`:             `x,"'=1+1"`,
		`x,"" =HYPERLINK("a")`: `x,"" '=HYPERLINK("a")`,
		"x|＠SUM":               "x|'＠SUM",
		",=1,=2,-3":            ",'=1,'=2,'-3",
		"x, y=1, z":            "x, y=1, z",
		"أمينة, =1":            "أمينة, '=1",
		"=":                    "'=",
	} {
		if got := cell(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
