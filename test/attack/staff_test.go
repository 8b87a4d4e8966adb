package attack

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/totp"
)

var staffTexts = group{
	title: "Every text in every field of the staff's",
	about: "The same texts, and values that are no texts, sent by an owner of the shop, who may do all: in each field, parameter and path of each of the staff's routes. " +
		"That customers, and staff whose role is too small, are refused before any field is read is tested in `internal/api`: it calls each route as each kind of person.",
	on:   []string{"SQLite", "PostgreSQL"},
	rows: staffRows,
}

func TestEveryTextInEveryFieldOfTheStaffs(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		s := start(t, "ES256", "")
		s.owner = s.firstOwner(t)
		staffTexts.play(t, s, "SQLite")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		s := start(t, "ES256", pgtest.Start(t).NewDatabase(t))
		s.owner = s.firstOwner(t)
		staffTexts.play(t, s, "PostgreSQL")
	})
}

// firstOwner is made by a command, and accepts the role with a second factor.
func (s *server) firstOwner(t *testing.T) person {
	t.Helper()
	p := person{name: "owner@customers.example", email: "owner@customers.example", password: "kV7#pazouk-0-lemon"}
	link := regexp.MustCompile(`[\w-]{43}`).FindString(s.command(t, "user", "create-owner", p.email))
	s.registered.Add(1)
	wants(t, s.send(t, http.MethodPost, "/api/clients/staff/password/", fields{"token": link, "new_password": p.password}), http.StatusNoContent)
	p.access = s.login(t, p.name, p.password).field("access")
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s.as(t, p, http.MethodPost, appPath, fields{}).field("secret"))
	if err != nil {
		t.Fatal(err)
	}
	wants(t, s.as(t, p, http.MethodPost, appPath+"confirm/", fields{"code": totp.Code(seed, totp.StepAt(time.Now()))}), http.StatusOK)
	wants(t, s.as(t, p, http.MethodPost, "/api/clients/staff/accept/", fields{"token": link}), http.StatusNoContent)
	wants(t, s.as(t, p, http.MethodGet, "/api/clients/staff/members/", nil), http.StatusOK)
	return p
}

func staffEndpoints() []endpoint {
	var all []endpoint
	for _, rt := range api.Routes() {
		if rt.OfStaff() {
			all = append(all, newEndpoint(rt))
		}
	}
	return all
}

// otherTypes are values that a field does not take, or takes for what they are.
var otherTypes = []any{nil, true, false, 0, -1, 1.5, json.Number("1e400"), json.Number(strings.Repeat("9", 400)), []any{}, []any{nil}, []any{"1"}, []any{[]any{}}, fields{}, fields{"$ne": ""}}

func staffRows() []row {
	var rows []row
	both, one := []string{"SQLite", "PostgreSQL"}, []string{"SQLite"}
	for _, h := range hostile {
		on := one
		if h.onPostgres {
			on = both
		}
		var inQuery, inPath []row
		for _, e := range staffEndpoints() {
			for _, field := range e.fields {
				rows = append(rows, row{
					name: h.name + ", " + e.staffName() + ": " + field, tries: h.tries, on: on,
					holds: "a 4xx that names the field, or the text is taken where any is good; nobody else is touched",
					play: func(t *testing.T, s *server) {
						for i, v := range h.values {
							s.staffField(t, e, field, v, i%3 == 2 && len(v) < 15<<10)
						}
					},
				})
			}
			for _, name := range e.inQuery {
				inQuery = append(inQuery, row{
					name: h.name + ", " + e.staffName() + ": " + name + " in the query", tries: h.tries, on: on,
					holds: "a 4xx that names the parameter, or a list; nobody is touched",
					play: func(t *testing.T, s *server) {
						for _, v := range h.values {
							if len(v) > 5000 { // the request line is too long
								continue
							}
							a := s.as(t, s.owner, e.Method, e.target(strconv.FormatInt(s.user.id, 10))+"?"+name+"="+url.QueryEscape(v), nil)
							if s.named(t, a, name, v); a.status == http.StatusOK && name != "search" && strings.TrimSpace(v) != "" {
								t.Errorf("%.40q is taken", v)
							}
						}
					},
				})
			}
			for _, name := range e.inPath {
				inPath = append(inPath, row{
					name: h.name + ", " + e.staffName() + ": " + name + " in the path", tries: h.tries, on: on,
					holds: "404; nobody is touched",
					play: func(t *testing.T, s *server) {
						for _, v := range h.values {
							if len(v) > 5000 || v == "" {
								continue // the request line is too long, or it is another path
							}
							path := strings.Replace(e.Path, "{"+name+"}", url.PathEscape(v), 1)
							path = strings.NewReplacer("{id}", strconv.FormatInt(s.user.id, 10), "{sid}", "none").Replace(path)
							wants(t, s.as(t, s.owner, e.Method, path, e.staffBody(s, person{}, "")), http.StatusNotFound)
						}
					},
				})
			}
		}
		rows = append(append(rows, inQuery...), inPath...)
	}
	for _, e := range staffEndpoints() {
		for _, field := range e.fields {
			rows = append(rows, row{
				name: "other types, " + e.staffName() + ": " + field, tries: "null, booleans, numbers that no column holds, lists and objects, where a text is expected, and the other way round", on: both,
				holds: "a 4xx that names the field, or the value is taken for what it is; nobody else is touched",
				play: func(t *testing.T, s *server) {
					for _, v := range otherTypes {
						s.staffField(t, e, field, v, false)
					}
				},
			})
		}
	}
	return rows
}

