package auth_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	tokens "github.com/yoozak/clients/internal/token"
)

var (
	wrong       = map[string][]string{"code": {"code_wrong"}}
	spent       = map[string][]string{"code": {"code_spent"}}
	usedCode    = map[string][]string{"code": {"code_used"}}
	notOfferedC = map[string][]string{"code_id": {"code_unknown"}}
)

// mailbox is a server, its post, and somebody who asks.
type mailbox struct {
	*authtest.Server
	smtp *smtptest.Server
}

// ask has a code asked for, and its mail delivered.
func (b mailbox) ask(t *testing.T, caller *auth.Caller, purpose account.CodePurpose, to, codeID string) string {
	t.Helper()
	return b.askFrom(t, authtest.Elsewhere(), caller, purpose, to, codeID)
}

func (b mailbox) askFrom(t *testing.T, req account.RequestInfo, caller *auth.Caller, purpose account.CodePurpose, to, codeID string) string {
	t.Helper()
	r := auth.CodeRequest{Purpose: account.TextInput(string(purpose))}
	if to != "" {
		r.To = account.TextInput(to)
	}
	if codeID != "" {
		r.CodeID = account.TextInput(codeID)
	}
	id, err := b.RequestCode(t.Context(), req, caller, r)
	if err != nil || id == "" {
		t.Fatalf("%s for %s: %q, %v", purpose, to, id, err)
	}
	b.Deliver(t)
	b.Deliver(t)
	return id
}

// newest is the mail that somebody waited for last.
func (b mailbox) newest(t *testing.T) smtptest.Message {
	t.Helper()
	last := int64(0)
	for _, m := range b.AllMails(t) {
		if m.Kind.Awaited() && m.Kind != account.MailResetRequest && m.Kind != account.MailLoginRequest && !m.SentAt.IsZero() {
			last = m.ID
		}
	}
	for _, m := range b.smtp.Messages() {
		if strings.HasPrefix(m.Header.Get("Message-Id"), fmt.Sprintf("<%d.", last)) {
			return m
		}
	}
	t.Fatal("no mail")
	return smtptest.Message{}
}

// code is that of the newest mail; empty: it has none.
func (b mailbox) code(t *testing.T) string {
	t.Helper()
	return authtest.CodeOf(b.newest(t))
}

func (b mailbox) wantCode(t *testing.T) string {
	t.Helper()
	code := b.code(t)
	if code == "" {
		t.Fatalf("no code in the newest mail:\n%s", b.newest(t).Text)
	}
	return code
}

func (b mailbox) use(t *testing.T, caller *auth.Caller, id, code string) (auth.CodeResult, error) {
	t.Helper()
	return b.UseCode(t.Context(), authtest.Elsewhere(), caller, account.TextInput(id), account.TextInput(code))
}

// refuses fails unless a code is refused with these keys.
func (b mailbox) refuses(t *testing.T, what string, caller *auth.Caller, id, code string, want map[string][]string) {
	t.Helper()
	if got, err := b.use(t, caller, id, code); !cmp.Equal(authtest.FieldKeys(err), want) || got.Login != nil || got.Token != "" {
		t.Errorf("%s: %+v, %v; want %v", what, got, err, want)
	}
}

// other is a code that is not the one given.
func otherCode(code string) string {
	return fmt.Sprintf("%06d", (int(code[0]-'0')*100_000+int(code[1]-'0')*10_000+int(code[2]-'0')*1000+int(code[3]-'0')*100+int(code[4]-'0')*10+int(code[5]-'0')+1)%1_000_000)
}

// forEachMailbox runs a test on each engine, where people log in by codes.
func forEachMailbox(t *testing.T, test func(t *testing.T, b mailbox), settings ...authtest.Setting) {
	t.Helper()
	settings = append([]authtest.Setting{authtest.LoginCode, authtest.MailFreely, withBox}, settings...)
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) { test(t, mailbox{s, smtp}) }, settings...)
}

// omar has a proved address and a password.
func (b mailbox) omar(t *testing.T) (auth.LoginResult, *auth.Caller) {
	t.Helper()
	g := b.SignUp(t, "omar")
	b.Deliver(t)
	b.Prove(t, g)
	return g, b.CallerOf(t, g)
}

const omars = "omar@example.ma"

func TestCodeDoesWhatItWasAskedFor(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		g := b.SignUp(t, "omar")
		caller := b.CallerOf(t, g)
		b.Deliver(t)
		if got := b.wantCode(t); g.CodeID == "" {
			t.Fatalf("no code_id of the code %s of a registration", got)
		}
		b.refuses(t, "verify without a login", nil, g.CodeID, b.code(t), wrong)
		got, err := b.use(t, caller, g.CodeID, b.code(t))
		if err != nil || got.Purpose != account.CodeVerify || got.Token != "" || got.Login != nil {
			t.Fatalf("verify: %+v, %v", got, err)
		}
		u, err := b.Store.UserByID(t.Context(), g.User.ID)
		if err != nil || u.EmailVerifiedAt.IsZero() {
			t.Errorf("verified at %v, %v", u.EmailVerifiedAt, err)
		}
		if _, err := b.SignIn(t, "omar", authtest.Good); err != nil {
			t.Errorf("the password after a verification: %v", err)
		}

		id := b.ask(t, nil, account.CodeReset, omars, "")
		got, err = b.use(t, nil, id, b.wantCode(t))
		if err != nil || got.Token == "" || got.Login != nil {
			t.Fatalf("reset: %+v, %v", got, err)
		}
		b.refuses(t, "reset again", nil, id, b.code(t), usedCode)
		if _, err := b.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{Token: account.TextInput(got.Token), New: account.TextInput("another-Pass-77")}); err != nil {
			t.Errorf("the token: %v", err)
		}
		id = b.ask(t, nil, account.CodeReset, omars, "")
		reset := auth.PasswordReset{CodeID: account.TextInput(id), Code: account.TextInput(b.wantCode(t)), New: account.TextInput("omar@example")}
		for range 6 { // the code was right, so it is no try
			if _, err := b.ResetPassword(t.Context(), authtest.Req, reset); authtest.FieldKeys(err)["new_password"] == nil {
				t.Fatalf("a bad password: %v", err)
			}
		}
		reset.New = account.TextInput("third-Pass-88")
		if _, err := b.ResetPassword(t.Context(), authtest.Req, reset); err != nil {
			t.Errorf("reset by code: %v", err)
		}
		if _, err := b.ResetPassword(t.Context(), authtest.Req, reset); !cmp.Equal(authtest.FieldKeys(err), usedCode) {
			t.Errorf("reset by the code again: %v", err)
		}
		reset.Token = account.TextInput("x")
		if _, err := b.ResetPassword(t.Context(), authtest.Req, reset); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"token": {"factor_one_of"}}) {
			t.Errorf("a token and a code: %v", err)
		}
		if _, err := b.SignIn(t, "omar", "third-Pass-88"); err != nil {
			t.Error(err)
		}

		id = b.ask(t, nil, account.CodeLogin, omars, "")
		got, err = b.use(t, nil, id, b.wantCode(t))
		if err != nil || got.Login == nil || got.Token != "" {
			t.Fatalf("login: %+v, %v", got, err)
		}
		claims, err := b.Tokens.Verify(got.Login.Access, tokens.Access, b.Clock.Now())
		if err != nil || claims.AMR != "email" {
			t.Errorf("amr %q, %v", claims.AMR, err)
		}
		b.refuses(t, "login again", nil, id, b.code(t), usedCode)

		caller = b.CallerOf(t, *got.Login)
		b.Clock.Advance(6 * time.Minute)
		if _, err := b.Export(t.Context(), b.CallerOf(t, *got.Login)); !errors.Is(err, account.ErrConfirmRequired) || !slices.Equal(offered(err), []string{"email", "password"}) {
			t.Errorf("an old proof: %v, %v", err, offered(err))
		}
		id = b.ask(t, caller, account.CodeConfirm, "", "")
		b.refuses(t, "confirm is no login", caller, id, b.code(t), notOfferedC)
		if _, err := b.Confirm(t.Context(), caller, auth.Proof{CodeID: account.TextInput(id), Code: account.TextInput(b.wantCode(t))}); err != nil {
			t.Fatalf("confirm: %v", err)
		}
		if _, err := b.Export(t.Context(), b.CallerOf(t, *got.Login)); err != nil {
			t.Errorf("a fresh proof: %v", err)
		}
	})
}

