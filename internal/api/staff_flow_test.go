package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/store"
)

// wants makes a request whose answer must have a status.
func (p *person) wants(t *testing.T, status int, method, path, body string) answer {
	t.Helper()
	a := p.as(t, method, path, body)
	if a.status != status {
		t.Errorf("%s %s %s: %d %s, want %d", method, path, body, a.status, a.body, status)
	}
	return a
}

// idOf is a number of a JSON body.
func (a answer) idOf(t *testing.T) string {
	t.Helper()
	var body struct{ ID int64 }
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return strconv.FormatInt(body.ID, 10)
}

// TestStaffDoWhatTheirRoutesSay asks for every route with success.
func TestStaffDoWhatTheirRoutesSay(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		owner := employed(t, s, account.Owner)
		client := newPerson(t, s)
		id := strconv.FormatInt(s.user(t, client.name).ID, 10)
		path := "/api/clients/clients/" + id + "/"
		const why = `{"reason":"asked for on the telephone"}`

		owner.wants(t, http.StatusOK, http.MethodGet, "/api/clients/clients/?page_size=1", "")
		invited := owner.wants(t, http.StatusCreated, http.MethodPost, "/api/clients/clients/", `{"email":"`+randomName("i")+`@example.ma"}`)
		seen := owner.wants(t, http.StatusOK, http.MethodGet, path, "")
		owner.wants(t, http.StatusOK, http.MethodPatch, path, `{"version":"`+seen.field("version")+`","first_name":"Amina"}`)
		owner.wants(t, http.StatusConflict, http.MethodPatch, path, `{"version":"`+seen.field("version")+`","first_name":"Hind"}`)
		for _, list := range []string{"sessions/", "events/", "mails/", "factors/", "notes/"} {
			owner.wants(t, http.StatusOK, http.MethodGet, path+list, "")
		}
		owner.wants(t, http.StatusCreated, http.MethodPost, path+"notes/", `{"text":"called in the morning"}`)
		owner.wants(t, http.StatusOK, http.MethodGet, path+"notes/", "")
		owner.wants(t, http.StatusAccepted, http.MethodPost, path+"reset/", "")
		owner.wants(t, http.StatusAccepted, http.MethodPost, path+"resend/", "")
		owner.wants(t, http.StatusNoContent, http.MethodPost, path+"unlock/", "")
		owner.wants(t, http.StatusNoContent, http.MethodDelete, path+"sessions/"+client.session+"/", why)
		owner.wants(t, http.StatusOK, http.MethodPost, path+"sessions/end/", "")
		owner.wants(t, http.StatusNoContent, http.MethodPost, path+"disable/", why)
		owner.wants(t, http.StatusConflict, http.MethodPost, path+"reset/", "")
		owner.wants(t, http.StatusNoContent, http.MethodPost, path+"enable/", "")
		owner.wants(t, http.StatusNoContent, http.MethodPost, path+"close/", why)
		owner.wants(t, http.StatusConflict, http.MethodPost, path+"disable/", why)
		owner.wants(t, http.StatusNoContent, http.MethodPost, path+"restore/", "")
		owner.wants(t, http.StatusConflict, http.MethodPost, path+"restore/", "")
		owner.wants(t, http.StatusOK, http.MethodPost, path+"recover/", `{"reason":"known at the shop","email":"`+client.email+`"}`)

		locked := newPerson(t, s)
		locked.prove(t)
		locked.enrol(t, "phone")
		waits := "/api/clients/clients/" + strconv.FormatInt(s.user(t, locked.name).ID, 10) + "/recover/"
		owner.wants(t, http.StatusOK, http.MethodPost, waits, why)
		owner.wants(t, http.StatusForbidden, http.MethodPost, waits, why)
		owner.wants(t, http.StatusNoContent, http.MethodDelete, waits, "")
		owner.wants(t, http.StatusNotFound, http.MethodDelete, waits, "")

		for _, act := range []string{"disable", "enable", "sign_out", "resend", "close"} {
			owner.wants(t, http.StatusOK, http.MethodPost, "/api/clients/clients/bulk/"+act+"/", `{"ids":[`+id+`],"reason":"accounts of a test"}`)
		}
		owner.wants(t, http.StatusOK, http.MethodPost, "/api/clients/clients/export/", `{"ids":[`+id+`],"reason":"for the accountant"}`)
		owner.wants(t, http.StatusOK, http.MethodPost, "/api/clients/clients/"+invited.idOf(t)+"/erase/", why)

		member := owner.wants(t, http.StatusCreated, http.MethodPost, "/api/clients/staff/members/", `{"email":"`+randomName("m")+`@example.ma","role":"support"}`)
		path = "/api/clients/staff/members/" + member.idOf(t) + "/"
		owner.wants(t, http.StatusOK, http.MethodGet, "/api/clients/staff/members/", "")
		owner.wants(t, http.StatusOK, http.MethodGet, path, "")
		owner.wants(t, http.StatusOK, http.MethodPost, path+"renew/", "")
		owner.wants(t, http.StatusOK, http.MethodPatch, path, `{"role":"manager"}`)
		s.accepts(t, member.field("email"))
		owner.wants(t, http.StatusConflict, http.MethodPost, path+"renew/", "")
		owner.wants(t, http.StatusNoContent, http.MethodDelete, path, why)

		owner.wants(t, http.StatusOK, http.MethodGet, "/api/clients/staff/events/?kind=user_seen", "")
		owner.wants(t, http.StatusOK, http.MethodGet, "/api/clients/staff/mails/?state=sent", "")
		owner.wants(t, http.StatusOK, http.MethodGet, "/api/clients/staff/approvals/", "")
		owner.wants(t, http.StatusNoContent, http.MethodPost, "/api/clients/staff/mails/"+s.failedMail(t)+"/retry/", "")
	})
}

