package auth

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
)

// NotMe is for whoever reads in a mail of something in their account that they
// did not do: by the link in it every session and every trust ends, no password
// opens the account, and a link to choose another is mailed to the same
// address. That has to be the account's, and proved: where somebody changed it
// since, the mail about that has the way back, and this link would give the
// account to whoever reads the new one. Links of this kind do not make one
// another worthless.
func (s *Service) NotMe(ctx context.Context, req account.RequestInfo, in account.Input) error {
	return s.redeemInput(ctx, req, account.NotMe, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		if account.EmailKey(c.Email) != account.EmailKey(u.Email) || u.EmailVerifiedAt.IsZero() {
			return badChallenge("not_me_moved")
		}
		return s.accounts.lockOut(ctx, tx, u, u.Email, linksOfPassword, audit.ByUser(account.EventNotMe, u.ID, "", req, now))
	})
}

// noteLogin notes from where somebody logs in, in the transaction of the
// login, and tells them of a place and a device that are new (ASVS 6.3.5).
func (s *Service) noteLogin(ctx context.Context, tx *store.Store, e entry) error {
	now := e.session.CreatedAt
	isNew, err := s.guard.NotePlace(ctx, tx, e.user, e.request, now)
	if err != nil || !isNew || e.event == account.EventRegistered || !s.o.Mail.NewDevice {
		return err
	}
	return s.outbox.Notify(ctx, tx, e.user, notice(account.MailNewDevice, e.request, now))
}
