package auth_test

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	tokens "github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/webauthntest"
)

func newKey() *webauthntest.Key {
	return webauthntest.NewKey(authtest.RPID, authtest.Origin, webauthntest.ES256)
}

// withPasskey is amina, with a passkey and the recovery codes that came with
// it.
func withPasskey(t *testing.T, s *authtest.Server) (auth.LoginResult, *webauthntest.Key, []string) {
	t.Helper()
	g := s.SignUp(t, "amina")
	key := newKey()
	added, err := s.Enrol(t, s.CallerOf(t, g), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g, key, added.RecoveryCodes
}

// askedSecond begins a login with the password, and asks for a passkey.
func askedSecond(t *testing.T, s *authtest.Server, name string) (challenge string, asked auth.PasskeyRequest) {
	t.Helper()
	_, err := s.SignIn(t, name, authtest.Good)
	challenge = due(t, err).Challenge
	asked, err = s.BeginPasskeyLogin(t.Context(), account.TextInput(challenge))
	if err != nil {
		t.Fatal(err)
	}
	return challenge, asked
}

func secondBy(ceremony, assertion string) auth.Proof {
	return auth.Proof{Ceremony: account.TextInput(ceremony), Assertion: authtest.Object(assertion)}
}

func wantRefused(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, account.ErrPasskeyRefused) {
		t.Errorf("%s: %v; want it refused", what, err)
	}
}

func claimsOf(t *testing.T, s *authtest.Server, access string) tokens.Claims {
	t.Helper()
	claims, err := s.Tokens.Verify(access, tokens.Access, s.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestPasskeyIsALoginASecondStepAndAProof, with each of the algorithms.
func TestPasskeyIsALoginASecondStepAndAProof(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for name, algorithm := range map[string]int{"es": webauthntest.ES256, "ed": webauthntest.EdDSA, "rs": webauthntest.RS256} {
			g := s.SignUp(t, name)
			key := webauthntest.NewKey(authtest.RPID, authtest.Origin, algorithm)
			added, err := s.Enrol(t, s.CallerOf(t, g), key, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(added.RecoveryCodes) != 10 || added.Credential.Algorithm != algorithm || added.Factor.Name != "phone" {
				t.Errorf("%s: %d codes, %+v", name, len(added.RecoveryCodes), added)
			}
			in, err := s.SignInBy(t, key, nil)
			if err != nil || in.User.ID != g.User.ID {
				t.Fatalf("%s: login: user %d, %v", name, in.User.ID, err)
			}
			if claims := claimsOf(t, s, in.Access); claims.AMR != "pop mfa" {
				t.Errorf("%s: amr %q", name, claims.AMR)
			}
			challenge, asked := askedSecond(t, s, name)
			in, err = s.LoginSecond(t.Context(), authtest.Req, secondStep(challenge, secondBy(asked.Ceremony, key.Get(asked.Challenge, func(a *webauthntest.Answer) {
				a.Flags, a.Handle = webauthntest.UserPresent, nil // possession will do after a password
			}))))
			if err != nil {
				t.Fatalf("%s: second step: %v", name, err)
			}
			if claims := claimsOf(t, s, in.Access); claims.AMR != "pwd pop mfa" {
				t.Errorf("%s: amr %q", name, claims.AMR)
			}
			c := s.CallerOf(t, in)
			s.Clock.Advance(10 * time.Minute)
			if _, err := s.Export(t.Context(), c); !errors.Is(err, account.ErrConfirmRequired) {
				t.Fatalf("%s: %v", name, err)
			}
			asked, err = s.BeginPasskeyConfirm(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			pair, err := s.Confirm(t.Context(), c, secondBy(asked.Ceremony, key.Get(asked.Challenge, nil)))
			if err != nil {
				t.Fatalf("%s: confirm: %v", name, err)
			}
			c, err = s.Authenticate(t.Context(), pair.Access)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Export(t.Context(), c); err != nil {
				t.Errorf("%s: export after a proof: %v", name, err)
			}
		}
	})
}

// TestPasskeyIsDueAfterAPassword, and the recovery codes help that came with it.
func TestPasskeyIsDueAfterAPassword(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		_, _, codes := withPasskey(t, s)
		_, err := s.SignIn(t, "amina", authtest.Good)
		e := due(t, err)
		if want := []string{"passkey", "recovery_code"}; !slices.Equal(e.Methods, want) {
			t.Errorf("methods %v, want %v", e.Methods, want)
		}
		if _, err := s.LoginSecond(t.Context(), authtest.Req, secondStep(e.Challenge, auth.Proof{RecoveryCode: account.TextInput(codes[0])})); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
	})
}

