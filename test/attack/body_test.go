package attack

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

var bodies = group{
	title: "Bodies",
	about: "Sent to login and to registration. 413 is for more than 64 KiB, 415 for a type that is none of the three, 401 for a body that is understood: a wrong login.",
	on:    []string{"ES256"},
	rows:  func() []row { return slices.Concat(jsonRows(), encodingRows(), formRows()) },
}

func TestBodies(t *testing.T) {
	t.Parallel()
	bodies.play(t, start(t, "ES256", ""), "ES256")
}

// posted is a row of one body to login.
func posted(name, tries, contentType string, body []byte, statuses ...int) row {
	var words []string
	for _, status := range statuses {
		words = append(words, fmt.Sprint(status))
	}
	return row{name: name, tries: tries, holds: strings.Join(words, " or "), play: func(t *testing.T, s *server) {
		wants(t, s.send(t, http.MethodPost, loginPath, body, "Content-Type", contentType), statuses...)
	}}
}

const wrongLogin = `"username":"nobody","password":"wrong-password-1"`

func jsonRows() []row {
	var rows []row
	add := func(name, tries, body string, statuses ...int) {
		rows = append(rows, posted("JSON: "+name, tries, jsonType, []byte(body), statuses...))
	}
	nested := func(open, end string, n int) string { return strings.Repeat(open, n) + strings.Repeat(end, n) }
	add("500 lists in lists", "depth", `{`+wrongLogin+`,"a":`+nested("[", "]", 499)+`}`, 401)
	add("501 lists in lists", "depth", `{`+wrongLogin+`,"a":`+nested("[", "]", 500)+`}`, 400)
	add("32,000 lists in lists", "depth", nested("[", "]", 32000), 400)
	add("60,000 lists that do not end", "depth", strings.Repeat("[", 60000), 400)
	add("10,000 objects in objects", "depth", nested(`{"a":`, `}`, 10000), 400)
	add("10,000 objects that do not end", "depth", strings.Repeat(`{"a":`, 10000), 400)
	add("30,000 alternating", "depth", strings.Repeat(`[{"a":`, 8000), 400)
	add("1 MiB of lists", "size", strings.Repeat("[", 1<<20), 413)
	add("a text of 1 MiB", "size", `{"username":"`+strings.Repeat("a", 1<<20)+`"}`, 413)
	add("64 KiB of spaces", "size", strings.Repeat(" ", 64<<10-2)+"{}", 400)
	add("64 KiB and a byte", "size", strings.Repeat(" ", 64<<10-1)+"{}", 413)
	add("4,500 keys", "count", manyKeys(4500), 400)
	add("9,998 values", "count", `{`+wrongLogin+`,"a":[`+strings.Repeat("1,", 9995)+`1]}`, 401)
	add("10,001 values", "count", `{`+wrongLogin+`,"a":[`+strings.Repeat("1,", 9998)+`1]}`, 400)
	add("32,000 values", "count", `[`+strings.Repeat("1,", 31999)+`1]`, 400)
	add("10,000 short keys", "count", shortKeys(7000), 400)
	add("keys that collide in Java", "hash floods: `Aa` and `BB` have one hash there", colliding("Aa", "BB", 10), 400)
	add("keys that collide in PHP", "hash floods: `Ez`, `FY` have one hash there", colliding("Ez", "FY", 10), 400)
	add("keys that collide in FNV", "hash floods: keys of zeros", zeroKeys(1500), 400)
	add("numbers as keys of one table", "hash floods: multiples of 2^16", powerKeys(3000), 400)
	add("one key 7,000 times", "a key twice and more: the last counts", `{`+strings.Repeat(`"username":"x",`, 4000)+wrongLogin+`}`, 401)
	add("password twice", "a key twice and more: the last counts", `{"password":"x",`+wrongLogin+`}`, 401)
	add("keys that differ by case", "`Username` is no username", `{"Username":"nobody","Password":"wrong-password-1"}`, 400)
	add("keys with NUL", "`username\\u0000` is no username", `{"username\u0000":"nobody","password\u0000":"x"}`, 400)
	add("keys escaped", "`\\u0075sername` is username", `{"\u0075sername":"nobody","password":"wrong-password-1"}`, 401)
	add("keys with a long s", "`paſſword` is no password", `{"username":"nobody","paſſword":"wrong-password-1"}`, 400)
	for name, v := range map[string]string{
		"1e999999": "a number beyond all floats", "-1e999999": "a number beyond all floats", "1e-999999": "a number below all floats", "-0": "zero, of a kind", "-0.0": "zero, of a kind",
		"9" + strings.Repeat("9", 4200): "4,201 digits", "1E400": "a number beyond all floats", "123456789012345678901234567890": "more than 64 bits", "0.1e1": "a number",
	} {
		shown := name
		if len(shown) > 40 {
			shown = "4,201 digits"
		}
		add("number `"+shown+"` as username", v+"; a number is the text that Python writes", `{"username":`+name+`,"password":"wrong-password-1"}`, 401, 400)
	}
	for name, v := range map[string]string{
		"5,000 digits": strings.Repeat("9", 5000), "60,000 digits": strings.Repeat("9", 60000), "60,000 zeros behind the point": "0." + strings.Repeat("0", 60000) + "1", "an exponent of 60,000 digits": "1e" + strings.Repeat("9", 60000),
	} {
		add("number of "+name, "numbers that take long to read (CVE-2020-10735)", `{"username":`+v+`,"password":"wrong-password-1"}`, 400, 401)
	}
	for name, v := range map[string]string{
		"`NaN`": "NaN", "`Infinity`": "Infinity", "`-Infinity`": "-Infinity", "`01`": "01", "`+1`": "+1", "`.5`": ".5", "`5.`": "5.", "`0x10`": "0x10", "`1_000`": "1_000", "`True`": "True", "`None`": "None", "`undefined`": "undefined",
		"a single quote": "'a'", "a comment": "/**/1", "a comma at the end": "1,", "a control character": "\"a\x01b\"", "a raw line break": "\"a\nb\"", "`\\x41`": `"\x41"`, "`\\u00`": `"\u00"`, "`\\U00000041`": `"\U00000041"`, "an open text": `"a`, "a function": "function(){}", "`1e`": "1e", "`--1`": "--1", "full-width digits": "１",
	} {
		add("no JSON: "+name, "what only other readers take", `{"username":`+v+`,"password":"wrong-password-1"}`, 400)
	}
	for name, v := range map[string]string{
		"high alone": `\ud800`, "low alone": `\udc00`, "swapped": `\udc00\ud800`, "high twice": `\ud800\ud800`, "high before a letter": `\ud800a`, "in pieces": `\ud83d","a":"\ude00`,
	} {
		add("surrogate "+name, "half a character", `{"username":"a`+v+`","password":"wrong-password-1"}`, 400)
	}
	for name, v := range map[string]string{
		"null": "null", "true": "true", "a list": `["nobody"]`, "an object": `{"a":"nobody"}`, "a list of lists": `[[["nobody"]]]`, "an empty object": `{}`, "an operator of MongoDB": `{"$ne":null}`, "another": `{"$gt":""}`, "a regex": `{"$regex":".*"}`,
	} {
		add("username is "+name, "another type than a text", `{"username":`+v+`,"password":"wrong-password-1"}`, 400)
		add("password is "+name, "another type than a text", `{"username":"nobody","password":`+v+`}`, 400)
	}
	for name, body := range map[string]string{
		"a text": `"a"`, "a number": `1`, "a list": `[{` + wrongLogin + `}]`, "null": `null`, "true": `true`, "nothing": ``, "two objects": `{` + wrongLogin + `}{}`, "an object and junk": `{` + wrongLogin + `}x`, "NUL behind": "{" + wrongLogin + "}\x00",
		"junk before": `)]}',{` + wrongLogin + `}`, "lines of JSON": "{}\n{}", "cut": `{"username":"nobody"`, "a key without a value": `{"username"}`, "a key that is a number": `{1:2}`, "a comma for a colon": `{"a","b"}`, "half a key": `{"user`,
	} {
		add("the body: "+name, "no object", body, 400)
	}
	byName(rows)
	return rows
}

func shortKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%x":1`, i)
	}
	return "{" + b.String()[1:] + "}"
}

// colliding makes 2^n keys of one hash, of two pairs of letters that have.
func colliding(x, y string, n int) string {
	var b strings.Builder
	for i := range 1 << n {
		b.WriteString(`,"`)
		for bit := range n {
			if i>>bit&1 == 0 {
				b.WriteString(x)
			} else {
				b.WriteString(y)
			}
		}
		b.WriteString(`":0`)
	}
	return "{" + b.String()[1:] + "}"
}

func zeroKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%s":0`, strings.Repeat("0", i%60)+fmt.Sprint(i))
	}
	return "{" + b.String()[1:] + "}"
}

func powerKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":0`, i<<16)
	}
	return "{" + b.String()[1:] + "}"
}

func encodingRows() []row {
	good := `{` + wrongLogin + `}`
	utf16le := func(bom bool) []byte {
		var b []byte
		text := good
		if bom {
			text = "\ufeff" + text
		}
		for _, u := range utf16.Encode([]rune(text)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return b
	}
	utf32 := func() (b []byte) {
		for _, c := range good {
			b = append(b, byte(c), byte(c>>8), 0, 0)
		}
		return b
	}
	bomb := new(bytes.Buffer)
	z := must(gzip.NewWriterLevel(bomb, gzip.BestCompression))
	for range 50 {
		must(z.Write(make([]byte, 1<<20)))
	}
	must(0, z.Close())
	small := new(bytes.Buffer)
	z = gzip.NewWriter(small)
	must(z.Write([]byte(good)))
	must(0, z.Close())
	deflated := new(bytes.Buffer)
	d := zlib.NewWriter(deflated)
	must(d.Write([]byte(good)))
	must(0, d.Close())

	rows := []row{
		posted("text: overlong UTF-8", "`'` in two bytes, NUL in two", jsonType, []byte("{\"username\":\"\xc0\xa7\xc0\x80\",\"password\":\"x\"}"), 400),
		posted("text: surrogates in UTF-8", "CESU-8", jsonType, []byte("{\"username\":\"\xed\xa0\x80\xed\xb0\x80\",\"password\":\"x\"}"), 400),
		posted("text: beyond Unicode", "U+110000", jsonType, []byte("{\"username\":\"\xf4\x90\x80\x80\",\"password\":\"x\"}"), 400),
		posted("text: cut UTF-8", "the first byte of two", jsonType, []byte("{\"username\":\"\xc3\",\"password\":\"x\"}"), 400),
		posted("text: Latin-1 unsaid", "é in one byte", jsonType, []byte("{\"username\":\"\xe9\",\"password\":\"x\"}"), 400),
		posted("text: BOM", "before the JSON", jsonType, []byte("\ufeff"+good), 400),
		posted("text: UTF-16 unsaid", "which json libraries guess", jsonType, utf16le(false), 400),
		posted("text: UTF-32 unsaid", "which json libraries guess", jsonType, utf32(), 400),
	}
	for _, label := range []string{"utf-16", "utf-16le", "utf-16be", "utf-32", "utf-32le", "utf-7", "utf-8-sig", "ebcdic", "cp037", "idna", "punycode", "rot13", "base64", "hex", "zip", "bz2", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "x-user-defined", "iso-2022-kr", "../../etc/passwd", strings.Repeat("a", 5000), "\u0000"} {
		shown := label
		if len(shown) > 40 {
			shown = "5,000 letters"
		}
		rows = append(rows, posted("charset: `"+strings.ReplaceAll(shown, "\x00", "NUL")+"`", "good JSON in UTF-8 that says it is in another encoding", jsonType+"; charset="+strings.ReplaceAll(label, "\x00", "\\0"), []byte(good), 415, 401))
	}
	rows = append(rows,
		posted("charset: UTF-7 said", "markup and quotes hidden from filters", jsonType+"; charset=utf-7", []byte("{+ACI-username+ACI-:+ACI-nobody+ACI-}"), 415),
		posted("charset: UTF-16 said", "each letter in two bytes", jsonType+"; charset=utf-16le", utf16le(false), 415),
		posted("charset: UTF-32 said", "each letter in four bytes", jsonType+"; charset=utf-32le", utf32(), 415),
		posted("charset: twice", "two that differ", jsonType+"; charset=utf-8; charset=utf-16", []byte(good), 415),
	)
	for _, e := range []struct {
		name string
		body []byte
	}{{"gzip", small.Bytes()}, {"GZIP", small.Bytes()}, {"x-gzip", small.Bytes()}, {"deflate", deflated.Bytes()}, {"gzip, gzip", small.Bytes()}, {"identity, gzip", small.Bytes()}, {"br", []byte("\x0b\x02\x80{}\x03")}, {"zstd", []byte("\x28\xb5\x2f\xfd")}} {
		rows = append(rows, row{name: "compressed: `" + e.name + "`", tries: "a good login, compressed", holds: "400: nothing is unpacked", play: func(t *testing.T, s *server) {
			wants(t, s.send(t, http.MethodPost, loginPath, e.body, "Content-Encoding", e.name), 400)
		}})
	}
	rows = append(rows, row{name: "compressed: a bomb", tries: "50 MiB of zeros in 50 KiB", holds: "400: nothing is unpacked", play: func(t *testing.T, s *server) {
		if bomb.Len() > 60<<10 {
			t.Fatalf("the bomb has %d bytes", bomb.Len())
		}
		for _, kind := range []string{jsonType, formType, "multipart/form-data; boundary=x"} {
			wants(t, s.send(t, http.MethodPost, loginPath, bomb.Bytes(), "Content-Encoding", "gzip", "Content-Type", kind), 400)
		}
	}})
	for _, kind := range []string{"text/plain", "text/html", "application/xml", "text/xml", "application/x-www-form-urlencoded2", "application/json+x", "application/vnd.api+json", "application/msgpack", "application/x-java-serialized-object", "application/x-python-pickle", "application/octet-stream", "application/x-yaml", "image/svg+xml", "", "/", "application", "application/", "application//json", "application/json/x", "json", "application/json, text/plain", "multipart/mixed; boundary=x", "multipart/related; boundary=x", "message/http"} {
		rows = append(rows, posted("type: `"+kind+"`", "a body that says it is something else, which a simple form of another site may send or another library would run", kind, []byte(good), 415))
	}
	for name, body := range map[string]string{
		"XML entity": `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><username>&b;</username>`, "billion laughs": `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>`,
		"YAML": "!!python/object/apply:os.system [\"sleep 60\"]", "pickle": "cos\nsystem\n(S'sleep 60'\ntR.", "PHP": "O:8:\"stdClass\":0:{}", "Java": "\xac\xed\x00\x05sr",
	} {
		rows = append(rows, posted("object: "+name, "what other libraries build objects from, or read files for, as JSON", jsonType, []byte(body), 400))
	}
	byName(rows)
	return rows
}

func formRows() []row {
	const multi = "multipart/form-data; boundary="
	part := func(name, value string) string {
		return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	good := part("username", "nobody") + part("password", "wrong-password-1")
	var rows []row
	form := func(name, tries, body string, statuses ...int) {
		rows = append(rows, posted("form: "+name, tries, formType, []byte(body), statuses...))
	}
	form("1,000 fields", "count", strings.Repeat("a=b&", 998)+"username=nobody&password=wrong-password-1", 401)
	form("1,001 fields", "count", strings.Repeat("a=b&", 999)+"username=nobody&password=wrong-password-1", 400)
	form("10,000 fields", "count", strings.Repeat("a=b&", 10000), 400)
	form("60,000 ampersands", "count", strings.Repeat("&", 60000), 400)
	form("one name 900 times", "a name twice and more: the last counts", strings.Repeat("username=x&", 900)+"username=nobody&password=wrong-password-1", 401)
	form("60,000 percent signs", "invalid escapes", strings.Repeat("%", 60000), 400)
	form("bad escapes", "invalid escapes", "username=%zz%&password=%", 401, 400)
	form("overlong escapes", "`'` in two bytes", "username=%c0%a7&password=wrong-password-1", 401, 400)
	form("NUL", "which ends a text in C", "username=a%00b&password=wrong-password-1", 400)
	form("semicolons", "which once separated", "username=nobody;password=wrong-password-1", 400)
	form("brackets", "arrays of PHP and Rails", "username[]=nobody&password[$ne]=x", 400)
	form("JSON", "under a form's type", "{"+wrongLogin+"}", 400)
	form("1 MiB", "size", "username="+strings.Repeat("a", 1<<20), 413)
	form("an unknown encoding", "charset=utf-7", "username=+ACc-&password=wrong-password-1", 401, 400)
	multipart := func(name, tries, contentType, body string, statuses ...int) {
		rows = append(rows, posted("multipart: "+name, tries, contentType, []byte(body), statuses...))
	}
	multipart("good", "to see that the others are not refused for another reason", multi+"x", good+"--x--\r\n", 401)
	multipart("no boundary", "a type without its parameter", "multipart/form-data", good, 400)
	multipart("empty boundary", "a separator of two hyphens", multi, good, 400)
	multipart("boundary of 10,000 letters", "a separator that is long", multi+strings.Repeat("x", 10000), good, 400)
	multipart("boundary with CR LF", "a separator on two lines, as RFC 2231 can write it", "multipart/form-data; boundary*=utf-8''x%0d%0ay", good, 400)
	multipart("boundary twice", "two that differ", multi+"y; boundary=x", good+"--x--\r\n", 415)
	multipart("boundary that never comes", "no part at all", multi+"zzz", good, 400)
	multipart("10,000 separators", "count", multi+"x", strings.Repeat("--x\r\n", 10000), 400)
	multipart("20,000 separators in a row", "count", multi+"x", strings.Repeat("--x", 20000), 400)
	multipart("1,000 parts with names", "count", multi+"x", strings.Repeat(part("a", ""), 1000)+"--x--\r\n", 400)
	multipart("1,200 parts with names", "count", multi+"x", strings.Repeat(part("a", ""), 1200)+"--x--\r\n", 400)
	multipart("101 files", "count", multi+"x", strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nc\r\n", 101)+"--x--\r\n", 400)
	multipart("a file as username", "another type than a text", multi+"x", strings.Replace(good, `name="username"`, `name="username"; filename="a.txt"`, 1)+"--x--\r\n", 400)
	multipart("a file with a path", "../../etc/passwd as a file's name: nothing is written", multi+"x", good+"--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"../../../../tmp/attack\"\r\n\r\nc\r\n--x--\r\n", 401)
	multipart("nested", "a multipart in a part", multi+"x", "--x\r\nContent-Disposition: form-data; name=\"username\"\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\nnobody\r\n--y--\r\n"+part("password", "wrong-password-1")+"--x--\r\n", 401, 400)
	multipart("nested a hundred deep", "multiparts in parts", multi+"x", strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n", 100), 400)
	multipart("name twice", "two parameters that differ", multi+"x", strings.Replace(good, `name="username"`, `name="a"; name="username"`, 1)+"--x--\r\n", 401, 400)
	multipart("header of 60 KiB", "a part that is all header", multi+"x", "--x\r\nX-A: "+strings.Repeat("a", 60000)+"\r\n\r\nb\r\n--x--\r\n", 400)
	multipart("5,000 headers", "a part that is all header", multi+"x", "--x\r\n"+strings.Repeat("X-A: b\r\n", 5000)+"\r\nb\r\n--x--\r\n", 400)
	multipart("bad base64", "a transfer encoding that is not kept", multi+"x", "--x\r\nContent-Disposition: form-data; name=\"username\"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n"+part("password", "wrong-password-1")+"--x--\r\n", 401, 400)
	multipart("a bomb of quoted-printable", "a transfer encoding that forms do not have", multi+"x", "--x\r\nContent-Disposition: form-data; name=\"username\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"+strings.Repeat("=41", 10000)+"\r\n"+part("password", "wrong-password-1")+"--x--\r\n", 401, 400)
	multipart("a charset of a part", "a hidden field _charset_", multi+"x", part("_charset_", "utf-7")+good+"--x--\r\n", 401)
	multipart("NUL in a name", "`username` and more", multi+"x", strings.Replace(good, "username", "username\x00a", 1)+"--x--\r\n", 400)
	multipart("CR LF in a name", "a header of the attacker's in a part", multi+"x", strings.Replace(good, "username", "user\r\n"+injected+": yes\r\nname", 1)+"--x--\r\n", 400)
	multipart("LF for line ends", "which RFC 2046 does not have", multi+"x", strings.ReplaceAll(good, "\r\n", "\n")+"--x--\n", 400, 401)
	multipart("quotes that do not end", "a parameter to the end of the line", multi+"x", strings.Replace(good, `name="username"`, `name="username`, 1)+"--x--\r\n", 401, 400)
	multipart("cut", "no last separator", multi+"x", good, 401, 400)
	multipart("1 MiB", "size", multi+"x", part("username", strings.Repeat("a", 1<<20)), 413)
	return rows
}

var massAssignment = group{
	title: "Fields that are nobody's to set",
	about: "Added to a registration and to a change of the profile, as JSON and as forms. What came of it is read from the export, which shows all that is held about a person.",
	on:    []string{"ES256"},
	rows:  assignmentRows,
}

func TestFieldsThatAreNobodysToSet(t *testing.T) {
	t.Parallel()
	massAssignment.play(t, start(t, "ES256", ""), "ES256")
}

func assignmentRows() []row {
	values := map[string]any{
		"is_staff": true, "is_superuser": true, "is_active": false, "id": 1, "pk": 1, "user_id": 1, "email_verified": true, "email_verified_at": "2020-01-01T00:00:00Z", "verified": true, "role": "admin", "roles": []string{"admin"}, "groups": []int{1},
		"user_permissions": []string{"*"}, "password_hash": "!", "date_joined": "1999-01-01T00:00:00Z", "joined_at": "1999-01-01T00:00:00Z", "last_login": nil, "closed_at": "1999-01-01T00:00:00Z", "language": "zz", "sessions": []string{}, "token_version": 99, "balance": 1000000, "Staff": true, "Active": false,
		"__proto__": fields{"is_staff": true}, "constructor": fields{"prototype": fields{"is_staff": true}}, "prototype": fields{"is_staff": true}, "__class__": fields{"is_staff": true}, "is_staff[]": "true", "user[is_staff]": "true", "user.is_staff": "true", "user": fields{"is_staff": true, "id": 1}, "_links": fields{}, "$set": fields{"is_staff": true}, "hasOwnProperty": 1, "toString": "x", "": "x",
	}
	var rows []row
	for _, name := range slices.Sorted(maps.Keys(values)) {
		shown := name
		if shown == "" {
			shown = "(empty)"
		}
		rows = append(rows, row{name: "field: `" + shown + "`", tries: "a field that no endpoint has", holds: "it is passed over: the export shows a person as others are", play: func(t *testing.T, s *server) {
			p := person{name: s.newName(), password: "kV7#pazouk-42lemon"}
			p.email = p.name + "@customers.example"
			a := s.send(t, http.MethodPost, registerPath, fields{"username": p.name, "password": p.password, "email": p.email, name: values[name]})
			wants(t, a, http.StatusCreated)
			p.access = a.field("access")
			s.plain(t, p)
			wants(t, s.as(t, p, http.MethodPatch, mePath, fields{"first_name": "Amina", name: values[name]}), http.StatusOK)
			s.plain(t, p)
			wants(t, s.as(t, p, http.MethodPatch, mePath, "last_name=B&"+name+"=true", "Content-Type", formType), http.StatusOK)
			s.plain(t, p)
		}})
	}
	rows = append(rows,
		row{name: "profile: email", tries: "another address in a change of the profile, without the password and without a link", holds: "the address stays", play: func(t *testing.T, s *server) {
			p := s.newPerson(t)
			wants(t, s.as(t, p, http.MethodPatch, mePath, fields{"email": "evil@evil.example"}), http.StatusOK)
			if s.me(t, p.access).field("email") != p.email {
				t.Error("the address changed")
			}
		}},
		row{name: "profile: password", tries: "another password in a change of the profile", holds: "the password stays", play: func(t *testing.T, s *server) {
			p := s.newPerson(t)
			wants(t, s.as(t, p, http.MethodPatch, mePath, fields{"password": "kV7#other-42lemon", "new_password": "kV7#other-42lemon", "current_password": p.password}), http.StatusOK)
			wants(t, s.login(t, p.name, "kV7#other-42lemon"), http.StatusUnauthorized)
			wants(t, s.login(t, p.name, p.password), http.StatusOK)
		}},
	)
	return rows
}

// plain fails unless a person is as anybody who has just registered.
func (s *server) plain(t *testing.T, p person) {
	t.Helper()
	var e struct {
		User struct {
			ID              int64
			Username, Email string
			EmailVerifiedAt *string `json:"email_verified_at"`
			IsActive        bool    `json:"is_active"`
			IsStaff         bool    `json:"is_staff"`
			HasPassword     bool    `json:"has_password"`
			Language        string
			JoinedAt        string  `json:"joined_at"`
			ClosedAt        *string `json:"closed_at"`
		}
		Sessions []any
	}
	if err := json.Unmarshal([]byte(s.as(t, p, http.MethodGet, exportPath, nil).body), &e); err != nil {
		t.Fatal(err)
	}
	u := e.User
	if u.ID == s.user.id || u.Username != p.name || u.Email != p.email || u.EmailVerifiedAt != nil || !u.IsActive || u.IsStaff || !u.HasPassword || u.Language != "en" || strings.HasPrefix(u.JoinedAt, "1999") || u.ClosedAt != nil || len(e.Sessions) != 1 {
		t.Errorf("the person is %+v", u)
	}
}