func offered(err error) []string {
	var e *account.Error
	errors.As(err, &e)
	if e == nil {
		return nil
	}
	return e.Methods
}

// TestMailboxIsNoSecondFactor: ASVS 6.3.6. The password is one that nobody can
// have, so that the code alone is the first factor.
func TestMailboxIsNoSecondFactor(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		g, caller := b.omar(t)
		seed := b.AddTOTP(t, g.User.ID)
		authtest.Write(t, b.Store, func(ctx context.Context, tx *store.Store) error {
			return tx.SetPassword(ctx, g.User.ID, "!imported", b.Clock.Now())
		})
		before := b.SessionCount(t, caller)
		id := b.ask(t, nil, account.CodeLogin, omars, "")
		_, err := b.use(t, nil, id, b.wantCode(t))
		e := due(t, err)
		if !slices.Equal(e.Methods, []string{"totp"}) || b.SessionCount(t, caller) != before || b.EventKinds(t)[account.EventLogin] != 0 {
			t.Errorf("methods %v, %d sessions, %v", e.Methods, b.SessionCount(t, caller), b.EventKinds(t))
		}
		// Nothing that the mailbox proves makes up for it.
		if _, err := b.LoginSecond(t.Context(), authtest.Req, secondStep(e.Challenge, auth.Proof{Code: account.TextInput(b.code(t))})); err == nil {
			t.Error("the mailed code is a second factor")
		}
		if _, err := b.RequestCode(t.Context(), authtest.Req, caller, auth.CodeRequest{Purpose: account.TextInput("confirm")}); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("a code to confirm: %v", err)
		}
		if _, err := b.Confirm(t.Context(), caller, auth.Proof{CodeID: account.TextInput(id), Code: account.TextInput(b.code(t))}); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("a mailed code confirms: %v", err)
		}
		in, err := b.LoginSecond(t.Context(), authtest.Req, secondStep(e.Challenge, auth.Proof{Code: code(t, b.Server, seed)}))
		if err != nil {
			t.Fatal(err)
		}
		if claims, err := b.Tokens.Verify(in.Access, tokens.Access, b.Clock.Now()); err != nil || claims.AMR != "email otp mfa" {
			t.Errorf("amr %q, %v", claims.AMR, err)
		}
	})
}

// TestCodeIsForOnePurposeAndOneAsker: each code with each act, by the session
// that asked and by another; only what it was asked for works. A code for the
// address before a change is worthless.
func TestCodeIsForOnePurposeAndOneAsker(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		for _, purpose := range account.CodePurposes() {
			name := "omar-" + string(purpose)
			g := b.SignUp(t, name)
			b.Deliver(t)
			if purpose != account.CodeVerify {
				b.Prove(t, g)
			}
			again, err := b.SignIn(t, name, authtest.Good)
			if err != nil {
				t.Fatal(err)
			}
			mine, others := b.CallerOf(t, g), b.CallerOf(t, again)
			acts := map[account.CodePurpose]func(caller *auth.Caller, id, code string) error{
				account.CodeReset: func(_ *auth.Caller, id, code string) error {
					_, err := b.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{CodeID: account.TextInput(id), Code: account.TextInput(code), New: account.TextInput("another-Pass-77")})
					return err
				},
				account.CodeConfirm: func(caller *auth.Caller, id, code string) error {
					_, err := b.Confirm(t.Context(), caller, auth.Proof{CodeID: account.TextInput(id), Code: account.TextInput(code)})
					return err
				},
				"": func(caller *auth.Caller, id, code string) error { _, err := b.use(t, caller, id, code); return err },
			}
			id := b.ask(t, mine, purpose, name+"@example.ma", "")
			digits := b.wantCode(t)
			for act, do := range acts {
				works := act == purpose || act == "" && purpose != account.CodeConfirm
				if works {
					continue
				}
				for who, caller := range map[string]*auth.Caller{"the asker": mine, "another session": others} {
					if err := do(caller, id, digits); authtest.FieldKeys(err)["code_id"] == nil {
						t.Errorf("a code for %s, used by %s as %q: %v", purpose, who, act, err)
					}
				}
			}
			if purpose == account.CodeConfirm || purpose == account.CodeVerify { // bound to the session
				act := acts[""]
				if purpose == account.CodeConfirm {
					act = acts[purpose]
				}
				if err := act(others, id, digits); !cmp.Equal(authtest.FieldKeys(err), wrong) {
					t.Errorf("%s in another session: %v", purpose, err)
				}
				if err := act(mine, id, digits); err != nil {
					t.Errorf("%s in its session: %v", purpose, err)
				}
				continue
			}
			authtest.Write(t, b.Store, func(ctx context.Context, tx *store.Store) error {
				return b.Accounts.SetEmail(ctx, tx, g.User, "b@example.ma", b.Clock.Now(), audit.ByUser(account.EventEmailChanged, g.User.ID, "", authtest.Req, b.Clock.Now()))
			})
			b.refuses(t, string(purpose)+" after a change of address", nil, id, digits, wrong)
		}
	})
}