// TestAnswersThatProveNothing open nothing, as a login, and count as a try, as a
// second step.
func TestAnswersThatProveNothing(t *testing.T) {
	t.Parallel()
	forged := func(change func(a *webauthntest.Answer)) func(k *webauthntest.Key, challenge []byte) string {
		return func(k *webauthntest.Key, challenge []byte) string { return k.Get(challenge, change) }
	}
	rows := map[string]func(k *webauthntest.Key, challenge []byte) string{
		"words":        func(*webauthntest.Key, []byte) string { return `{"verified":true}` },
		"nothing":      func(*webauthntest.Key, []byte) string { return `{}` },
		"an array":     func(*webauthntest.Key, []byte) string { return `{"id":["a"],"response":[]}` },
		"no signature": forged(func(a *webauthntest.Answer) { a.Signature = func([]byte) []byte { return nil } }),
		"another's signature": func(k *webauthntest.Key, challenge []byte) string {
			other := newKey()
			other.ID, other.Handle = k.ID, k.Handle
			return other.Get(challenge, nil)
		},
		"another challenge":     func(k *webauthntest.Key, _ []byte) string { return k.Get(webauthntest.Random(32), nil) },
		"challenge of one byte": forged(func(a *webauthntest.Answer) { a.Challenge = "AA" }),
		"a registration":        forged(func(a *webauthntest.Answer) { a.Type = "webauthn.create" }),
		"no type":               forged(func(a *webauthntest.Answer) { a.Type = "" }),
		"nobody there":          forged(func(a *webauthntest.Answer) { a.Flags = webauthntest.UserVerified }),
		"another relying party": forged(func(a *webauthntest.Answer) { a.RPID = "evil.example" }),
		"in a frame":            forged(func(a *webauthntest.Answer) { a.CrossOrigin = true }),
		"in a named frame":      forged(func(a *webauthntest.Answer) { a.CrossOrigin, a.TopOrigin = true, authtest.Origin }),
		"a top without a frame": forged(func(a *webauthntest.Answer) { a.TopOrigin = authtest.Origin }),
		"an unknown credential": forged(func(a *webauthntest.Answer) { a.ID = webauthntest.Random(32) }),
		"backed up, not eligible": forged(func(a *webauthntest.Answer) {
			a.Flags |= webauthntest.BackedUp
		}),
		"bytes behind the signature": forged(func(a *webauthntest.Answer) {
			a.Signature = func(b []byte) []byte { return append(b, 0) }
		}),
		"bytes behind the data": forged(func(a *webauthntest.Answer) { a.Trailing = []byte{0} }),
		"another's handle":      forged(func(a *webauthntest.Answer) { a.Handle = webauthntest.Random(64) }),
		"65 bytes of a handle":  forged(func(a *webauthntest.Answer) { a.Handle = append(a.Handle, 0) }),
		"the number as handle":  forged(func(a *webauthntest.Answer) { a.Handle = []byte("1") }),
		"client data of nothing": forged(func(a *webauthntest.Answer) {
			a.ClientData = []byte("null")
		}),
	}
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		_, key, _ := withPasskey(t, s)
		tries := 0
		for name, answer := range rows {
			asked, err := s.BeginPasskeyLogin(t.Context(), account.Input{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.LoginPasskey(t.Context(), authtest.Req, auth.PasskeyLogin{Ceremony: account.TextInput(asked.Ceremony), Credential: authtest.Object(answer(key, asked.Challenge))})
			wantRefused(t, name, err)

			challenge, asked := askedSecond(t, s, "amina")
			_, err = s.LoginSecond(t.Context(), authtest.Req, secondStep(challenge, secondBy(asked.Ceremony, answer(key, asked.Challenge))))
			if keys := authtest.FieldKeys(err)["assertion"]; !slices.Equal(keys, []string{"passkey_refused"}) {
				t.Errorf("%s: second step: %v", name, err)
			}
			tries++
			s.Clock.Advance(time.Minute)
		}
		for name, change := range map[string]func(a *webauthntest.Answer){
			"not verified": func(a *webauthntest.Answer) { a.Flags = webauthntest.UserPresent },
			"no handle":    func(a *webauthntest.Answer) { a.Handle = nil },
			"empty handle": func(a *webauthntest.Answer) { a.Handle = []byte{} },
		} {
			_, err := s.SignInBy(t, key, change)
			wantRefused(t, name, err)
		}
		if _, err := s.SignInBy(t, key, nil); err != nil {
			t.Errorf("the right answer after all that: %v", err)
		}
		s.SealAll(t)
		counted := 0
		for _, e := range s.AllEvents(t) {
			if e.Kind == account.EventFactorRefused {
				counted += max(1, e.ReadDetails().Count)
			}
		}
		if counted != tries {
			t.Errorf("%d of %d wrong factors are in the log", counted, tries)
		}
	})
}

// TestWrongAssertionsAreCounted with all other second factors of the account.
func TestWrongAssertionsAreCounted(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		_, key, _ := withPasskey(t, s)
		tried := 0
		for range 10 {
			_, err := s.SignIn(t, "amina", authtest.Good)
			challenge := due(t, err).Challenge
			asked, err := s.BeginPasskeyLogin(t.Context(), account.TextInput(challenge))
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.LoginSecond(t.Context(), authtest.Elsewhere(), secondStep(challenge, secondBy(asked.Ceremony, `{"verified":true}`)))
			if authtest.Throttled(err) {
				break
			}
			tried++
		}
		if tried != 5 {
			t.Errorf("%d tries at once, want 5", tried)
		}
		if _, err := s.SignInBy(t, key, nil); err != nil { // which nobody can guess
			t.Errorf("the passkey alone, meanwhile: %v", err)
		}
	}, authtest.Limited)
}

