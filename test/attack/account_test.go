package attack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
)

var accounts = group{
	title:    "Accounts",
	about:    "Other people's objects, links used twice, in another place or in another order, races, and passwords as long as a body.",
	on:       []string{"ES256"},
	rows:     accountRows,
	together: true,
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	accounts.play(t, start(t, "ES256", ""), "ES256")
}

// did is a row of the group.
func did(name, tries, holds string, play func(t *testing.T, s *server)) row {
	return row{name: name, tries: tries, holds: holds, play: play}
}

// reset has a link mailed and returns its token.
func (s *server) reset(t *testing.T, p person) string {
	t.Helper()
	before := len(s.mailsTo(t, "reset_password", p.email))
	wants(t, s.send(t, http.MethodPost, resetPath, fields{"email": p.email}), http.StatusAccepted)
	return s.nextMail(t, "reset_password", p.email, before).token
}

// nextMail waits until there are more mails than before.
func (s *server) nextMail(t *testing.T, kind, address string, before int) letter {
	t.Helper()
	var all []letter
	eventually(t, kind+" to "+address, func() bool { all = s.mailsTo(t, kind, address); return len(all) > before })
	return all[len(all)-1]
}

// changeTo asks for another address and returns the token of the link.
func (s *server) changeTo(t *testing.T, p person, address string) string {
	t.Helper()
	wants(t, s.as(t, p, http.MethodPost, emailChange, fields{"password": p.password, "email": address}), http.StatusAccepted)
	return s.mailTo(t, "confirm_email", address).token
}

func (s *server) token(t *testing.T, path, token string) answer {
	t.Helper()
	return s.send(t, http.MethodPost, path, fields{"token": token})
}

// atOnce makes n requests together and counts their statuses.
func atOnce(n int, request func(i int) answer) map[int]int {
	var (
		mu   sync.Mutex
		all  sync.WaitGroup
		seen = map[int]int{}
	)
	for i := range n {
		all.Go(func() {
			a := request(i)
			mu.Lock()
			defer mu.Unlock()
			seen[a.status]++
		})
	}
	all.Wait()
	return seen
}

func (s *server) sessionID(p person) string { return segment(p.access, 1)["sid"].(string) }