// TestStrangerUsesUpTheirOwnTries: a stranger who knows the address asks, tries
// and asks again; the owner's code, asked for before, works.
func TestStrangerUsesUpTheirOwnTries(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		b.omar(t)
		own := b.ask(t, nil, account.CodeReset, omars, "")
		digits := b.wantCode(t)
		for range 1 {
			stranger := b.ask(t, nil, account.CodeReset, omars, "")
			if b.wantCode(t) == digits {
				t.Fatal("two requests have one code")
			}
			b.refuses(t, "the owner's code in a stranger's request", nil, stranger, digits, wrong)
			for range 4 {
				b.refuses(t, "a guess", nil, stranger, otherCode(b.code(t)), wrong)
			}
			b.refuses(t, "the sixth, though it is right", nil, stranger, b.code(t), spent)
		}
		if _, err := b.use(t, nil, own, digits); err != nil {
			t.Errorf("the owner's: %v", err)
		}
	})
}

// TestFiveCodesAreCompared: 200 at once for one request, half to each of two
// servers, the right one somewhere among them. One in forty gets in; without
// the count all would.
func TestFiveCodesAreCompared(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		smtp := smtptest.Start(t, smtptest.Options{})
		settings := []authtest.Setting{authtest.Mailing(t, smtp), authtest.LoginCode, authtest.MailFreely}
		first := mailbox{authtest.New(t, storetest.Open(t, url), settings...), smtp}
		servers := []*authtest.Server{first.Server, first.Server}
		if !strings.HasPrefix(url, "sqlite:") {
			servers[1] = authtest.New(t, storetest.Open(t, url), settings...)
		}
		const rounds, tries = 10, 200
		in := 0
		for round := range rounds {
			name := fmt.Sprint("omar", round)
			first.Prove(t, first.SignUp(t, name))
			id := first.ask(t, nil, account.CodeLogin, name+"@example.ma", "")
			digits := first.wantCode(t)
			right := rand.IntN(tries)
			var wg sync.WaitGroup
			var entered, refused, late atomic.Int32
			start := make(chan struct{})
			for i := range tries {
				guess := otherCode(digits)
				if i == right {
					guess = digits
				}
				wg.Go(func() {
					<-start
					_, err := servers[i%2].UseCode(t.Context(), authtest.Elsewhere(), nil, account.TextInput(id), account.TextInput(guess))
					switch keys := authtest.FieldKeys(err); {
					case err == nil:
						entered.Add(1)
					case cmp.Equal(keys, wrong):
						refused.Add(1)
					case cmp.Equal(keys, spent), cmp.Equal(keys, usedCode):
						late.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			close(start)
			wg.Wait()
			if entered.Load() > 1 || refused.Load() > 5 || entered.Load() == 0 && refused.Load() != 5 || entered.Load()+refused.Load()+late.Load() != tries {
				t.Errorf("%d got in, %d were compared and wrong, %d came too late", entered.Load(), refused.Load(), late.Load())
			}
			in += int(entered.Load())
		}
		if in > 5 { // 0.25 are to be expected; so many once in a hundred million runs
			t.Errorf("of %d rounds %d got in", rounds, in)
		}
	})
}

// TestRightCodeWorksOnce: 50 at once, half to each server.
func TestRightCodeWorksOnce(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		smtp := smtptest.Start(t, smtptest.Options{})
		settings := []authtest.Setting{authtest.Mailing(t, smtp), authtest.LoginCode, authtest.MailFreely}
		b := mailbox{authtest.New(t, storetest.Open(t, url), settings...), smtp}
		servers := []*authtest.Server{b.Server, b.Server}
		if !strings.HasPrefix(url, "sqlite:") {
			servers[1] = authtest.New(t, storetest.Open(t, url), settings...)
		}
		_, caller := b.omar(t)
		id := b.ask(t, nil, account.CodeLogin, omars, "")
		digits, before := b.wantCode(t), b.SessionCount(t, caller)
		var wg sync.WaitGroup
		var entered atomic.Int32
		for i := range 50 {
			wg.Go(func() {
				_, err := servers[i%2].UseCode(t.Context(), authtest.Elsewhere(), nil, account.TextInput(id), account.TextInput(digits))
				if err == nil {
					entered.Add(1)
				} else if !cmp.Equal(authtest.FieldKeys(err), usedCode) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := b.SessionCount(t, caller) - before; entered.Load() != 1 || n != 1 {
			t.Errorf("%d got in, %d sessions", entered.Load(), n)
		}
	})
}

// TestAskingAgain: the same code while it lives, not for longer, and with no
// more tries.
func TestAskingAgain(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		b.omar(t)
		id := b.ask(t, nil, account.CodeReset, omars, "")
		digits := b.wantCode(t)
		b.refuses(t, "a slip", nil, id, otherCode(digits), wrong)
		b.Clock.Advance(4 * time.Minute)
		if again := b.ask(t, nil, account.CodeReset, "OMAR@example.ma", id); again != id || b.wantCode(t) != digits {
			t.Errorf("after four minutes: another request %t, code %s, want %s", again != id, b.code(t), digits)
		}
		for range 4 {
			b.refuses(t, "a slip", nil, id, otherCode(digits), wrong)
		}
		b.refuses(t, "tries given back", nil, id, digits, spent)
		next := b.ask(t, nil, account.CodeReset, omars, id)
		if next == id || b.wantCode(t) == digits {
			t.Fatal("after five tries it is the same code")
		}
		digits = b.code(t)
		b.Clock.Advance(9*time.Minute + 50*time.Second) // of ten
		last := b.ask(t, nil, account.CodeReset, omars, next)
		if last == next || b.wantCode(t) == digits {
			t.Error("near its end it is the same code")
		}
		fresh := b.code(t)
		b.Clock.Advance(9 * time.Second)
		if _, err := b.use(t, nil, next, digits); err != nil {
			t.Errorf("the old one, a second before its end: %v", err)
		}
		b.Clock.Advance(9 * time.Minute)
		if _, err := b.use(t, nil, last, fresh); err != nil {
			t.Errorf("the one that was mailed at the end of the old one: %v", err)
		}
		if used := b.ask(t, nil, account.CodeReset, omars, last); used == last || b.wantCode(t) == fresh {
			t.Error("after its use it is the same code")
		}
		id, digits = b.ask(t, nil, account.CodeReset, omars, ""), b.wantCode(t)
		b.Clock.Advance(5 * time.Minute)
		b.ask(t, nil, account.CodeReset, omars, id)
		b.Clock.Advance(5 * time.Minute)
		b.refuses(t, "ten minutes after the first mail", nil, id, digits, wrong)
		// Another's code_id, and one for another address or purpose, are none.
		if other := b.ask(t, nil, account.CodeLogin, omars, id); other == id {
			t.Error("a code_id of another purpose goes on")
		}
		if other := b.ask(t, nil, account.CodeReset, "nobody@example.ma", id); other == id {
			t.Error("a code_id of another address goes on")
		}
	})
}

// TestMailedCodesAreReadAsPeopleTypeThem, and what is none is no try.
func TestMailedCodesAreReadAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		_, caller := b.omar(t)
		spell := func(zero rune) func(string) string {
			return func(code string) string {
				return strings.Map(func(c rune) rune { return zero + c - '0' }, code)
			}
		}
		for name, as := range map[string]func(string) string{
			"Arabic": spell('٠'), "Persian": spell('۰'), "full width": spell('０'),
			"blank":    func(c string) string { return c[:3] + " " + c[3:] },
			"hyphen":   func(c string) string { return c[:3] + "-" + c[3:] },
			"no-break": func(c string) string { return c[:3] + "\u00a0" + c[3:] },
			"marks":    func(c string) string { return "\u200f\u2066" + c[:3] + " " + c[3:] + "\u2069\n" },
		} {
			id := b.ask(t, caller, account.CodeConfirm, "", "")
			typed := as(b.wantCode(t))
			if _, err := b.Confirm(t.Context(), caller, auth.Proof{CodeID: account.TextInput(id), Code: account.TextInput(typed)}); err != nil {
				t.Errorf("%s: %q: %v", name, typed, err)
			}
		}
		id := b.ask(t, nil, account.CodeLogin, omars, "")
		for _, typed := range []account.Input{
			account.TextInput("O12345"), account.TextInput("12345"), account.TextInput("1234567"), account.TextInput(""), account.TextInput(strings.Repeat("1", 1<<16)),
			{State: account.NotText}, {State: account.Null}, {},
		} {
			_, err := b.UseCode(t.Context(), authtest.Req, nil, account.TextInput(id), typed)
			if keys := authtest.FieldKeys(err)["code"]; len(keys) == 0 || slices.Contains(keys, "code_wrong") {
				t.Errorf("%.20q: %v", typed.Text, err)
			}
		}
		if _, err := b.use(t, nil, id, b.wantCode(t)); err != nil {
			t.Errorf("after what was no try: %v", err)
		}
	})
}

