package django_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

var now = time.Date(2026, 6, 5, 12, 56, 56, 789012000, time.UTC)

// imported runs an import that must work, and returns what was said of rows
// beside the report.
func imported(t *testing.T, st *store.Store, where string, l django.Layout) (django.Report, []django.Issue) {
	t.Helper()
	return importAt(t, st, where, l, django.Options{Now: now})
}

func importAt(t *testing.T, st *store.Store, where string, l django.Layout, o django.Options) (django.Report, []django.Issue) {
	t.Helper()
	var remarks []django.Issue
	o.Told = func(m django.Issue) { remarks = append(remarks, m) }
	src, err := django.Open(t.Context(), where, l)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close() //nolint:errcheck // only read
	report, err := django.Import(t.Context(), st, src, o)
	if err != nil {
		t.Fatal(err)
	}
	return report, remarks
}

func write(t *testing.T, st *store.Store, fn func(ctx context.Context, tx *store.Store) error) {
	t.Helper()
	if err := st.Tx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func user(t *testing.T, st *store.Store, id int64) account.User {
	t.Helper()
	u, err := st.UserByID(t.Context(), id)
	if err != nil {
		t.Fatalf("user %d: %v", id, err)
	}
	return u
}

// ours is a hash as they are made here.
const ours = "$argon2id$v=19$m=64,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2hpamtsbW5vcA"

func native(t *testing.T, st *store.Store, name string) account.User {
	t.Helper()
	u := account.User{Username: name, Email: name + "@here.ma", PasswordHash: ours, Active: true, Language: "ar", JoinedAt: now, PasswordAt: now}
	write(t, st, func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) })
	return user(t, st, u.ID)
}

// expected is what the people of a site are here.
func (p people) expected(precision time.Duration) []account.User {
	var users []account.User
	for _, u := range p.Users {
		want := account.User{
			ID: u.ID, Username: u.Username, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, PasswordHash: u.Password,
			Active: u.IsActive, Staff: u.IsStaff, Superuser: u.IsSuperuser, Language: "fr",
			JoinedAt: u.DateJoined.UTC().Truncate(precision), PasswordAt: u.DateJoined.UTC().Truncate(precision),
		}
		if u.LastLogin != nil {
			want.LastLoginAt = u.LastLogin.UTC().Truncate(precision)
		}
		users = append(users, want)
	}
	return users
}

func TestEverythingComesOver(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"sqlite", "postgres", "json", "jsonl"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
				s := theSite(t)
				where, p, precision := s.sqlite, s.people, time.Microsecond
				switch kind {
				case "postgres":
					where, p = postgresSite(t)
				case "json":
					where, precision = s.json, time.Millisecond // Django's JSON has no more
				case "jsonl":
					where, precision = s.jsonl, time.Millisecond
				}
				report, remarks := imported(t, st, where, django.Layout{})
				want := django.Report{
					Read: 8, Imported: 8, Skipped: map[string]int64{}, Revoked: 1,
					Formats: map[string]int64{
						"argon2": 1, "pbkdf2_sha256": 1, "pbkdf2_sha1": 1, "unusable": 1, "none": 1, "md5 (weak: guessed fast by who has it)": 1,
						"unsalted_md5 (no password matches it here)": 1, "bcrypt_sha256": 1,
					},
					Dead: 1,
				}
				if diff := cmp.Diff(want, report); diff != "" || len(remarks) > 0 {
					t.Errorf("report (-want +got):\n%s%v", diff, remarks)
				}
				got, err := st.Users(t.Context(), 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(p.expected(precision), got); diff != "" {
					t.Errorf("users (-want +got):\n%s", diff)
				}
				for jti, want := range map[string]bool{p.Blacklisted: true, p.Outstanding: false, p.Expired: false} {
					if got, err := st.TokenRevoked(t.Context(), jti); err != nil || got != want {
						t.Errorf("token %s revoked: %v, %v; want %v", jti, got, err, want)
					}
				}
				if users, err := st.Claimants(t.Context(), "AMINA@example.ma", 2); err != nil || len(users) != 1 || users[0].ID != 2 {
					t.Errorf("by e-mail: %v, %v; want user 2", users, err)
				}
				if u := native(t, st, "new"); u.ID != 10 {
					t.Errorf("the next user's id is %d, want 10", u.ID)
				}
			})
		})
	}
}

func TestSourcesOfEveryKindAreTheSame(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := theSite(t)
		imported(t, st, s.sqlite, django.Layout{})
		for _, where := range []string{s.sqlite, s.json} {
			report, _ := imported(t, st, where, django.Layout{})
			if report.Unchanged != 8 || report.Updated+report.Imported+report.Revoked != 0 {
				t.Errorf("%s again: %+v, want 8 unchanged", filepath.Base(where), report)
			}
		}
	})
}

