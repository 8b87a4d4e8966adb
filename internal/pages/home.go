package pages

import (
	"net/http"
	"strings"
)

// The documents of a language, where this server does not show them; Arabic
// readers here read French better than English.
const documents = "https://github.com/yoozak/clients/blob/main/"

var documentsIn = map[string][]string{
	"fr": {"docs/README.fr.md", "README.fr.md", "docs/fr/"},
	"en": {"docs/README.md", "README.md", "docs/en/"},
	"ar": {"docs/README.fr.md", "README.fr.md", "docs/fr/"},
}

// Home answers "/" to browsers; next answers it to others.
func (s *Pages) Home(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(strings.Join(r.Header["Accept"], ","), "text/html") {
			s.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// home says to whoever opens the server's address in a browser that it works:
// to customers the way to the shop, to developers where the documents are.
func (p *page) home() {
	v := p.view
	v.Title, v.Intro, v.Hint = v.say("page.home.title"), v.say("page.home.intro"), v.say("page.home.developers")
	files := documentsIn[v.Language]
	v.Links = []link{
		{v.say("page.home.api"), documents + files[0]},
		{v.say("page.home.readme"), documents + files[1]},
		{v.say("page.home.keys"), ".well-known/jwks.json"},
	}
	if p.o.Docs {
		v.Links[0].URL = files[2]
	}
	if p.o.Account {
		v.After = []link{{v.say("page.overview.title"), v.Root}}
	}
	v.ShopButton = true
	p.show(http.StatusOK)
}
