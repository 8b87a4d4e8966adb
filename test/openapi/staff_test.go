package openapi

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/openapi"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// staffExamples are a day of the staff: of a shop where one person may do all
// that their role allows, and of one where some of it needs two.
func staffExamples(t *testing.T, lang string) []openapi.Example {
	t.Helper()
	alone := start(t, lang, "YOOZAK_RATE_LIMITS=off")
	owner := alone.examplesOfOwner(t)
	alone.members(t, owner)
	alone.clients(t, owner)
	alone.helps(t, owner)
	alone.many(t, owner)
	alone.journal(t, owner)
	both := start(t, lang, "YOOZAK_RATE_LIMITS=off", "YOOZAK_STAFF_TWO_PERSONS=true")
	both.twoPersons(t)
	return append(alone.examples, both.examples...)
}

// examplesOfOwner are how the first owner comes to the role.
func (s *server) examplesOfOwner(t *testing.T) []string {
	t.Helper()
	link := s.ownersLink(t)
	s.example(t, "chooseFirstPassword", "400 new_password=too_short, new_password=too_common", "POST", "staff/password/", `{"token":`+quoted(link)+`,"new_password":"soleil"}`)
	s.example(t, "chooseFirstPassword", "204", "POST", "staff/password/", `{"token":`+quoted(link)+`,"new_password":"`+password+`"}`)
	s.example(t, "chooseFirstPassword", "400 token=used", "POST", "staff/password/", `{"token":`+quoted(link)+`,"new_password":"`+password+`"}`)
	mine := bearer(s.send(t, "POST", "auth/login/", `{"username":"hajar@email.com","password":"`+password+`"}`).field("access"))
	s.example(t, "acceptRole", "400 non_field_errors=no_factor", "POST", "staff/accept/", `{"token":`+quoted(link)+`}`, mine...)
	s.withApp(t, mine)
	s.example(t, "acceptRole", "204", "POST", "staff/accept/", `{"token":`+quoted(link)+`}`, mine...)
	s.example(t, "acceptRole", "400 token=invalid", "POST", "staff/accept/", `{"token":"votre_token"}`, mine...)
	return mine
}

// ownersLink is what a command prints where no mail reaches people: a folder is
// for tests.
func (s *server) ownersLink(t *testing.T) string {
	t.Helper()
	out := yoozaktest.Run(t, append([]string{"YOOZAK_DATABASE_URL=sqlite:" + s.database}, s.env...), "user", "create-owner", "hajar@email.com")
	link := regexp.MustCompile(`[\w-]{43}`).FindString(out)
	if link == "" {
		t.Fatalf("no link in %s", out)
	}
	return link
}

// accepts accepts a role by its link, as somebody new.
func (s *server) accepts(t *testing.T, email, link string) (mine []string) {
	t.Helper()
	s.must(t, 204, "POST", "staff/password/", `{"token":`+quoted(link)+`,"new_password":"`+password+`"}`)
	mine = bearer(s.send(t, "POST", "auth/login/", `{"username":"`+email+`","password":"`+password+`"}`).field("access"))
	s.withApp(t, mine)
	s.must(t, 204, "POST", "staff/accept/", `{"token":`+quoted(link)+`}`, mine...)
	return mine
}

// member is somebody whom an owner invites, and who accepts.
func (s *server) member(t *testing.T, owner []string, name, role string) (mine []string) {
	t.Helper()
	email := name + "@email.com"
	s.must(t, 201, "POST", "staff/members/", fmt.Sprintf(`{"email":%q,"role":%q,"first_name":"Prénom","last_name":"Nom"}`, email, role), owner...)
	return s.accepts(t, email, s.token(t, "role_offered", email, 1))
}