// change runs SQL on a site's SQLite file.
func change(t *testing.T, path string, statements ...string) {
	t.Helper()
	execute(t, "sqlite:"+path, statements...)
}

func TestSecondRunBringsOverWhatChangedInDjango(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := theSite(t)
		where := copyOf(t, s.sqlite)
		imported(t, st, where, django.Layout{})
		before := user(t, st, 2)
		change(t, where,
			`UPDATE auth_user SET first_name = 'Amina', email = 'new@example.ma', is_staff = 1, last_login = '2026-06-01 10:00:00' WHERE id = 2`,
			`DELETE FROM token_blacklist_blacklistedtoken`,
			`INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at) SELECT id, '2026-06-01 10:00:00' FROM token_blacklist_outstandingtoken WHERE jti = '`+s.people.Outstanding+`'`,
			`UPDATE token_blacklist_outstandingtoken SET expires_at = '2099-01-01 00:00:00'`,
			`INSERT INTO auth_user SELECT 77, password, last_login, is_superuser, 'newcomer', last_name, email, is_staff, is_active, date_joined, first_name FROM auth_user WHERE id = 3`,
			`DELETE FROM auth_user WHERE id = 4`)
		report, remarks := imported(t, st, where, django.Layout{})
		if report.Imported != 1 || report.Updated != 1 || report.Unchanged != 6 || report.Gone != 1 || report.Revoked != 1 {
			t.Errorf("report %+v", report)
		}
		if len(remarks) != 1 || remarks[0].ID != "4" || !remarks[0].Note {
			t.Errorf("remarks %+v, want one about 4", remarks)
		}
		want := before
		want.FirstName, want.Email, want.Staff, want.LastLoginAt = "Amina", "new@example.ma", true, time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
		if diff := cmp.Diff(want, user(t, st, 2)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := user(t, st, 77); got.Username != "newcomer" || !got.Staff || got.Active {
			t.Errorf("newcomer %+v", got)
		}
		if u := native(t, st, "new"); u.ID != 78 {
			t.Errorf("the next user's id is %d, want 78", u.ID)
		}
		if revoked, err := st.TokenRevoked(t.Context(), s.people.Outstanding); err != nil || !revoked {
			t.Errorf("token blacklisted since: %v, %v", revoked, err)
		}
	})
}

func TestWhatWasChangedHereStays(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		where := copyOf(t, theSite(t).sqlite)
		imported(t, st, where, django.Layout{})
		later := now.Add(time.Hour)
		write(t, st, func(_ context.Context, tx *store.Store) error {
			return errors.Join(
				tx.Login(t.Context(), 2, user(t, st, 2).PasswordHash, "renewed", later),
				tx.SetPassword(t.Context(), 2, "$argon2id$chosen", later),
				tx.SetActive(t.Context(), 2, false),
				tx.SetPassword(t.Context(), 1, "$argon2id$chosen", later))
		})
		// User 2 logs in there, user 1 chooses a password there too.
		change(t, where,
			`UPDATE auth_user SET last_login = '2026-06-01 10:00:00' WHERE id = 2`,
			`UPDATE auth_user SET password = 'md5$new$hash', first_name = 'Root' WHERE id = 1`)
		report, remarks := imported(t, st, where, django.Layout{})
		if report.Updated != 2 || report.Kept != 1 || len(remarks) != 1 || remarks[0].ID != "1" || !remarks[0].Note {
			t.Errorf("report %+v, remarks %+v", report, remarks)
		}
		if u := user(t, st, 2); u.Active || u.PasswordHash != "$argon2id$chosen" || !u.LastLoginAt.Equal(later) {
			t.Errorf("user 2: active %v, hash %s, last login %v", u.Active, u.PasswordHash, u.LastLoginAt)
		}
		if u := user(t, st, 1); u.PasswordHash != "$argon2id$chosen" || u.FirstName != "Root" {
			t.Errorf("user 1: hash %s, name %s", u.PasswordHash, u.FirstName)
		}
		change(t, where, `UPDATE auth_user SET password = 'md5$newer$hash' WHERE id = 1`)
		if report, _ := imported(t, st, where, django.Layout{}); report.Kept != 1 || user(t, st, 1).PasswordHash != "$argon2id$chosen" {
			t.Errorf("third run: %+v, hash %s", report, user(t, st, 1).PasswordHash)
		}
	})
}

