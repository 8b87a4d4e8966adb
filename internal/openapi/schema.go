package openapi

import (
	"reflect"
	"strings"

	"github.com/yoozak/clients/internal/auth"
)

// schemaNames are the names of types that have a better one than their own.
var schemaNames = map[string]string{
	"tokenResponse":    "TokenResponse",
	"userBody":         "User",
	"refreshResponse":  "RefreshResponse",
	"emptyBody":        "Empty",
	"detailBody":       "Detail",
	"sessionBody":      "Session",
	"eventBody":        "AccountEvent",
	"securityBody":     "Security",
	"introspection":    "Introspection",
	"challengeRequest": "LinkRequest",
	"resetRequest":     "PasswordResetRequest",
	"exportDocument":   "AccountExport",
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
	switch t.Kind() {
	case reflect.Slice:
		return object{{"type", "array"}, {"items", b.property("", t.Elem())}}
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
	case reflect.Int64:
		return object{{"type", "integer"}, {"format", "int64"}}
	case reflect.Int:
		return object{{"type", "integer"}, {"format", "int32"}}
	case reflect.Interface: // one text or several: no generator has a good type for it
		return object{}
	}
	if strings.HasSuffix(name, "_at") || name == "at" || name == "until" {
		return object{{"type", "string"}, {"format", "date-time"}}
	}
	return object{{"type", "string"}}
}

func (b *builder) objectSchema(name string, properties object, required []string) object {
	s := object{{"type", "object"}, {"description", b.text("schema." + name)}}
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
	b.define(name, func() object {
		var properties object
		var required []string
		for _, field := range op.in("json") {
			properties.set(field, b.inputField(name, op.field(field)))
			if op.field(field).Required {
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
	s := object{{"type", "string"}, {"description", b.fieldText(schema, f.Name)}}
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
	if op.readsBody() { // several operations may have one body
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
