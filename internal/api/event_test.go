package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/store"
)

const eventsPath = "/api/clients/auth/events/"

// listed is an event as the wire has it.
type listed struct {
	ID      int64  `json:"id"`
	At      string `json:"at"`
	Kind    string `json:"kind"`
	Text    string `json:"text"`
	IP      string `json:"ip"`
	Device  string `json:"device"`
	Current bool   `json:"current_session"`
}

func (p *person) events(t *testing.T, query string) []listed {
	t.Helper()
	a := p.as(t, http.MethodGet, eventsPath+query, "")
	var events []listed
	d := json.NewDecoder(strings.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&events); a.status != http.StatusOK || err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return events
}

func TestPersonSeesTheirEvents(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(o *settings) { o.web.TrustedProxies = loopback }, func(t *testing.T, s *server) {
		p, q := newPerson(t, s), newPerson(t, s)
		q.login(t, "wrong password")
		for range 2 {
			p.login(t, "wrong password")
		}
		a := p.post(t, loginPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`, "User-Agent", android, "X-Forwarded-For", "203.0.113.77", "X-Request-Id", "from-the-proxy")
		if a.status != http.StatusOK {
			t.Fatal(a.body)
		}
		if err := s.app.Audit.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := p.events(t, "")
		for i := range got {
			if got[i].ID == 0 || !strings.HasSuffix(got[i].At, "Z") || i > 0 && got[i].ID >= got[i-1].ID {
				t.Errorf("%+v", got)
			}
		}
		for i := range got {
			got[i].ID, got[i].At = 0, ""
		}
		want := []listed{
			{Kind: "login_failed", Text: "2 logins were refused", IP: "127.0.0.1", Device: "Program (Go)"},
			{Kind: "login", Text: "Login", IP: "203.0.113.77", Device: "Chrome on Android"},
			{Kind: "registered", Text: "Account created", IP: "127.0.0.1", Device: "Program (Go)", Current: true},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		a = p.call(t, http.MethodGet, eventsPath, "", "Authorization", "Bearer "+p.access, "Accept-Language", "ar")
		if !strings.Contains(a.body, `"text":"رُفضت محاولتا دخول"`) {
			t.Errorf("in Arabic: %s", a.body)
		}
		logins, err := s.store.Events(t.Context(), store.EventFilter{UserID: p.user(t, p.name).ID, Kind: account.EventLogin}, 0)
		if err != nil || len(logins) != 1 || logins[0].RequestID != "from-the-proxy" {
			t.Errorf("the request's id: %+v, %v", logins, err)
		}
	})
}

func TestEventsComeInPages(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p, q := newPerson(t, s), newPerson(t, s)
		for i := range auth.EventsPage + 9 {
			p.login(t, goodPassword)
			if i%10 == 0 {
				q.login(t, goodPassword)
			}
		}
		first := p.events(t, "")
		if len(first) != auth.EventsPage {
			t.Fatalf("%d on the first page", len(first))
		}
		second := p.events(t, fmt.Sprintf("?before=%d", first[len(first)-1].ID))
		if len(second) != 10 || second[9].Kind != "registered" || second[0].ID >= first[len(first)-1].ID {
			t.Errorf("second page: %+v", second)
		}
		if none := p.events(t, fmt.Sprintf("?before=%d&unknown=1", second[9].ID)); len(none) != 0 {
			t.Errorf("after the end: %+v", none)
		}
		a := p.as(t, http.MethodGet, eventsPath+fmt.Sprintf("?before=%d", second[9].ID), "")
		if a.body != "[]" {
			t.Errorf("an empty page is %s", a.body)
		}
		theirs := map[int64]bool{}
		for _, e := range q.events(t, "") {
			theirs[e.ID] = true
		}
		for _, e := range append(first, second...) {
			if theirs[e.ID] {
				t.Errorf("event %d is shown to two people", e.ID)
			}
		}
		for _, before := range []string{"", "x", "0", "-1", "1.5", "99999999999999999999", "1%3BDROP", "%00"} {
			a := p.as(t, http.MethodGet, eventsPath+"?before="+before, "")
			if a.status != http.StatusBadRequest || a.body != `{"before":["A valid integer is required."]}` {
				t.Errorf("before=%s: %d %s", before, a.status, a.body)
			}
		}
	})
}

// TestEveryEventOfAPersonHasAText: else its key would be shown.
func TestEveryEventOfAPersonHasAText(t *testing.T) {
	t.Parallel()
	for _, kind := range account.PersonEventKinds() {
		for _, lang := range locale.Languages() {
			key := "event." + string(kind)
			for _, n := range []int{1, 2, 7} {
				if text := locale.Text(lang, key, locale.Args{"n": n}); text == key || strings.Contains(text, "{") {
					t.Errorf("%s %s: %q", lang, key, text)
				}
			}
		}
	}
}

// TestErasedPersonsEventsStayWithoutThem: the chain holds after it, too.
func TestErasedPersonsEventsStayWithoutThem(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		id := p.user(t, p.name).ID
		p.as(t, http.MethodDelete, mePath, `{"password":"`+goodPassword+`"}`)
		s.clock.advance(31 * 24 * time.Hour)
		if err := s.app.Sweep(t.Context(), s.clock.now()); err != nil {
			t.Fatal(err)
		}
		if err := s.app.Audit.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		left, err := s.store.Events(t.Context(), store.EventFilter{UserID: id}, 0)
		if err != nil || len(left) > 0 {
			t.Errorf("%+v, %v", left, err)
		}
		for _, kind := range []account.EventKind{account.EventRegistered, account.EventAccountClosed, account.EventAccountErased} {
			if stay, err := s.store.Events(t.Context(), store.EventFilter{Kind: kind}, 0); err != nil || len(stay) != 1 {
				t.Errorf("%s: %d events, %v", kind, len(stay), err)
			}
		}
		if r, err := s.app.Audit.Verify(t.Context(), store.EventHead{}); err != nil || r.Problem != "" || r.Forgot != 2 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