func TestPasswordChangedInDjangoIsBroughtOverAndEndsSessions(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		where := copyOf(t, theSite(t).sqlite)
		imported(t, st, where, django.Layout{})
		write(t, st, func(_ context.Context, tx *store.Store) error {
			for _, id := range []int64{1, 2} {
				sess := account.Session{ID: fmt.Sprint("s", id), UserID: id, CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(time.Hour), RefreshAt: now}
				if err := tx.CreateSession(t.Context(), sess); err != nil {
					return err
				}
			}
			// A login here renews the hash; that is not another password.
			return tx.Login(t.Context(), 2, user(t, st, 2).PasswordHash, "$argon2id$renewed", now)
		})
		change(t, where, `UPDATE auth_user SET password = 'md5$new$hash' WHERE id = 2`)
		for run := range 2 {
			change(t, where, fmt.Sprintf(`UPDATE auth_user SET password = 'md5$new$%d' WHERE id = 2`, run))
			report, _ := imported(t, st, where, django.Layout{})
			if u := user(t, st, 2); report.Updated != 1 || u.PasswordHash != fmt.Sprint("md5$new$", run) || !u.PasswordAt.Equal(now) {
				t.Errorf("run %d: %+v, hash %s of %v", run, report, u.PasswordHash, u.PasswordAt)
			}
		}
		if u := user(t, st, 2); !u.SignedOutAt.IsZero() {
			t.Error("the tokens that Django issued are not good any more")
		}
		for id, ended := range map[string]bool{"s1": false, "s2": true} {
			sess, _, err := st.SessionUser(t.Context(), id)
			if err != nil || sess.RevokedAt.IsZero() == ended {
				t.Errorf("session %s: ended at %v, %v", id, sess.RevokedAt, err)
			}
		}
	})
}

// TestWhatChangedInDjangoEndsWhatWaits: with another password, or who is not active
// any more, nothing stays by which somebody who was in the account comes back; with
// another address no link that was asked for before.
func TestWhatChangedInDjangoEndsWhatWaits(t *testing.T) {
	t.Parallel()
	const same, password, shut, moved = 1, 2, 6, 7
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		where := copyOf(t, theSite(t).sqlite)
		imported(t, st, where, django.Layout{})
		later := now.Add(time.Hour)
		all := []account.ChallengeKind{account.ResetPassword, account.ConfirmEmail, account.SecondFactor, account.UndoEmail}
		write(t, st, func(_ context.Context, tx *store.Store) error {
			for _, id := range []int64{same, password, shut, moved} {
				errs := []error{
					tx.CreateSession(t.Context(), account.Session{ID: fmt.Sprint("s", id), UserID: id, CreatedAt: now, LastUsedAt: now, ExpiresAt: later, RefreshAt: now}),
					tx.CreateTrustedDevice(t.Context(), account.TrustedDevice{ID: fmt.Sprint("d", id), UserID: id, Hash: fmt.Sprint("h", id), CreatedAt: now, ExpiresAt: later}),
					tx.CreateCode(t.Context(), account.MailedCode{Hash: fmt.Sprint("c", id), Purpose: account.CodeReset, UserID: id, CreatedAt: now}),
					tx.AddMail(t.Context(), account.Mail{Kind: account.MailConfirmEmail, UserID: id, Email: "new@example.ma", CreatedAt: now}),
				}
				for _, kind := range all {
					errs = append(errs, tx.CreateChallenge(t.Context(), account.Challenge{Hash: fmt.Sprint(kind, id), Kind: kind, UserID: id, CreatedAt: now, ExpiresAt: later}))
				}
				if err := errors.Join(errs...); err != nil {
					return err
				}
			}
			return nil
		})
		change(t, where,
			fmt.Sprintf(`UPDATE auth_user SET password = 'md5$new$hash' WHERE id = %d`, password),
			fmt.Sprintf(`UPDATE auth_user SET is_active = 0 WHERE id = %d`, shut),
			fmt.Sprintf(`UPDATE auth_user SET email = 'moved@example.ma' WHERE id = %d`, moved))
		imported(t, st, where, django.Layout{})
		for id, want := range map[int64]struct{ in, links bool }{same: {true, true}, password: {}, shut: {}, moved: {in: true}} {
			sess, _, err := st.SessionUser(t.Context(), fmt.Sprint("s", id))
			devices, err2 := st.TrustedDevices(t.Context(), id)
			if err != nil || err2 != nil || sess.RevokedAt.IsZero() != want.in || (len(devices) == 1) != want.in {
				t.Errorf("user %d: session ended at %v, %d trusted devices, %v, %v", id, sess.RevokedAt, len(devices), err, err2)
			}
			for _, kind := range all {
				c, err := st.Challenge(t.Context(), kind, fmt.Sprint(kind, id))
				if err != nil || c.UsedAt.IsZero() != (want.links || kind == account.UndoEmail) {
					t.Errorf("user %d: %s void at %v, %v", id, kind, c.UsedAt, err)
				}
			}
			c, err := st.MailedCode(t.Context(), fmt.Sprint("c", id))
			mails, err2 := st.MailsOf(t.Context(), id, 0, 10)
			if err != nil || err2 != nil || c.ExpiresAt.IsZero() != want.links || len(mails) != 1 || mails[0].DueAt.IsZero() == want.links {
				t.Errorf("user %d: code until %v, mails %+v, %v, %v", id, c.ExpiresAt, mails, err, err2)
			}
		}
	})
}

