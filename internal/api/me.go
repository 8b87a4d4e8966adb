package api

import (
	"context"

	"github.com/yoozak/clients/internal/auth"
)

func (s *Server) me(_ context.Context, caller *auth.Caller, _ *struct{}) (userBody, error) {
	return newUserBody(caller.User), nil
}
