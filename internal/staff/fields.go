package staff

import (
	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/store"
)

// The fields of the staff's requests: what they check, and what a document says
// of them. Those of a user are package auth's.
var (
	reasonField   = auth.Field{Name: "reason", Min: account.ReasonMin, Max: account.ReasonMax}
	noteField     = auth.Field{Name: "text", Max: account.NoteMax, Required: true}
	roleField     = auth.Field{Name: "role", Required: true, Choices: texts(account.Roles())}
	approveField  = auth.Field{Name: "approve", Required: true, Format: "boolean"}
	dryRunField   = auth.Field{Name: "dry_run", Format: "boolean"}
	idsField      = auth.Field{Name: "ids", Format: "integers"}
	formatField   = auth.Field{Name: "format", Choices: []string{CSV, NDJSON}}
	searchField   = auth.Field{Name: "search", Max: store.MaxSearch}
	languageField = auth.Field{Name: "language", Choices: account.Languages()}
	orderingField = auth.Field{Name: "ordering", Choices: texts(store.Orderings())}
	cursorField   = auth.Field{Name: "cursor"}
	pageSizeField = auth.Field{Name: "page_size", Format: "integer"}
	stateField    = auth.Field{Name: "state", Choices: texts([]account.MailState{account.MailWaiting, account.MailSent, account.MailFailed})}
	beforeField   = auth.Field{Name: "before", Format: "integer"}
	afterField    = auth.Field{Name: "after", Format: "integer"}
	userField     = auth.Field{Name: "user", Format: "integer"}
	agentField    = auth.Field{Name: "agent", Format: "integer"}
	kindField     = auth.Field{Name: "kind"}
	fromField     = auth.Field{Name: "from", Format: "day"}
	toField       = auth.Field{Name: "to", Format: "day"}

	whoFields = []auth.Field{
		searchField, {Name: "is_active", Format: "boolean"}, {Name: "verified", Format: "boolean"}, {Name: "is_staff", Format: "boolean"}, languageField,
		{Name: "date_joined_after", Format: "day"}, {Name: "date_joined_before", Format: "day"},
		{Name: "last_login_after", Format: "day"}, {Name: "last_login_before", Format: "day"},
	}
)

// The fields of each flow.
var (
	ActFields     = []auth.Field{reasonField}
	RecoverFields = append([]auth.Field{reasonField}, auth.RecoverFields...)
	NoteFields    = []auth.Field{noteField}
	MemberFields  = append([]auth.Field{roleField, reasonField}, auth.InvitedFields...)
	DecideFields  = []auth.Field{approveField, reasonField}
	QueryFields   = append([]auth.Field{orderingField, cursorField, pageSizeField}, whoFields...)
	BulkFields    = append([]auth.Field{idsField, dryRunField, reasonField, formatField}, whoFields...)
	MailFields    = []auth.Field{stateField, beforeField}
	EventFields   = []auth.Field{userField, agentField, kindField, fromField, toField, beforeField, afterField}
)

func texts[T ~string](names []T) []string {
	all := make([]string, 0, len(names))
	for _, name := range names {
		all = append(all, string(name))
	}
	return all
}

// ReadRole reads the name of a role. An error is about the field "role".
func ReadRole(in account.Input) (account.Role, error) {
	errs := account.Fields{}
	role := account.Role(roleField.Read(errs, in))
	return role, errs.Err()
}

// ReadReason reads a reason, which may be missing: whether one is needed is the
// act's to say.
func ReadReason(in account.Input) (string, error) {
	errs := account.Fields{}
	reason := reasonField.Read(errs, in)
	return reason, errs.Err()
}

// ReadFormat reads the form of an export. An error is about the field "format".
func ReadFormat(in account.Input) (string, error) {
	errs := account.Fields{}
	format := formatField.Read(errs, in)
	return format, errs.Err()
}

// ReadApprove reads what somebody decided. An error is about the field
// "approve".
func ReadApprove(in account.Input) (bool, error) {
	errs := account.Fields{}
	approve := approveField.ReadBoolean(errs, in)
	return approve, errs.Err()
}

// ReadDryRun reads whether an act is only to be shown. What is neither true nor
// false is an error: nothing is done for a value that somebody got wrong.
func ReadDryRun(in account.Input) (bool, error) {
	errs := account.Fields{}
	dry := dryRunField.ReadBoolean(errs, in)
	return dry, errs.Err()
}
