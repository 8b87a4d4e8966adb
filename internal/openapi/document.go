// Package openapi describes the API: two OpenAPI 3.1 documents, one for the
// shop's programs and one for its staff's, made from the routes, their Go types
// and the rules of their fields, so that they cannot say what the server does
// not do. Texts are in French and English; the examples are answers that a
// server gave. It holds no rule, and describes more than generators understand:
// what they cannot read is said in words.
package openapi

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/web"
)

// Languages are those of the document. The first stands in for others.
var Languages = []string{"fr", "en"}

//go:embed texts/*.json examples/*.json
var files embed.FS

// Document is the document of the shop's programs in one of [Languages], as
// JSON.
func Document(lang string) []byte { return newBuilder(shops, lang).json() }

// StaffDocument is the document of the staff's part of the API.
func StaffDocument(lang string) []byte { return newBuilder(staffs, lang).json() }

// YAML is [Document] in YAML.
func YAML(lang string) []byte { return yaml(Document(lang)) }

// StaffYAML is [StaffDocument] in YAML.
func StaffYAML(lang string) []byte { return yaml(StaffDocument(lang)) }

// part is what one document is about.
type part struct {
	staff      bool
	operations []operation
	tags       []string
}

var (
	shops = part{
		operations: operations,
		tags:       []string{"auth", "factors", "passkeys", "codes", "account", "sessions", "devices", "recovery", "password", "email", "services", "operations"},
	}
	staffs = part{
		staff: true, operations: staffOperations,
		tags: []string{"clients", "acts", "client", "many", "members", "approvals", "journal"},
	}
)

type builder struct {
	part
	texts    map[string]string
	used     map[string]bool // keys of texts
	examples []Example
	schemas  object
	defined  map[string]bool
}

// newBuilder begins a document. The staff's has all texts of the other, and
// its own in their place or beside them.
func newBuilder(p part, lang string) *builder {
	b := &builder{part: p, used: map[string]bool{}, defined: map[string]bool{}}
	read("texts/"+lang+".json", &b.texts)
	b.examples = Examples(lang)
	if p.staff {
		read("texts/staff."+lang+".json", &b.texts)
		b.examples = StaffExamples(lang)
	}
	return b
}

func (b *builder) json() []byte { return append(indented(b.document()), '\n') }

// read decodes an embedded file, which only a mistake of ours can spoil.
func read(name string, into any) {
	data, err := files.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		panic(fmt.Sprintf("openapi: %s: %v", name, err))
	}
}

// text is the text of a key. One that is missing is its own key, which a test
// finds.
func (b *builder) text(key string) string {
	b.used[key] = true
	if text, ok := b.texts[key]; ok {
		return text
	}
	return key
}

// fieldText is the text of a schema's field, or of every field of that name.
func (b *builder) fieldText(schema, name string) string {
	if _, own := b.texts["field."+schema+"."+name]; own {
		return b.text("field." + schema + "." + name)
	}
	return b.text("field." + name)
}

func (b *builder) document() object {
	var paths object
	at := map[string]int{}
	for _, op := range b.describedRoutes() {
		i, known := at[op.Path]
		if !known {
			i = len(paths)
			at[op.Path] = i
			paths.set(op.Path, object{})
		}
		item := paths[i].value.(object)
		item.set(strings.ToLower(op.Method), b.operation(op))
		paths[i].value = item
	}
	security := object{{"bearer", object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}, {"description", b.text("security.bearer")}}}}
	if !b.staff {
		paths = append(paths, b.otherPaths()...)
		security.set("basic", object{{"type", "http"}, {"scheme", "basic"}, {"description", b.text("security.basic")}})
	}
	return object{
		{"openapi", "3.1.1"},
		{"info", object{
			{"title", b.text("info.title")},
			{"version", "1"},
			{"description", b.text("info.description")},
			{"contact", object{{"name", "Yoozak"}, {"url", "https://github.com/yoozak/clients"}}},
			{"license", object{{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}},
		}},
		{"servers", []any{object{{"url", "/"}, {"description", b.text("info.server")}}}},
		{"tags", b.tagList()},
		{"paths", paths},
		{"components", object{
			{"securitySchemes", security},
			{"headers", b.headers()},
			{"responses", b.commonResponses()},
			{"schemas", b.otherSchemas()},
		}},
	}
}

