package openapi

import (
	"slices"

	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/staff"
)

// What the staff's routes add to the errors of every route.
var (
	staffCodes   = []string{"permission_denied", "staff_login_required"}
	mailableText = []string{"no_address", "verified_elsewhere"}
	manyCodes    = []string{"one_required", "too_many"}
	manyIDs      = map[string][]string{"ids": {"too_many"}, "search": {"blank"}, "non_field_errors": manyCodes}
	reason       = []string{"reason"}
)

// reasoned is the body of an act that cannot be done without a reason.
const reasoned = "ReasonedActRequest"

// staffOperations are in the order of their routes.
var staffOperations = []operation{
	{
		route: "GET clients/", id: "listClients", tag: "clients", fields: staff.QueryFields,
		codes: map[string][]string{"cursor": {"invalid"}},
	},
	{
		route: "POST clients/", id: "inviteClient", tag: "clients", fields: auth.InvitedFields,
		codes: map[string][]string{"email": {"taken"}, "username": {"invalid", "required", "taken"}},
	},
	{route: "GET clients/{id}/", id: "getClient", tag: "clients", numbered: true, notFound: notThere},
	{
		route: "PATCH clients/{id}/", id: "editClient", tag: "clients", numbered: true, fields: auth.UserEditFields,
		codes: map[string][]string{"language": {"blank"}, "email": {"taken"}}, forbidden: []string{"recovery_refused"}, notFound: notThere, conflict: []string{"user_not_active", "edit_conflict"},
	},
	{
		route: "POST clients/{id}/disable/", id: "disableClient", tag: "acts", numbered: true, fields: staff.ActFields, input: reasoned, needs: reason,
		notFound: notThere, conflict: []string{"user_closed", "last_owner"},
	},
	{
		route: "POST clients/{id}/enable/", id: "enableClient", tag: "acts", numbered: true, fields: staff.ActFields,
		notFound: notThere, conflict: []string{"user_closed"},
	},
	{
		route: "POST clients/{id}/close/", id: "closeClient", tag: "acts", numbered: true, fields: staff.ActFields, input: reasoned, needs: reason,
		notFound: notThere, conflict: []string{"user_closed", "last_owner"},
	},
	{
		route: "POST clients/{id}/restore/", id: "restoreClient", tag: "acts", numbered: true, fields: staff.ActFields,
		notFound: notThere, conflict: []string{"user_not_closed"},
	},
	{
		route: "POST clients/{id}/erase/", id: "eraseClient", tag: "acts", numbered: true, fields: staff.ActFields, input: reasoned, needs: reason,
		notFound: notThere, conflict: []string{"last_owner"},
	},
	{route: "POST clients/{id}/sessions/end/", id: "endClientSessions", tag: "acts", numbered: true, fields: staff.ActFields, notFound: notThere},
	{route: "GET clients/{id}/sessions/", id: "listClientSessions", tag: "client", numbered: true, notFound: notThere},
	{route: "DELETE clients/{id}/sessions/{sid}/", id: "endClientSession", tag: "acts", numbered: true, fields: staff.ActFields, notFound: notThere},
	{
		route: "POST clients/{id}/reset/", id: "startClientReset", tag: "acts", numbered: true, fields: staff.ActFields,
		codes: map[string][]string{"email": mailableText}, notFound: notThere, conflict: []string{"user_not_active"},
	},
	{
		route: "POST clients/{id}/resend/", id: "resendToClient", tag: "acts", numbered: true, fields: staff.ActFields,
		codes: map[string][]string{"email": append(slices.Clone(mailableText), "already_verified")}, notFound: notThere, conflict: []string{"user_not_active"},
	},
	{route: "POST clients/{id}/unlock/", id: "unlockClient", tag: "acts", numbered: true, fields: staff.ActFields, notFound: notThere},
	{
		route: "POST clients/{id}/recover/", id: "recoverClient", tag: "acts", numbered: true, fields: staff.RecoverFields, needs: reason,
		codes: map[string][]string{"email": {"blank", "taken"}}, forbidden: []string{"recovery_refused"}, notFound: notThere,
		conflict: []string{"user_not_active"},
	},
	{route: "DELETE clients/{id}/recover/", id: "stopClientRecovery", tag: "acts", numbered: true, fields: staff.ActFields, notFound: notThere},
	{
		route: "GET clients/{id}/events/", id: "listClientEvents", tag: "client", numbered: true, fields: staff.EventFields,
		codes: map[string][]string{"kind": {"invalid"}}, notFound: notThere,
	},
	{route: "GET clients/{id}/mails/", id: "listClientMails", tag: "client", numbered: true, notFound: notThere},
	{route: "GET clients/{id}/factors/", id: "listClientFactors", tag: "client", numbered: true, notFound: notThere},
	{route: "GET clients/{id}/notes/", id: "listClientNotes", tag: "client", numbered: true, notFound: notThere},
	{route: "POST clients/{id}/notes/", id: "addClientNote", tag: "client", numbered: true, fields: staff.NoteFields, notFound: notThere},
	{route: "POST clients/export/", id: "exportClients", tag: "many", fields: staff.BulkFields, needs: reason, codes: manyIDs},
	{route: "POST clients/bulk/disable/", id: "disableClients", tag: "many", fields: staff.BulkFields, codes: manyIDs},
	{route: "POST clients/bulk/enable/", id: "enableClients", tag: "many", fields: staff.BulkFields, codes: manyIDs},
	{route: "POST clients/bulk/close/", id: "closeClients", tag: "many", fields: staff.BulkFields, codes: manyIDs},
	{route: "POST clients/bulk/sign_out/", id: "signClientsOut", tag: "many", fields: staff.BulkFields, codes: manyIDs},
	{route: "POST clients/bulk/resend/", id: "resendToClients", tag: "many", fields: staff.BulkFields, codes: manyIDs},

	{route: "GET staff/members/", id: "listMembers", tag: "members"},
	{
		route: "POST staff/members/", id: "inviteMember", tag: "members", fields: staff.MemberFields,
		codes:    map[string][]string{"email": {"taken", "not_verified"}, "username": {"required", "taken"}},
		conflict: []string{"role_over", "user_not_active"},
	},
	{route: "GET staff/members/{id}/", id: "getMember", tag: "members", numbered: true, notFound: notThere},
	{
		route: "PATCH staff/members/{id}/", id: "changeMember", tag: "members", numbered: true, fields: staff.MemberFields,
		notFound: notThere, conflict: []string{"last_owner"},
	},
	{
		route: "DELETE staff/members/{id}/", id: "takeRole", tag: "members", numbered: true, fields: staff.ActFields,
		notFound: notThere, conflict: []string{"last_owner"},
	},
	{
		route: "POST staff/members/{id}/renew/", id: "renewMember", tag: "members", numbered: true,
		codes: map[string][]string{"email": {"not_verified"}}, notFound: notThere, conflict: []string{"role_over", "user_not_active"},
	},
	{
		route: "POST staff/password/", id: "chooseFirstPassword", tag: "members", fields: auth.FirstPasswordFields,
		codes: map[string][]string{"token": provingCodes, "new_password": newPasswordCodes},
	},
	{
		route: "POST staff/accept/", id: "acceptRole", tag: "members", fields: auth.LinkFields,
		codes: map[string][]string{"token": append(slices.Clone(linkCodes), "not_verified"), "non_field_errors": {"no_factor"}},
		proof: true, forbidden: []string{"staff_login_required"},
	},
	{route: "GET staff/events/", id: "findEvents", tag: "journal", fields: staff.EventFields, codes: map[string][]string{"kind": {"invalid"}}},
	{route: "GET staff/mails/", id: "listMails", tag: "journal", fields: staff.MailFields},
	{route: "POST staff/mails/{id}/retry/", id: "retryMail", tag: "journal", numbered: true, notFound: notThere},
	{route: "GET staff/approvals/", id: "listApprovals", tag: "approvals"},
	{
		route: "POST staff/approvals/{id}/", id: "decideApproval", tag: "approvals", fields: staff.DecideFields,
		notFound: notThere, conflict: []string{"approval_over"},
	},
	{
		route: "POST staff/approvals/{id}/use/", id: "useApproval", tag: "approvals",
		notFound: notThere, conflict: []string{"approval_over", "last_owner"},
	},
}