// TestCountersOfPasskeys is what Web Authentication, section 6.1.1, says, and
// what we make of it.
func TestCountersOfPasskeys(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name          string
		stored, shown uint32
		synced, opens bool
		after         uint32
	}{
		{"does not count", 0, 0, false, true, 0},
		{"begins to count", 0, 1, false, true, 1},
		{"counts", 5, 6, false, true, 6},
		{"jumps", 5, 4_000_000_000, false, true, 4_000_000_000},
		{"the same again", 5, 5, false, false, 5},
		{"goes back", 5, 3, false, false, 5},
		{"stops counting", 5, 0, false, false, 5},
		{"synced, goes back", 5, 3, true, true, 5},
		{"synced, counts", 5, 6, true, true, 6},
	}
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st)
		again := authtest.New(t, st) // started anew: what was counted is in the database
		for i, row := range rows {
			g := s.SignUp(t, "user"+string(rune('a'+i)))
			s.Prove(t, g)
			key := newKey()
			key.Count = row.stored
			if row.synced {
				key.Flags |= webauthntest.BackupEligible | webauthntest.BackedUp
			}
			if _, err := s.Enrol(t, s.CallerOf(t, g), key, nil); err != nil {
				t.Fatal(err)
			}
			mails := len(s.AllMails(t))
			_, err := again.SignInBy(t, key, func(a *webauthntest.Answer) { a.Count = row.shown })
			if row.opens != (err == nil) {
				t.Errorf("%s: %v", row.name, err)
			}
			credential, err := s.Store.Credential(t.Context(), key.ID)
			if err != nil || credential.SignCount != row.after || credential.BackedUp != row.synced {
				t.Errorf("%s: %+v, %v; want the counter %d", row.name, credential, err, row.after)
			}
			told := slices.ContainsFunc(s.AllMails(t)[mails:], func(m account.Mail) bool { return m.Kind == account.MailPasskeyCloned })
			if told == row.opens {
				t.Errorf("%s: the owner was told: %v", row.name, told)
			}
		}
		again.SealAll(t)
		if n := s.EventKinds(t)[account.EventPasskeyCloned]; n != 3 {
			t.Errorf("%d events of copies, want 3", n)
		}
	})
}

// TestOneAnswerIsTakenOnce also of two servers, and of two answers with one
// count.
func TestOneAnswerIsTakenOnce(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		servers := []*authtest.Server{authtest.New(t, st), authtest.New(t, st)}
		s := servers[0]
		_, key, _ := withPasskey(t, s)
		at50 := func(login func(i int) error) (opened int) {
			start, results := make(chan struct{}), make(chan error, 50)
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					<-start
					results <- login(i)
				})
			}
			close(start)
			wg.Wait()
			close(results)
			for err := range results {
				if err == nil {
					opened++
				} else if !errors.Is(err, account.ErrPasskeyRefused) && authtest.FieldKeys(err)["ceremony"] == nil {
					t.Error(err)
				}
			}
			return opened
		}
		asked, err := s.BeginPasskeyLogin(t.Context(), account.Input{})
		if err != nil {
			t.Fatal(err)
		}
		answer := key.Get(asked.Challenge, nil)
		n := at50(func(i int) error {
			_, err := servers[i%2].LoginPasskey(t.Context(), authtest.Req, auth.PasskeyLogin{Ceremony: account.TextInput(asked.Ceremony), Credential: authtest.Object(answer)})
			return err
		})
		if n != 1 {
			t.Errorf("one answer opened %d sessions", n)
		}
		var answers []auth.PasskeyLogin // of a key and its copy
		for range 50 {
			asked, err := s.BeginPasskeyLogin(t.Context(), account.Input{})
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, auth.PasskeyLogin{
				Ceremony:   account.TextInput(asked.Ceremony),
				Credential: authtest.Object(key.Get(asked.Challenge, func(a *webauthntest.Answer) { a.Count = 100 })),
			})
		}
		if n := at50(func(i int) error {
			_, err := servers[i%2].LoginPasskey(t.Context(), authtest.Req, answers[i])
			return err
		}); n != 1 {
			t.Errorf("one count opened %d sessions", n)
		}
	})
}

