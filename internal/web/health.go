package web

import (
	"context"
	"net/http"
	"time"
)

type statusBody struct {
	Status string `json:"status"`
}

// healthz says that the process answers; a supervisor restarts it otherwise.
func healthz(rw http.ResponseWriter, _ *http.Request) {
	w := Writer(rw)
	w.Route = "healthz"
	w.WriteJSON(http.StatusOK, statusBody{Status: "ok"})
}

// readyz says whether the database answers and its schema is up to date; a
// balancer sends requests elsewhere otherwise.
func (h *handler) readyz(rw http.ResponseWriter, r *http.Request) {
	w := Writer(rw)
	w.Route = "readyz"
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := h.o.Ready(ctx); err != nil {
		h.o.Log.WarnContext(ctx, "not ready", "request_id", w.RequestID, "error", err.Error())
		w.Header().Set("Retry-After", "2")
		w.WriteJSON(http.StatusServiceUnavailable, statusBody{Status: "unavailable"})
		return
	}
	w.WriteJSON(http.StatusOK, statusBody{Status: "ok"})
}
