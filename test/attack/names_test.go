package attack

import (
	"net/http"
	"strings"
	"testing"
)

var names = group{
	title: "Names and addresses that look alike",
	about: "The rule is Django's: usernames are compared after NFKC, with case. What NFKC makes one is one name and cannot be registered twice; a letter of another script that only looks the same is another name. " +
		"Neither ever opens the other's account.",
	on:       []string{"ES256"},
	rows:     nameRows,
	together: true,
}

func TestNamesThatLookAlike(t *testing.T) {
	t.Parallel()
	names.play(t, start(t, "ES256", ""), "ES256")
}

func nameRows() []row {
	var rows []row
	// Each stands for the letters "sofia-kim" with something in the place of one.
	for _, n := range [][2]string{
		{"Cyrillic а", "sofi\u0430-kim"}, {"Cyrillic о", "s\u043efia-kim"}, {"Cyrillic і", "sof\u0456a-kim"}, {"Cyrillic ѕ", "\u0455ofia-kim"}, {"Greek ο", "s\u03bffia-kim"}, {"Greek ι", "sof\u03b9a-kim"}, {"Greek κ", "sofia-\u03baim"},
		{"Armenian օ", "s\u0585fia-kim"}, {"dotless ı", "sof\u0131a-kim"}, {"small capital ᴋ", "sofia-\u1d0bim"}, {"Latin alpha ɑ", "sofi\u0251-kim"}, {"Cherokee", "sofia-\u13e6im"}, {"capital S", "Sofia-kim"}, {"all capitals", "SOFIA-KIM"}, {"accent á", "sofi\u00e1-kim"}, {"capital I", "sofIa-kim"}, {"dotted İ", "sof\u0130a-kim"}, {"rn for m", "sofia-kirn"}, {"zero for o", "s0fia-kim"},
	} {
		rows = append(rows, row{name: "another name: " + n[0], tries: "a name that looks like the victim's", holds: "it can be registered, and opens its own account only", play: func(t *testing.T, s *server) {
			suffix := s.newName()
			victim := s.register(t, "sofia-kim"+suffix, "")
			alike := s.register(t, n[1]+suffix, "")
			if alike.id == victim.id || alike.name == victim.name {
				t.Fatal("one account for two names")
			}
			wants(t, s.login(t, n[1]+suffix, victim.password), http.StatusUnauthorized)
			wants(t, s.login(t, victim.name, alike.password), http.StatusUnauthorized)
			a := s.login(t, n[1]+suffix, alike.password)
			wants(t, a, http.StatusOK)
			if got := s.me(t, a.field("access")).field("username"); got == victim.name {
				t.Error("the victim's account")
			}
		}})
	}
	for _, n := range [][2]string{
		{"full width", "\uff53ofia-kim"}, {"full width all", "ｓｏｆｉａ－ｋｉｍ"}, {"mathematical bold", "\U0001d42cofia-kim"}, {"mathematical script", "sofi\U0001d4b6-kim"}, {"ligature ﬁ", "so\ufb01a-kim"}, {"long ſ", "\u017fofia-kim"}, {"superscript ⁱ", "sof\u2071a-kim"}, {"superscript ª", "sofi\u00aa-kim"}, {"Roman numeral ⅰ", "sof\u2170a-kim"}, {"modifier ᵏ", "sofia-\u1d4fim"}, {"subscript ₖ", "sofia-\u2096im"},
	} {
		rows = append(rows, row{name: "the same name: " + n[0], tries: "another spelling of the victim's name, which NFKC makes the same", holds: "the name is taken, also for a change of the profile", play: func(t *testing.T, s *server) {
			suffix := s.newName()
			victim := s.register(t, "sofia-kim"+suffix, "")
			for _, again := range []answer{
				s.send(t, http.MethodPost, registerPath, fields{"username": n[1] + suffix, "password": "kV7#other-42lemon"}),
				s.as(t, s.newPerson(t), http.MethodPatch, mePath, fields{"username": n[1] + suffix}),
			} {
				if again.status != http.StatusBadRequest {
					t.Errorf("the name can be had twice: %s", again)
				}
			}
			wants(t, s.login(t, n[1]+suffix, "kV7#other-42lemon"), http.StatusUnauthorized)
			a := s.login(t, n[1]+suffix, victim.password) // it is theirs, however typed
			wants(t, a, http.StatusOK)
		}})
	}
	for _, n := range [][2]string{
		{"zero-width space", "sofia\u200b-kim"}, {"zero-width joiner", "sofia\u200d-kim"}, {"soft hyphen", "sofia\u00ad-kim"}, {"right-to-left override", "\u202emik-aifos"}, {"combining accent", "sofia\u0301-kim"}, {"BOM", "\ufeffsofia-kim"}, {"word joiner", "sofia\u2060-kim"}, {"non-breaking hyphen", "sofia\u2011kim"}, {"variation selector", "sofia\ufe0f-kim"}, {"tag letters", "sofia-kim\U000e0061"}, {"braille blank", "sofia\u2800-kim"}, {"emoji", "sofia😀-kim"}, {"NUL", "sofia-kim\x00"}, {"a space inside", "sofia -kim"}, {"a tab inside", "sofia\t-kim"},
	} {
		rows = append(rows, row{name: "no name: " + n[0], tries: "the victim's name with a character that is not seen, or no letter", holds: "400: no such name", play: func(t *testing.T, s *server) {
			a := s.send(t, http.MethodPost, registerPath, fields{"username": n[1] + s.newName(), "password": "kV7#other-42lemon"})
			wants(t, a, http.StatusBadRequest)
		}})
	}
	for _, n := range [][2]string{{"space", " "}, {"tab", "\t"}, {"line feed", "\n"}, {"no-break space", "\u00a0"}, {"ideographic space", "\u3000"}, {"unit separator", "\x1f"}} {
		rows = append(rows, row{name: "trimmed: " + n[0], tries: "the victim's name with a space of some kind before and behind", holds: "it is the victim's name, and taken", play: func(t *testing.T, s *server) {
			victim := s.newPerson(t)
			for _, name := range []string{n[1] + victim.name, victim.name + n[1], n[1] + victim.name + n[1]} {
				wants(t, s.send(t, http.MethodPost, registerPath, fields{"username": name, "password": "kV7#other-42lemon"}), http.StatusBadRequest)
			}
		}})
	}
	// Resets to an address that looks like the victim's (CVE-2019-19844).
	for _, n := range [][2]string{
		{"dotless ı", "v\u0131ctim"}, {"dotted İ", "V\u0130CTIM"}, {"Kelvin K in the domain", "victim@\u212austomers.example"}, {"full width", "ｖictim"}, {"capitals", "VICTIM"}, {"Cyrillic і", "v\u0456ctim"}, {"plus", "victim+x"}, {"quotes", "\"victim\""}, {"two addresses", "evil@evil.example,victim"}, {"two addresses, spaces", "evil@evil.example victim"}, {"CR LF", "evil@evil.example\r\nTo: victim"}, {"percent hack", "victim%evil.example"}, {"bang path", "evil.example!victim"}, {"comment", "(evil@evil.example)victim"}, {"name and address", "evil <evil@evil.example>, victim"},
	} {
		rows = append(rows, row{name: "reset by address: " + n[0], tries: "a reset for an address that nearly is the victim's, in whose place the mail might go elsewhere", holds: "400, or a mail to the victim's stored address, or none; never to the typed one", play: func(t *testing.T, s *server) {
			suffix := s.newName()
			domain := "customers.example"
			if strings.Contains(n[1], "@\u212a") {
				domain = "kustomers.example"
			}
			victim := s.register(t, s.newName(), "victim"+suffix+"@"+domain)
			typed := n[1] + suffix + "@" + domain
			if local, host, ok := strings.Cut(n[1], "@\u212a"); ok {
				typed = local + suffix + "@\u212a" + host
			}
			wants(t, s.send(t, http.MethodPost, resetPath, fields{"email": typed}), http.StatusAccepted, http.StatusBadRequest)
			// A later reset of another has come: the one before it would have, too.
			last := s.newPerson(t)
			wants(t, s.send(t, http.MethodPost, resetPath, fields{"email": last.email}), http.StatusAccepted)
			s.mailTo(t, "reset_password", last.email)
			if typed != victim.email {
				for _, address := range []string{typed, "evil@evil.example"} {
					if len(s.mailsTo(t, "reset_password", address)) > 0 {
						t.Error("a link went to an address that is not stored")
					}
				}
			}
		}})
	}
	return rows
}
