package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/yoozak/clients/internal/web"
)

// Where Android and iOS look which apps may use the passkeys of a domain, and
// its links.
const (
	assetLinksPath = "/.well-known/assetlinks.json"
	appleAppsPath  = "/.well-known/apple-app-site-association"
)

// assetLink is a statement of Digital Asset Links.
type assetLink struct {
	Relation []string    `json:"relation"`
	Target   assetTarget `json:"target"`
}

type assetTarget struct {
	Namespace    string   `json:"namespace"`
	Package      string   `json:"package_name"`
	Fingerprints []string `json:"sha256_cert_fingerprints"`
}

// appleApps is what iOS reads of Associated Domains.
type appleApps struct {
	WebCredentials struct {
		Apps []string `json:"apps"`
	} `json:"webcredentials"`
}

// publishApps serves the two documents where there are such apps: without a
// redirect, which neither follows.
func (s *Server) publishApps(android map[string][]string, ios []string) {
	if len(android) > 0 {
		var links []assetLink
		for _, name := range slices.Sorted(maps.Keys(android)) {
			links = append(links, assetLink{
				Relation: []string{"delegate_permission/common.get_login_creds", "delegate_permission/common.handle_all_urls"},
				Target:   assetTarget{Namespace: "android_app", Package: name, Fingerprints: android[name]},
			})
		}
		s.publish(assetLinksPath, "Asset Links", links)
	}
	if len(ios) > 0 {
		var apps appleApps
		apps.WebCredentials.Apps = ios
		s.publish(appleAppsPath, "Apple Apps", apps)
	}
}

func (s *Server) publish(path, route string, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		panic("api: " + err.Error()) // texts always marshal
	}
	s.mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, _ *http.Request) { writePublic(rw, route, web.JSONType[0], body) })
	s.mux.HandleFunc("OPTIONS "+path, func(rw http.ResponseWriter, r *http.Request) { publicOptions(rw, r, route) })
}