// TestLinkAndCodeAreTwoUsesOfOneRequest: to look at the page of a link spends
// neither; to do what it is for makes the other worthless.
func TestLinkAndCodeAreTwoUsesOfOneRequest(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		_, caller := b.omar(t)
		resetLink := func() account.Input {
			all := authtest.TokensOf(b.smtp, account.ResetPassword)
			return all[len(all)-1]
		}
		id := b.ask(t, nil, account.CodeReset, omars, "")
		for range 5 {
			if _, _, err := b.CheckChallenge(t.Context(), authtest.Req, account.ResetPassword, resetLink().Text); err != nil {
				t.Fatal(err)
			}
			if err := b.Reset(t, resetLink(), ""); err == nil { // the button, and no password
				t.Fatal("a reset without a password")
			}
		}
		login := b.ask(t, nil, account.CodeLogin, omars, "")
		loginCode := b.wantCode(t)
		confirm := b.ask(t, caller, account.CodeConfirm, "", "")
		confirmCode := b.wantCode(t)
		again := b.ask(t, nil, account.CodeReset, omars, id)
		if again != id {
			t.Fatal("looking at the page spent the code")
		}
		digits := b.wantCode(t)
		if err := b.Reset(t, resetLink(), "another-Pass-77"); err != nil {
			t.Fatal(err)
		}
		b.refuses(t, "the code after a reset by the link", nil, id, digits, wrong)
		b.refuses(t, "a code to log in", nil, login, loginCode, wrong)
		if _, err := b.Confirm(t.Context(), caller, auth.Proof{CodeID: account.TextInput(confirm), Code: account.TextInput(confirmCode)}); !cmp.Equal(authtest.FieldKeys(err), wrong) {
			t.Errorf("a code to confirm: %v", err)
		}
		id = b.ask(t, nil, account.CodeReset, omars, "")
		link := resetLink()
		_, err := b.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{CodeID: account.TextInput(id), Code: account.TextInput(b.wantCode(t)), New: account.TextInput("third-Pass-88")})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Reset(t, link, "fourth-Pass-99"); !cmp.Equal(authtest.FieldKeys(err), used) {
			t.Errorf("the link after a reset by the code: %v", err)
		}

		g := b.SignUp(t, "amina")
		b.Deliver(t)
		verify := authtest.TokensOf(b.smtp, account.VerifyEmail)
		digits = b.wantCode(t)
		if err := b.VerifyEmail(t.Context(), authtest.Req, verify[len(verify)-1]); err != nil {
			t.Fatal(err)
		}
		b.refuses(t, "the code after a verification by the link", b.CallerOf(t, g), g.CodeID, digits, wrong)
		g = b.SignUp(t, "badr")
		b.Deliver(t)
		verify = authtest.TokensOf(b.smtp, account.VerifyEmail)
		if _, err := b.use(t, b.CallerOf(t, g), g.CodeID, b.wantCode(t)); err != nil {
			t.Fatal(err)
		}
		if err := b.VerifyEmail(t.Context(), authtest.Req, verify[len(verify)-1]); !cmp.Equal(authtest.FieldKeys(err), used) {
			t.Errorf("the link after a verification by the code: %v", err)
		}
	})
}

