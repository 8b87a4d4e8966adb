package auth_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	tokens "github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/totp"
)

// TestOnlyTheGateOpensSessions reads the code: a way in that stores a session
// by itself would not ask for the second factor, and whoever reads the factors
// by itself would ask for one that cannot be shown.
func TestOnlyTheGateOpensSessions(t *testing.T) {
	t.Parallel()
	callers := map[string][]string{}
	files, err := filepath.Glob("../*/*.go")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			fn, isFunc := d.(*ast.FuncDecl)
			if !isFunc {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if sel, is := n.(*ast.SelectorExpr); is {
					switch sel.Sel.Name {
					case "admit":
						if !strings.HasPrefix(name, "../auth/") { // another's
							return true
						}
						fallthrough
					case "CreateSession", "openSession":
						callers[sel.Sel.Name] = append(callers[sel.Sel.Name], filepath.Base(filepath.Dir(name))+"."+fn.Name.Name)
					}
				}
				return true
			})
		}
	}
	for _, names := range callers {
		slices.Sort(names)
	}
	want := map[string][]string{
		"CreateSession": {"auth.openSession"},
		"openSession":   {"auth.admit"},
		"admit":         {"auth.LoginPasskey", "auth.LoginSecond", "auth.Register", "auth.adopt", "auth.loginByCode", "auth.tryLogin"}, // the ways in
	}
	if diff := cmp.Diff(want, callers); diff != "" {
		t.Errorf("who opens sessions (-want +got):\n%s", diff)
	}
}

// withBox encrypts what is stored.
func withBox(o *app.Options, _ *tokens.Options) {
	box, err := secret.NewBox(secret.NewBytes([]byte("0123456789abcdef0123456789abcdef")), secret.Bytes{})
	if err != nil {
		panic(err)
	}
	o.Box = box
}

func code(t *testing.T, s *authtest.Server, seed []byte) account.Input {
	t.Helper()
	return account.TextInput(totp.Code(seed, totp.StepAt(s.Clock.Now())))
}

func secondStep(challenge string, p auth.Proof) auth.SecondStep {
	return auth.SecondStep{Challenge: account.TextInput(challenge), Proof: p}
}

// due is what a login that waits for its second factor answers.
func due(t *testing.T, err error) *account.Error {
	t.Helper()
	var e *account.Error
	if !errors.As(err, &e) || !e.Is(account.ErrSecondFactor) || e.Challenge == "" {
		t.Fatalf("%v; want a second factor to be due", err)
	}
	return e
}

// TestLoginThatWaitsEndsWithTheSessions: to disable an account ends its sessions, so
// a login from before does not go on once it is enabled again.
func TestLoginThatWaitsEndsWithTheSessions(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		seed := s.AddTOTP(t, s.SignUp(t, "amina").User.ID)
		_, err := s.SignIn(t, "amina", authtest.Good)
		waits := due(t, err)
		if err := errors.Join(s.Staff.Disable(t.Context(), s.IDOf(t, "amina"), ""), s.Staff.Enable(t.Context(), s.IDOf(t, "amina"), "")); err != nil {
			t.Fatal(err)
		}
		_, err = s.LoginSecond(t.Context(), authtest.Req, secondStep(waits.Challenge, auth.Proof{Code: code(t, s, seed)}))
		if authtest.FieldKeys(err)["challenge"] == nil {
			t.Errorf("a login from before: %v", err)
		}
	})
}