// TestAnotherAddressFromDjangoEndsACorrectionThatWaits, as any newer address does:
// else the reader of an address that the staff mistyped takes the account later. One
// that is only written otherwise does not, and a recovery goes on.
func TestAnotherAddressFromDjangoEndsACorrectionThatWaits(t *testing.T) {
	t.Parallel()
	const renamed, spelled, moved, recovers, over = 1, 2, 3, 4, 5
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		site := func(emails map[int]string, first string) string {
			var users []map[string]any
			for id := renamed; id <= over; id++ {
				users = append(users, map[string]any{"pk": id, "username": fmt.Sprint("u", id), "email": emails[id], "first_name": first})
			}
			return fixture(t, users...)
		}
		emails := map[int]string{renamed: "a@example.ma", spelled: "b@example.ma", moved: "c@example.ma", recovers: "d@example.ma", over: "e@example.ma"}
		imported(t, st, site(emails, "X"), django.Layout{})
		write(t, st, func(_ context.Context, tx *store.Store) error {
			for id := int64(renamed); id <= over; id++ {
				r := account.Recovery{ID: fmt.Sprint("r", id), UserID: id, Email: "typo@example.com", Keeps: id != recovers, ByStaff: true, StartedAt: now.Add(-48 * time.Hour), ReadyAt: now.Add(-24 * time.Hour)}
				if id == over {
					r.ReadyAt = now.Add(-account.RecoveryOpen)
				}
				mail := account.Mail{Kind: account.MailRecoveryReady, UserID: id, Email: r.Email, CreatedAt: now}
				if err := errors.Join(tx.CreateRecovery(t.Context(), r), tx.AddMail(t.Context(), mail)); err != nil {
					return err
				}
			}
			return nil
		})
		emails[spelled], emails[moved], emails[recovers], emails[over] = "B@example.ma", "right@example.ma", "right2@example.ma", "right3@example.ma"
		if report, _ := imported(t, st, site(emails, "Y"), django.Layout{}); report.Updated != 5 {
			t.Errorf("report %+v", report)
		}
		for id, ended := range map[int64]bool{renamed: false, spelled: false, moved: true, recovers: false, over: false} {
			all, err := st.Recoveries(t.Context(), id)
			mails, err2 := st.MailsOf(t.Context(), id, 0, 10)
			if err != nil || err2 != nil || len(all) != 1 || len(mails) != 1 {
				t.Fatal(all, mails, err, err2)
			}
			if r := all[0]; r.StoppedAt.IsZero() == ended || (r.StoppedBy == account.StoppedByStaff) != ended {
				t.Errorf("user %d: stopped at %v by %q, want %v", id, r.StoppedAt, r.StoppedBy, ended)
			}
			if mails[0].DueAt.IsZero() != ended {
				t.Errorf("user %d: the mail that finishes it is due at %v", id, mails[0].DueAt)
			}
		}
	})
}

// TestWhomDjangoShutsOutHasApprovedNothing, for good: not when they are active there
// again, either.
func TestWhomDjangoShutsOutHasApprovedNothing(t *testing.T) {
	t.Parallel()
	const shut, stays = 1, 2
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		site := func(active bool) string {
			return fixture(t,
				map[string]any{"pk": shut, "username": "shut", "is_active": active},
				map[string]any{"pk": stays, "username": "stays", "first_name": fmt.Sprint(active)})
		}
		imported(t, st, site(true), django.Layout{})
		approvals := map[string]account.Approval{
			"a1": {AskedBy: stays, DecidedBy: shut},
			"a2": {AskedBy: shut, DecidedBy: stays},
			"a3": {AskedBy: stays, DecidedBy: stays},
		}
		write(t, st, func(_ context.Context, tx *store.Store) error {
			for id, a := range approvals {
				a.ID, a.Act, a.Users, a.AskedAt, a.ExpiresAt, a.DecidedAt, a.Approved = id, account.ApproveErase, []int64{9}, now, now.Add(time.Hour), now, true
				if err := tx.CreateApproval(t.Context(), a); err != nil {
					return err
				}
			}
			return nil
		})
		imported(t, st, site(false), django.Layout{})
		imported(t, st, site(true), django.Layout{})
		if u := user(t, st, shut); !u.Active {
			t.Error("who is active there again is not here")
		}
		for id, a := range approvals {
			_, err := st.Approval(t.Context(), id)
			if void := a.AskedBy == shut || a.DecidedBy == shut; errors.Is(err, store.ErrNotFound) != void {
				t.Errorf("asked by %d, approved by %d: %v, want void: %v", a.AskedBy, a.DecidedBy, err, void)
			}
		}
	})
}

