package secret_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/secret"
)

func TestURLWhosePasswordMayEndElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	const both, postgres, neither = 2, 1, 0 // who refuses
	for text, refused := range map[string]int{
		"postgres://yz:Casa@Blanca2024@127.0.0.1:5432/y":  postgres, // others end it at the last @
		"postgres://yz:Casa@Blanca/2024@127.0.0.1:5432/y": both,
		"postgres://yz:a/b@h/d":                           both,
		"postgres://yz:a?b@h/d":                           both,
		"postgres://yz:a#b@h/d":                           both,
		"postgres://yz:a/b@h@i/d":                         both,
		"postgres://yz:50%off@h/d":                        both,
		"postgres://yz:50%@h/d":                           both,
		"postgres://yz:a b@h/d":                           both,
		"postgres://yz:a\tb@h/d":                          both,
		"postgres://yz:a\x00b@h/d":                        both,
		"postgres://yz:é@h/d":                             both,
		"postgres://yz:p@h/d#x":                           both,
		"postgres://12@3/d?x@h/d":                         both,
		"postgres://h/d?user=me@shop":                     both,
		"postgres://u@h/d?password=p@ss":                  both,
		"yz:secret@h/d":                                   both,
		"://yz:secret@h/d":                                both,
		"":                                                both,
		"postgres://yz:a:b@h/d":                           neither, // both end the user at the first colon
		"postgres://yz:Casa%40Blanca%2F2024@h/d":          neither,
		"postgres://yz:%3F%23%25%3A%20%C3%A9@h/d":         neither,
		"postgres://yz@h1:5432,h2:5433/d?a=b":             neither,
		"postgres://yz:p@[::1]:5432/d":                    neither,
		"postgres:///d?host=/tmp":                         neither,
		"smtps://shop:p@ss+w:rd@mail.example:465":         postgres,
		"rediss://:pass@h:6379/0":                         neither,
	} {
		for name, check := range map[string]func(string) error{"any": secret.CheckURL, "postgres": secret.CheckPostgresURL} {
			want := refused == both || refused == postgres && name == "postgres"
			err := check(text)
			if (err != nil) != want {
				t.Errorf("%s %q: got %v, want refused %v", name, text, err, want)
			}
			if err != nil && (!strings.Contains(err.Error(), "%40 %2F %3F %23 %25 %3A") || strings.Contains(err.Error(), "yz")) {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	}
}

func TestErrorsShowNothingOfWhoLogsIn(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for text, tests := range map[string][][2]string{
		"postgres://yz:Casa%40Blanca@h:5432/shop": {
			{"failed to connect to `user=yz database=shop`: h", "failed to connect to `user=[redacted] database=shop`: h"},
			{`password authentication failed for user "yz"`, `password authentication failed for user "[redacted]"`},
			{"Casa@Blanca, Casa%40Blanca", "[redacted], [redacted]"},
			{"xCasa@Blancay", "x[redacted]y"},
			{"yzo is another word", "yzo is another word"},
			{"nothing of it", "nothing of it"},
		},
		"postgres://shop:x@h/shop":                 {{`user=shop database=shop: axe, x, 0x1`, `user=shop database=shop: axe, [redacted], 0x1`}},
		"postgres://h/d?user=me&password=hunter22": {{"me: hunter22", "[redacted]: [redacted]"}},
		"smtps://shop:p@ss+w:rd@mail.example:465":  {{"p@ss+w:rd of shop at mail.example", "[redacted] of [redacted] at mail.example"}},
		"not a URL": {{"a URL", "a URL"}},
		"":          {{"an error", "an error"}},
	} {
		for _, test := range tests {
			got := secret.Redact(fmt.Errorf("%s: %w", test[0], cause), text)
			if got.Error() != test[1]+": cause" || !errors.Is(got, cause) {
				t.Errorf("%s: got %q, want %q, with its cause", text, got, test[1]+": cause")
			}
		}
	}
	if err := secret.Redact(nil, "postgres://a:b@c/d"); err != nil {
		t.Errorf("no error became %v", err)
	}
}

func FuzzCheckURL(f *testing.F) {
	f.Add("postgres://yz:Casa@Blanca2024@127.0.0.1:5432/y")
	f.Add("smtps://a:b@c")
	f.Fuzz(func(t *testing.T, text string) {
		if err := secret.CheckURL(text); err == nil && secret.CheckPostgresURL(text) == nil && strings.Count(text, "@") > 1 {
			t.Errorf("%q is taken", text)
		}
		_ = secret.Redact(errors.New(text), text)
	})
}