func TestWhoHasAFactorIsAskedForIt(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		seed := s.AddTOTP(t, g.User.ID)
		before := len(s.AllEvents(t))
		_, err := s.SignIn(t, "amina", authtest.Good)
		e := due(t, err)
		if want := []string{"totp"}; !slices.Equal(e.Methods, want) {
			t.Errorf("methods %v, want %v", e.Methods, want)
		}
		if n := s.SessionCount(t, s.CallerOf(t, g)); n != 1 || len(s.AllEvents(t)) != before {
			t.Errorf("%d sessions, %d new events: half a login left something", n, len(s.AllEvents(t))-before)
		}
		// The challenge is a random text anywhere else.
		for name, do := range map[string]func() error{
			"access token": func() error { _, err := s.Authenticate(t.Context(), e.Challenge); return err },
			"refresh":      func() error { _, err := s.Renew(t, e.Challenge); return err },
			"verify":       func() error { return s.VerifyEmail(t.Context(), authtest.Req, account.TextInput(e.Challenge)) },
			"reset": func() error {
				_, err := s.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{Token: account.TextInput(e.Challenge), New: account.TextInput("Another-passw0rd")})
				return err
			},
		} {
			if err := do(); err == nil {
				t.Errorf("the challenge is good as %s", name)
			}
		}
		if _, err := s.LoginSecond(t.Context(), authtest.Req, secondStep(e.Challenge, auth.Proof{Code: account.TextInput("000000")})); authtest.FieldKeys(err)["code"] == nil {
			t.Fatalf("a wrong code: %v", err)
		}
		in, err := s.LoginSecond(t.Context(), authtest.Req, secondStep(e.Challenge, auth.Proof{Code: code(t, s, seed)}))
		if err != nil {
			t.Fatal(err)
		}
		claims, err := s.Tokens.Verify(in.Access, tokens.Access, s.Clock.Now())
		if err != nil || claims.AMR != "pwd otp mfa" || !claims.AuthAt.Equal(s.Clock.Now().Truncate(time.Second)) {
			t.Errorf("amr %q, auth_time %v, %v", claims.AMR, claims.AuthAt, err)
		}
		if _, err := s.LoginSecond(t.Context(), authtest.Req, secondStep(e.Challenge, auth.Proof{Code: code(t, s, seed)})); authtest.FieldKeys(err)["challenge"] == nil {
			t.Errorf("the challenge again: %v", err)
		}
		// The code again, with another challenge.
		_, err = s.SignIn(t, "amina", authtest.Good)
		_, err = s.LoginSecond(t.Context(), authtest.Req, secondStep(due(t, err).Challenge, auth.Proof{Code: code(t, s, seed)}))
		if keys := authtest.FieldKeys(err)["code"]; !slices.Equal(keys, []string{"factor_used"}) {
			t.Errorf("a code again: %v", err)
		}
		s.Clock.Advance(5 * time.Minute)
		if _, err := s.LoginSecond(t.Context(), authtest.Req, secondStep(e.Challenge, auth.Proof{Code: code(t, s, seed)})); err == nil {
			t.Error("a challenge of five minutes ago is good")
		}
	}, withBox)
}

func TestDjangosTokensShowNoFactor(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		access := authtest.DjangoToken(t, s, tokens.Access, g.User.ID, "access")
		refresh := authtest.DjangoToken(t, s, tokens.Refresh, g.User.ID, "refresh")
		if _, err := s.Authenticate(t.Context(), access); err != nil {
			t.Fatal(err)
		}
		s.AddTOTP(t, g.User.ID)
		if _, err := s.Authenticate(t.Context(), access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("access token: %v", err)
		}
		if _, err := s.Renew(t, refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("refresh token: %v", err)
		}
	}, authtest.Accepting)
}

// TestPasswordThatChangesEndsALoginThatWaits, as it ends sessions.
func TestPasswordThatChangesEndsALoginThatWaits(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		seed := s.AddTOTP(t, g.User.ID)
		_, err := s.SignIn(t, "amina", authtest.Good)
		e := due(t, err)
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			return s.Accounts.SetPassword(ctx, tx, "!", s.Audit.ByStaff(account.EventPasswordSet, g.User.ID, s.Clock.Now()))
		})
		if _, err := s.LoginSecond(t.Context(), authtest.Req, secondStep(e.Challenge, auth.Proof{Code: code(t, s, seed)})); authtest.FieldKeys(err)["challenge"] == nil {
			t.Errorf("after another password: %v", err)
		}
	})
}