func accountRows() []row {
	const newPassword = "kV7#another-42lemon"
	rows := []row{
		did("another's session", "ending the victim's session by its id", "404, as for one that is not there, and it lives", func(t *testing.T, s *server) {
			attacker := s.newPerson(t)
			a := s.as(t, attacker, http.MethodDelete, sessionsPath+s.sessionID(s.user)+"/", nil)
			wants(t, a, http.StatusNotFound)
			if b := s.as(t, attacker, http.MethodDelete, sessionsPath+"AAAAAAAAAAAAAAAAAAAAAA/", nil); a.body != b.body {
				t.Error("the two answers differ")
			}
		}),
		did("sessions by number", "1, 2, 0, -1, the attacker's own id", "404", func(t *testing.T, s *server) {
			attacker := s.newPerson(t)
			for _, id := range []string{"1", "2", "0", "-1", fmt.Sprint(attacker.id), "all", "*", "current", "me", "null", "undefined", "%2a"} {
				wants(t, s.as(t, attacker, http.MethodDelete, sessionsPath+id+"/", nil), http.StatusNotFound)
			}
			wants(t, s.me(t, attacker.access), http.StatusOK)
		}),
		did("session id in other letters", "the attacker's own session in other case, cut, with a tail", "404", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			id := s.sessionID(p)
			for _, other := range []string{swapCase(id), id[:len(id)-1], id + "A", id + "%20", "%00" + id} {
				if other != id {
					wants(t, s.as(t, p, http.MethodDelete, sessionsPath+other+"/", nil), http.StatusNotFound)
				}
			}
			wants(t, s.me(t, p.access), http.StatusOK)
		}),
		did("another's id in query and body", "?id=, ?user_id=, user_id in the body", "one's own profile and export", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			for _, q := range []string{"?id=", "?user_id=", "?user=", "?pk=", "?sid="} {
				q += fmt.Sprint(s.user.id)
				if got := s.as(t, p, http.MethodGet, mePath+q, nil).field("username"); got != p.name {
					t.Errorf("%s: %s", q, got)
				}
				if a := s.as(t, p, http.MethodGet, exportPath+q, nil); strings.Contains(a.body, s.user.email) {
					t.Error("the victim's export")
				}
				wants(t, s.as(t, p, http.MethodPatch, mePath+q, fields{"user_id": s.user.id, "id": s.user.id, "first_name": "Changed"}), http.StatusOK)
			}
		}),
		did("another's sessions in the list", "the list of sessions", "one's own only", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			if a := s.as(t, p, http.MethodGet, sessionsPath, nil); strings.Contains(a.body, s.sessionID(s.user)) || strings.Count(a.body, `"id"`) != 1 {
				t.Error("others' sessions are in the list")
			}
		}),
		did("another's refresh token with one's own access token", "logging out with both", "the session of the refresh token ends, and no other: whoever holds it may", func(t *testing.T, s *server) {
			p, q := s.newPerson(t), s.newPerson(t)
			wants(t, s.as(t, p, http.MethodPost, logoutPath, fields{"refresh": q.refresh}), http.StatusNoContent)
			wants(t, s.me(t, p.access), http.StatusOK)
			wants(t, s.me(t, q.access), http.StatusUnauthorized)
		}),
		did("the victim's name", "a change of the profile to a name that is taken", "400", func(t *testing.T, s *server) {
			wants(t, s.rename(t, s.newPerson(t), s.user.name), http.StatusBadRequest)
		}),
		did("name race", "one name 24 times at once", "one registration", func(t *testing.T, s *server) {
			name := s.newName()
			got := atOnce(24, func(int) answer {
				return s.send(t, http.MethodPost, registerPath, fields{"username": name, "password": newPassword})
			})
			if got[http.StatusCreated] != 1 || got[http.StatusBadRequest] != 23 {
				t.Errorf("%v", got)
			}
		}),
		did("name race between profiles", "24 people take one name at once", "one has it", func(t *testing.T, s *server) {
			name := s.newName()
			people := make([]person, 24)
			for i := range people {
				people[i] = s.newPerson(t)
			}
			if got := atOnce(24, func(i int) answer {
				return s.as(t, people[i], http.MethodPatch, mePath, fields{"username": name, "password": people[i].password})
			}); got[http.StatusOK] != 1 {
				t.Errorf("%v", got)
			}
		}),
		did("username is the victim's address", "a name that is another's e-mail address, to catch logins by address; registered, and as another name of an account", "each password opens its own account; once the victim has proved the address, nobody can take it as a name", func(t *testing.T, s *server) {
			victim := s.newPerson(t)
			attacker := s.register(t, victim.email, "")
			s.opens(t, victim.email, victim)
			s.opens(t, victim.email, attacker)
			proved, thief := s.newPerson(t), s.newPerson(t)
			s.prove(t, proved)
			for _, name := range []string{proved.email, strings.ToUpper(proved.email)} {
				wants(t, s.send(t, http.MethodPost, registerPath, fields{"username": name, "password": newPassword, "email": name}), http.StatusBadRequest)
				wants(t, s.rename(t, thief, name), http.StatusBadRequest)
			}
			s.opens(t, proved.email, proved)
			wants(t, s.login(t, victim.name, victim.password), http.StatusOK)
			wants(t, s.login(t, victim.name, attacker.password), http.StatusUnauthorized)
		}),
		did("address is the victim's username", "an e-mail address that is another's name", "each password opens its own account, and the name its own", func(t *testing.T, s *server) {
			name := s.newName() + "@customers.example"
			victim := s.register(t, name, "")
			attacker := s.register(t, s.newName(), name)
			s.opens(t, name, victim)
			s.opens(t, name, attacker)
			wants(t, s.login(t, name, newPassword), http.StatusUnauthorized)
		}),
		did("address shared", "a second account with the victim's address", "the address opens the older account, whose it is where no mail is delivered; once one is proved, the other proves nothing", func(t *testing.T, s *server) {
			victim := s.newPerson(t)
			attacker := s.register(t, s.newName(), victim.email)
			wants(t, s.login(t, victim.email, attacker.password), http.StatusUnauthorized)
			s.opens(t, victim.email, victim)
			s.opens(t, victim.name, victim)
			s.prove(t, victim)
			s.opens(t, victim.email, victim)
			wants(t, s.login(t, victim.email, attacker.password), http.StatusUnauthorized)
			s.opens(t, attacker.name, attacker)
			for _, m := range s.mailsTo(t, "verify_email", victim.email) {
				wants(t, s.send(t, http.MethodPost, emailVerify, fields{"token": m.token}), http.StatusBadRequest)
			}
		}),
		did("who has an account, by login", "an unknown name, a wrong password, a closed and a disabled account", "four answers that are the same", func(t *testing.T, s *server) {
			closed, disabled, known := s.newPerson(t), s.newPerson(t), s.newPerson(t)
			wants(t, s.as(t, closed, http.MethodDelete, mePath, fields{"password": closed.password}), http.StatusNoContent)
			s.command(t, "user", "disable", disabled.name)
			want := s.login(t, s.newName(), newPassword)
			for _, a := range []answer{s.login(t, known.name, newPassword), s.login(t, closed.name, closed.password), s.login(t, disabled.name, disabled.password), s.login(t, known.email, newPassword)} {
				if a.status != http.StatusUnauthorized || a.body != want.body || len(a.header) != len(want.header) {
					t.Errorf("%s, want %s", a, want)
				}
			}
		}),
		did("who has an account, by reset", "an address that somebody has, and one that nobody has", "the same answer", func(t *testing.T, s *server) {
			a := s.send(t, http.MethodPost, resetPath, fields{"email": s.newPerson(t).email})
			b := s.send(t, http.MethodPost, resetPath, fields{"email": s.newName() + "@customers.example"})
			codeID := regexp.MustCompile(`"code_id":"[A-Za-z0-9_-]{43}"`) // a random one for everybody
			if codeID.ReplaceAllString(a.body, "") != codeID.ReplaceAllString(b.body, "") || a.status != b.status || len(a.header) != len(b.header) {
				t.Errorf("%s and %s", a, b)
			}
		}),
		did("closing without the password", "an empty, a wrong and another's password, and another type", "400, and the account lives", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			for _, password := range []any{nil, "", newPassword, s.user.password, true, []string{p.password}, fields{"$ne": nil}, p.password + "\x00"} {
				wants(t, s.as(t, p, http.MethodDelete, mePath, fields{"password": password}), http.StatusBadRequest)
			}
			wants(t, s.me(t, p.access), http.StatusOK)
		}),
		did("closed account", "login, renewal and reset after it was closed", "401, 401 and no mail", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			token := s.reset(t, p)
			wants(t, s.as(t, p, http.MethodDelete, mePath, fields{"password": p.password}), http.StatusNoContent)
			wants(t, s.login(t, p.name, p.password), http.StatusUnauthorized)
			wants(t, s.send(t, http.MethodPost, refreshPath, fields{"refresh": p.refresh}), http.StatusUnauthorized)
			wants(t, s.send(t, http.MethodPost, confirmReset, fields{"token": token, "new_password": newPassword}), http.StatusBadRequest)
			wants(t, s.send(t, http.MethodPost, resetPath, fields{"email": p.email}), http.StatusAccepted)
			s.reset(t, s.newPerson(t)) // a later one has come
			if n := len(s.mailsTo(t, "reset_password", p.email)); n != 1 {
				t.Errorf("%d mails", n)
			}
		}),
		did("changing the password without it", "a wrong current password, the new one as current, none", "400, and the old one works", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			for _, current := range []any{nil, "", newPassword, true, s.user.password} {
				wants(t, s.as(t, p, http.MethodPost, changePath, fields{"current_password": current, "new_password": newPassword}), http.StatusBadRequest)
			}
			wants(t, s.login(t, p.name, p.password), http.StatusOK)
		}),
		did("password race", "16 changes of a password at once", "one wins, and its password works", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			got := atOnce(16, func(i int) answer {
				return s.as(t, p, http.MethodPost, changePath, fields{"current_password": p.password, "new_password": fmt.Sprint(newPassword, i)})
			})
			works := 0
			for i := range 16 {
				if s.login(t, p.name, fmt.Sprint(newPassword, i)).status == http.StatusOK {
					works++
				}
			}
			if got[http.StatusNoContent] != 1 || works != 1 {
				t.Errorf("%v, %d passwords work", got, works)
			}
		}),
		did("reset link twice", "the same link again, by the API and by the page", "400 and 410", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			token := s.reset(t, p)
			wants(t, s.send(t, http.MethodPost, confirmReset, fields{"token": token, "new_password": newPassword}), http.StatusNoContent)
			wants(t, s.send(t, http.MethodPost, confirmReset, fields{"token": token, "new_password": newPassword + "2"}), http.StatusBadRequest)
			wants(t, s.send(t, http.MethodPost, "/account/reset-password/"+token, "new_password="+newPassword+"3&repeat="+newPassword+"3", "Content-Type", formType), http.StatusGone)
			wants(t, s.login(t, p.name, newPassword), http.StatusOK)
			wants(t, s.me(t, p.access), http.StatusUnauthorized)
		}),
		did("reset link race", "one link 24 times at once with 24 passwords", "one wins, and its password alone works", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			token := s.reset(t, p)
			got := atOnce(24, func(i int) answer {
				return s.send(t, http.MethodPost, confirmReset, fields{"token": token, "new_password": fmt.Sprint(newPassword, i)})
			})
			works := 0
			for i := range 24 {
				if s.login(t, p.name, fmt.Sprint(newPassword, i)).status == http.StatusOK {
					works++
				}
			}
			if got[http.StatusNoContent] != 1 || works != 1 {
				t.Errorf("%v, %d passwords work", got, works)
			}
		}),
		did("two reset links", "the older one after the newer was used", "400", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			first, second := s.reset(t, p), s.reset(t, p)
			wants(t, s.send(t, http.MethodPost, confirmReset, fields{"token": second, "new_password": newPassword}), http.StatusNoContent)
			wants(t, s.send(t, http.MethodPost, confirmReset, fields{"token": first, "new_password": newPassword + "2"}), http.StatusBadRequest)
		}),
		did("reset link after a change of password", "a link from before, which the attacker may have", "400", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			token := s.reset(t, p)
			wants(t, s.as(t, p, http.MethodPost, changePath, fields{"current_password": p.password, "new_password": newPassword}), http.StatusNoContent)
			wants(t, s.send(t, http.MethodPost, confirmReset, fields{"token": token, "new_password": newPassword + "2"}), http.StatusBadRequest)
		}),
		did("reset link after a change of address", "a link to the mailbox that was left", "400", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			token := s.reset(t, p)
			wants(t, s.token(t, emailConfirm, s.changeTo(t, p, s.newName()+"@customers.example")), http.StatusNoContent)
			wants(t, s.send(t, http.MethodPost, confirmReset, fields{"token": token, "new_password": newPassword}), http.StatusBadRequest)
		}),
		did("links in another's place", "the link of one act used for each other act", "400 for all, and it still works in its own", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			verify, reset, confirm := s.mailTo(t, "verify_email", p.email).token, s.reset(t, p), s.changeTo(t, p, s.newName()+"@customers.example")
			for own, token := range map[string]string{emailVerify: verify, confirmReset: reset, emailConfirm: confirm} {
				for _, path := range []string{emailVerify, emailConfirm, emailUndo, confirmReset} {
					if path != own {
						wants(t, s.send(t, http.MethodPost, path, fields{"token": token, "new_password": newPassword}), http.StatusBadRequest)
					}
				}
			}
			wants(t, s.token(t, emailVerify, verify), http.StatusNoContent)
		}),
		did("links nearly right", "a letter changed, other case, a tail, a space inside, percent escapes, its hash", "400", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			token := s.mailTo(t, "verify_email", p.email).token
			other := "A"
			if token[0] == 'A' {
				other = "B"
			}
			for _, bent := range []string{other + token[1:], swapCase(token), token + "A", token + "=", token[:len(token)-1], token[:9] + " " + token[9:], "%" + token, token + "\x00", token + token, strings.NewReplacer("-", "+", "_", "/").Replace(token) + "=", "", "*", "' OR '1'='1"} {
				wants(t, s.token(t, emailVerify, bent), http.StatusBadRequest)
			}
			wants(t, s.token(t, emailVerify, token), http.StatusNoContent)
		}),
		did("verification of an address that was left", "the link to the first address after another was confirmed", "400", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			token := s.mailTo(t, "verify_email", p.email).token
			wants(t, s.token(t, emailConfirm, s.changeTo(t, p, s.newName()+"@customers.example")), http.StatusNoContent)
			wants(t, s.token(t, emailVerify, token), http.StatusBadRequest)
		}),
		did("address change without the password", "a stolen access token alone", "400, no mail, the address stays", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			for _, password := range []any{nil, "", newPassword, true} {
				wants(t, s.as(t, p, http.MethodPost, emailChange, fields{"password": password, "email": "evil@evil.example"}), http.StatusBadRequest)
			}
			if len(s.mailsTo(t, "confirm_email", "evil@evil.example")) != 0 || s.me(t, p.access).field("email") != p.email {
				t.Error("the address or a mail is on its way")
			}
		}),
		did("two address changes", "the link of the first after a second was asked for", "400", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			first := s.changeTo(t, p, s.newName()+"@customers.example")
			second := s.newName() + "@customers.example"
			token := s.changeTo(t, p, second)
			wants(t, s.token(t, emailConfirm, first), http.StatusBadRequest)
			wants(t, s.token(t, emailConfirm, token), http.StatusNoContent)
			if got := s.me(t, p.access).field("email"); got != second {
				t.Errorf("the address is %s", got)
			}
		}),
		did("address change race", "one link 16 times at once", "one wins, one way back is mailed", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			s.prove(t, p)
			token := s.changeTo(t, p, s.newName()+"@customers.example")
			if got := atOnce(16, func(int) answer { return s.token(t, emailConfirm, token) }); got[http.StatusNoContent] != 1 {
				t.Errorf("%v", got)
			}
			s.mailTo(t, "email_changed", p.email)
			if n := len(s.mailsTo(t, "email_changed", p.email)); n != 1 {
				t.Errorf("%d ways back", n)
			}
		}),
		did("takeover, then undo", "the attacker, who knows the password, changes the address twice and has a third change on its way; the victim takes the first back", "the victim's address is back; the attacker's sessions, password, links and ways back are worth nothing", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			s.prove(t, p)
			evil := [3]string{}
			for i := range evil {
				evil[i] = s.newName() + "@evil.example"
			}
			wants(t, s.token(t, emailConfirm, s.changeTo(t, p, evil[0])), http.StatusNoContent)
			back := s.mailTo(t, "email_changed", p.email).token
			wants(t, s.token(t, emailConfirm, s.changeTo(t, p, evil[1])), http.StatusNoContent)
			s.mailTo(t, "email_notice", evil[0]) // no way back for whoever came later
			if n := len(s.mailsTo(t, "email_changed", evil[0])); n != 0 {
				t.Error("the attacker has a way back")
			}
			pending := s.changeTo(t, p, evil[2])
			evilReset := s.reset(t, person{email: evil[1]})

			wants(t, s.token(t, emailUndo, back), http.StatusNoContent)
			wants(t, s.me(t, p.access), http.StatusUnauthorized)
			wants(t, s.login(t, p.name, p.password), http.StatusUnauthorized)
			for path, token := range map[string]string{emailConfirm: pending, confirmReset: evilReset} {
				wants(t, s.send(t, http.MethodPost, path, fields{"token": token, "new_password": newPassword}), http.StatusBadRequest)
			}
			wants(t, s.token(t, emailUndo, back), http.StatusBadRequest)
			own := s.mailTo(t, "reset_password", p.email).token
			wants(t, s.send(t, http.MethodPost, confirmReset, fields{"token": own, "new_password": newPassword}), http.StatusNoContent)
			a := s.login(t, p.name, newPassword)
			if got := s.me(t, a.field("access")).field("email"); got != p.email {
				t.Errorf("the address is %s", got)
			}
		}),
		did("undo by the attacker", "the way back is the victim's alone: the attacker changes the password after the address", "the victim's way back still works", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			s.prove(t, p)
			wants(t, s.token(t, emailConfirm, s.changeTo(t, p, s.newName()+"@evil.example")), http.StatusNoContent)
			back := s.mailTo(t, "email_changed", p.email).token
			wants(t, s.as(t, p, http.MethodPost, changePath, fields{"current_password": p.password, "new_password": newPassword}), http.StatusNoContent)
			wants(t, s.token(t, emailUndo, back), http.StatusNoContent)
			wants(t, s.login(t, p.name, newPassword), http.StatusUnauthorized)
		}),
		did("refresh race with logout", "16 renewals and a logout at once", "afterwards nothing of the session works, also what was renewed", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			var mu sync.Mutex
			var renewed []string
			atOnce(17, func(i int) answer {
				if i == 8 {
					return s.send(t, http.MethodPost, logoutPath, fields{"refresh": p.refresh})
				}
				a := s.send(t, http.MethodPost, refreshPath, fields{"refresh": p.refresh})
				mu.Lock()
				defer mu.Unlock()
				if token := a.field("access"); token != "" {
					renewed = append(renewed, token)
				}
				return a
			})
			for _, token := range append(renewed, p.access) {
				wants(t, s.me(t, token), http.StatusUnauthorized)
			}
		}),
		did("session race", "one session ended 16 times at once", "one 204, the others 404 or 401", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			other := s.login(t, p.name, p.password).field("access")
			id := segment(other, 1)["sid"].(string)
			if got := atOnce(16, func(int) answer { return s.as(t, p, http.MethodDelete, sessionsPath+id+"/", nil) }); got[http.StatusNoContent] != 1 || got[http.StatusNotFound] != 15 {
				t.Errorf("%v", got)
			}
		}),
		did("export", "what the export has of hashes and tokens", "none of it", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			s.reset(t, p)
			a := s.as(t, p, http.MethodGet, exportPath, nil)
			var any map[string]any
			if err := json.Unmarshal([]byte(a.body), &any); err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{"argon2", "$", "hash", p.access, p.refresh, "jti", "refresh_id"} {
				if strings.Contains(a.body, word) {
					t.Errorf("%.10s is in the export", word)
				}
			}
		}),
	}
	for _, n := range []struct {
		name     string
		password string
		status   int
	}{
		{"1,024 letters", strings.Repeat("kV7#pazo", 128), 201}, {"1,025 letters", strings.Repeat("kV7#pazo", 128) + "x", 400}, {"1,024 letters of four bytes", strings.Repeat("\U00020000", 1023) + "x", 201}, {"60 KiB", strings.Repeat("a", 60<<10), 400}, {"1 MiB", strings.Repeat("a", 1<<20), 413},
		{"1,024 that NFKC makes 18,432", strings.Repeat("ﷺ", 1024), 201}, {"1,024 combining marks", "e" + strings.Repeat("\u0301\u0323", 511) + "x", 201}, {"20,000 combining marks", "e" + strings.Repeat("\u0301\u0323", 10000), 400}, {"1,024 digits", strings.Repeat("7291", 256), 400}, {"72 bytes and more", strings.Repeat("x7#kV-", 13), 201},
	} {
		rows = append(rows, did("password of "+n.name, "as new, as current and to log in with, in each of them", fmt.Sprintf("%d, and in time; what was taken opens the account", n.status), func(t *testing.T, s *server) {
			name := s.newName()
			s.keep(n.password)
			a := s.send(t, http.MethodPost, registerPath, fields{"username": name, "password": n.password})
			wants(t, a, n.status)
			bad := http.StatusBadRequest
			if n.status == http.StatusRequestEntityTooLarge {
				bad = n.status
			}
			if n.status == http.StatusCreated {
				wants(t, s.login(t, name, n.password), http.StatusOK)
				bad = http.StatusUnauthorized
				if strings.HasSuffix(n.password, "x") || len(n.password) > 72 { // no more than bcrypt looks at
					wants(t, s.login(t, name, n.password[:len(n.password)-len("-")]+"!"), http.StatusUnauthorized, http.StatusBadRequest)
				}
			}
			wants(t, s.login(t, s.user.name, n.password), bad, http.StatusUnauthorized)
			p := s.newPerson(t)
			wants(t, s.as(t, p, http.MethodPost, changePath, fields{"current_password": n.password, "new_password": newPassword}), http.StatusBadRequest, n.status)
			wants(t, s.as(t, p, http.MethodDelete, mePath, fields{"password": n.password}), http.StatusBadRequest, n.status)
			wants(t, s.as(t, p, http.MethodPost, emailChange, fields{"password": n.password, "email": "a@customers.example"}), http.StatusBadRequest, n.status)
		}))
	}
	return rows
}