// TestLastOwnerStaysActive, of however many an import shuts out, until there is
// another: the next import tries again.
func TestLastOwnerStaysActive(t *testing.T) {
	t.Parallel()
	const customer, manager, first, last, next = 1, 2, 3, 4, 5
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		site := func(active bool, name string) string {
			var users []map[string]any
			for id := customer; id <= last; id++ {
				users = append(users, map[string]any{"pk": id, "username": fmt.Sprint("u", id), "is_active": active, "first_name": name})
			}
			return fixture(t, append(users, map[string]any{"pk": next, "username": "next"})...)
		}
		imported(t, st, site(true, ""), django.Layout{})
		employs := func(id int64, role account.Role) {
			t.Helper()
			write(t, st, func(_ context.Context, tx *store.Store) error {
				return errors.Join(
					tx.SetStaff(t.Context(), account.StaffMember{UserID: id, Role: role, GivenAt: now, AcceptedAt: now}),
					tx.CreateSession(t.Context(), account.Session{ID: fmt.Sprint("s", id), UserID: id, CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(time.Hour), RefreshAt: now}))
			})
		}
		employs(manager, account.Manager)
		employs(first, account.Owner)
		employs(last, account.Owner)
		note := django.Issue{Note: true, ID: fmt.Sprint(last), Username: "u4", Reason: "the user is not active in Django, and stays active here: the staff would have no owner"}
		for run := range 2 {
			_, remarks := imported(t, st, site(false, fmt.Sprint("Run", run)), django.Layout{})
			if diff := cmp.Diff([]django.Issue{note}, remarks); diff != "" {
				t.Errorf("run %d: remarks (-want +got):\n%s", run, diff)
			}
			for id, active := range map[int64]bool{customer: false, manager: false, first: false, last: true} {
				if u := user(t, st, id); u.Active != active || u.FirstName != fmt.Sprint("Run", run) {
					t.Errorf("run %d: user %d: active %v, want %v; %s", run, id, u.Active, active, u.FirstName)
				}
			}
			if sess, _, err := st.SessionUser(t.Context(), "s4"); err != nil || !sess.RevokedAt.IsZero() {
				t.Errorf("run %d: the session of who stays ended at %v, %v", run, sess.RevokedAt, err)
			}
		}
		employs(next, account.Owner)
		if _, remarks := imported(t, st, site(false, "Run1"), django.Layout{}); len(remarks) > 0 || user(t, st, last).Active {
			t.Errorf("where there is another owner: active %v, remarks %+v", user(t, st, last).Active, remarks)
		}
	})
}

func TestAccountsOfOthersAreNeverOverwritten(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		first, second, third := native(t, st, "somebody"), native(t, st, "amina"), native(t, st, "zineb")
		report, remarks := imported(t, st, fixture(t,
			map[string]any{"pk": 1, "username": "admin"}, // the id is somebody's
			map[string]any{"pk": 2, "username": "amina"}, // the same id and name, by chance
			map[string]any{"pk": 3, "username": "zineb", "password": "argon2" + ours, "first_name": "Z", "date_joined": now}, // the same account
			map[string]any{"pk": 17, "username": "amina"},                                                                    // the name is amina's
			map[string]any{"pk": 18, "username": "karim"},
			map[string]any{"pk": 19, "username": "karim"}, // twice in the source
			map[string]any{"pk": 18, "username": "karima"},
		), django.Layout{})
		var got []string
		for _, m := range remarks {
			got = append(got, fmt.Sprintf("%s %s %s %d", m.ID, m.Username, m.Reason, m.Owner))
		}
		want := []string{
			"18 karima the id comes twice in the source 0",
			"1 admin the id belongs here to a user who did not come from Django 0",
			"2 amina the id belongs here to a user who did not come from Django 0",
			"17 amina the username is taken here 2",
			"19 karim the username is taken here 18",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("remarks (-want +got):\n%s", diff)
		}
		if report.Imported != 1 || report.Updated != 1 || report.Skipped["the username is taken here"] != 2 {
			t.Errorf("report %+v", report)
		}
		for _, want := range []account.User{first, second} {
			if diff := cmp.Diff(want, user(t, st, want.ID)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", want.Username, diff)
			}
		}
		if u := user(t, st, 3); u.FirstName != "Z" || u.PasswordHash != third.PasswordHash || u.Language != "ar" {
			t.Errorf("zineb %+v", u)
		}
	})
}

