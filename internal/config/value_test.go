package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/config"
)

// written is the path of a file that holds a text.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPortThatCannotBe is refused in each setting that is a URL.
func TestPortThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"0", "65536", "99999999999999999999"} {
		for name, into := range map[string]config.Group{
			"YOOZAK_HIBP_URL": config.Passwords{}, "YOOZAK_PUBLIC_URL": config.Mail{}, "YOOZAK_SHOP_URL": config.Shop{},
			"YOOZAK_WEBHOOK_PROXY": config.Webhooks{}, "YOOZAK_SHADOW_UPSTREAM": config.Shadow{}, "YOOZAK_TRACES_URL": config.HTTP{},
			"YOOZAK_ACME_DIRECTORY": config.TLS{},
		} {
			given := "https://shop.example:" + port
			if _, err := load(t, settings{name: given}, into); err == nil || !strings.Contains(err.Error(), name+" has a port that is no number from 1 to 65535") {
				t.Errorf("%s %q: %v", name, given, err)
			}
		}
	}
}

// TestWhatIsNoFileIsAMistake: a slip would make an empty database somewhere
// else, and no error.
func TestWhatIsNoFileIsAMistake(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"sqlite:y.db":              "sqlite:y.db",
		"sqlite:./y.db":            "sqlite:./y.db",
		"sqlite:data/#1/y.db":      "sqlite:data/#1/y.db",
		"sqlite:/abs/y.db":         "sqlite:/abs/y.db",
		"sqlite:///abs/y.db":       "sqlite:/abs/y.db",
		"sqlite:////abs/y.db":      "sqlite:/abs/y.db",
		" sqlite:y.db\r\n":         "sqlite:y.db",
		"\ufeffsqlite:y.db":        "sqlite:y.db",
		"sqlite://y.db":            "",
		"sqlite://localhost/y.db":  "",
		"sqlite://./y.db":          "",
		"sqlite://":                "",
		"sqlite:///":               "",
		"sqlite:":                  "",
		"sqlite::memory:":          "",
		"sqlite:y.db?mode=ro":      "",
		"sqlite:file:y.db":         "",
		"sqlite: y.db":             "",
		"sqlite:data/":             "",
		"sqlite:y\x01.db":          "",
		"file:y.db":                "",
		"y.db":                     "",
		"/abs/y.db":                "",
		"sqlite3:y.db":             "",
		"\"sqlite:y.db\"":          "",
		"postgresql+psycopg://h/d": "",
		"postgres:/h/d":            "",
	} {
		for name, value := range map[string]string{"YOOZAK_DATABASE_URL": given, "YOOZAK_DATABASE_URL_FILE": written(t, given)} {
			c, err := load(t, settings{name: value}, config.Database{})
			if (err != nil) != (want == "") || err == nil && c.Database.URL.Reveal() != want || err != nil && !strings.HasPrefix(err.Error(), name+" ") {
				t.Errorf("%s %q: got %q, %v; want %q", name, given, c.Database.URL.Reveal(), err, want)
			}
		}
	}
}

func TestPasswordThatMayEndElsewhereIsRefusedAndNotShown(t *testing.T) {
	t.Parallel()
	for setting, urls := range map[string][]string{
		"YOOZAK_DATABASE_URL": {
			"postgres://yz:Casa@Blanca2024@127.0.0.1:5432/y", "postgres://yz:Casa@Blanca/2024@127.0.0.1/y", "postgres://yz:Casa#Blanca@h/y",
			"postgres://yz:Casa?Blanca@h/y", "postgresql://yz:Casa%Blanca@h/y", "postgres://yz:Casa Blanca@h/y",
		},
		"YOOZAK_SMTP_URL": {"smtps://yz:Casa/Blanca@h", "smtp://yz:Casa#Blanca@h", "smtps://yz:Casa?Blanca@h", "smtps://yz:Casa%Blanca@h"},
	} {
		for _, url := range urls {
			given := settings{"YOOZAK_PUBLIC_URL": "https://shop.example", setting: url}
			_, err := load(t, given, config.Database{}, config.Mail{}, config.Limits{})
			if err == nil || !strings.Contains(err.Error(), setting+" ") || !strings.Contains(err.Error(), "%40 %2F %3F %23 %25 %3A") {
				t.Errorf("%s: got %v", url, err)
			}
			if err != nil && (strings.Contains(err.Error(), "Casa") || strings.Contains(err.Error(), "Bl")) {
				t.Errorf("%s: the error shows a part of the password: %v", url, err)
			}
		}
	}
}

