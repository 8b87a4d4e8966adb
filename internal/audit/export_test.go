package audit

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Seal seals in a transaction of the test's.
func Seal(ctx context.Context, tx *store.Store) (int64, error) { return seal(ctx, tx, 500) }

// Link is the place of an event that follows another, as an attacker can
// compute it, too.
func Link(before store.EventHead, e account.Event) store.EventHead { return nextHead(before, e) }