// TestPasskeyThatChangedItsKind: whether a key can be backed up never changes,
// by the standard; people are told what to do.
func TestPasskeyThatChangedItsKind(t *testing.T) {
	t.Parallel()
	const eligible, backedUp = webauthntest.BackupEligible, webauthntest.BackedUp
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g, key, _ := withPasskey(t, s)
		isChanged := func(name string, err error, methods ...string) {
			t.Helper()
			var e *account.Error
			if !errors.As(err, &e) || !e.Is(account.ErrPasskeyChanged) || !slices.Equal(e.Methods, methods) {
				t.Errorf("%s: %v %+v; want that it changed, and %v", name, err, e, methods)
			}
		}
		becomes := func(flags byte) func(*webauthntest.Answer) {
			return func(a *webauthntest.Answer) { a.Flags = webauthntest.UserPresent | webauthntest.UserVerified | flags }
		}
		_, err := s.SignInBy(t, key, becomes(eligible|backedUp))
		isChanged("login", err, "password")
		challenge, asked := askedSecond(t, s, "amina")
		_, err = s.LoginSecond(t.Context(), authtest.Req, secondStep(challenge, secondBy(asked.Ceremony, key.Get(asked.Challenge, becomes(eligible)))))
		isChanged("second step", err, "recovery_code")
		c := s.CallerOf(t, g)
		asked, err = s.BeginPasskeyConfirm(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Confirm(t.Context(), c, secondBy(asked.Ceremony, key.Get(asked.Challenge, becomes(eligible))))
		isChanged("confirm", err, "recovery_code")
		_, err = s.SignInBy(t, key, func(a *webauthntest.Answer) { // only who has the key is told
			becomes(eligible)(a)
			a.Signature = func([]byte) []byte { return []byte("x") }
		})
		wantRefused(t, "a wrong signature", err)

		synced := newKey()
		synced.Flags |= eligible
		if _, err := s.Enrol(t, c, synced, nil); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			flags byte
			want  bool
		}{{eligible, false}, {eligible | backedUp, true}, {eligible, false}} {
			if _, err := s.SignInBy(t, synced, becomes(step.flags)); err != nil {
				t.Fatal(err)
			}
			if credential, err := s.Store.Credential(t.Context(), synced.ID); err != nil || credential.BackedUp != step.want {
				t.Errorf("backed up: %v, %v; want %v", credential.BackedUp, err, step.want)
			}
		}
		_, err = s.SignInBy(t, synced, becomes(0))
		isChanged("back", err, "password")
	})
}

// TestCeremoniesAreForOneThing: rows are what is asked for, and how the answer
// is used.
func TestCeremoniesAreForOneThing(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g, key, _ := withPasskey(t, s)
		c := s.CallerOf(t, g)
		other, err := s.SignIn(t, "amina", authtest.Good)
		if err == nil || other.Access != "" {
			t.Fatal("no second factor was due")
		}
		omar := s.SignUp(t, "omar")
		omarsKey := s.AddPasskeyTo(t, s.CallerOf(t, omar))

		type asked struct {
			ceremony  string
			challenge []byte
		}
		begin := func(r auth.PasskeyRequest, err error) asked {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return asked{r.Ceremony, r.Challenge}
		}
		var challenge string
		asks := map[string]func() asked{
			"login": func() asked { return begin(s.BeginPasskeyLogin(t.Context(), account.Input{})) },
			"second": func() asked {
				_, err := s.SignIn(t, "amina", authtest.Good)
				challenge = due(t, err).Challenge
				return begin(s.BeginPasskeyLogin(t.Context(), account.TextInput(challenge)))
			},
			"confirm": func() asked { return begin(s.BeginPasskeyConfirm(t.Context(), c)) },
			"register": func() asked {
				r, err := s.BeginPasskey(t.Context(), c, account.Input{})
				if err != nil {
					t.Fatal(err)
				}
				return asked{r.Ceremony, r.Challenge}
			},
		}
		uses := map[string]func(a asked) error{
			"login": func(a asked) error {
				_, err := s.LoginPasskey(t.Context(), authtest.Req, auth.PasskeyLogin{Ceremony: account.TextInput(a.ceremony), Credential: authtest.Object(key.Get(a.challenge, nil))})
				return err
			},
			"second": func(a asked) error {
				_, err := s.LoginSecond(t.Context(), authtest.Req, secondStep(challenge, secondBy(a.ceremony, key.Get(a.challenge, nil))))
				return err
			},
			"confirm": func(a asked) error {
				_, err := s.Confirm(t.Context(), c, secondBy(a.ceremony, key.Get(a.challenge, nil)))
				return err
			},
			"register": func(a asked) error {
				_, err := s.AddPasskey(t.Context(), c, auth.NewPasskey{Ceremony: account.TextInput(a.ceremony), Credential: authtest.Object(newKey().Create(a.challenge, nil))})
				return err
			},
		}
		for from, ask := range asks {
			for to, use := range uses {
				_, err := s.SignIn(t, "amina", authtest.Good)
				challenge = due(t, err).Challenge
				a := ask()
				err = use(a)
				if from == to && err != nil {
					t.Errorf("%s: %v", from, err)
				}
				if from != to && authtest.FieldKeys(err)["ceremony"] == nil {
					t.Errorf("asked for %s, used for %s: %v", from, to, err)
				}
				if from == "second" { // the login is over
					_, err := s.SignIn(t, "amina", authtest.Good)
					challenge = due(t, err).Challenge
				}
				if err := uses[from](a); authtest.FieldKeys(err)["ceremony"] == nil {
					t.Errorf("%s, after it was used for %s: %v", from, to, err)
				}
			}
		}
		// In another session, for another login, for another person.
		in, err := s.SignInBy(t, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := asks["confirm"]()
		if _, err := s.Confirm(t.Context(), s.CallerOf(t, in), secondBy(a.ceremony, key.Get(a.challenge, nil))); authtest.FieldKeys(err)["ceremony"] == nil {
			t.Errorf("in another session: %v", err)
		}
		a = asks["second"]()
		_, err = s.SignIn(t, "amina", authtest.Good)
		challenge = due(t, err).Challenge
		if err := uses["second"](a); authtest.FieldKeys(err)["ceremony"] == nil {
			t.Errorf("for another login: %v", err)
		}
		omarsLogin, omarsAsked := askedSecond(t, s, "omar")
		_, err = s.LoginSecond(t.Context(), authtest.Req, secondStep(challenge, secondBy(omarsAsked.Ceremony, omarsKey.Get(omarsAsked.Challenge, nil))))
		if authtest.FieldKeys(err)["ceremony"] == nil {
			t.Errorf("omar's answer for amina's login: %v", err)
		}
		_, omarsAsked = askedSecond(t, s, "omar")
		_, err = s.LoginSecond(t.Context(), authtest.Req, secondStep(omarsLogin, secondBy(omarsAsked.Ceremony, key.Get(omarsAsked.Challenge, nil))))
		if authtest.FieldKeys(err)["ceremony"] == nil {
			t.Errorf("of another login of omar's: %v", err)
		}
		challenge, again := askedSecond(t, s, "omar")
		_, err = s.LoginSecond(t.Context(), authtest.Req, secondStep(challenge, secondBy(again.Ceremony, key.Get(again.Challenge, nil))))
		if authtest.FieldKeys(err)["assertion"] == nil {
			t.Errorf("amina's key for omar: %v", err)
		}
		// Too late, and just in time.
		for _, wait := range []time.Duration{auth.CeremonyLifetime - time.Second, auth.CeremonyLifetime} {
			a := asks["login"]()
			s.Clock.Advance(wait)
			if err := uses["login"](a); (wait < auth.CeremonyLifetime) != (err == nil) {
				t.Errorf("after %v: %v", wait, err)
			}
		}
		s.Clock.Advance(time.Hour)
		s.SweepAll(t)
	})
}