// accepts has somebody new accept the role that they were offered.
func (s *server) accepts(t *testing.T, email string) *person {
	t.Helper()
	s.deliverAll(t)
	link := s.tokenMailed(t, account.MailRoleOffered, email)
	if a := s.post(t, "/api/clients/staff/password/", `{"token":"`+link+`","new_password":"`+goodPassword+`"}`); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	p := &person{server: s, name: email, email: email}
	p.access = p.login(t, goodPassword).field("access")
	p.enrol(t, "phone")
	p.wants(t, http.StatusNoContent, http.MethodPost, "/api/clients/staff/accept/", `{"token":"`+link+`"}`)
	return p
}

// failedMail is the number of a mail that was given up.
func (s *server) failedMail(t *testing.T) string {
	t.Helper()
	s.deliverAll(t)
	err := s.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		now := s.clock.now()
		if err := tx.AddMail(ctx, account.Mail{Kind: account.MailInvited, Email: "nobody@example.ma", CreatedAt: now, DueAt: now.Add(time.Hour)}); err != nil {
			return err
		}
		_, err := tx.GiveUpMails(ctx, "550 no such mailbox")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	failed, err := s.store.FailedMails(t.Context())
	if err != nil || len(failed) != 1 {
		t.Fatalf("%v %v", failed, err)
	}
	return strconv.FormatInt(failed[0], 10)
}

// TestTwoPersonsOfTheStaff: what waits is done once, by who asked for it, when
// another has approved.
func TestTwoPersonsOfTheStaff(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(o *settings) { o.auth.TwoPersons = true }, func(t *testing.T, s *server) {
		asks, decides, client := employed(t, s, account.Manager), employed(t, s, account.Manager), newPerson(t, s)
		id := strconv.FormatInt(s.user(t, client.name).ID, 10)
		const approvals = "/api/clients/staff/approvals/"
		file := asks.wants(t, http.StatusAccepted, http.MethodPost, "/api/clients/clients/export/", `{"ids":[`+id+`],"format":"ndjson","reason":"for the accountant"}`).field("id")
		decides.wants(t, http.StatusOK, http.MethodPost, approvals+file+"/", `{"approve":true}`)
		if a := asks.wants(t, http.StatusOK, http.MethodPost, approvals+file+"/use/", ""); !strings.Contains(a.body, client.email) || a.header.Get("Content-Type") != api.FileTypes["ndjson"] {
			t.Errorf("%v %s", a.header, a.body)
		}
		asks.wants(t, http.StatusNotFound, http.MethodPost, approvals+file+"/use/", "")
		for _, id := range []string{"%00", "%ff", "x%00y"} { // which no engine takes for a text
			asks.wants(t, http.StatusNotFound, http.MethodPost, approvals+id+"/", `{"approve":true}`)
			asks.wants(t, http.StatusNotFound, http.MethodPost, approvals+id+"/use/", "")
		}

		refused := asks.wants(t, http.StatusAccepted, http.MethodPost, "/api/clients/clients/"+id+"/erase/", `{"reason":"asked for in writing"}`).field("id")
		asks.wants(t, http.StatusForbidden, http.MethodPost, approvals+refused+"/", `{"approve":true}`) // one's own
		decides.wants(t, http.StatusForbidden, http.MethodPost, approvals+refused+"/use/", "")
		decides.wants(t, http.StatusOK, http.MethodPost, approvals+refused+"/", `{"approve":false,"reason":"nobody wrote to us"}`)
		asks.wants(t, http.StatusConflict, http.MethodPost, approvals+refused+"/use/", "")

		erasure := asks.wants(t, http.StatusAccepted, http.MethodPost, "/api/clients/clients/"+id+"/erase/", `{"reason":"asked for in writing"}`).field("id")
		decides.wants(t, http.StatusOK, http.MethodPost, approvals+erasure+"/", `{"approve":true}`)
		asks.wants(t, http.StatusOK, http.MethodGet, approvals, "")
		asks.wants(t, http.StatusOK, http.MethodPost, approvals+erasure+"/use/", "")
		asks.wants(t, http.StatusNotFound, http.MethodGet, "/api/clients/clients/"+id+"/", "")
	})
}

