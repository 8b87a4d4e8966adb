package openapi

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/yoozak/clients/internal/auth"
)

// schemaNames are the names of types that have a better one than their own.
var schemaNames = map[string]string{ //nolint:gosec // names: none is a secret
	"tokenResponse":      "TokenResponse",
	"userBody":           "User",
	"refreshResponse":    "RefreshResponse",
	"emptyBody":          "Empty",
	"detailBody":         "Detail",
	"sessionBody":        "Session",
	"eventBody":          "AccountEvent",
	"securityBody":       "Security",
	"introspection":      "Introspection",
	"factorBody":         "Factor",
	"factorsBody":        "Factors",
	"totpBody":           "AppSecret",
	"factorAddedBody":    "FactorAdded",
	"recoveryCodesBody":  "RecoveryCodes",
	"undoneBody":         "FactorUndone",
	"passkeyBody":        "PasskeyAdded",
	"codeBody":           "CodeSent",
	"codeResponse":       "CodeResult",
	"mailedBody":         "MailSent",
	"trustedBody":        "TrustedDevice",
	"recoveryBody":       "Recovery",
	"enrolTOTPRequest":   "EnrolAppRequest",
	"confirmTOTPRequest": "ConfirmAppRequest",
	"codeRequest":        "CodeRequest",
	"resendRequest":      "ResendVerificationRequest",
	// Those of Web Authentication Level 3 have the standard's.
	"CreationOptions":   "PublicKeyCredentialCreationOptionsJSON",
	"RequestOptions":    "PublicKeyCredentialRequestOptionsJSON",
	"PasskeyRP":         "PublicKeyCredentialRpEntity",
	"PasskeyUser":       "PublicKeyCredentialUserEntityJSON",
	"PasskeyAlgorithm":  "PublicKeyCredentialParameters",
	"PasskeyDescriptor": "PublicKeyCredentialDescriptorJSON",
	"PasskeySelection":  "AuthenticatorSelectionCriteria",
	"challengeRequest":  "LinkRequest",
	"resetRequest":      "PasswordResetRequest",
	"exportDocument":    "AccountExport",
	// Of the staff's part.
	"staffUserBody":        "Client",
	"seenUserBody":         "SeenClient",
	"findingBody":          "Finding",
	"usersBody":            "ClientPage",
	"staffEventBody":       "Event",
	"mailBody":             "Mail",
	"memberBody":           "Member",
	"approvalBody":         "Approval",
	"reportBody":           "Report",
	"leftBody":             "LeftOut",
	"noteBody":             "Note",
	"erasedBody":           "Erased",
	"endedBody":            "Ended",
	"dueBody":              "MailDue",
	"recoveredBody":        "RecoveryStarted",
	"exportRequest":        "ExportRequest",
	"editRequest":          "EditClientRequest",
	"inviteRequest":        "InviteClientRequest",
	"actRequest":           "ActRequest",
	"userSessionRequest":   "ActRequest",
	"acceptRequest":        "AcceptRoleRequest",
	"firstPasswordRequest": "FirstPasswordRequest",
}

func schemaName(t reflect.Type) string {
	if name, ok := schemaNames[t.Name()]; ok {
		return name
	}
	return strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
}

// ref names a schema of the document.
func ref(name string) object { return object{{"$ref", "#/components/schemas/" + name}} }

// output is the schema of a type that is answered, which the document then
// has under its name.
func (b *builder) output(t reflect.Type) object {
	switch {
	case t.Kind() == reflect.Slice:
		return object{{"type", "array"}, {"items", b.output(t.Elem())}}
	case t.Kind() != reflect.Struct:
		return scalarSchema("", t)
	}
	name := schemaName(t)
	b.define(name, func() object {
		var properties object
		required := b.properties(name, t, &properties)
		return b.objectSchema(name, properties, required)
	})
	return ref(name)
}

// properties adds those of a struct, with the structs that it embeds, and
// returns the names of those that are always there.
func (b *builder) properties(schema string, t reflect.Type, to *object) (required []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			required = append(required, b.properties(schema, f.Type, to)...)
			continue
		}
		if name == "" { // beside the body
			continue
		}
		s := b.property(name, f.Type)
		if f.Tag.Get("openapi") == "nullable" {
			s[0].value = []string{s[0].value.(string), "null"}
		}
		if len(s) == 0 || s[0].name != "$ref" { // what is named describes itself, and generators read no more
			s.set("description", b.fieldText(schema, name))
		}
		to.set(name, s)
		if options == "" {
			required = append(required, name)
		}
	}
	return required
}

func (b *builder) property(name string, t reflect.Type) object {
	if t == reflect.TypeFor[json.RawMessage]() { // an object that differs from one to the next
		return object{{"type", "object"}}
	}
	switch t.Kind() {
	case reflect.Slice:
		return object{{"type", "array"}, {"items", b.property("", t.Elem())}}
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Struct { // where it may be absent
			return b.output(t.Elem())
		}
	case reflect.Struct:
		if t.String() != "time.Time" {
			return b.output(t)
		}
	}
	return scalarSchema(name, t)
}

