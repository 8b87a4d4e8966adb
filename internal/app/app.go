// Package app puts the parts of the program together as the settings say, for
// the server and the command line: who stands on whom is said here, once. It
// holds no rule and speaks no protocol.
package app

import (
	"log/slog"

	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/limit"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// App is the parts, each safe for concurrent use.
type App struct {
	Store    *store.Store
	Tokens   *token.Tokens
	Hasher   *password.Hasher
	Breached *breach.Checker
	Limits   *limit.Limiter // nil: nobody is limited
	Sender   *mail.Sender   // nil: no server
	Auth     *auth.Service

	log *slog.Logger
}

// Hashing is what a process does for requests while passwords are hashed.
type Hashing struct {
	Busy func(busy bool) // called when hashing begins, and when there was none for a while; nil: nothing
}
