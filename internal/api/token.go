package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/web"
)

type refreshRequest struct {
	Refresh account.Input `json:"refresh"`
}

// refreshResponse has a refresh token only where rotation is on.
type refreshResponse struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh,omitempty"`
}

func (s *Server) refresh(ctx context.Context, req account.RequestInfo, in *refreshRequest) (refreshResponse, error) {
	renewal, err := s.auth.Refresh(ctx, req, in.Refresh)
	if err != nil {
		return refreshResponse{}, err
	}
	return refreshResponse{Access: renewal.Access, Refresh: renewal.Refresh}, nil
}

type verifyTokenRequest struct {
	Token account.Input `json:"token"`
}

func (s *Server) verifyToken(ctx context.Context, req account.RequestInfo, in *verifyTokenRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.VerifyToken(ctx, req, in.Token)
}

// identity is the answer for a gateway that asks about each request before
// it passes it on: the headers by which the service behind knows the caller.
// There is no username in it, which may change and has letters that headers
// do not take.
type identity struct {
	userID    int64
	sessionID string // empty: the token is Django's
}

func (s *Server) checkToken(_ context.Context, caller *auth.Caller, _ *struct{}) (identity, error) {
	return identity{caller.User.ID, caller.SessionID}, nil
}

// setIdentity puts an identity into the headers of an answer. Pages of other
// origins are not shown them.
func setIdentity(h http.Header, out any) {
	id, is := out.(identity)
	if !is {
		return
	}
	h.Set(web.UserHeader, strconv.FormatInt(id.userID, 10))
	if id.sessionID != "" {
		h.Set(web.SessionHeader, id.sessionID)
	}
}