// scalarSchema is that of a value without parts. What has not happened is
// null: in OpenAPI 3.1 a second type. Times are texts in Go; the house's names
// tell them.
func scalarSchema(name string, t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		s := scalarSchema(name, t.Elem())
		s[0].value = []string{s[0].value.(string), "null"}
		return s
	}
	switch t.Kind() {
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Int64, reflect.Uint32:
		return object{{"type", "integer"}, {"format", "int64"}}
	case reflect.Int:
		return object{{"type", "integer"}, {"format", "int32"}}
	case reflect.Interface: // one text or several: no generator has a good type for it
		return object{}
	}
	if strings.HasSuffix(name, "_at") || slices.Contains([]string{"at", "until", "since", "date_joined", "last_login"}, name) {
		return object{{"type", "string"}, {"format", "date-time"}}
	}
	return object{{"type", "string"}}
}

func (b *builder) objectSchema(name string, properties object, required []string) object {
	key := "schema." + name
	if strings.HasSuffix(name, "Errors") {
		key = "schema.errors"
	}
	s := object{{"type", "object"}, {"description", b.text(key)}}
	if len(required) > 0 {
		s.set("required", required)
	}
	if len(properties) > 0 {
		s.set("properties", properties)
	}
	return s
}

// input is the schema of a route's body.
func (b *builder) input(op described) object {
	name := schemaName(op.In)
	if op.input != "" {
		name = op.input
	}
	b.define(name, func() object {
		var properties object
		var required []string
		for _, field := range op.in("json") {
			if schema := op.objects[field]; schema != "" {
				properties.set(field, ref(schema))
			} else {
				properties.set(field, b.inputField(name, op.field(field)))
			}
			if op.field(field).Required || slices.Contains(op.needs, field) {
				required = append(required, field)
			}
		}
		if op.isService() { // who does not use HTTP Basic
			for _, field := range []string{"client_id", "client_secret"} {
				properties.set(field, object{{"type", "string"}, {"description", b.fieldText(name, field)}})
			}
		}
		return b.objectSchema(name, properties, required)
	})
	return ref(name)
}

// inputField is a field that a client sends. That an optional address is one
// is not said by a format, for it may be empty.
func (b *builder) inputField(schema string, f auth.Field) object {
	s := inputSchema(f)
	return slices.Insert(s, 1, member{"description", b.fieldText(schema, f.Name)})
}

// inputSchema is that of a field's value.
func inputSchema(f auth.Field) object {
	number := object{{"type", "integer"}, {"format", "int64"}, {"minimum", 1}}
	switch f.Format {
	case "boolean":
		return object{{"type", "boolean"}}
	case "integer":
		return number
	case "integers":
		return object{{"type", "array"}, {"items", number}}
	}
	s := object{{"type", "string"}}
	if f.Choices != nil {
		s.set("enum", f.Choices)
		return s
	}
	if f.Format == "password" || f.Format != "" && f.Required {
		s.set("format", f.Format)
	}
	if f.Required {
		s.set("minLength", 1)
	}
	if f.Max > 0 {
		s.set("maxLength", f.Max)
	}
	return s
}

// fieldErrors is the schema of the body of a 400: a list of texts for each
// field that is wrong, or "detail" where the body could not be read at all.
func (b *builder) fieldErrors(op described, fields []fieldCodes) object {
	name := strings.ToUpper(op.id[:1]) + op.id[1:] + "Errors"
	own := slices.ContainsFunc(fields, func(f fieldCodes) bool {
		return f.field != "non_field_errors" && !slices.Contains(op.in("json"), f.field)
	})
	if op.readsBody() && !own { // several operations may have one body
		name = strings.TrimSuffix(schemaName(op.In), "Request") + "Errors"
	}
	b.define(name, func() object {
		var properties object
		for _, f := range fields {
			properties.set(f.field, object{
				{"type", "array"}, {"items", object{{"type", "string"}}}, {"description", b.text("field.errors." + fieldKind(f.field))},
			})
		}
		if op.readsBody() {
			properties.set("detail", object{{"type", "string"}, {"description", b.text("field.errors.detail")}})
		}
		return b.objectSchema(name, properties, nil)
	})
	return ref(name)
}

func fieldKind(field string) string {
	if field == "non_field_errors" {
		return field
	}
	return "field"
}

// define has a schema made the first time that it is named.
func (b *builder) define(name string, make func() object) {
	if b.defined[name] {
		return
	}
	b.defined[name] = true
	b.schemas.set(name, object{}) // its place is before what it is made of
	at := len(b.schemas) - 1
	b.schemas[at].value = make()
}