func (e endpoint) staffName() string {
	return e.Method + " " + strings.Trim(strings.TrimPrefix(e.Path, "/api/clients/"), "/")
}

// freeTexts are the fields that take any text, within what a name, an address or
// a reason may be.
var freeTexts = []string{"reason", "text", "first_name", "last_name", "email", "username", "search"}

// staffField sends a value in a field, the others being good, about somebody of
// whom nobody else depends.
func (s *server) staffField(t *testing.T, e endpoint, field string, v any, asForm bool) {
	t.Helper()
	victim := s.victimOf(t, e)
	path := strings.NewReplacer("{id}", strconv.FormatInt(victim.id, 10), "{sid}", "none").Replace(e.Path)
	if strings.Contains(e.Path, "approvals/") {
		path = strings.Replace(e.Path, "{id}", "none", 1)
	}
	b := e.staffBody(s, victim, field)
	b[field] = v
	var a answer
	if asForm {
		form := url.Values{}
		for name, value := range b {
			form.Set(name, strings.Trim(fmt.Sprint(value), "[]")) // a list with commas
		}
		form.Set(field, v.(string))
		a = s.as(t, s.owner, e.Method, path, form.Encode(), "Content-Type", formType)
	} else {
		a = s.as(t, s.owner, e.Method, path, b)
	}
	text, isText := v.(string)
	s.named(t, a, field, text)
	switch {
	case a.status >= 400:
	case isText && strings.TrimSpace(text) != "" && !slices.Contains(freeTexts, field):
		t.Errorf("%.40q is taken: %s", v, a)
	case a.status == http.StatusCreated && a.field("username") != "" && strings.EqualFold(a.field("username"), a.field("email")), // or it is somebody's who has proved it
		a.status == http.StatusCreated && e.Path == "/api/clients/clients/":
		s.registered.Add(1)
	case strings.HasSuffix(e.Path, "/erase/"):
		s.registered.Add(-1)
		s.victims.Delete(e.staffName())
	case e.Method == http.MethodDelete, slices.ContainsFunc([]string{"/disable/", "/close/"}, func(act string) bool { return strings.HasSuffix(e.Path, act) }):
		s.victims.Delete(e.staffName())
	}
}

// named fails where a 400 is about another field. A link is looked at before the
// password that it would give, and an address is somebody's username.
func (s *server) named(t *testing.T, a answer, field, v string) {
	t.Helper()
	codes := a.header.Get("X-Error-Code")
	if field == "new_password" && codes == "token=invalid" || field == "email" && codes == "username=required" { // an address that is no username
		return
	}
	if a.status == http.StatusBadRequest && !strings.Contains(codes, field+"=") && !strings.Contains(codes, "non_field_errors=") && codes != "parse_error" {
		t.Errorf("%s with %.40q is refused by %q", field, v, codes)
	}
}

// victimOf is who an endpoint's requests are about: somebody of its own.
func (s *server) victimOf(t *testing.T, e endpoint) person {
	t.Helper()
	if p, there := s.victims.Load(e.staffName()); there {
		return p.(person)
	}
	p := s.newPerson(t)
	if strings.HasPrefix(e.Path, "/api/clients/staff/members/") {
		a := s.as(t, s.owner, http.MethodPost, "/api/clients/staff/members/", fields{"email": s.newName() + "@customers.example", "role": "support"})
		wants(t, a, http.StatusCreated)
		var body struct{ ID int64 }
		if err := json.Unmarshal([]byte(a.body), &body); err != nil {
			t.Fatal(err)
		}
		s.registered.Add(1)
		p = person{id: body.ID}
	}
	s.victims.Store(e.staffName(), p)
	return p
}

// staffBody is a good body without a field. Of acts on many it asks what would
// be done.
func (e endpoint) staffBody(s *server, victim person, without string) fields {
	good := map[string]any{
		"email": s.newName() + "@customers.example", "first_name": "Amina", "last_name": "Alaoui", "role": "support", "reason": "a reason that can be read",
		"text": "called in the morning", "approve": true, "ids": []int64{victim.id}, "dry_run": true, "format": "csv", "version": "0000000000000000",
		"token": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "new_password": "kV7#pazouk-1-lemon",
	}
	b := fields{}
	for _, name := range e.fields {
		if value, there := good[name]; there && name != without {
			b[name] = value
		}
	}
	if slices.Contains(e.fields, "ids") && !slices.Contains([]string{"ids", "dry_run", "reason", "format"}, without) { // a search, not both
		delete(b, "ids")
	}
	if strings.HasSuffix(e.Path, "/recover/") && without != "email" {
		delete(b, "email")
	}
	return b
}