// TestLinkAndCodeAtOnce: whoever uses both in two tabs gets an answer from
// both, and one of them does it.
func TestLinkAndCodeAtOnce(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		var all sync.WaitGroup
		for i := range 12 {
			name := fmt.Sprint("amina", i)
			g := b.SignUp(t, name)
			caller := b.CallerOf(t, g)
			b.Deliver(t)
			verify, verifyCode := authtest.TokensOf(b.smtp, account.VerifyEmail)[i], b.wantCode(t)
			reset := b.ask(t, nil, account.CodeReset, name+"@example.ma", "")
			resetLink, resetCode := authtest.TokensOf(b.smtp, account.ResetPassword)[i], b.wantCode(t)
			var verified, chosen atomic.Int32
			note := func(n *atomic.Int32, err error) {
				if err == nil {
					n.Add(1)
				} else if authtest.FieldKeys(err) == nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			both := []func(){
				func() { note(&verified, b.VerifyEmail(t.Context(), authtest.Req, verify)) },
				func() { _, err := b.use(t, caller, g.CodeID, verifyCode); note(&verified, err) },
			}
			if i%2 == 1 {
				both = []func(){
					func() { note(&chosen, b.Reset(t, resetLink, "another-Pass-77")) },
					func() {
						_, err := b.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{CodeID: account.TextInput(reset), Code: account.TextInput(resetCode), New: account.TextInput("third-Pass-88")})
						note(&chosen, err)
					},
				}
			}
			start := make(chan struct{})
			var done sync.WaitGroup
			for _, do := range both {
				done.Go(func() { <-start; do() })
			}
			close(start)
			all.Go(func() {
				done.Wait()
				if n := verified.Load() + chosen.Load(); n != 1 {
					t.Errorf("%s: %d of the two did it", name, n)
				}
			})
		}
		all.Wait()
	})
}

// TestWhoHasAnAddressIsNotTold: a request for an address of nobody, of a closed
// and of a disabled account is answered as one for somebody's, and so are
// tries, over all its life; and whoever asks again.
func TestWhoHasAnAddressIsNotTold(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		b.omar(t)
		closed := b.SignUp(t, "closed")
		b.Prove(t, closed)
		if err := b.CloseAccount(t.Context(), b.CallerOf(t, closed), account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		b.Prove(t, b.SignUp(t, "disabled"))
		if err := b.Staff.Disable(t.Context(), b.IDOf(t, "disabled"), ""); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			b.Claims(t, fmt.Sprint("claims", i), "claimed@example.ma")
		}
		b.Deliver(t)
		var want []string
		for _, to := range []string{omars, "nobody@example.ma", "closed@example.ma", "disabled@example.ma", "claimed@example.ma"} {
			for _, purpose := range []account.CodePurpose{account.CodeReset, account.CodeLogin} {
				var got []string
				note := func(what string, err error) {
					got = append(got, fmt.Sprint(what, authtest.FieldKeys(err)))
				}
				id := b.ask(t, nil, purpose, to, "")
				for range 3 {
					_, err := b.use(t, nil, id, "000000")
					note("try", err)
				}
				b.Clock.Advance(7*time.Minute + 59*time.Second)
				note(fmt.Sprint("same ", b.ask(t, nil, purpose, to, id) == id), nil)
				b.Clock.Advance(time.Second)
				note(fmt.Sprint("same ", b.ask(t, nil, purpose, to, id) == id), nil)
				b.Clock.Advance(3 * time.Minute)
				for range 3 {
					_, err := b.use(t, nil, id, "000000")
					note("try", err)
				}
				if want == nil {
					want = got
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s for %s (-somebody +got):\n%s", purpose, to, diff)
				}
			}
			b.Clock.Advance(25 * time.Hour)
		}
		for _, m := range b.smtp.Messages() {
			if strings.HasPrefix(m.To, "claimed") && strings.Contains(m.Text, "claims0") && strings.Contains(m.Text, "claims1") && authtest.CodeOf(m) != "" {
				t.Errorf("a mail that lists several accounts has a code:\n%s", m.Text)
			}
		}
	})
}

// TestCodeDiesWithTheAct that ends what it is for.
func TestCodeDiesWithTheAct(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(t *testing.T, b mailbox, g auth.LoginResult){
		"closed": func(t *testing.T, b mailbox, g auth.LoginResult) {
			if err := b.CloseAccount(t.Context(), b.CallerOf(t, g), account.TextInput(authtest.Good)); err != nil {
				t.Fatal(err)
			}
		},
		"disabled and enabled": func(t *testing.T, b mailbox, _ auth.LoginResult) {
			if err := errors.Join(b.Staff.Disable(t.Context(), b.IDOf(t, "omar"), ""), b.Staff.Enable(t.Context(), b.IDOf(t, "omar"), "")); err != nil {
				t.Fatal(err)
			}
		},
		"another password": func(t *testing.T, b mailbox, g auth.LoginResult) {
			_, err := b.ChangePassword(t.Context(), b.CallerOf(t, g), auth.PasswordChange{Current: account.TextInput(authtest.Good), New: account.TextInput("another-Pass-77")})
			if err != nil {
				t.Fatal(err)
			}
		},
		"restored from a backup": func(t *testing.T, b mailbox, _ auth.LoginResult) {
			if _, err := b.Staff.Restored(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachMailbox(t, func(t *testing.T, b mailbox) {
				g, _ := b.omar(t)
				type asked struct{ id, code string }
				codes := map[account.CodePurpose]asked{}
				for _, purpose := range []account.CodePurpose{account.CodeReset, account.CodeLogin} {
					id := b.ask(t, nil, purpose, omars, "")
					codes[purpose] = asked{id, b.wantCode(t)}
				}
				act(t, b, g)
				for purpose, c := range codes {
					b.refuses(t, string(purpose), nil, c.id, c.code, wrong)
				}
			})
		})
	}
}

