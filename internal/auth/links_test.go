package auth_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

var (
	invalid = map[string][]string{"token": {"challenge_invalid"}}
	used    = map[string][]string{"token": {"challenge_used"}}
	expired = map[string][]string{"token": {"challenge_expired"}}
)

func TestEachLinkWorksOnceAndForItsTime(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		if err := s.AskEmailChange(t, g, "new@example.ma"); err != nil {
			t.Fatal(err)
		}
		s.AskReset(t, "amina@example.ma")
		s.Deliver(t)
		verify := authtest.WantTokens(t, smtp, account.VerifyEmail, 1)[0]
		confirm := authtest.WantTokens(t, smtp, account.ConfirmEmail, 1)[0]
		reset := authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0]

		for name, err := range map[string]error{ // a link is for one thing
			"verify by reset":  s.VerifyEmail(t.Context(), authtest.Req, reset),
			"confirm by reset": s.ConfirmEmail(t.Context(), authtest.Req, reset),
			"undo by confirm":  s.UndoEmail(t.Context(), authtest.Req, confirm),
			"reset by verify":  s.Reset(t, verify, "another-Pass-77"),
		} {
			if !cmp.Equal(authtest.FieldKeys(err), invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.Clock.Advance(time.Hour)
		if err := s.Reset(t, reset, "another-Pass-77"); !cmp.Equal(authtest.FieldKeys(err), expired) {
			t.Errorf("reset after an hour: %v", err)
		}
		s.Clock.Advance(23*time.Hour - time.Microsecond)
		for i, want := range []map[string][]string{nil, used} {
			if err := s.VerifyEmail(t.Context(), authtest.Req, verify); !cmp.Equal(authtest.FieldKeys(err), want) {
				t.Errorf("verify, use %d: %v", i+1, err)
			}
		}
		s.Clock.Advance(time.Microsecond)
		if err := s.ConfirmEmail(t.Context(), authtest.Req, confirm); !cmp.Equal(authtest.FieldKeys(err), expired) {
			t.Errorf("confirm after a day: %v", err)
		}
		u, err := s.Store.UserByUsername(t.Context(), "amina")
		if err != nil || u.Email != "amina@example.ma" || u.EmailVerifiedAt.IsZero() {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

// TestLinkOfWhoeverHadThePasswordDiesWithIt: they ask for another address,
// the owner chooses another password, and then nothing that they asked for
// may give them the account, even if its mail was late.
func TestLinkOfWhoeverHadThePasswordDiesWithIt(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *authtest.Server, auth.LoginResult, *smtptest.Server){
		"change": func(t *testing.T, s *authtest.Server, g auth.LoginResult, _ *smtptest.Server) {
			c := auth.PasswordChange{Current: account.TextInput(authtest.Good), New: account.TextInput("another-Pass-77")}
			if _, err := s.ChangePassword(t.Context(), s.CallerOf(t, g), c); err != nil {
				t.Fatal(err)
			}
		},
		"reset": func(t *testing.T, s *authtest.Server, _ auth.LoginResult, smtp *smtptest.Server) {
			s.AskReset(t, "amina@example.ma")
			s.Deliver(t)
			if err := s.Reset(t, authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0], "another-Pass-77"); err != nil {
				t.Fatal(err)
			}
		},
		"staff": func(t *testing.T, s *authtest.Server, _ auth.LoginResult, _ *smtptest.Server) {
			if err := s.Staff.SetPassword(t.Context(), s.IDOf(t, "amina"), account.TextInput("another-Pass-77"), authtest.Reason); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, mail late %v", name, late), func(t *testing.T) {
				t.Parallel()
				authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
					g := s.SignUp(t, "amina")
					s.Deliver(t)
					if err := s.AskEmailChange(t, g, "thief@example.com"); err != nil {
						t.Fatal(err)
					}
					if late {
						smtp.Judge(func(to string, _ int) smtptest.Verdict {
							if to == "thief@example.com" {
								return smtptest.Verdict{Rcpt: 451}
							}
							return smtptest.Verdict{}
						})
					}
					s.Deliver(t)
					s.Clock.Advance(time.Second)
					end(t, s, g, smtp)
					smtp.Judge(nil)
					s.Clock.Advance(time.Minute)
					if n, err := s.Staff.RetryMails(t.Context()); n != 0 || err != nil {
						t.Errorf("%d mails given up and wanted, %v", n, err)
					}
					s.Deliver(t)
					for _, link := range authtest.TokensOf(smtp, account.ConfirmEmail) {
						if late {
							t.Error("a mail that is not wanted any more was sent")
						}
						if err := s.ConfirmEmail(t.Context(), authtest.Req, link); authtest.FieldKeys(err) == nil {
							t.Errorf("the thief's link: %v", err)
						}
					}
					u, err := s.Store.UserByUsername(t.Context(), "amina")
					if err != nil || u.Email != "amina@example.ma" {
						t.Errorf("%+v, %v", u, err)
					}
				})
			})
		}
	}
}

