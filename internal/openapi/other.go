package openapi

import (
	"net/http"
	"strconv"

	"github.com/yoozak/clients/internal/web"
)

// otherPaths are what programs read and is no route of the API: the key set,
// the server's own description and health. The document itself is left out, and
// what is for people.
func (b *builder) otherPaths() object {
	var paths object
	get := func(path, id, tag, mediaType, schema string, more ...int) {
		var responses object
		for _, status := range append([]int{http.StatusOK}, more...) {
			headers := headerRefs([]string{"X-Request-Id"})
			key, mediaType, schema := "op."+id+".ok", mediaType, schema
			if status != http.StatusOK {
				key = "op." + id + "." + strconv.Itoa(status)
			}
			switch status {
			case http.StatusNotFound:
				mediaType, schema = "application/json", "Detail"
				headers.set(web.ErrorHeader, b.errorCodes([]string{"not_found"}))
			case http.StatusServiceUnavailable:
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
	get("/.well-known/oauth-authorization-server", "getServerMetadata", "services", "application/json", "ServerMetadata", http.StatusNotFound)
	get("/healthz", "getHealth", "operations", "application/json", "Health")
	get("/readyz", "getReadiness", "operations", "application/json", "Health", http.StatusServiceUnavailable)
	return paths
}

// otherSchemas is all schemas: those that the routes named, and those of
// errors, of authenticators, of the key set, of the metadata and of health,
// whose types are no route's answer.
func (b *builder) otherSchemas() object {
	text, anything := object{{"type", "string"}}, object{{"type", "object"}}
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
	if b.staff {
		add("ConfirmRequired", []string{"detail", "code"}, member{"detail", text}, member{"code", text}, member{"methods", list(text)})
		return b.schemas
	}
	add("LoginRefused", []string{"detail"},
		member{"detail", text}, member{"code", text}, member{"challenge", text}, member{"methods", list(text)}, member{"messages", list(ref("TokenMessage"))})
	add("ConfirmRequired", []string{"detail", "code", "methods"}, member{"detail", text}, member{"code", text}, member{"methods", list(text)})
	// Of Web Authentication Level 3, section 5.1; bytes are base64url. What it
	// has more is taken and not looked at.
	add("RegistrationResponseJSON", []string{"id", "rawId", "response", "clientExtensionResults", "type"},
		member{"id", text}, member{"rawId", text}, member{"response", ref("AuthenticatorAttestationResponseJSON")},
		member{"authenticatorAttachment", text}, member{"clientExtensionResults", anything}, member{"type", text})
	add("AuthenticatorAttestationResponseJSON", []string{"clientDataJSON", "attestationObject"},
		member{"clientDataJSON", text}, member{"attestationObject", text}, member{"transports", list(text)},
		member{"authenticatorData", text}, member{"publicKey", text}, member{"publicKeyAlgorithm", object{{"type", "integer"}, {"format", "int32"}}})
	add("AuthenticationResponseJSON", []string{"id", "rawId", "response", "clientExtensionResults", "type"},
		member{"id", text}, member{"rawId", text}, member{"response", ref("AuthenticatorAssertionResponseJSON")},
		member{"authenticatorAttachment", text}, member{"clientExtensionResults", anything}, member{"type", text})
	add("AuthenticatorAssertionResponseJSON", []string{"clientDataJSON", "authenticatorData", "signature"},
		member{"clientDataJSON", text}, member{"authenticatorData", text}, member{"signature", text}, member{"userHandle", text})
	add("OAuthError", []string{"error", "detail"}, member{"error", text}, member{"detail", text})
	add("Key", []string{"kty", "use", "alg", "kid"},
		member{"kty", text}, member{"use", text}, member{"alg", text}, member{"kid", text},
		member{"crv", text}, member{"x", text}, member{"y", text}, member{"n", text}, member{"e", text})
	add("KeySet", []string{"keys"}, member{"keys", list(ref("Key"))})
	add("ServerMetadata", []string{
		"issuer", "jwks_uri", "response_types_supported", "grant_types_supported", "introspection_endpoint", "introspection_endpoint_auth_methods_supported",
		"revocation_endpoint", "revocation_endpoint_auth_methods_supported", "service_documentation",
	},
		member{"issuer", text}, member{"jwks_uri", text}, member{"response_types_supported", list(text)}, member{"grant_types_supported", list(text)},
		member{"introspection_endpoint", text}, member{"introspection_endpoint_auth_methods_supported", list(text)},
		member{"revocation_endpoint", text}, member{"revocation_endpoint_auth_methods_supported", list(text)}, member{"service_documentation", text})
	add("Health", []string{"status"}, member{"status", text}, member{"reason", text})
	return b.schemas
}