// TestWrongCodesCountForTheAccount over all requests: ten a day and 50 in 30
// days. Then mails go on with their link alone, and known devices with a sum
// of their own.
func TestWrongCodesCountForTheAccount(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		g, caller := b.omar(t)
		last := ""
		for range 2 {
			last = b.ask(t, nil, account.CodeReset, omars, "")
			for range 5 {
				b.refuses(t, "a guess", nil, last, otherCode(b.wantCode(t)), wrong)
			}
		}
		links := len(authtest.TokensOf(b.smtp, account.ResetPassword))
		id := b.ask(t, nil, account.CodeReset, omars, "")
		if b.code(t) != "" || len(authtest.TokensOf(b.smtp, account.ResetPassword)) != links+1 {
			t.Errorf("after ten wrong ones the mail has the code %q, %d links more", b.code(t), len(authtest.TokensOf(b.smtp, account.ResetPassword))-links)
		}
		b.refuses(t, "a code that was not mailed", nil, id, "000000", wrong)
		b.ask(t, nil, account.CodeLogin, omars, "")
		if text := b.newest(t).Text; b.code(t) != "" || !strings.Contains(text, "رموز خاطئة") && !strings.Contains(text, "codes erronés") {
			t.Errorf("a mail without a code does not say why:\n%s", text)
		}
		known := authtest.Elsewhere()
		known.DeviceToken = g.Device
		id = b.askFrom(t, known, nil, account.CodeLogin, omars, "")
		if _, err := b.use(t, nil, id, b.wantCode(t)); err != nil {
			t.Errorf("a known device: %v", err)
		}
		id = b.ask(t, caller, account.CodeConfirm, "", "")
		if _, err := b.Confirm(t.Context(), caller, auth.Proof{CodeID: account.TextInput(id), Code: account.TextInput(b.wantCode(t))}); err != nil {
			t.Errorf("a session: %v", err)
		}
		if err := b.Reset(t, authtest.TokensOf(b.smtp, account.ResetPassword)[links], "another-Pass-77"); err != nil {
			t.Errorf("the link: %v", err)
		}
	}, authtest.Limited)
}

// TestCodeThatWasMailedBeforeTheSumWasSpent is not compared any more.
func TestCodeThatWasMailedBeforeTheSumWasSpent(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		b.omar(t)
		id := b.ask(t, nil, account.CodeLogin, omars, "")
		digits := b.wantCode(t)
		for range 2 {
			other := b.ask(t, nil, account.CodeReset, omars, "")
			for range 5 {
				b.refuses(t, "a guess", nil, other, otherCode(b.wantCode(t)), wrong)
			}
		}
		b.refuses(t, "the right code", nil, id, digits, wrong)
	})
}

// TestBotnetOfAMonth plays a month of guessing in small: whoever has as many
// networks as they like compares 50 codes with an account, of a million each.
// So of all accounts 0.005 % open in a month, however many networks there are.
func TestBotnetOfAMonth(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		b.omar(t)
		compared := 0
		for range 30 {
			for range 4 { // requests a day; more change nothing
				id := b.ask(t, nil, account.CodeLogin, omars, "")
				for range 6 {
					if b.code(t) == "" {
						b.refuses(t, "a guess at nothing", nil, id, "000000", wrong)
						break
					}
					_, err := b.use(t, nil, id, otherCode(b.code(t)))
					if cmp.Equal(authtest.FieldKeys(err), wrong) {
						compared++
					}
				}
			}
			b.Clock.Advance(24 * time.Hour)
			b.SweepAll(t)
		}
		if compared > 50 || compared < 45 {
			t.Errorf("%d codes were compared in 30 days, want 50 at most, and few less: a guess at no code counts, too", compared)
		}
	})
}

// TestFirstLoginByCodeProvesTheAddress: until then anybody may have made the
// account, so their sessions and their password end. A password that came from
// Django stays.
func TestFirstLoginByCodeProvesTheAddress(t *testing.T) {
	t.Parallel()
	for _, imported := range []bool{false, true} {
		t.Run(fmt.Sprint("imported ", imported), func(t *testing.T) {
			t.Parallel()
			storetest.ForEachURL(t, func(t *testing.T, url string) {
				smtp := smtptest.Start(t, smtptest.Options{})
				b := mailbox{authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp), authtest.LoginCode, authtest.Limited), smtp}
				g := b.SignUp(t, "omar")
				b.Deliver(t)
				if imported {
					authtest.Execute(t, authtest.OpenSQL(t, url), fmt.Sprintf(`INSERT INTO django_imports (user_id, fields, password_at) SELECT id, '', password_at FROM users WHERE id = %d`, g.User.ID))
				}
				b.Clock.Advance(time.Second)
				id := b.ask(t, nil, account.CodeLogin, omars, "")
				got, err := b.use(t, nil, id, b.wantCode(t))
				if err != nil || got.Login == nil || (got.Token == "") != imported {
					t.Fatalf("%+v, %v", got, err)
				}
				if _, err := b.Authenticate(t.Context(), g.Access); err == nil {
					t.Error("the session of whoever made the account is live")
				}
				if _, err := b.Authenticate(t.Context(), got.Login.Access); err != nil {
					t.Errorf("the new session: %v", err)
				}
				if _, err := b.SignIn(t, "omar", authtest.Good); (err == nil) != imported {
					t.Errorf("the password: %v", err)
				}
				b.Deliver(t)
				if b.Sent(t, account.MailAddressProved) != 1 || b.EventKinds(t)[account.EventPasswordVoided] != map[bool]int{true: 0, false: 1}[imported] {
					t.Errorf("%d notices, %v", b.Sent(t, account.MailAddressProved), b.EventKinds(t))
				}
				if imported {
					return
				}
				if err := b.Reset(t, account.TextInput(got.Token), "another-Pass-77"); err != nil {
					t.Errorf("another password: %v", err)
				}
				id = b.ask(t, nil, account.CodeLogin, omars, "")
				if got, err := b.use(t, nil, id, b.wantCode(t)); err != nil || got.Token != "" {
					t.Errorf("the second login: %+v, %v", got, err)
				}
				if _, err := b.SignIn(t, "omar", "another-Pass-77"); err != nil {
					t.Errorf("a password after the proof: %v", err)
				}
			})
		})
	}
}