// TestPasskeyAddedSinceIsNotTaken: the list of what may sign is that of the
// question.
func TestPasskeyAddedSinceIsNotTaken(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g, key, _ := withPasskey(t, s)
		challenge, asked := askedSecond(t, s, "amina")
		if len(asked.Allow) != 1 || !bytes.Equal(asked.Allow[0].ID, key.ID) || asked.Verification != "preferred" {
			t.Errorf("asked for %+v", asked)
		}
		newer := s.AddPasskeyTo(t, s.CallerOf(t, g))
		_, err := s.LoginSecond(t.Context(), authtest.Req, secondStep(challenge, secondBy(asked.Ceremony, newer.Get(asked.Challenge, nil))))
		if authtest.FieldKeys(err)["assertion"] == nil {
			t.Errorf("a passkey that was added since: %v", err)
		}
	})
}

// TestOriginsAreExact at a login and at a registration.
func TestOriginsAreExact(t *testing.T) {
	t.Parallel()
	rows := map[string]bool{
		"https://shop.example": true, authtest.AndroidOrigin: true,
		"http://shop.example": false, "https://shop.example:443": false, "https://shop.example:8443": false,
		"https://shop.example.evil.example": false, "https://evilshop.example": false, "https://shop.example@evil.example": false,
		"https://evil.example@shop.example": false, "https://shop.example/": false, "https://shop.example.": false, "HTTPS://SHOP.EXAMPLE": false,
		"https://Shop.example": false, "https://xn--shp-qqa.example": false, "https://shöp.example": false, "null": false, "file://": false, "": false,
		"https://www.shop.example": false, strings.ToUpper(authtest.AndroidOrigin): false, authtest.AndroidOrigin + "=": false,
		"android:apk-key-hash:" + webauthntest.Base64(webauthntest.Random(32)): false, "ios:bundle-id:example.shop": false,
		"https://shop.example?x": false, "https://shop.example#x": false, " https://shop.example": false,
	}
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		var log bytes.Buffer
		s := authtest.New(t, st, func(o *app.Options, _ *tokens.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		g, key, _ := withPasskey(t, s)
		c := s.CallerOf(t, g)
		for origin, good := range rows {
			from := func(a *webauthntest.Answer) { a.Origin = origin }
			_, err := s.SignInBy(t, key, from)
			if good && err != nil {
				t.Errorf("%q: %v", origin, err)
			}
			if !good {
				wantRefused(t, origin, err)
			}
			added, err := s.Enrol(t, c, newKey(), from)
			if good != (err == nil) || !good && !slices.Equal(authtest.FieldKeys(err)["credential"], []string{"passkey_refused"}) {
				t.Errorf("%q at a registration: %v", origin, err)
			}
			if err == nil {
				authtest.Write(t, st, func(ctx context.Context, tx *store.Store) error {
					return tx.DeleteFactor(ctx, g.User.ID, added.Factor.ID)
				})
			}
		}
		if text := log.String(); !strings.Contains(text, "expected=\"https://shop.example ") || !strings.Contains(text, "got=https://evilshop.example") {
			t.Errorf("the log does not tell what was expected, and what came: %s", text)
		}
	})
}