func (b *builder) tagList() []any {
	var tags []any
	for _, name := range b.tags {
		tags = append(tags, object{{"name", name}, {"x-displayName", b.text("tag." + name)}, {"description", b.text("tag." + name + ".description")}})
	}
	return tags
}

func (op described) isService() bool { return op.Requires == api.OAuthClient }

// answersDevice reports whether the answer makes the client's device known.
func (op described) answersDevice() bool {
	if op.Out.Kind() != reflect.Struct {
		return false
	}
	_, does := op.Out.FieldByName("deviceToken")
	return does
}

func (b *builder) operation(op described) object {
	o := object{
		{"operationId", op.id},
		{"tags", []string{op.tag}},
		{"summary", b.text("op." + op.id + ".summary")},
		{"description", b.text("op."+op.id+".description") + b.permission(op)},
	}
	switch op.Requires {
	case api.Caller, api.Staff:
		o.set("security", []any{object{{"bearer", []any{}}}})
	case api.OAuthClient:
		o.set("security", []any{object{{"basic", []any{}}}})
	default:
		o.set("security", []any{})
	}
	if parameters := b.parameters(op); len(parameters) > 0 {
		o.set("parameters", parameters)
	}
	if op.readsBody() {
		o.set("requestBody", object{{"required", op.needsBody()}, {"content", b.requestContent(op)}})
	}
	o.set("responses", b.responses(op))
	return o
}

// permission is the sentence about who may do it.
func (b *builder) permission(op described) string {
	if op.Requires != api.Staff {
		return ""
	}
	return "\n\n" + strings.NewReplacer("{permission}", string(op.Needs), "{role}", string(op.Needs.Needed())).Replace(b.text("staff.permission"))
}

func (b *builder) parameters(op described) []any {
	var all []any
	parameter := func(in, name string, required bool, schema object) {
		key := "field." + name
		for _, better := range []string{"parameter." + name, "parameter." + op.id + "." + name} {
			if _, own := b.texts[better]; own {
				key = better
			}
		}
		all = append(all, object{{"name", name}, {"in", in}, {"required", required}, {"description", b.text(key)}, {"schema", schema}})
	}
	number := object{{"type", "integer"}, {"format", "int64"}, {"minimum", 1}}
	for _, name := range op.in("path") {
		schema := object{{"type", "string"}}
		if op.numbered && name == "id" {
			schema = number
		}
		parameter("path", name, true, schema)
	}
	for _, name := range op.in("query") {
		schema := number
		if f, ruled := op.ruled(name); ruled {
			schema = inputSchema(f)
		}
		parameter("query", name, false, schema)
	}
	for _, name := range op.takes {
		parameter("header", name, false, object{{"type", "string"}})
	}
	return all
}

// requestContent is the body in JSON. That forms are taken as well is said in
// words: generators would make three methods of it. A service's body is a form
// first, as OAuth has it.
func (b *builder) requestContent(op described) object {
	schema := b.input(op)
	media := object{{"schema", schema}}
	if e, ok := b.example(op.id, ""); ok && len(e.Request) > 0 {
		media.set("example", e.Request)
	}
	if op.isService() {
		return object{{"application/x-www-form-urlencoded", object{{"schema", schema}}}, {"application/json", media}}
	}
	return object{{"application/json", media}}
}