// TestNothingOfACodeIsInTheDatabase, neither the digits nor, in clear, the key
// from which they follow; another encryption key lets codes finish.
func TestNothingOfACodeIsInTheDatabase(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		smtp := smtptest.Start(t, smtptest.Options{})
		b := mailbox{authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp), authtest.LoginCode, authtest.Sealing(t, 1, 0)), smtp}
		b.omar(t)
		id := b.ask(t, nil, account.CodeLogin, omars, "")
		digits := b.wantCode(t)
		all := dump(t, url)
		if strings.Contains(all, digits) || strings.Contains(all, digits[:3]+" "+digits[3:]) || strings.Contains(all, id) || !strings.Contains(all, omars) {
			t.Error("the code, or its id, is in the database")
		}
		if n := strings.Count(all, "enc1:"); n < 3 {
			t.Errorf("%d sealed values; want the signing keys, the secret of devices and the key of codes", n)
		}
		key, err := b.Store.Secret(t.Context(), "codes")
		if err != nil || !strings.HasPrefix(string(key), "enc1:") {
			t.Errorf("the key of codes is stored in clear, %v", err)
		}
		other := authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp), authtest.LoginCode, authtest.Sealing(t, 2, 1))
		if n, err := other.Keys.Reencrypt(t.Context()); n == 0 || err != nil {
			t.Fatal(n, err)
		}
		later := authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp), authtest.LoginCode, authtest.Sealing(t, 2, 0))
		if _, err := later.UseCode(t.Context(), authtest.Req, nil, account.TextInput(id), account.TextInput(digits)); err != nil {
			t.Errorf("after another encryption key: %v", err)
		}
	})
}

// TestCodeOfAMailThatDidNotGoOut is not right, and lives from the mail that did.
func TestCodeOfAMailThatDidNotGoOut(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		b.omar(t)
		b.smtp.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Rcpt: 451} })
		id := b.ask(t, nil, account.CodeLogin, omars, "")
		for range 3 {
			b.Clock.Advance(6 * time.Minute)
			b.Deliver(t)
		}
		b.smtp.Judge(nil)
		b.Clock.Advance(time.Hour)
		b.Deliver(t)
		digits := b.wantCode(t)
		b.Clock.Advance(9 * time.Minute)
		if _, err := b.use(t, nil, id, digits); err != nil {
			t.Errorf("nine minutes after the mail that came late: %v", err)
		}
	})
}

// TestTwoWhoShareAMail: what waits for its turn goes to both without a code,
// because it would be right for one of them.
func TestTwoWhoShareAMail(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		b.omar(t)
		for range 5 { // the quota of the mailbox
			b.ask(t, nil, account.CodeReset, omars, "")
		}
		sent := len(b.smtp.Messages())
		stranger := b.ask(t, nil, account.CodeReset, omars, "")
		own := b.ask(t, nil, account.CodeReset, omars, "")
		if len(b.smtp.Messages()) != sent {
			t.Fatalf("%d mails at once: nothing waits", len(b.smtp.Messages()))
		}
		b.Clock.Advance(time.Hour)
		b.Deliver(t)
		b.Deliver(t)
		if len(b.smtp.Messages()) != sent+1 || b.code(t) != "" {
			t.Errorf("%d mails, code %q; want one with a link alone", len(b.smtp.Messages())-sent, b.code(t))
		}
		b.refuses(t, "the first", nil, stranger, "000000", wrong)
		b.refuses(t, "the second", nil, own, "000000", wrong)
		if id := b.ask(t, nil, account.CodeReset, omars, own); b.code(t) == "" || id == own {
			t.Errorf("an hour later: code %q", b.code(t))
		}
	}, authtest.Limited, func(o *app.Options, _ *tokens.Options) { o.Mail.PerAddress = 5 })
}

// TestTwoWhoShareALoginByCode: the mail says why it has no code, or whoever asked
// last would have the other wait for nothing.
func TestTwoWhoShareALoginByCode(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		b.omar(t)
		for range 5 {
			b.ask(t, nil, account.CodeLogin, omars, "")
		}
		own, stranger := b.ask(t, nil, account.CodeLogin, omars, ""), b.ask(t, nil, account.CodeLogin, omars, "")
		b.Clock.Advance(time.Hour)
		b.Deliver(t)
		b.Deliver(t)
		if m := b.newest(t); authtest.CodeOf(m) != "" || !strings.Contains(m.Text, "à plusieurs endroits") {
			t.Errorf("want a mail that says why it has no code:\n%s", m.Text)
		}
		for _, id := range []string{own, stranger} {
			b.refuses(t, "either", nil, id, "000000", wrong)
		}
	}, authtest.Limited, func(o *app.Options, _ *tokens.Options) { o.Mail.PerAddress = 5 })
}

// TestStrangersDoNotReplaceACode that somebody asked for on a known device, nor
// one that waits for its turn there.
func TestStrangersDoNotReplaceACode(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		g, _ := b.omar(t)
		known := authtest.Elsewhere()
		known.DeviceToken = g.Device
		for _, purpose := range []account.CodePurpose{account.CodeLogin, account.CodeReset} {
			for range 7 {
				b.ask(t, nil, purpose, omars, "")
			}
			id := ""
			for range 5 { // the fifth of an hour waits
				id = b.askFrom(t, known, nil, purpose, omars, "")
			}
			for range 3 {
				b.ask(t, nil, purpose, omars, "")
			}
			sent := len(b.smtp.Messages())
			b.Clock.Advance(time.Hour)
			b.Deliver(t)
			b.Deliver(t)
			good := ""
			for _, m := range b.smtp.Messages()[sent:] {
				if code := authtest.CodeOf(m); code != "" && good == "" {
					if _, err := b.use(t, nil, id, code); err == nil {
						good = code
					}
				}
			}
			if good == "" {
				t.Errorf("%s: no mail has the owner's code", purpose)
			}
		}
	}, authtest.Limited, func(o *app.Options, _ *tokens.Options) { o.Mail.PerAddress = 5 })
}

// TestDevicesOfSquattersHaveNoLane: whoever registers with somebody's address has
// as many known devices as accounts. They have no more mailed there than
// strangers do, and hold up nothing that the owner asks for.
func TestDevicesOfSquattersHaveNoLane(t *testing.T) {
	t.Parallel()
	const perAddress = 5
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		g, _ := b.omar(t)
		known := authtest.Elsewhere()
		known.DeviceToken = g.Device
		for _, purpose := range []account.CodePurpose{account.CodeLogin, account.CodeReset} {
			sent := len(b.smtp.Messages())
			for n := range 4 * perAddress {
				squatter := authtest.Elsewhere()
				squatter.DeviceToken = b.Claims(t, fmt.Sprint(purpose, n), omars).Device
				b.askFrom(t, squatter, nil, purpose, omars, "")
			}
			mails := 0
			for _, m := range b.smtp.Messages()[sent:] {
				if authtest.CodeOf(m) != "" && !strings.Contains(m.Text, "verify-email") {
					mails++
				}
			}
			if mails > perAddress {
				t.Errorf("%s: %d mails to an address, want %d", purpose, mails, perAddress)
			}
			id := b.askFrom(t, known, nil, purpose, omars, "")
			if _, err := b.use(t, nil, id, b.wantCode(t)); err != nil {
				t.Errorf("%s: the owner's code: %v", purpose, err)
			}
		}
	}, authtest.Limited, func(o *app.Options, _ *tokens.Options) { o.Mail.PerAddress = perAddress })
}