func TestRenamedUsersAreFollowed(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		names := func(names ...string) string {
			var users []map[string]any
			for i, name := range names {
				users = append(users, map[string]any{"pk": i + 1, "username": name})
			}
			return fixture(t, users...)
		}
		imported(t, st, names("a", "b", "c", "x", "y"), django.Layout{})
		// Each takes the name of the next, which is free only later; x and y
		// swap, and neither is first.
		report, remarks := imported(t, st, names("b", "c", "d", "y", "x", "a"), django.Layout{})
		if report.Updated != 3 || report.Imported != 1 || report.Skipped["the username is taken here"] != 2 {
			t.Errorf("report %+v, remarks %+v", report, remarks)
		}
		for id, want := range []string{"b", "c", "d", "x", "y", "a"} {
			if got := user(t, st, int64(id+1)).Username; got != want {
				t.Errorf("user %d is %s, want %s", id+1, got, want)
			}
		}
	})
}

// TestNameThatWasGivenUpHereStaysItsOwners, as it does for a registration, for
// thirty days.
func TestNameThatWasGivenUpHereStaysItsOwners(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		imported(t, st, fixture(t, map[string]any{"pk": 1, "username": "samir"}), django.Layout{})
		err := st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			return tx.ChangeUsername(ctx, 1, "samir", "samir2", now.Add(-29*24*time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		another := fixture(t, map[string]any{"pk": 5000, "username": "samir"})
		if report, _ := imported(t, st, another, django.Layout{}); report.Imported != 0 || report.Skipped["the username is taken here"] != 1 {
			t.Errorf("within thirty days: %+v", report)
		}
		if report, _ := importAt(t, st, another, django.Layout{}, django.Options{Now: now.Add(48 * time.Hour)}); report.Imported != 1 {
			t.Errorf("after them: %+v", report)
		}
	})
}

func TestBadRowsAreToldAndTheOthersTaken(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		where := copyOf(t, theSite(t).sqlite)
		change(t, where,
			`UPDATE auth_user SET username = '' WHERE id = 1`,
			`UPDATE auth_user SET date_joined = 'yesterday' WHERE id = 2`,
			`UPDATE auth_user SET last_login = '2024-02-30 10:00:00' WHERE id = 3`,
			`UPDATE auth_user SET username = username || username WHERE id = 9`,
			`UPDATE auth_user SET is_active = 'perhaps' WHERE id = 4`,
			`UPDATE auth_user SET first_name = CAST(x'ff41' AS TEXT) WHERE id = 5`,
			`UPDATE auth_user SET last_name = 'a' || char(0) || 'b' WHERE id = 6`,
			`INSERT INTO auth_user SELECT -3, password, last_login, is_superuser, 'minus', last_name, email, is_staff, is_active, date_joined, first_name FROM auth_user WHERE id = 7`)
		report, remarks := imported(t, st, where, django.Layout{})
		got := map[string]string{}
		for _, m := range remarks {
			got[m.ID] = m.Reason
		}
		want := map[string]string{
			"-3": "the id is not a number above zero", "1": "the username is empty", "2": "date_joined is not a date", "3": "last_login is not a date",
			"4": "is_active, is_staff or is_superuser is neither true nor false", "5": "a text is not UTF-8, or has a NUL",
			"6": "a text is not UTF-8, or has a NUL", "9": "the username has more than 150 characters",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if report.Read != 9 || report.Imported != 1 || user(t, st, 7).Username != "Zoé" {
			t.Errorf("report %+v", report)
		}
	})
}