// TestNothingIsDoneForAValueThatIsWrong: an act that somebody wanted to see
// first is not done because "dry_run" was no boolean.
func TestNothingIsDoneForAValueThatIsWrong(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		manager, client := employed(t, s, account.Manager), newPerson(t, s)
		id := strconv.FormatInt(s.user(t, client.name).ID, 10)
		for _, value := range []string{`null`, `[]`, `[true]`, `{}`, `"perhaps"`, `2`} {
			a := manager.as(t, http.MethodPost, "/api/clients/clients/bulk/disable/", `{"ids":[`+id+`],"reason":"to see who it would be","dry_run":`+value+`}`)
			if a.status != http.StatusBadRequest || !strings.HasPrefix(a.header.Get("X-Error-Code"), "dry_run=") {
				t.Errorf("dry_run %s: %d %s", value, a.status, a.body)
			}
		}
		for _, body := range []string{`{}`, `{"query":"amina"}`, `{"is_active":""}`, `{"ids":null}`, `{"search":null}`} { // a field of another name is not everybody
			for _, path := range []string{"export/", "bulk/sign_out/", "bulk/disable/"} {
				sent := strings.Replace(strings.Replace(body, "{", `{"reason":"for the accountant",`, 1), ",}", "}", 1)
				if a := manager.as(t, http.MethodPost, "/api/clients/clients/"+path, sent); a.status != http.StatusBadRequest {
					t.Errorf("%s %s: %d %.200s", path, sent, a.status, a.body)
				}
			}
		}
		for _, reason := range []string{"", "          ", strings.Repeat(`\u200b`, 12), strings.Repeat(`\u2060a`, 6)} {
			if a := manager.as(t, http.MethodPost, "/api/clients/clients/export/", `{"search":"","reason":"`+reason+`"}`); a.header.Get("X-Error-Code") != "reason=too_short" {
				t.Errorf("nobody can read %q: %d %.200s", reason, a.status, a.body)
			}
		}
		if a := client.as(t, http.MethodGet, mePath, ""); a.status != http.StatusOK {
			t.Errorf("the client was disabled: %d %s", a.status, a.body)
		}
	})
}

// TestBlanksAreNotEverybody: an empty search says that all are meant; of blanks
// alone nobody knows what they were to say.
func TestBlanksAreNotEverybody(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		manager, client := employed(t, s, account.Manager), newPerson(t, s)
		routes := 0
		for _, rt := range api.Routes() {
			if _, many := rt.In.FieldByName("IDs"); !many {
				continue
			}
			routes++
			for _, blanks := range []string{" ", `\t\n`, `\u00a0`, `\u3000 `, `\u2028`, `\u001c`} {
				for _, body := range []string{
					`{"search":"` + blanks + `","reason":"for the accountant"}`, `{"search":"` + blanks + `","language":"fr","reason":"for the accountant"}`,
				} {
					if a := manager.as(t, rt.Method, rt.Path, body); a.status != http.StatusBadRequest || a.header.Get("X-Error-Code") != "search=blank" {
						t.Errorf("%s %s: %d %.200s", rt.Path, body, a.status, a.body)
					}
				}
			}
		}
		if routes < 6 {
			t.Errorf("%d routes are about many", routes)
		}
		client.wants(t, http.StatusOK, http.MethodGet, mePath, "")
		manager.wants(t, http.StatusOK, http.MethodPost, "/api/clients/clients/bulk/disable/", `{"search":"","dry_run":true}`)
	})
}

// TestWhoIsErasedWhileTheyAsk is told that they are not there: what they asked
// for at that moment fails for nobody's mistake.
func TestWhoIsErasedWhileTheyAsk(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		for _, rt := range []string{
			"PATCH " + mePath, "POST /api/clients/auth/logout/all/", "POST " + passkeysPath + "options/", "POST /api/clients/auth/email/verify/resend/",
		} {
			method, path, _ := strings.Cut(rt, " ")
			for range 6 {
				p := newPerson(t, s)
				id := s.user(t, p.name).ID
				var all sync.WaitGroup
				all.Go(func() {
					if _, err := s.app.Staff.Erase(t.Context(), id, "asked for in writing"); err != nil && !errors.Is(err, account.ErrUnavailable) {
						t.Errorf("erase: %v", err)
					}
				})
				for range 3 {
					all.Go(func() {
						if a := p.as(t, method, path, `{"first_name":"Hind"}`); a.status >= 500 && a.status != http.StatusServiceUnavailable {
							t.Errorf("%s: %d %s", rt, a.status, a.body)
						}
					})
				}
				all.Wait()
			}
		}
	})
}
