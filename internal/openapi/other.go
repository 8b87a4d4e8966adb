package openapi

import (
	"net/http"
	"strconv"

	"github.com/yoozak/clients/internal/web"
)

// otherPaths are what is no route of the API: health and the key set.
func (b *builder) otherPaths() object {
	var paths object
	get := func(path, id, tag, mediaType, schema string, more ...int) {
		var responses object
		for _, status := range append([]int{http.StatusOK}, more...) {
			headers := headerRefs([]string{"X-Request-Id"})
			key := "op." + id + ".ok"
			if status != http.StatusOK {
				key = "op." + id + "." + strconv.Itoa(status)
				headers = append(headers, headerRefs([]string{"Retry-After"})...)
				headers.set(web.ErrorHeader, b.errorCodes([]string{"unavailable"}))
			}
			responses.set(strconv.Itoa(status), object{
				{"description", b.text(key)},
				{"headers", headers},
				{"content", object{{mediaType, withExamples(ref(schema), b.examplesOf(id, status))}}},
			})
		}
		paths.set(path, object{{"get", object{
			{"operationId", id}, {"tags", []string{tag}},
			{"summary", b.text("op." + id + ".summary")}, {"description", b.text("op." + id + ".description")},
			{"security", []any{}}, {"responses", responses},
		}}})
	}
	get("/.well-known/jwks.json", "getKeySet", "services", "application/jwk-set+json", "KeySet")
	get("/healthz", "getHealth", "operations", "application/json", "Health")
	get("/readyz", "getReadiness", "operations", "application/json", "Health", http.StatusServiceUnavailable)
	return paths
}

// otherSchemas is all schemas: those that the routes named, and those of
// errors, of the key set and of health, whose types are nobody's answer.
func (b *builder) otherSchemas() object {
	text := object{{"type", "string"}}
	add := func(name string, required []string, properties ...member) {
		b.define(name, func() object {
			var described object
			for _, p := range properties {
				schema := append(object{}, p.value.(object)...)
				if schema[0].name != "$ref" {
					schema.set("description", b.fieldText(name, p.name))
				}
				described.set(p.name, schema)
			}
			return b.objectSchema(name, described, required)
		})
	}
	list := func(item object) object { return object{{"type", "array"}, {"items", item}} }
	add("Detail", []string{"detail"}, member{"detail", text}, member{"code", text})
	add("TokenMessage", []string{"token_class", "token_type", "message"},
		member{"token_class", text}, member{"token_type", text}, member{"message", text})
	add("AuthenticationError", []string{"detail"},
		member{"detail", text}, member{"code", text}, member{"messages", list(ref("TokenMessage"))})
	add("OAuthError", []string{"error", "detail"}, member{"error", text}, member{"detail", text})
	add("Key", []string{"kty", "use", "alg", "kid"},
		member{"kty", text}, member{"use", text}, member{"alg", text}, member{"kid", text},
		member{"crv", text}, member{"x", text}, member{"y", text}, member{"n", text}, member{"e", text})
	add("KeySet", []string{"keys"}, member{"keys", list(ref("Key"))})
	add("Health", []string{"status"}, member{"status", text}, member{"reason", text})
	return b.schemas
}