func TestRowsOfADumpThatCannotBeUsers(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	report, remarks := imported(t, st, fixture(t,
		map[string]any{"username": "natural"}, // dumpdata --natural-primary
		map[string]any{"pk": "5f0c", "username": "uuid"},
		map[string]any{"pk": 3, "username": nil},
		map[string]any{"pk": 4, "username": "good"},
	), django.Layout{})
	if report.Imported != 1 || len(remarks) != 3 || remarks[0].Reason != "the row has no id" || remarks[1].ID != "5f0c" {
		t.Errorf("report %+v, remarks %+v", report, remarks)
	}
	src := open(t, fixture(t, map[string]any{"pk": "5f0c", "username": "uuid"}), django.Layout{})
	if _, err := django.Import(t.Context(), st, src, django.Options{Now: now}); !errors.Is(err, django.ErrNothingRead) {
		t.Errorf("nothing good: %v, want ErrNothingRead", err)
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := theSite(t)
		if would, _ := importAt(t, st, s.sqlite, django.Layout{}, django.Options{Now: now, DryRun: true}); would.Imported != 8 {
			t.Errorf("dry run: %+v", would)
		}
		if users, err := st.Users(t.Context(), 0, 10); err != nil || len(users) > 0 {
			t.Fatalf("users after a dry run: %v, %v", users, err)
		}
		if revoked, err := st.TokenRevoked(t.Context(), s.people.Blacklisted); err != nil || revoked {
			t.Errorf("token after a dry run: %v, %v", revoked, err)
		}
		if u := native(t, st, "first"); u.ID != 1 {
			t.Errorf("the first user's id is %d", u.ID)
		}
		did, _ := importAt(t, st, s.sqlite, django.Layout{}, django.Options{Now: now, DryRun: true})
		if did.Imported != 7 || did.Skipped["the id belongs here to a user who did not come from Django"] != 1 {
			t.Errorf("second dry run: %+v", did)
		}
		really, _ := imported(t, st, s.sqlite, django.Layout{})
		if diff := cmp.Diff(did, really); diff != "" {
			t.Errorf("a real run differs from the dry one (-dry +real):\n%s", diff)
		}
	})
}

func TestErasedUserDoesNotComeBack(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		st := storetest.Open(t, url)
		where := copyOf(t, theSite(t).sqlite)
		imported(t, st, where, django.Layout{})
		write(t, st, func(_ context.Context, tx *store.Store) error {
			if err := tx.CloseUser(t.Context(), 2, now); err != nil {
				return err
			}
			_, err := tx.EraseUsers(t.Context(), []int64{2})
			return err
		})
		if n := count(t, url, `SELECT count(*) FROM django_imports WHERE user_id = 2 AND length(fields) = 0`); n != 1 {
			t.Error("digests of the erased user's data are still there")
		}
		change(t, where, `UPDATE auth_user SET first_name = 'X' WHERE id = 2`)
		report, remarks := imported(t, st, where, django.Layout{})
		if len(remarks) != 1 || remarks[0].ID != "2" || report.Skipped["the user was erased here since the last import"] != 1 {
			t.Errorf("report %+v, remarks %+v", report, remarks)
		}
		if _, err := st.UserByID(t.Context(), 2); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("user 2: %v, want ErrNotFound", err)
		}
	})
}

func TestWhoLeftStaysAwayAndAnotherAddressIsNotVerified(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		where := copyOf(t, theSite(t).sqlite)
		imported(t, st, where, django.Layout{})
		write(t, st, func(_ context.Context, tx *store.Store) error {
			return errors.Join(
				tx.CloseUser(t.Context(), 3, now),
				tx.SetEmail(t.Context(), 1, "one@example.ma", now),
				tx.SetEmail(t.Context(), 2, "amina@example.ma", now))
		})
		change(t, where,
			`UPDATE auth_user SET is_active = 1 WHERE id = 3`,
			`UPDATE auth_user SET first_name = 'Root' WHERE id = 1`,
			`UPDATE auth_user SET email = 'other@example.ma' WHERE id = 2`)
		if report, _ := imported(t, st, where, django.Layout{}); report.Updated != 3 {
			t.Errorf("report %+v", report)
		}
		if u := user(t, st, 3); u.Active || !u.ClosedAt.Equal(now) {
			t.Errorf("who left: active %v, closed at %v", u.Active, u.ClosedAt)
		}
		if u := user(t, st, 1); u.FirstName != "Root" || !u.EmailVerifiedAt.Equal(now) {
			t.Errorf("the same address: verified at %v", u.EmailVerifiedAt)
		}
		if u := user(t, st, 2); u.Email != "other@example.ma" || !u.EmailVerifiedAt.IsZero() {
			t.Errorf("another address: %s verified at %v", u.Email, u.EmailVerifiedAt)
		}
	})
}