func TestOnlyTheLastChangeOfAddressCanBeConfirmed(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		smtp.Judge(func(to string, attempt int) smtptest.Verdict {
			if to == "second@example.ma" && attempt == 1 {
				return smtptest.Verdict{Rcpt: 451}
			}
			return smtptest.Verdict{}
		})
		for _, email := range []string{"first@example.ma", "second@example.ma", "third@example.ma"} {
			if err := s.AskEmailChange(t, g, email); err != nil {
				t.Fatal(err)
			}
			s.Deliver(t)
		}
		s.Clock.Advance(time.Minute)
		s.Deliver(t)
		links := authtest.WantTokens(t, smtp, account.ConfirmEmail, 2) // that to the second address was late
		if err := s.ConfirmEmail(t.Context(), authtest.Req, links[0]); !cmp.Equal(authtest.FieldKeys(err), used) {
			t.Errorf("first: %v", err)
		}
		if err := s.ConfirmEmail(t.Context(), authtest.Req, links[1]); err != nil {
			t.Errorf("third: %v", err)
		}
		s.Deliver(t)
		undo := authtest.WantTokens(t, smtp, account.UndoEmail, 1)[0]
		if err := s.UndoEmail(t.Context(), authtest.Req, undo); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(t, "amina", authtest.Good); err == nil {
			t.Error("the password still opens the account")
		}
		s.Deliver(t)
		if err := s.Reset(t, authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0], "another-Pass-77"); err != nil {
			t.Errorf("reset after the undo: %v", err)
		}
		u, err := s.Store.UserByUsername(t.Context(), "amina")
		if err != nil || u.Email != "amina@example.ma" {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

// TestTwoLinksOfOneMailboxAtOnce: whoever opens the link that verifies and the
// one that resets, in two tabs, gets an answer from both.
func TestTwoLinksOfOneMailboxAtOnce(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		const people = 12
		for i := range people {
			s.SignUp(t, fmt.Sprintf("amina%d", i))
			s.AskReset(t, fmt.Sprintf("amina%d@example.ma", i))
		}
		s.Deliver(t)
		s.Deliver(t)
		reset := map[string]account.Input{}
		for _, link := range authtest.WantTokens(t, smtp, account.ResetPassword, people) {
			name, _, err := s.CheckChallenge(t.Context(), authtest.Req, account.ResetPassword, link.Text)
			if err != nil {
				t.Fatal(err)
			}
			reset[name] = link
		}
		var both sync.WaitGroup
		for _, link := range authtest.WantTokens(t, smtp, account.VerifyEmail, people) {
			name, _, err := s.CheckChallenge(t.Context(), authtest.Req, account.VerifyEmail, link.Text)
			if err != nil {
				t.Fatal(err)
			}
			both.Go(func() {
				if err := s.Reset(t, reset[name], "another-Pass-77"); err != nil {
					t.Errorf("reset: %v", err)
				}
			})
			both.Go(func() {
				time.Sleep(5 * time.Millisecond) // the reset hashes a password first
				if err := s.VerifyEmail(t.Context(), authtest.Req, link); err != nil {
					t.Errorf("verify: %v", err)
				}
			})
		}
		both.Wait()
	}, authtest.MailFreely)
}

