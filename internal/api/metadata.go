package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// metadataPath is followed by the path of the issuer, if that has one (RFC
// 8414, section 3.1).
const metadataPath = "/.well-known/oauth-authorization-server"

// metadata is RFC 8414's, section 2. There are no authorization and token
// endpoints: people log in by calls that OAuth does not know, and so the lists of
// response and grant types are there, and empty (left out, the second
// would mean two of them).
type metadata struct {
	Issuer                   string   `json:"issuer"`
	JWKSURI                  string   `json:"jwks_uri"`
	ResponseTypes            []string `json:"response_types_supported"`
	GrantTypes               []string `json:"grant_types_supported"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	ServiceDocumentation     string   `json:"service_documentation"`
}

// publishMetadata serves them where the issuer is a URL: who reads them
// compares it to the one in tokens. The endpoints are below publicURL or, where
// nobody said what that is, below the issuer.
func (s *Server) publishMetadata(issuer, publicURL string) {
	at, err := url.Parse(issuer)
	isURL := err == nil && (at.Scheme == "https" || at.Scheme == "http") && at.Host != "" && at.User == nil && !strings.ContainsAny(issuer, "?#")
	if !isURL {
		return
	}
	base := strings.TrimSuffix(publicURL, "/")
	if base == "" {
		base = strings.TrimSuffix(issuer, "/")
	}
	methods := []string{"client_secret_basic", "client_secret_post"}
	body, err := json.Marshal(metadata{
		Issuer: issuer, JWKSURI: base + "/.well-known/jwks.json", ResponseTypes: []string{}, GrantTypes: []string{},
		IntrospectionEndpoint: base + "/api/clients/auth/token/introspect/", IntrospectionAuthMethods: methods,
		RevocationEndpoint: base + "/api/clients/auth/token/revoke/", RevocationAuthMethods: methods,
		ServiceDocumentation: documentation,
	})
	if err != nil {
		panic("api: " + err.Error()) // texts always marshal
	}
	want := metadataPath + strings.TrimSuffix(at.Path, "/")
	for method, answer := range map[string]http.HandlerFunc{
		"GET":     func(rw http.ResponseWriter, _ *http.Request) { writePublic(rw, "Metadata", "application/json", body) },
		"OPTIONS": func(rw http.ResponseWriter, r *http.Request) { publicOptions(rw, r, "Metadata") },
	} {
		one := func(rw http.ResponseWriter, r *http.Request) {
			if strings.TrimSuffix(r.URL.Path, "/") != want {
				s.notFound(rw, r)
				return
			}
			answer(rw, r)
		}
		s.mux.HandleFunc(method+" "+metadataPath, one)
		s.mux.HandleFunc(method+" "+metadataPath+"/", one)
	}
}
