package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/yoozak/clients/internal/account"
)

type statusBody struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"` // why not
}

// healthz says that the process answers; a supervisor restarts it otherwise.
func healthz(rw http.ResponseWriter, _ *http.Request) {
	w := Writer(rw)
	w.Route = "healthz"
	w.WriteJSON(http.StatusOK, statusBody{Status: "ok"})
}

// readyz says whether the server can serve, and why not; a balancer sends
// requests elsewhere otherwise.
func (h *handler) readyz(rw http.ResponseWriter, r *http.Request) {
	w := Writer(rw)
	w.Route = "readyz"
	if h.stopping() { // as it was told
		w.notReady("stopping")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	err := h.o.Ready(ctx)
	if err == nil {
		w.WriteJSON(http.StatusOK, statusBody{Status: "ok"})
		return
	}
	h.o.Log.WarnContext(ctx, "not ready", "request_id", w.RequestID, "error", err.Error())
	var why *account.NotReady
	if !errors.As(err, &why) {
		why = new(account.NotReady)
	}
	w.notReady(why.Reason)
}

func (w *ResponseWriter) notReady(reason string) {
	w.Header().Set("Retry-After", "2")
	w.Header().Set(ErrorHeader, account.CodeOf(account.ErrUnavailable.Code))
	w.WriteJSON(http.StatusServiceUnavailable, statusBody{Status: "unavailable", Reason: reason})
}
