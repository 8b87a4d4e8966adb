package api

import (
	"net/http"
	"strings"

	"github.com/yoozak/clients/internal/locale"
)

// home says to whoever opens the server's address that it works and where the
// documents are: in a page to a browser, in JSON to others.
func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(w)
	if s.o.Pages != nil && strings.Contains(strings.Join(r.Header["Accept"], ","), "text/html") {
		x.route = s.o.Pages(x, r, s.peer(x, r))
		return
	}
	x.route = "Home"
	writeJSON(x, http.StatusOK, homeBody{
		Detail:        locale.Text(x.language, "page.home.title", nil) + ".",
		Documentation: "https://github.com/yoozak/clients",
	})
}

type homeBody struct {
	Detail        string `json:"detail"`
	Documentation string `json:"documentation"`
}