// TestKeysThatAreNone of what was offered are refused, whatever they are.
func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	x, y := make([]byte, 32), make([]byte, 32)
	p384x, p384y := elliptic.P384().Params().Gx.Bytes(), elliptic.P384().Params().Gy.Bytes()
	modulus := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 2048), big.NewInt(1)).Bytes()
	small := modulus[:128]
	public := func(cose []byte) func(*webauthntest.Answer) {
		return func(a *webauthntest.Answer) { a.PublicKey = cose }
	}
	minusOne, _ := base64.RawStdEncoding.DecodeString("7P///////////////////////////////////////38")
	rows := map[string]func(*webauthntest.Answer){
		"RSA as ES256":                  public(webauthntest.RSA(webauthntest.ES256, modulus, []byte{1, 0, 1})),
		"RSA with SHA-1":                public(webauthntest.RSA(-65535, modulus, []byte{1, 0, 1})),
		"RS512, not offered":            public(webauthntest.RSA(-259, modulus, []byte{1, 0, 1})),
		"P-384 as ES256":                public(webauthntest.EC2(webauthntest.ES256, 2, p384x, p384y)),
		"ES384, not offered":            public(webauthntest.EC2(-35, 2, p384x, p384y)),
		"off the curve":                 public(webauthntest.EC2(webauthntest.ES256, 1, bytes.Repeat([]byte{1}, 32), y)),
		"point of zeros":                public(webauthntest.EC2(webauthntest.ES256, 1, x, y)),
		"short coordinates":             public(webauthntest.EC2(webauthntest.ES256, 1, x[:31], y)),
		"Ed25519 of zeros":              public(webauthntest.OKP(webauthntest.EdDSA, 6, x)),
		"Ed25519, order two":            public(webauthntest.OKP(webauthntest.EdDSA, 6, minusOne)),
		"Ed25519 as ES256":              public(webauthntest.OKP(webauthntest.ES256, 6, bytes.Repeat([]byte{7}, 32))),
		"X25519 as EdDSA":               public(webauthntest.OKP(webauthntest.EdDSA, 4, bytes.Repeat([]byte{7}, 32))),
		"EC2 as EdDSA":                  public(webauthntest.EC2(webauthntest.EdDSA, 1, x, y)),
		"exponent of one":               public(webauthntest.RSA(webauthntest.RS256, modulus, []byte{1})),
		"even exponent":                 public(webauthntest.RSA(webauthntest.RS256, modulus, []byte{2})),
		"no exponent":                   public(webauthntest.RSA(webauthntest.RS256, modulus, nil)),
		"1024 bits":                     public(webauthntest.RSA(webauthntest.RS256, small, []byte{1, 0, 1})),
		"no key":                        public(nil),
		"an empty map":                  public(webauthntest.Map()),
		"a map that claims 2^62 items":  public([]byte{0xbb, 0x40, 0, 0, 0, 0, 0, 0, 0, 1}),
		"a thousand arrays":             public(bytes.Repeat([]byte{0x81}, 1000)),
		"the same key twice in the map": public(webauthntest.Map(webauthntest.Int(1), webauthntest.Int(2), webauthntest.Int(1), webauthntest.Int(2))),
		"id of eight bytes":             func(a *webauthntest.Answer) { a.ID = webauthntest.Random(8) },
		"no id":                         func(a *webauthntest.Answer) { a.ID = nil },
		"id of 1024 bytes":              func(a *webauthntest.Answer) { a.ID = webauthntest.Random(1024) },
		"another challenge":             func(a *webauthntest.Answer) { a.Challenge = webauthntest.Base64(webauthntest.Random(32)) },
		"an assertion":                  func(a *webauthntest.Answer) { a.Type = "webauthn.get" },
		"another relying party":         func(a *webauthntest.Answer) { a.RPID = "evil.example" },
		"in a frame":                    func(a *webauthntest.Answer) { a.CrossOrigin = true },
		"nobody there":                  func(a *webauthntest.Answer) { a.Flags &^= webauthntest.UserPresent },
		"backed up, not eligible":       func(a *webauthntest.Answer) { a.Flags |= webauthntest.BackedUp },
		"no key at all":                 func(a *webauthntest.Answer) { a.Flags = webauthntest.UserPresent },
		"bytes behind":                  func(a *webauthntest.Answer) { a.Trailing = []byte{1, 2, 3} },
	}
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c := s.CallerOf(t, s.SignUp(t, "amina"))
		for name, change := range rows {
			if _, err := s.Enrol(t, c, newKey(), change); !slices.Equal(authtest.FieldKeys(err)["credential"], []string{"passkey_refused"}) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Nobody asked for an attestation, and none is looked at.
		for _, format := range []string{"packed", "tpm", "fido-u2f", "x"} {
			_, err := s.Enrol(t, c, newKey(), func(a *webauthntest.Answer) {
				a.Format, a.Statement = format, webauthntest.Map(webauthntest.Text("sig"), webauthntest.Bytes([]byte("no signature")))
			})
			if err != nil {
				t.Errorf("attestation %q: %v", format, err)
			}
		}
	})
}