// must makes a request that is no example.
func (s *server) must(t *testing.T, status int, method, path, body string, headers ...string) answer {
	t.Helper()
	a := s.send(t, method, path, body, headers...)
	if a.status != status {
		t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	return a
}

// idOf is the number of whoever registers.
func (s *server) idOf(t *testing.T, username string) (id string, mine []string) {
	t.Helper()
	mine = bearer(s.verified(t, username).field("access"))
	return s.send(t, "GET", "clients/me/", "", mine...).field("id"), mine
}

func (s *server) members(t *testing.T, owner []string) {
	t.Helper()
	s.example(t, "inviteMember", "400 email=invalid", "POST", "staff/members/", `{"email":"driss","role":"support"}`, owner...)
	s.example(t, "inviteMember", "400 role=invalid", "POST", "staff/members/", `{"email":"driss@email.com","role":"chef"}`, owner...)
	invited := s.example(t, "inviteMember", "201", "POST", "staff/members/", `{"email":"driss@email.com","role":"support","first_name":"Driss","last_name":"Nom"}`, owner...)
	path := "staff/members/" + invited.field("id") + "/"
	s.token(t, "role_offered", "driss@email.com", 1) // or it is not wanted any more
	s.example(t, "renewMember", "200", "POST", path+"renew/", "", owner...)
	s.example(t, "changeMember", "200", "PATCH", path, `{"role":"manager","reason":"Driss prend la suite"}`, owner...)
	s.example(t, "getMember", "200", "GET", path, "", owner...)
	s.example(t, "listMembers", "200", "GET", "staff/members/", "", owner...)
	me := "staff/members/" + s.send(t, "GET", "clients/me/", "", owner...).field("id") + "/"
	s.example(t, "renewMember", "403 permission_denied", "POST", me+"renew/", "", owner...) // one's own
	s.example(t, "changeMember", "403 permission_denied", "PATCH", me, `{"role":"support"}`, owner...)
	s.token(t, "role_offered", "driss@email.com", 2)
	s.example(t, "takeRole", "204", "DELETE", path, `{"reason":"Driss est parti"}`, owner...)
	s.example(t, "takeRole", "404 not_found", "DELETE", path, "", owner...)

	customer := bearer(s.person(t, "yassine", "").field("access"))
	s.example(t, "common", "403 permission_denied", "GET", "clients/", "", customer...)
	support := s.member(t, owner, "salma", "support")
	s.example(t, "inviteClient", "403 permission_denied", "POST", "clients/", `{"email":"amina@email.com"}`, support...)
	waits := s.must(t, 401, "POST", "auth/login/", `{"username":"salma@email.com","password":"`+password+`"}`)
	if code := waits.header.Get("X-Error-Code"); code != "second_factor_required" {
		t.Errorf("staff log in with %q", code)
	}
}

func (s *server) clients(t *testing.T, owner []string) {
	t.Helper()
	invited := s.example(t, "inviteClient", "201", "POST", "clients/", `{"email":"amina@email.com","first_name":"Amina","last_name":"El Amrani","language":"fr"}`, owner...)
	s.example(t, "inviteClient", "400 email=taken", "POST", "clients/", `{"email":"amina@email.com"}`, owner...)
	path := "clients/" + invited.field("id") + "/"
	s.example(t, "listClients", "200", "GET", "clients/?search=amina&is_active=true&ordering=-last_login", "", owner...)
	s.example(t, "listClients", "400 ordering=invalid", "GET", "clients/?ordering=password", "", owner...)
	s.example(t, "listClients", "400 language=invalid, is_active=not_boolean", "GET", "clients/?is_active=peut-être&language=tz", "", owner...)
	s.example(t, "getClient", "200", "GET", path, "", owner...)
	s.example(t, "getClient", "404 not_found", "GET", "clients/999999/", "", owner...)
	version := invited.field("version")
	s.example(t, "editClient", "200", "PATCH", path, `{"version":"`+version+`","last_name":"Amrani"}`, owner...)
	s.example(t, "editClient", "409 edit_conflict", "PATCH", path, `{"version":"`+version+`","last_name":"El Amrani"}`, owner...)
	s.example(t, "editClient", "400 version=required", "PATCH", path, `{"last_name":"El Amrani"}`, owner...)
	s.example(t, "resendToClient", "202", "POST", path+"resend/", "", owner...)
	s.example(t, "startClientReset", "202", "POST", path+"reset/", `{"reason":"elle l'a demandé au téléphone"}`, owner...)
	s.example(t, "addClientNote", "201", "POST", path+"notes/", `{"text":"A appelé : le colis est arrivé."}`, owner...)
	s.example(t, "addClientNote", "400 text=required", "POST", path+"notes/", `{}`, owner...)
	s.example(t, "listClientNotes", "200", "GET", path+"notes/", "", owner...)
}

func (s *server) helps(t *testing.T, owner []string) {
	t.Helper()
	const why = `{"reason":"fraude signalée par la banque"}`
	id, mine := s.idOf(t, "karim")
	path := "clients/" + id + "/"
	s.example(t, "resendToClient", "400 email=already_verified", "POST", path+"resend/", "", owner...)
	s.withApp(t, mine)
	s.example(t, "listClientFactors", "200", "GET", path+"factors/", "", owner...)
	list := s.example(t, "listClientSessions", "200", "GET", path+"sessions/", "", owner...)
	var sessions []struct{ ID string }
	if err := json.Unmarshal(list.body, &sessions); err != nil || len(sessions) != 1 {
		t.Fatalf("%v %s", err, list.body)
	}
	s.example(t, "recoverClient", "400 reason=too_short", "POST", path+"recover/", `{"reason":"perdu"}`, owner...)
	s.example(t, "recoverClient", "200", "POST", path+"recover/", `{"reason":"téléphone perdu, reconnu au magasin"}`, owner...)
	s.example(t, "recoverClient", "403 recovery_refused", "POST", path+"recover/", `{"reason":"téléphone perdu, reconnu au magasin"}`, owner...)
	s.example(t, "stopClientRecovery", "204", "DELETE", path+"recover/", "", owner...)
	s.example(t, "stopClientRecovery", "404 not_found", "DELETE", path+"recover/", "", owner...)
	s.example(t, "endClientSession", "204", "DELETE", path+"sessions/"+sessions[0].ID+"/", "", owner...)
	s.example(t, "endClientSession", "404 not_found", "DELETE", path+"sessions/"+sessions[0].ID+"/", "", owner...)
	s.example(t, "unlockClient", "204", "POST", path+"unlock/", "", owner...)
	s.example(t, "endClientSessions", "200", "POST", path+"sessions/end/", "", owner...)
	s.example(t, "disableClient", "400 reason=too_short", "POST", path+"disable/", `{}`, owner...)
	s.example(t, "disableClient", "204", "POST", path+"disable/", why, owner...)
	s.example(t, "startClientReset", "409 user_not_active", "POST", path+"reset/", "", owner...)
	s.example(t, "enableClient", "204", "POST", path+"enable/", "", owner...)
	s.example(t, "closeClient", "204", "POST", path+"close/", `{"reason":"elle l'a demandé au téléphone"}`, owner...)
	s.example(t, "closeClient", "409 user_closed", "POST", path+"close/", `{"reason":"elle l'a demandé au téléphone"}`, owner...)
	s.example(t, "restoreClient", "204", "POST", path+"restore/", "", owner...)
	s.example(t, "restoreClient", "409 user_not_closed", "POST", path+"restore/", "", owner...)
	s.example(t, "listClientEvents", "200", "GET", path+"events/?kind=user_disabled,user_enabled", "", owner...)
	s.sent(t, path+"mails/", owner)
	s.example(t, "listClientMails", "200", "GET", path+"mails/", "", owner...)
	me := s.send(t, "GET", "clients/me/", "", owner...).field("id")
	s.example(t, "eraseClient", "403 permission_denied", "POST", "clients/"+me+"/erase/", why, owner...)
	s.example(t, "eraseClient", "200", "POST", path+"erase/", `{"reason":"demande écrite du client"}`, owner...)
}

// sent waits until a list of mails has none that waits.
func (s *server) sent(t *testing.T, path string, mine []string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); strings.Contains(string(s.send(t, "GET", path, "", mine...).body), `"state":"waiting"`); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: a mail did not go out", path)
		}
	}
}

