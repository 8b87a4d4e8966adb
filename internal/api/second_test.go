package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/totp"
)

// addTOTP gives a person an authenticator app.
func (p *person) addTOTP(t *testing.T) []byte {
	t.Helper()
	seed := totp.NewSecret()
	u := p.user(t, p.name)
	err := p.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		return tx.CreateFactor(ctx, account.Factor{
			ID: token.NewID(), UserID: u.ID, Kind: account.TOTP, CreatedAt: p.clock.now(), ConfirmedAt: p.clock.now(), Secret: seed,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// TestSecondStep is the wire of a login with a second factor: what the first
// call answers, and that the second one has the body of every login.
func TestSecondStep(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		plain := p.post(t, loginPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`)
		seed := p.addTOTP(t)
		a := p.post(t, loginPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`)
		var due struct {
			Detail, Code, Challenge string
			Methods                 []string
		}
		if err := json.Unmarshal([]byte(a.body), &due); err != nil {
			t.Fatal(err)
		}
		if a.status != http.StatusUnauthorized || due.Code != "second_factor_required" || a.header.Get("X-Error-Code") != due.Code ||
			len(due.Challenge) != 43 || !slices.Equal(due.Methods, []string{"totp"}) || due.Detail == "" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a.header.Get("X-Device-Token") != "" || a.header.Get("Set-Cookie") != "" {
			t.Error("half a login makes the device known")
		}
		code := totp.Code(seed, totp.StepAt(p.clock.now()))
		for _, bad := range []struct{ body, codes string }{
			{`{}`, "challenge=required, code=one_required"},
			{`{"challenge":"` + due.Challenge + `"}`, "code=one_required"},
			{`{"challenge":"` + due.Challenge + `","code":"` + code + `","recovery_code":"x"}`, "code=one_required"},
			{`{"challenge":"` + due.Challenge + `","code":["` + code + `"]}`, "code=not_text"},
			{`{"challenge":"` + due.Challenge + `","code":null}`, "code=null"},
			{`{"challenge":"` + due.Challenge + `","code":""}`, "code=blank"},
			{`{"challenge":"` + due.Challenge + `","code":"O12345"}`, "code=invalid"},
			{`{"challenge":"` + due.Challenge + `","code":"12345"}`, "code=invalid"},
			{`{"challenge":"` + due.Challenge + `","recovery_code":"123456"}`, "recovery_code=other_kind"},
			{`{"challenge":"` + due.Challenge + `x","code":"` + code + `"}`, "challenge=invalid"},
		} {
			if got := p.post(t, secondPath, bad.body); got.status != http.StatusBadRequest || got.header.Get("X-Error-Code") != bad.codes {
				t.Errorf("%s: %d %s %s; want %s", bad.body, got.status, got.header.Get("X-Error-Code"), got.body, bad.codes)
			}
		}
		in := p.post(t, secondPath, `{"challenge":"`+due.Challenge+`","code":"`+code[:3]+` `+code[3:]+`"}`)
		if in.status != http.StatusOK || in.header.Get("X-Device-Token") == "" && plain.header.Get("X-Device-Token") != "" {
			t.Fatalf("%d %s", in.status, in.body)
		}
		var first, second map[string]any
		if json.Unmarshal([]byte(plain.body), &first) != nil || json.Unmarshal([]byte(in.body), &second) != nil {
			t.Fatal("no JSON")
		}
		for name := range second {
			if _, there := first[name]; !there || len(first) != len(second) {
				t.Errorf("a login answers %s, its second step %s", plain.body, in.body)
			}
		}
	})
}
