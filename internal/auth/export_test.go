package auth

import (
	"context"
)

// ClaimMail takes a mail that is due, and leaves it so.
func ClaimMail(ctx context.Context, s *Service) error {
	_, _, err := s.claimMail(ctx)
	return err
}

// Notice has a user told of unusual attempts.
func Notice(s *Service, userID int64) { s.suspectGuessing(userID) }

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
