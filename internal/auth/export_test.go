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
