package pages_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// limited turns limits on.
func limited(o *app.Options) {
	l := guard.NewLimiter(guard.LimiterOptions{Now: o.Now, Log: o.Log})
	o.Limits = l
}

// throttled fails unless the page says so in the language, with the form to
// send again.
func (a answer) throttled(t *testing.T, language string) {
	t.Helper()
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	a.shows(t, http.StatusTooManyRequests, locale.Text(language, "page.problem", nil), locale.Text(language, "throttled", locale.Args{"n": seconds}))
	if !strings.Contains(a.body, `<html lang="`+language+`"`) {
		t.Errorf("not in %s:\n%s", language, a.body)
	}
}

// TestPageThatAsksForResetsIsCounted, as the API is and with it.
func TestPageThatAsksForResetsIsCounted(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		for _, language := range locale.Languages() {
			s.clock.Advance(time.Hour) // all is full again
			path, email := "/account/forgot-password/?lang="+language, language+"@example.ma"
			through := 0
			for range 70 {
				a := s.post(t, path, "email", email)
				if a.status == http.StatusAccepted {
					through++
					continue
				}
				a.throttled(t, language)
				a.shows(t, http.StatusTooManyRequests, email)
			}
			if through != 60 {
				t.Errorf("%s: %d of 70 POSTs for one address went through, want 60", language, through)
			}
		}
		s.clock.Advance(time.Hour)
		ask := func(i int) answer {
			return s.post(t, "/account/forgot-password/?lang=en", "email", fmt.Sprintf("customer-%d@example.ma", i))
		}
		n, left := 0, yoozaktest.Long(10, guard.ResetPerNetwork.Count)
		for range guard.ResetPerNetwork.Count - left {
			if err := s.app.Guard.AllowRequest(t.Context(), guard.ResetPerNetwork, account.RequestInfo{IP: "127.0.0.1"}); err != nil {
				t.Fatal(err)
			}
		}
		for ask(n).status == http.StatusAccepted {
			n++
		}
		if n != left {
			t.Errorf("%d of the last %d of many addresses", n, left)
		}
		ask(n).throttled(t, "en")
		if a := s.call(t, http.MethodPost, "/api/clients/auth/password/reset/", `{"email":"other@example.ma"}`, "Content-Type", "application/json"); a.status != http.StatusTooManyRequests {
			t.Errorf("the API has a count of its own: %d", a.status)
		}
		if a := s.get(t, "/account/forgot-password/"); a.status != http.StatusOK {
			t.Errorf("the form: %d", a.status)
		}
	}, limited)
}

// TestPagesOfLinksAreCounted, also those of links that are not good.
func TestPagesOfLinksAreCounted(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		m := s.link(t, account.ResetPassword, "amina")
		for range 20 {
			s.get(t, "/account/undo-email/x").shows(t, http.StatusGone, fr("page.invalid_link"))
		}
		from := account.RequestInfo{IP: "127.0.0.1"}
		left := 0
		for s.app.Guard.AllowRequest(t.Context(), guard.LinkPerNetwork, from) == nil {
			left++
		}
		if want := guard.LinkPerNetwork.Count - 20; left != want {
			t.Errorf("%d are left, want %d", left, want)
		}
		for _, path := range []string{m.Path, "/account/undo-email/x", "/account/verify-email/x"} {
			s.call(t, http.MethodGet, path, "", "Accept-Language", "ar").lacks(t, "<form")
			s.get(t, path+"?lang=en").shows(t, http.StatusTooManyRequests)
			s.press(t, path).shows(t, http.StatusTooManyRequests)
		}
		s.get(t, "/account/undo-email/x?lang=ar").throttled(t, "ar")
		if !s.opens(t, "amina", firstPassword) {
			t.Error("a page that was refused did its act")
		}
	}, limited)
}
