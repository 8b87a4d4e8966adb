package auth

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/keys"
	"github.com/yoozak/clients/internal/outbox"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store    *store.Store
	tokens   *token.Tokens
	accounts *Accounts
	audit    *audit.Log
	guard    *guard.Guard
	hasher   *password.Hasher
	keys     *keys.Manager
	outbox   *outbox.Outbox
	rp       *relyingParty // nil: there are no passkeys
	o        Options

	turns  turns    // of requests that exchange one refresh token
	noting sync.Map // ids of refresh tokens of which it is being noted that they are in use

	clockWarned atomic.Int64 // when the log said that the clock was ahead, in seconds since 1970
}

// now is the time by the clock that every rule goes by.
func (s *Service) now() time.Time { return s.o.Now().UTC() }