// TestCredentialBelongsToOne: whoever shows somebody's key as a new one of
// theirs gets nothing, and takes nothing away.
func TestCredentialBelongsToOne(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g, key, _ := withPasskey(t, s)
		thief := s.SignUp(t, "thief")
		_, err := s.Enrol(t, s.CallerOf(t, thief), newKey(), func(a *webauthntest.Answer) { a.ID = key.ID })
		if !slices.Equal(authtest.FieldKeys(err)["credential"], []string{"passkey_refused"}) {
			t.Errorf("somebody else's credential: %v", err)
		}
		if _, err := s.SignIn(t, "thief", authtest.Good); err != nil {
			t.Errorf("half of it was stored: %v", err)
		}
		in, err := s.SignInBy(t, key, nil)
		if err != nil || in.User.ID != g.User.ID {
			t.Errorf("its owner: %d, %v", in.User.ID, err)
		}
	})
}

// TestTenPasskeysAreTheMost: there are no more, however they were begun.
func TestTenPasskeysAreTheMost(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c := s.CallerOf(t, s.SignUp(t, "amina"))
		early, err := s.BeginPasskey(t.Context(), c, account.Input{})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			s.AddPasskeyTo(t, c)
		}
		if _, err := s.BeginPasskey(t.Context(), c, account.Input{}); authtest.FieldKeys(err)["non_field_errors"] == nil {
			t.Errorf("an eleventh: %v", err)
		}
		_, err = s.AddPasskey(t.Context(), c, auth.NewPasskey{Ceremony: account.TextInput(early.Ceremony), Credential: authtest.Object(newKey().Create(early.Challenge, nil))})
		if authtest.FieldKeys(err)["non_field_errors"] == nil {
			t.Errorf("an eleventh that was begun before: %v", err)
		}
	})
}

// TestEnrolmentAsksForAllThatIsAsked: the password of who has none, else the
// factor; and a factor that was added elsewhere takes the proof away.
func TestEnrolmentAsksForAllThatIsAsked(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		first := s.SignUp(t, "amina")
		second, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(6 * time.Minute)
		owner, thief := s.CallerOf(t, first), s.CallerOf(t, second)
		if _, err := s.BeginPasskey(t.Context(), owner, account.Input{}); !errors.Is(err, account.ErrConfirmRequired) {
			t.Fatalf("without a proof: %v", err)
		}
		if _, err := s.BeginPasskey(t.Context(), owner, account.TextInput("wrong")); authtest.FieldKeys(err)["password"] == nil {
			t.Fatalf("with a wrong password: %v", err)
		}
		begun, err := s.BeginPasskey(t.Context(), thief, account.TextInput(authtest.Good))
		if err != nil {
			t.Fatalf("with the password: %v", err)
		}
		asked, err := s.BeginPasskey(t.Context(), owner, account.TextInput(authtest.Good))
		if err != nil {
			t.Fatal(err)
		}
		add := func(c *auth.Caller, r auth.PasskeyCreation) error {
			_, err := s.AddPasskey(t.Context(), c, auth.NewPasskey{Ceremony: account.TextInput(r.Ceremony), Credential: authtest.Object(newKey().Create(r.Challenge, nil))})
			return err
		}
		if err := add(owner, asked); err != nil {
			t.Fatal(err)
		}
		if err := add(thief, begun); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("begun with a password, ended after there was a factor: %v", err)
		}
		if _, err := s.BeginPasskey(t.Context(), s.CallerOf(t, second), account.TextInput(authtest.Good)); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("with the password, where there is a factor: %v", err)
		}
		if sess, _, err := s.Store.SessionUser(t.Context(), owner.SessionID); err != nil || sess.AMR != "pwd pop mfa" {
			t.Errorf("the session of who added it: %q, %v", sess.AMR, err)
		}
		s.Clock.Advance(6 * time.Minute)
		if _, err := s.BeginPasskey(t.Context(), s.CallerOf(t, first), account.Input{}); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("long after: %v", err)
		}
	})
}