func count(t *testing.T, url, query string) (n int) {
	t.Helper()
	db := connect(t, url)
	defer db.Close() //nolint:errcheck // one query
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func connect(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, where := "pgx", url
	if path, is := strings.CutPrefix(url, "sqlite:"); is {
		driver, where = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, where)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// execute runs SQL on a database of ours or of PostgreSQL.
func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	db := connect(t, url)
	defer db.Close() //nolint:errcheck // the test reads it again
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// many is a dump of so many users.
func many(t *testing.T, n int) string {
	t.Helper()
	users := make([]map[string]any, n)
	for i := range users {
		users[i] = map[string]any{"pk": n - i, "username": fmt.Sprint("user", i)} // backwards: a dump has no order
	}
	return fixture(t, users...)
}

func TestManyBatches(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		where := many(t, 4321)
		for run, want := range []django.Report{{Read: 4321, Imported: 4321}, {Read: 4321, Unchanged: 4321}} {
			report, remarks := imported(t, st, where, django.Layout{})
			want.Skipped, want.Formats = map[string]int64{}, map[string]int64{"md5 (weak: guessed fast by who has it)": 4321}
			if diff := cmp.Diff(want, report); diff != "" || len(remarks) > 0 {
				t.Errorf("run %d (-want +got):\n%s%v", run, diff, remarks)
			}
		}
		if u := user(t, st, 1); u.Username != "user4320" {
			t.Errorf("user 1 is %s", u.Username)
		}
	})
}

func TestInterruptedImportLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		src := open(t, many(t, 4321), django.Layout{})
		_, err := django.Import(ctx, st, src, django.Options{Now: now, Reading: func(done float64, users int64) {
			if users == 2000 {
				cancel()
			}
		}})
		if err == nil {
			t.Fatal("it went on")
		}
		if users, err := st.Users(t.Context(), 0, 10); err != nil || len(users) > 0 {
			t.Fatalf("users: %d, %v; want none", len(users), err)
		}
		native(t, st, "the writer works on")
	})
}

func TestBrokenDumpLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		whole, err := os.ReadFile(many(t, 3000))
		if err != nil {
			t.Fatal(err)
		}
		cut := filepath.Join(t.TempDir(), "cut.json")
		if err := os.WriteFile(cut, whole[:len(whole)-100], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := django.Import(t.Context(), st, open(t, cut, django.Layout{}), django.Options{Now: now}); err == nil || !strings.Contains(err.Error(), "at byte") {
			t.Errorf("got %v, want the byte where it breaks off", err)
		}
		if users, err := st.Users(t.Context(), 0, 10); err != nil || len(users) > 0 {
			t.Errorf("users: %d, %v; want none", len(users), err)
		}
	})
}

// TestNamesThatComeTwiceInAFirstImport: an empty database has its own way to
// find them, with the same outcome. Who comes first keeps the name, also where
// the ids do not grow.
func TestNamesThatComeTwiceInAFirstImport(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		var users []map[string]any
		add := func(id int, name string) { users = append(users, map[string]any{"pk": id, "username": name}) }
		for id := 1; id <= 3500; id++ {
			add(id, fmt.Sprint("user", id%2400)) // 1,100 names come twice, in other batches
		}
		add(5000, "late")
		add(4000, "late") // a smaller id, after it
		add(4001, "user7")
		users[3000-1]["password"] = "argon2" + ours // of somebody who has to go
		report, remarks := imported(t, st, fixture(t, users...), django.Layout{})
		if report.Read != 3503 || report.Imported != 2401 || report.Skipped["the username is taken here"] != 1102 {
			t.Errorf("report %+v", report)
		}
		if want := map[string]int64{"md5 (weak: guessed fast by who has it)": 2401}; !cmp.Equal(want, report.Formats) {
			t.Errorf("formats %v, want %v", report.Formats, want)
		}
		for i, m := range remarks[:min(1100, len(remarks))] {
			want := django.Issue{ID: fmt.Sprint(2401 + i), Username: fmt.Sprint("user", i+1), Reason: "the username is taken here", Owner: int64(i + 1)}
			if m != want {
				t.Fatalf("remark %d: %+v, want %+v", i, m, want)
			}
		}
		if u, err := st.UserByUsername(t.Context(), "late"); err != nil || u.ID != 5000 {
			t.Errorf("late is %d, %v; want 5000, who came first", u.ID, err)
		}
		if _, err := st.UserByID(t.Context(), 2401); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("2401: %v, want ErrNotFound", err)
		}
		// They are not remembered as imported: renamed there, they come.
		users[2401-1]["username"] = "renamed"
		if report, _ := imported(t, st, fixture(t, users...), django.Layout{}); report.Imported != 1 || report.Unchanged != 2401 {
			t.Errorf("second run: %+v", report)
		}
	})
}