func (b *builder) responses(op described) object {
	var all object
	success := b.response(op, op.Status, "op."+op.id+".ok")
	if content := b.success(op); len(content) > 0 {
		success.set("content", content)
	}
	all.set(strconv.Itoa(op.Status), success)
	if op.Waits != nil {
		waits := b.response(op, http.StatusAccepted, "response.202")
		waits.set("content", b.content(op, http.StatusAccepted, b.output(op.Waits)))
		all.set(strconv.Itoa(http.StatusAccepted), waits)
	}
	if fields := op.badRequest(); len(fields) > 0 {
		all.set("400", b.badRequestResponse(op, fields))
	}
	statuses := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusNotAcceptable}
	if len(op.conflict) > 0 {
		statuses = append(statuses, http.StatusConflict)
	}
	if op.readsBody() {
		statuses = append(statuses, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	statuses = append(statuses, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable)
	for _, status := range statuses {
		common := b.common()[status]
		if op.isService() {
			common = oauthCodes[status]
		}
		switch codes := op.refusals(status); {
		case len(codes) == 0:
		case slices.Equal(codes, common):
			all.set(strconv.Itoa(status), object{{"$ref", "#/components/responses/" + commonName(status, op.isService())}})
		default:
			all.set(strconv.Itoa(status), b.refusal(op, status, op.refusalText(status), codes, op.refusalSchema(status, codes)))
		}
	}
	return all
}

// response is an answer without its body.
func (b *builder) response(op described, status int, key string) object {
	names := []string{"X-Request-Id"}
	if status < 300 && op.answersDevice() {
		names = append(names, web.DeviceHeader)
	}
	if status < 300 {
		names = append(names, op.headers...)
	}
	if op.Requires == api.Caller || op.Requires == api.Staff || op.OptionalAuth {
		names = append(names, web.RefreshHeader)
	}
	if status == http.StatusBadRequest && op.readsBody() {
		names = append(names, web.HintHeader)
	}
	return object{{"description", b.text(key)}, {"headers", headerRefs(names)}}
}

func headerRefs(names []string) object {
	var o object
	for _, name := range names {
		o.set(name, object{{"$ref", "#/components/headers/" + name}})
	}
	return o
}

// errorCodes is the header of an error's code, or of several errors of fields.
func (b *builder) errorCodes(codes []string) object {
	if len(codes) == 1 {
		return object{{"description", b.text("header." + web.ErrorHeader)}, {"schema", object{{"type", "string"}, {"const", codes[0]}}}}
	}
	return object{{"description", b.text("header." + web.ErrorHeader)}, {"schema", object{{"type", "string"}, {"enum", codes}}}}
}

func (b *builder) badRequestResponse(op described, fields []fieldCodes) object {
	if op.isService() {
		return b.refusal(op, http.StatusBadRequest, "response.400", op.codes["error"], "OAuthError")
	}
	out := b.response(op, http.StatusBadRequest, "response.400")
	headers := out[1].value.(object)
	headers.set(web.ErrorHeader, object{{"description", b.text("header.fields")}, {"schema", object{{"type", "string"}, {"maxLength", 1024}}}})
	out[1].value = headers
	var codes []string
	for _, f := range fields {
		for _, code := range f.codes {
			codes = append(codes, f.field+"="+code)
		}
	}
	if op.readsBody() {
		codes = append(codes, "parse_error")
	}
	out.set("content", b.content(op, http.StatusBadRequest, b.fieldErrors(op, fields)))
	out.set("x-error-codes", codes)
	return out
}

// refusal is an answer with one of some codes, of one operation.
func (b *builder) refusal(op described, status int, key string, codes []string, schema string) object {
	out := b.response(op, status, key)
	headers := out[1].value.(object)
	headers.set(web.ErrorHeader, b.errorCodes(codes))
	if status == http.StatusUnauthorized {
		headers = append(headers, headerRefs([]string{"WWW-Authenticate"})...)
	}
	out[1].value = headers
	out.set("content", b.content(op, status, ref(schema)))
	out.set("x-error-codes", codes)
	return out
}

// content is a JSON body with the examples of an operation's answers.
func (b *builder) content(op described, status int, schema object) object {
	examples := slices.DeleteFunc(b.examplesOf(op.id, status), func(e Example) bool { return e.Type != "" })
	return object{{"application/json", withExamples(schema, examples)}}
}

// success is the body of an operation's success, in each form that it has.
func (b *builder) success(op described) object {
	var all object
	switch {
	case op.Status == http.StatusNoContent:
		return nil
	case !op.File || op.Out.NumField() > 0:
		all = b.content(op, op.Status, b.output(op.Out))
	}
	if !op.File {
		return all
	}
	for _, format := range slices.Sorted(maps.Keys(api.FileTypes)) {
		mediaType, _, _ := strings.Cut(api.FileTypes[format], ";")
		examples := slices.DeleteFunc(b.examplesOf(op.id, op.Status), func(e Example) bool { return e.Type != mediaType })
		all.set(mediaType, withExamples(object{{"type", "string"}}, examples))
	}
	return all
}

func withExamples(schema object, examples []Example) object {
	media := object{{"schema", schema}}
	var all object
	for _, e := range examples {
		if len(e.Response) > 0 {
			all.set(e.key(), object{{"summary", e.Name}, {"value", e.Response}})
		}
	}
	if len(all) > 0 {
		media.set("examples", all)
	}
	return media
}

// commonName is the name of an answer that many operations have.
func commonName(status int, service bool) string {
	name := strings.ReplaceAll(http.StatusText(status), " ", "")
	if service {
		return "Service" + name
	}
	return name
}

func (b *builder) commonResponses() object {
	var all object
	for _, service := range []bool{false, true} {
		codes, schema := b.common(), "Detail"
		if service && b.staff {
			continue
		}
		if service {
			codes, schema = oauthCodes, "OAuthError"
		}
		for _, status := range slices.Sorted(maps.Keys(codes)) {
			all.set(commonName(status, service), b.commonResponse(status, service, codes[status], schema))
		}
	}
	return all
}

func (b *builder) commonResponse(status int, service bool, codes []string, schema string) object {
	headers := headerRefs([]string{"X-Request-Id"})
	headers.set(web.ErrorHeader, b.errorCodes(codes))
	switch status {
	case http.StatusUnauthorized:
		headers = append(headers, headerRefs([]string{"WWW-Authenticate"})...)
		if !service {
			schema = "AuthenticationError"
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		headers = append(headers, headerRefs([]string{"Retry-After"})...)
	case http.StatusUnsupportedMediaType:
		headers = append(headers, headerRefs([]string{web.HintHeader})...)
	}
	if !service && !b.staff && status == http.StatusForbidden {
		schema = "ConfirmRequired"
	}
	if !service && status != http.StatusUnauthorized {
		headers = append(headers, headerRefs([]string{web.RefreshHeader})...) // where there is a caller
	}
	kind, key := "common", "response."+strconv.Itoa(status)
	if service {
		kind = "service"
		if status == http.StatusForbidden {
			key = "response.service.403"
		}
	}
	return object{
		{"description", b.text(key)},
		{"headers", headers},
		{"content", object{{"application/json", withExamples(ref(schema), b.examplesOf(kind, status))}}},
		{"x-error-codes", codes},
	}
}

func (b *builder) headers() object {
	var all object
	add := func(name string, schema object) {
		all.set(name, object{{"description", b.text("header." + name)}, {"schema", schema}})
	}
	add("X-Request-Id", object{{"type", "string"}})
	if !b.staff {
		add(web.DeviceHeader, object{{"type", "string"}})
		add(web.TrustedHeader, object{{"type", "string"}})
		add(web.CodeHeader, object{{"type", "string"}})
	}
	add(web.RefreshHeader, object{{"type", "string"}, {"const", "true"}})
	add(web.HintHeader, object{{"type", "string"}})
	if !b.staff {
		add(web.UserHeader, object{{"type", "integer"}, {"format", "int64"}})
		add(web.SessionHeader, object{{"type", "string"}})
	}
	add("WWW-Authenticate", object{{"type", "string"}})
	add("Retry-After", object{{"type", "integer"}, {"minimum", 0}})
	return all
}