// TestMailsThatNobodyWantsAnyMore are not sent, and not tried again either.
func TestMailsThatNobodyWantsAnyMore(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*testing.T, *authtest.Server, auth.LoginResult){
		"verified meanwhile": func(t *testing.T, s *authtest.Server, g auth.LoginResult) {
			err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
				return tx.SetProof(t.Context(), g.User.ID, g.User.Email, s.Clock.Now())
			})
			if err != nil {
				t.Fatal(err)
			}
		},
		"another address meanwhile": func(t *testing.T, s *authtest.Server, g auth.LoginResult) {
			err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
				return tx.SetEmail(t.Context(), g.User.ID, "other@example.ma", s.Clock.Now())
			})
			if err != nil {
				t.Fatal(err)
			}
		},
		"disabled": func(t *testing.T, s *authtest.Server, _ auth.LoginResult) {
			if err := s.Staff.Disable(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
				t.Fatal(err)
			}
		},
		"closed": func(t *testing.T, s *authtest.Server, g auth.LoginResult) {
			if err := s.CloseAccount(t.Context(), s.CallerOf(t, g), account.TextInput(authtest.Good)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
				g := s.SignUp(t, "amina")
				before(t, s, g)
				s.Deliver(t)
				m := s.LastMail(t, account.MailVerifyEmail)
				if !m.SentAt.IsZero() || !m.DueAt.IsZero() || m.Failure != account.MailUnwanted {
					t.Errorf("%+v, want it given up as unwanted", m)
				}
				if n, err := s.Staff.RetryMails(t.Context()); n != 0 || err != nil {
					t.Errorf("%d to be tried again, %v", n, err)
				}
				s.Deliver(t)
				authtest.WantTokens(t, smtp, account.VerifyEmail, 0)
				if len(smtp.Messages()) != 0 { // nor a notice, to an address that is not proved
					t.Errorf("%d mails, want none", len(smtp.Messages()))
				}
			})
		})
	}
}

// TestNoTokenIsInTheDatabase: whoever reads a backup can follow no link.
func TestNoTokenIsInTheDatabase(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		smtp := smtptest.Start(t, smtptest.Options{})
		s := authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp))
		g := s.SignUp(t, "amina")
		s.Deliver(t)
		s.Prove(t, g)
		if err := s.AskEmailChange(t, g, "new@example.ma"); err != nil {
			t.Fatal(err)
		}
		s.AskReset(t, "amina@example.ma")
		s.Deliver(t)
		if err := s.ConfirmEmail(t.Context(), authtest.Req, authtest.WantTokens(t, smtp, account.ConfirmEmail, 1)[0]); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		all := dump(t, url)
		for _, expected := range []string{"amina@example.ma", g.Claims.SessionID, "$argon2id$"} {
			if !strings.Contains(all, expected) {
				t.Errorf("the dump lacks %q: it is not one", expected)
			}
		}
		for _, kind := range []account.ChallengeKind{account.VerifyEmail, account.ConfirmEmail, account.ResetPassword, account.UndoEmail} {
			link := authtest.WantTokens(t, smtp, kind, 1)[0].Text
			raw, err := base64.RawURLEncoding.DecodeString(link)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(all, link) || strings.Contains(all, string(raw)) || strings.Contains(all, fmt.Sprintf("%x", raw)) {
				t.Errorf("the token to %s is in the database", kind)
			}
		}
	})
}

// dump is every value of every table.
func dump(t *testing.T, url string) string {
	t.Helper()
	driver, source, list := "pgx", url, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	if path, is := strings.CutPrefix(url, "sqlite:"); is {
		driver, source, list = "sqlite", path, `SELECT name FROM sqlite_master WHERE type = 'table'`
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was read
	var b strings.Builder
	for _, table := range query(t, db, list) {
		for _, value := range query(t, db, `SELECT * FROM "`+table+`"`) {
			b.WriteString(value + "\n")
		}
	}
	return b.String()
}

// query is each value of each row, as text.
func query(t *testing.T, db *sql.DB, q string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			switch v := (*v.(*any)).(type) {
			case []byte:
				all = append(all, string(v))
			default:
				all = append(all, fmt.Sprint(v))
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
