package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
)

type eventsRequest struct {
	Before account.Input `query:"before"`
}

type eventBody struct {
	ID      int64  `json:"id"`
	At      string `json:"at"`
	Kind    string `json:"kind"`
	Text    string `json:"text"`
	IP      string `json:"ip"`
	Device  string `json:"device"`
	Current bool   `json:"current_session"`
}

func (s *Server) events(ctx context.Context, caller *auth.Caller, in *eventsRequest) ([]eventBody, error) {
	events, err := s.auth.Events(ctx, caller, in.Before)
	if err != nil {
		return nil, err
	}
	lang := caller.Request.Language
	bodies := make([]eventBody, 0, len(events))
	for _, e := range events {
		b := eventBody{
			ID: e.ID, At: formatTime(e.At), Kind: string(e.Kind), Text: eventText(lang, e), IP: e.IP,
			Current: e.SessionID != "" && e.SessionID == caller.SessionID,
		}
		if e.UserAgent != "" {
			b.Device = locale.Device(lang, e.UserAgent)
		}
		bodies = append(bodies, b)
	}
	return bodies, nil
}

// eventText is an event in a sentence, without a value of the person's.
func eventText(lang string, e account.Event) string {
	m := e.Message()
	return locale.Text(lang, m.Key, m.Args)
}

// exportedEvent leaves out who of the staff it was: that is their data.
type exportedEvent struct {
	ID        int64    `json:"id"`
	At        string   `json:"at"`
	Kind      string   `json:"kind"`
	Actor     string   `json:"actor"`
	IP        string   `json:"ip"`
	UserAgent string   `json:"user_agent"`
	SessionID string   `json:"session_id"`
	RequestID string   `json:"request_id"`
	Count     int      `json:"count"`
	Reason    string   `json:"reason,omitempty"` // that staff gave
	Fields    []string `json:"changed_fields,omitempty"`
	Ended     string   `json:"ended_session_id,omitempty"`
}

func newExportedEvent(e account.Event) exportedEvent {
	d := e.ReadDetails()
	return exportedEvent{
		ID: e.ID, At: formatTime(e.At), Kind: string(e.Kind), Actor: string(e.Actor), IP: e.IP, UserAgent: e.UserAgent,
		SessionID: e.SessionID, RequestID: e.RequestID, Count: max(1, d.Count), Reason: e.Reason, Fields: d.Fields, Ended: d.Session,
	}
}
