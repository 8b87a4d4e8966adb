package openapi

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// validator judges requests and answers by the schemas of a document. Those
// of OpenAPI 3.1 are JSON Schema 2020-12, so a validator of that needs to know
// no more of OpenAPI than where they stand.
type validator struct {
	compiler *jsonschema.Compiler
	document map[string]any
	compiled map[string]*jsonschema.Schema
}

const documentURL = "https://yoozak.example/openapi.json"

func newValidator(t *testing.T, document []byte) validator {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(documentURL, parsed); err != nil {
		t.Fatal(err)
	}
	return validator{c, parsed.(map[string]any), map[string]*jsonschema.Schema{}}
}

// at is what stands at a place of the document, with the place where it
// really stands: a reference is followed.
func (v validator) at(place ...string) (any, []string) {
	var x any = v.document
	for i, name := range place {
		o, ok := x.(map[string]any)
		if !ok {
			return nil, nil
		}
		x = o[name]
		o, _ = x.(map[string]any)
		if target, is := o["$ref"].(string); is && name != "schema" {
			return v.at(append(strings.Split(strings.TrimPrefix(target, "#/"), "/"), place[i+1:]...)...)
		}
	}
	return x, place
}

// against says what of a value is not as the schema at a place has it.
func (v validator) against(value any, place []string) []string {
	escaped := make([]string, len(place))
	for i, name := range place {
		escaped[i] = url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	at := documentURL + "#/" + strings.Join(escaped, "/")
	if v.compiled[at] == nil {
		schema, err := v.compiler.Compile(at)
		if err != nil {
			return []string{err.Error()}
		}
		v.compiled[at] = schema
	}
	if err := v.compiled[at].Validate(value); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// answer judges status, headers and body.
func (v validator) answer(op described, x exchange) (problems []string) {
	response := []string{"paths", op.path, strings.ToLower(op.method), "responses", strconv.Itoa(x.Status)}
	found, response := v.at(response...)
	if found == nil {
		return []string{"the document has no such status"}
	}
	described := found.(map[string]any)
	headers, _ := described["headers"].(map[string]any)
	for name := range headers {
		_, place := v.at(append(response, "headers", name)...)
		if value := x.Header.Get(name); value != "" {
			problems = append(problems, v.against(number(value), append(place, "schema"))...)
		}
	}
	for name := range x.Header {
		if headers[name] == nil && ours(name) {
			problems = append(problems, "the document has no header "+name)
		}
	}
	content, _ := described["content"].(map[string]any)
	if len(content) == 0 {
		if len(x.Body) > 0 {
			problems = append(problems, "the document has no body")
		}
		return problems
	}
	mediaType, _, _ := strings.Cut(x.Header.Get("Content-Type"), ";")
	if content[mediaType] == nil {
		return append(problems, "the document has no "+mediaType)
	}
	var body any = string(x.Body)
	if strings.HasSuffix(mediaType, "json") && mediaType != "application/x-ndjson" { // which is lines of it
		var err error
		if body, err = jsonschema.UnmarshalJSON(bytes.NewReader(x.Body)); err != nil {
			return append(problems, err.Error())
		}
	}
	_, place := v.at(append(response, "content", mediaType, "schema")...)
	return append(problems, v.against(body, place)...)
}

// ours reports whether a header is one that the document has to name.
func ours(name string) bool {
	return name == "Retry-After" || strings.HasPrefix(name, "X-") && name != "X-Content-Type-Options"
}

// number is a header's value as its schema takes it.
func number(value string) any {
	if n, err := strconv.Atoi(value); err == nil {
		return n
	}
	return value
}

// request judges the body of a request. That numbers are good as texts and
// that space around values is removed, the document says in words.
func (v validator) request(op described, x exchange) []string {
	found, place := v.at("paths", op.path, strings.ToLower(op.method), "requestBody", "content", "application/json", "schema")
	if found == nil {
		return nil
	}
	if required, _ := v.at("paths", op.path, strings.ToLower(op.method), "requestBody", "required"); required == false && len(x.RequestBody) == 0 {
		return nil
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(x.RequestBody))
	if err != nil {
		return []string{err.Error()}
	}
	fields, _ := body.(map[string]any)
	for name, value := range fields {
		switch value := value.(type) {
		case json.Number:
			fields[name] = value.String()
		case string:
			fields[name] = strings.TrimSpace(value)
		}
	}
	return v.against(body, place)
}