// TestAnotherSessionDoesNotReplaceACode by which the owner confirms.
func TestAnotherSessionDoesNotReplaceACode(t *testing.T) {
	t.Parallel()
	forEachMailbox(t, func(t *testing.T, b mailbox) {
		_, stolen := b.omar(t)
		in, err := b.SignIn(t, "omar", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		owner := b.CallerOf(t, in)
		for range 8 {
			b.ask(t, stolen, account.CodeConfirm, "", "")
		}
		id := b.ask(t, owner, account.CodeConfirm, "", "")
		b.ask(t, stolen, account.CodeConfirm, "", "")
		if _, err := b.Confirm(t.Context(), owner, auth.Proof{CodeID: account.TextInput(id), Code: account.TextInput(b.wantCode(t))}); err != nil {
			t.Errorf("the owner's code: %v", err)
		}
	}, authtest.Limited, func(o *app.Options, _ *tokens.Options) { o.Mail.PerAddress = 5 })
}

// TestCodesOfWhoIsLoggedInCountForThem, and not for their network: five thousand
// customers of a carrier may confirm and verify in an hour. What they ask about
// an address counts for it all the same.
func TestCodesOfWhoIsLoggedInCountForThem(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		used := 0
		for ; s.Guard.AllowRequest(t.Context(), guard.ResetPerNetwork, authtest.Req) == nil; used++ { //nolint:revive // until it is used up
		}
		for s.Guard.AllowRequest(t.Context(), guard.LinkPerNetwork, authtest.Req) == nil { //nolint:revive // as above
		}
		caller := s.CallerOf(t, s.SignUp(t, "amina"))
		ask := func(caller *auth.Caller, purpose, to string) error {
			_, err := s.RequestCode(t.Context(), authtest.Req, caller, auth.CodeRequest{Purpose: account.TextInput(purpose), To: account.TextInput(to)})
			return err
		}
		if err := ask(caller, "verify", "amina@example.ma"); err != nil {
			t.Errorf("a code to verify, after %d requests of the network: %v", used, err)
		}
		if _, err := s.UseCode(t.Context(), authtest.Req, caller, account.TextInput("x"), account.TextInput("123456")); authtest.Throttled(err) {
			t.Errorf("the use of a code: %v", err)
		}
		for name, err := range map[string]error{
			"a stranger": ask(nil, "reset", "amina@example.ma"), "a caller, for an address": ask(caller, "reset", "amina@example.ma"),
		} {
			if !authtest.Throttled(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}, authtest.Limited)
}

// TestPurposesThatAreNotOffered, and those that need a login.
func TestPurposesThatAreNotOffered(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		g := s.SignUp(t, "omar")
		caller := s.CallerOf(t, g)
		text := account.TextInput
		for name, test := range map[string]struct {
			caller *auth.Caller
			r      auth.CodeRequest
			want   map[string][]string
		}{
			"login":          {nil, auth.CodeRequest{Purpose: text("login"), To: text(omars)}, map[string][]string{"purpose": {"code_purpose"}}},
			"unknown":        {nil, auth.CodeRequest{Purpose: text("totp"), To: text(omars)}, map[string][]string{"purpose": {"code_purpose"}}},
			"none":           {nil, auth.CodeRequest{}, map[string][]string{"purpose": {"field.required"}}},
			"no address":     {nil, auth.CodeRequest{Purpose: text("reset")}, map[string][]string{"to": {"field.required"}}},
			"no address, 2":  {nil, auth.CodeRequest{Purpose: text("reset"), To: text("omar")}, map[string][]string{"to": {"email.invalid"}}},
			"another's":      {caller, auth.CodeRequest{Purpose: text("verify"), To: text("amina@example.ma")}, map[string][]string{"to": {"code_address"}}},
			"not verified":   {caller, auth.CodeRequest{Purpose: text("confirm")}, map[string][]string{"to": {"code_unverified"}}},
			"not logged in":  {nil, auth.CodeRequest{Purpose: text("verify")}, nil},
			"not logged, 2":  {nil, auth.CodeRequest{Purpose: text("confirm")}, nil},
			"list of things": {nil, auth.CodeRequest{Purpose: account.Input{State: account.NotText}}, map[string][]string{"purpose": {"field.invalid"}}},
		} {
			_, err := s.RequestCode(t.Context(), authtest.Req, test.caller, test.r)
			if test.want == nil && !errors.Is(err, account.ErrNotAuthenticated) || test.want != nil && !cmp.Equal(authtest.FieldKeys(err), test.want) {
				t.Errorf("%s: %v, want %v", name, err, test.want)
			}
		}
		s.Prove(t, g)
		if _, err := s.RequestCode(t.Context(), authtest.Req, caller, auth.CodeRequest{Purpose: text("verify")}); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"to": {"email.verified"}}) {
			t.Errorf("verified already: %v", err)
		}
	})
}

// TestErasureForgetsCodes, those for the person's address too that reached
// nobody, and the sweep those that count for nothing any more.
func TestErasureForgetsCodes(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		smtp := smtptest.Start(t, smtptest.Options{})
		b := mailbox{authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp), authtest.LoginCode, authtest.MailFreely), smtp}
		g, _ := b.omar(t)
		b.ask(t, nil, account.CodeReset, omars, "")
		if err := b.CloseAccount(t.Context(), b.CallerOf(t, g), account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		b.Clock.Advance(30*24*time.Hour - time.Hour)
		b.ask(t, nil, account.CodeReset, omars, "")
		b.ask(t, nil, account.CodeReset, "nobody@example.ma", "")
		b.Clock.Advance(2 * time.Hour)
		b.SweepAll(t)
		count := func() []string {
			return query(t, authtest.OpenSQL(t, url), `SELECT email FROM codes`)
		}
		if got := count(); !slices.Equal(got, []string{"nobody@example.ma"}) {
			t.Errorf("after the erasure: %v", got)
		}
		b.Clock.Advance(24 * time.Hour)
		b.SweepAll(t)
		if got := count(); len(got) != 0 {
			t.Errorf("a day later: %v", got)
		}
	})
}