// TestPasskeysOfAnotherRelyingParty are kept, ask for nothing and open nothing.
func TestPasskeysOfAnotherRelyingParty(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st)
		g, key, _ := withPasskey(t, s)
		for name, moved := range map[string]auth.PasskeyOptions{
			"another": {RPID: "shop.ma", Name: "Yoozak", Origins: []string{"https://shop.ma"}}, "none": {},
		} {
			other := authtest.New(t, st, func(o *app.Options, _ *tokens.Options) { o.Passkeys = moved })
			in, err := other.SignIn(t, "amina", authtest.Good)
			if err != nil {
				t.Fatalf("%s: login with the password: %v", name, err)
			}
			if u, err := st.UserByID(t.Context(), g.User.ID); err != nil || !u.LastLoginAt.Equal(other.Clock.Now().Truncate(time.Microsecond)) {
				t.Errorf("%s: last login %v, %v", name, u.LastLoginAt, err)
			}
			if _, err := other.Export(t.Context(), other.CallerOf(t, in)); err != nil {
				t.Errorf("%s: export: %v", name, err)
			}
			asked, err := other.BeginPasskeyLogin(t.Context(), account.Input{})
			if name == "none" {
				if !errors.Is(err, account.ErrNoPasskeys) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			_, err = other.LoginPasskey(t.Context(), authtest.Req, auth.PasskeyLogin{
				Ceremony:   account.TextInput(asked.Ceremony),
				Credential: authtest.Object(key.Get(asked.Challenge, func(a *webauthntest.Answer) { a.RPID, a.Origin = "shop.ma", "https://shop.ma" })),
			})
			wantRefused(t, name, err)
			if n, err := other.UnusablePasskeys(t.Context()); err != nil || n[authtest.RPID] != 1 || len(n) != 1 {
				t.Errorf("%s: %v, %v", name, n, err)
			}
			if _, err := other.BeginPasskeyConfirm(t.Context(), other.CallerOf(t, in)); authtest.FieldKeys(err)["non_field_errors"] == nil {
				t.Errorf("%s: confirm: %v", name, err)
			}
		}
		if _, err := s.SignInBy(t, key, nil); err != nil {
			t.Errorf("back at the first: %v", err)
		}
		_, err := s.SignIn(t, "amina", authtest.Good)
		_ = due(t, err)
	})
}

// TestPasskeysOfPeopleWhoLeft open nothing, and are erased with them.
func TestPasskeysOfPeopleWhoLeft(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g, key, _ := withPasskey(t, s)
		if err := s.Staff.Disable(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		_, err := s.SignInBy(t, key, nil)
		wantRefused(t, "disabled", err)
		if err := s.Staff.Enable(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		in, err := s.SignInBy(t, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, in), account.Input{}); err != nil {
			t.Fatal(err)
		}
		_, err = s.SignInBy(t, key, nil)
		wantRefused(t, "closed", err)
		s.Clock.Advance(29 * 24 * time.Hour)
		if err := s.Staff.Restore(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		in, err = s.SignInBy(t, key, nil)
		if err != nil {
			t.Fatalf("restored: %v", err)
		}
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, in), account.Input{}); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(31 * 24 * time.Hour)
		s.SweepAll(t)
		if _, err := s.Store.Credential(t.Context(), key.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("erased: the credential: %v", err)
		}
		if _, err := s.Store.HandleOf(t.Context(), g.User.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("erased: the handle: %v", err)
		}
		_, err = s.SignInBy(t, key, nil)
		wantRefused(t, "erased", err)
		again := s.SignUp(t, "amina") // the name is free: the handle is another
		before := key.Handle
		if _, err := s.Enrol(t, s.CallerOf(t, again), newKey(), nil); err != nil {
			t.Fatal(err)
		}
		if handle, err := s.Store.HandleOf(t.Context(), again.User.ID); err != nil || len(handle) != 64 || bytes.Equal(handle, before) {
			t.Errorf("the handle of another: %d bytes, %v", len(handle), err)
		}
	}, authtest.EraseAfter30Days)
}

// TestPlantedPasskeyOutlivesAReset, as the factor that it is: so its owner is
// told, and sees it.
func TestPlantedPasskeyOutlivesAReset(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		_, key, _ := withPasskey(t, s)
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			return s.Accounts.SetPassword(ctx, tx, "!", s.Audit.ByStaff(account.EventPasswordSet, 1, s.Clock.Now()))
		})
		if _, err := s.SignInBy(t, key, nil); err != nil {
			t.Errorf("after a reset: %v", err)
		}
		if s.EventKinds(t)[account.EventFactorAdded] != 1 {
			t.Error("no event tells of it")
		}
	})
}

// TestNamesOfPasskeys are bounded, and do not turn what stands beside them.
func TestNamesOfPasskeys(t *testing.T) {
	t.Parallel()
	arabic := strings.Repeat("مفتاح ", 20)
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c := s.CallerOf(t, s.SignUp(t, "amina"))
		for text, want := range map[string]string{
			"": "", " Phone ": "Phone", "<img onerror=x>": "<img onerror=x>", strings.Repeat("x", 200): strings.Repeat("x", 64), arabic: "مفتاح مفتاح مفتاح مفتاح مفتاح مفتا",
		} {
			asked, err := s.BeginPasskey(t.Context(), c, account.Input{})
			if err != nil {
				t.Fatal(err)
			}
			added, err := s.AddPasskey(t.Context(), c, auth.NewPasskey{
				Ceremony: account.TextInput(asked.Ceremony), Credential: authtest.Object(newKey().Create(asked.Challenge, nil)), Name: account.TextInput(text),
			})
			if err != nil || added.Factor.Name != want || len(added.Factor.Name) > 64 {
				t.Errorf("%.20q: %q, %v", text, added.Factor.Name, err)
			}
		}
		for _, text := range []string{"a\u202eb", "a\x07", "a\nb"} {
			_, err := s.AddPasskey(t.Context(), c, auth.NewPasskey{Ceremony: account.TextInput("x"), Credential: authtest.Object("{}"), Name: account.TextInput(text)})
			if authtest.FieldKeys(err)["name"] == nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
