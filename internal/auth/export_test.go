package auth

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// ClaimMail takes a mail that is due, and leaves it so.
func ClaimMail(ctx context.Context, s *Service) error {
	_, _, err := s.claimMail(ctx)
	return err
}

// Notice has a user told of unusual attempts.
func Notice(s *Service, userID int64) { s.suspectGuessing(userID) }

// Seal seals in a transaction of the test's.
func Seal(ctx context.Context, tx *store.Store) (int, error) { return seal(ctx, tx) }

// Record adds an event in a transaction of the test's.
func Record(ctx context.Context, s *Service, tx *store.Store, kind account.EventKind, at time.Time) error {
	return s.record(ctx, tx, entry{kind: kind, at: at})
}

// Networks are the names of those that an address counts for, the narrowest
// first.
func Networks(ip string) (names []string) {
	for _, n := range networks(ip) {
		names = append(names, n.name)
	}
	return names
}

// GoesAhead reports whether a hash for a user is made ahead of strangers'.
func GoesAhead(ctx context.Context, s *Service, userID int64) bool { return s.goesAhead(ctx, userID) }

// UseUpService takes all that a service may ask at once.
func UseUpService(ctx context.Context, s *Service, id string) {
	for range askPerService.Count {
		_ = s.take(ctx, askPerService, id)
	}
}

// Link is the place of an event that follows another, as an attacker can
// compute it, too.
func Link(before account.EventHead, e account.Event) account.EventHead { return nextHead(before, e) }