func (s *server) many(t *testing.T, owner []string) {
	t.Helper()
	first, _ := s.idOf(t, "noura")
	second, _ := s.idOf(t, "omar")
	both := `{"ids":[` + first + `,` + second + `]`
	const why = `,"reason":"comptes de test de la boutique"}`
	s.example(t, "disableClients", "400 non_field_errors=one_required", "POST", "clients/bulk/disable/", `{"reason":"comptes de test de la boutique"}`, owner...)
	s.example(t, "disableClients", "400 dry_run=not_boolean", "POST", "clients/bulk/disable/", both+`,"dry_run":"peut-être"`+why, owner...)
	s.example(t, "disableClients", "200", "POST", "clients/bulk/disable/", both+`,"dry_run":true}`, owner...)
	s.must(t, 200, "POST", "clients/bulk/disable/", both+why, owner...)
	s.example(t, "enableClients", "200", "POST", "clients/bulk/enable/", both+`}`, owner...)
	s.example(t, "signClientsOut", "200", "POST", "clients/bulk/sign_out/", `{"search":"noura"}`, owner...)
	s.example(t, "resendToClients", "200", "POST", "clients/bulk/resend/", both+`}`, owner...)
	s.example(t, "exportClients", "400 reason=too_short", "POST", "clients/export/", both+`}`, owner...)
	s.example(t, "exportClients", "200", "POST", "clients/export/", both+why, owner...)
	s.example(t, "exportClients", "200", "POST", "clients/export/", both+`,"format":"ndjson"`+why, owner...)
	s.example(t, "closeClients", "200", "POST", "clients/bulk/close/", both+why, owner...)
}