// TestVariablesAndFilesAreCleanedAlike: what one takes the other must not
// refuse.
func TestVariablesAndFilesAreCleanedAlike(t *testing.T) {
	t.Parallel()
	const secretText, key = "from-the-shop-0123456789-0123456789-é", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	for dress, ends := range map[string][2]string{"as it is": {"", ""}, "CR": {"", "\r"}, "CR and LF": {"", "\r\n"}, "LF": {"", "\n\n"}, "byte order mark": {"\ufeff", "\r\n"}} {
		put := func(text string) string { return ends[0] + text + ends[1] }
		urls := map[string]string{"YOOZAK_SMTP_URL": "smtps://u:p@h"}
		check := func(how string, c config.Config, err error) {
			if err != nil || string(c.Tokens.Accept.Reveal()) != secretText || string(c.Tokens.Secret.Reveal()) != secretText+"2" || c.Encryption.Key.Empty() ||
				c.Mail.SMTPURL.Reveal() != urls["YOOZAK_SMTP_URL"] || c.Tokens.Issuer != "shop" || len(c.Warnings) > 0 {
				t.Errorf("%s, %s: %q, %v, warnings %q", dress, how, c.Tokens.Accept.Reveal(), err, c.Warnings)
			}
		}
		ours := settings{"YOOZAK_JWT_ALGORITHM": "HS256", "YOOZAK_JWT_ISSUER": put("shop"), "YOOZAK_PUBLIC_URL": "https://shop.example", "YOOZAK_MAIL_FROM": "bonjour@shop.example"}
		secrets := settings{
			"YOOZAK_ACCEPT_HS256_SECRET": put(secretText), "YOOZAK_JWT_SECRET": put(secretText + "2"), "YOOZAK_ENCRYPTION_KEY": put(key),
			"YOOZAK_SMTP_URL": put(" " + urls["YOOZAK_SMTP_URL"] + " "),
		}
		given := maps.Clone(ours)
		maps.Copy(given, secrets)
		c, err := load(t, given, config.Tokens{}, config.Mail{}, config.Limits{}, config.Encryption{})
		check("variables", c, err)

		given = maps.Clone(ours)
		for name, text := range secrets {
			given[name+"_FILE"] = written(t, text)
		}
		c, err = load(t, given, config.Tokens{}, config.Mail{}, config.Limits{}, config.Encryption{})
		check("files", c, err)
	}
}

// TestSecretsThatWereHardlyMeantAreTold: they cannot be checked, and nothing
// that was made with another is taken.
func TestSecretsThatWereHardlyMeantAreTold(t *testing.T) {
	t.Parallel()
	const good = "from-the-shop-0123456789-0123456789"
	for text, want := range map[string]string{
		good: "", "it's " + good: "", good + `"`: "",
		`"` + good + `"`: "quotation mark", "'" + good + "'": "quotation mark",
		good + "\x00": "control character", good[:9] + "\r" + good[9:]: "control character", good + " ": "blank",
	} {
		for name, value := range map[string]string{
			"YOOZAK_ACCEPT_HS256_SECRET": text, "YOOZAK_ACCEPT_HS256_SECRET_FILE": written(t, text), "YOOZAK_JWT_ISSUER": text,
		} {
			c, err := load(t, settings{name: value}, config.Tokens{})
			told := strings.Join(c.Warnings, "\n")
			if err != nil || (told == "") != (want == "") || !strings.Contains(told, want) || want != "" && !strings.HasPrefix(told, name+" ") {
				t.Errorf("%s %q: warnings %q, %v; want one about a %s", name, text, told, err, want)
			}
			if strings.Contains(told, good) {
				t.Errorf("a warning shows the secret: %s", told)
			}
		}
	}
}

func TestWeakeningsAreForThisMachineAlone(t *testing.T) {
	t.Parallel()
	for listen, alone := range map[string]bool{
		"127.0.0.1:8000": true, "127.8.8.8:1": true, "localhost:8000": true, "[::1]:8000": true,
		":8000": false, "0.0.0.0:8000": false, "[::]:8000": false, "10.0.0.1:8000": false, "shop.example:443": false, "localhost.shop.example:80": false,
	} {
		for name, weaken := range map[string]string{"YOOZAK_INSECURE_FAST_HASH": "true", "YOOZAK_RATE_LIMITS": "off"} {
			given := settings{"YOOZAK_LISTEN": listen}
			if _, err := load(t, given, config.Passwords{}, config.HTTP{}, config.Limits{}); err != nil {
				t.Errorf("%s: %v", listen, err)
			}
			given[name] = weaken
			_, err := load(t, given, config.Passwords{}, config.HTTP{}, config.Limits{})
			if (err == nil) != alone || err != nil && (!strings.HasPrefix(err.Error(), name+" ") || !strings.Contains(err.Error(), "YOOZAK_LISTEN")) {
				t.Errorf("%s with %s: got %v, want it taken: %v", listen, name, err, alone)
			}
			if _, err := load(t, given, config.Passwords{}, config.Limits{}); err != nil { // a command, which listens nowhere
				t.Errorf("%s in a command: %v", name, err)
			}
		}
	}
}