// TestProofLastsFiveMinutes: a login is one, a password in the request too,
// but only of who has no factor.
func TestProofLastsFiveMinutes(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		rename := func(to string, password account.Input) error {
			_, err := s.UpdateProfile(t.Context(), s.CallerOf(t, g), auth.ProfileChange{Username: account.TextInput(to), Password: password})
			return err
		}
		s.Clock.Advance(5*time.Minute + time.Second)
		if err := rename("amina2", account.Input{}); !errors.Is(err, account.ErrConfirmRequired) {
			t.Fatalf("long after the login: %v", err)
		}
		if _, err := s.Export(t.Context(), s.CallerOf(t, g)); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("export: %v", err)
		}
		if err := rename("amina2", account.TextInput("wrong-passw0rd")); authtest.FieldKeys(err)["password"] == nil {
			t.Errorf("a wrong password: %v", err)
		}
		if err := rename("amina2", account.TextInput(authtest.Good)); err != nil {
			t.Errorf("the password: %v", err)
		}
		seed := s.AddTOTP(t, g.User.ID)
		if err := rename("amina", account.TextInput(authtest.Good)); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("the password of who has a factor: %v", err)
		}
		pair, err := s.Confirm(t.Context(), s.CallerOf(t, g), auth.Proof{Code: code(t, s, seed)})
		if err != nil {
			t.Fatal(err)
		}
		if claims, err := s.Tokens.Verify(pair.Access, tokens.Access, s.Clock.Now()); err != nil || claims.AMR != "pwd otp mfa" {
			t.Errorf("amr %q, %v", claims.AMR, err)
		}
		s.Clock.Advance(5 * time.Minute)
		if err := rename("amina", account.Input{}); err != nil {
			t.Errorf("five minutes after the proof: %v", err)
		}
		s.Clock.Advance(time.Second)
		if _, err := s.Export(t.Context(), s.CallerOf(t, g)); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("a second later: %v", err)
		}
	})
}

// TestMailboxProvesNothingForAnAccountThatStaysShut: a thief registers with
// somebody's address and adds a factor. What its reader does, a reset or a login
// by a code, must not give the thief's account the address for good.
func TestMailboxProvesNothingForAnAccountThatStaysShut(t *testing.T) {
	t.Parallel()
	for _, byCode := range []bool{false, true} {
		t.Run(fmt.Sprint("by code ", byCode), func(t *testing.T) {
			t.Parallel()
			forEachMailbox(t, func(t *testing.T, b mailbox) {
				const email = "omar@example.ma"
				thief := b.Has(t, "thief", email)
				b.Enrols(t, b.CallerOf(t, thief))
				b.Deliver(t)
				if byCode {
					id := b.ask(t, nil, account.CodeLogin, email, "")
					if _, err := b.use(t, nil, id, b.wantCode(t)); !errors.Is(err, account.ErrSecondFactor) {
						t.Fatalf("a login by a code: %v", err)
					}
					if _, err := b.Authenticate(t.Context(), thief.Access); err != nil {
						t.Errorf("who is not in ended the sessions: %v", err)
					}
				} else {
					b.AskReset(t, email)
					b.Deliver(t)
					b.Deliver(t)
					if err := b.Reset(t, authtest.WantTokens(t, b.smtp, account.ResetPassword, 1)[0], "vermicelle-9-zellige"); err != nil {
						t.Fatal(err)
					}
				}
				u, err := b.Store.UserByID(t.Context(), thief.User.ID)
				if err != nil || !u.EmailVerifiedAt.IsZero() {
					t.Errorf("the thief's account has the address since %v, %v", u.EmailVerifiedAt, err)
				}
				b.Has(t, "omar", email)
				b.Deliver(t)
				links := authtest.TokensOf(b.smtp, account.VerifyEmail)
				if err := b.VerifyEmail(t.Context(), authtest.Elsewhere(), links[len(links)-1]); err != nil {
					t.Errorf("the owner's own account: %v", err)
				}
			})
		})
	}
}