func (s *server) journal(t *testing.T, owner []string) {
	t.Helper()
	s.example(t, "findEvents", "200", "GET", "staff/events/?kind=users_exported,users_listed", "", owner...)
	s.example(t, "findEvents", "400 kind=invalid", "GET", "staff/events/?kind=rien", "", owner...)
	s.sent(t, "staff/mails/", owner)
	all := s.send(t, "GET", "staff/mails/", "", owner...)
	var mails []struct{ ID int64 }
	if err := json.Unmarshal(all.body, &mails); err != nil || len(mails) < 4 {
		t.Fatalf("%v %s", err, all.body)
	}
	s.example(t, "listMails", "200", "GET", "staff/mails/?state=sent&before="+strconv.FormatInt(mails[len(mails)-3].ID, 10), "", owner...)
	s.example(t, "listMails", "400 state=invalid", "GET", "staff/mails/?state=perdu", "", owner...)
	s.example(t, "retryMail", "404 not_found", "POST", "staff/mails/"+strconv.FormatInt(mails[0].ID, 10)+"/retry/", "", owner...)
	s.failMail(t)
	failed := s.must(t, 200, "GET", "staff/mails/?state=failed", "", owner...)
	if err := json.Unmarshal(failed.body, &mails); err != nil || len(mails) != 1 {
		t.Fatalf("%v %s", err, failed.body)
	}
	s.example(t, "retryMail", "204", "POST", "staff/mails/"+strconv.FormatInt(mails[0].ID, 10)+"/retry/", "", owner...)
}

// failMail has a mail given up as a server does for which nobody takes it.
func (s *server) failMail(t *testing.T) {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite:"+s.database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // the transaction was committed
	err = st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		now := time.Now()
		if err := tx.AddMail(ctx, account.Mail{Kind: account.MailInvited, Email: "personne@email.com", Language: "fr", CreatedAt: now, DueAt: now.Add(time.Hour)}); err != nil {
			return err
		}
		_, err := tx.GiveUpMails(ctx, "550 no such mailbox")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *server) twoPersons(t *testing.T) {
	t.Helper()
	owner := s.accepts(t, "hajar@email.com", s.ownersLink(t))
	manager := s.member(t, owner, "driss", "manager")
	id, _ := s.idOf(t, "karim")

	erasure := s.example(t, "eraseClient", "202", "POST", "clients/"+id+"/erase/", `{"reason":"demande écrite du client"}`, owner...)
	path := "staff/approvals/" + erasure.field("id") + "/"
	s.example(t, "useApproval", "409 approval_over", "POST", path+"use/", "", owner...)
	s.example(t, "decideApproval", "400 approve=required", "POST", path, `{}`, manager...)
	s.example(t, "decideApproval", "403 permission_denied", "POST", path, `{"approve":true}`, owner...) // one's own
	s.example(t, "decideApproval", "200", "POST", path, `{"approve":true,"reason":"demande vérifiée"}`, manager...)
	s.example(t, "decideApproval", "409 approval_over", "POST", path, `{"approve":false}`, manager...)
	s.example(t, "listApprovals", "200", "GET", "staff/approvals/", "", owner...)
	export := s.example(t, "exportClients", "202", "POST", "clients/export/", `{"ids":[`+id+`],"reason":"demandé par la comptabilité"}`, owner...)
	file := "staff/approvals/" + export.field("id") + "/"
	s.must(t, 200, "POST", file, `{"approve":true}`, manager...)
	s.example(t, "useApproval", "200", "POST", file+"use/", "", owner...)
	s.example(t, "useApproval", "200", "POST", path+"use/", "", owner...)
	s.example(t, "useApproval", "404 not_found", "POST", path+"use/", "", owner...)
}
