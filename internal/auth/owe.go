package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/limit"
	"github.com/yoozak/clients/internal/store"
)

// What strangers can have mailed to an address has a quota for each mailbox
// and kind of mail: one kind does not use up another. One network has a share
// of it, so that whoever asks over and over from theirs leaves something to
// the owner's. A mail that is over either is not dropped. It waits in the
// outbox until both allow it; while it waits, no other of its kind goes to
// that mailbox, or to it from that network. So a stranger can delay what an
// owner asked for by some minutes, and cannot use it up.

// turn is when a mail may go out.
type turn struct {
	wait time.Duration // zero: now
	key  string        // what it waits for, if it waits
}

// turnKeys name what a mail is counted under.
type turnKeys struct{ share, mailbox string }

func (s *Service) turnKeys(ctx context.Context, kind account.MailKind, email, ip string) (turnKeys, error) {
	secret, err := s.secret(ctx)
	if err != nil {
		return turnKeys{}, err
	}
	mailbox := account.MailboxKey(email)
	return turnKeys{
		share:   secret.key("mail share "+string(kind), widestNetwork(ip)+" "+mailbox),
		mailbox: secret.key("mail "+string(kind), mailbox),
	}, nil
}

// mailTurn counts a mail of a kind that was asked for from an IP address. It
// comes before the transaction that adds the mail with [Service.addMail]:
// counts are no part of one.
func (s *Service) mailTurn(ctx context.Context, kind account.MailKind, email, ip string) (turn, error) {
	if s.o.Limits == nil {
		return turn{}, nil
	}
	keys, err := s.turnKeys(ctx, kind, email, ip)
	if err != nil {
		return turn{}, err
	}
	for _, key := range []string{keys.mailbox, keys.share} {
		waiting, err := s.store.DelayedMail(ctx, key)
		if err == nil {
			return turn{max(waiting.DueAt.Sub(s.o.Now()), time.Second), key}, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return turn{}, err
		}
	}
	if wait := s.o.Limits.Take(ctx, s.mailShare(kind), keys.share); wait > 0 {
		return turn{wait, keys.share}, nil
	}
	return turn{s.o.Limits.Take(ctx, s.mailQuota(kind), keys.mailbox), keys.mailbox}, nil
}

// mailQuota is what all networks can have mailed to a mailbox.
func (s *Service) mailQuota(kind account.MailKind) limit.Quota {
	return limit.Quota{Name: "mail " + string(kind), Count: max(1, s.o.Mail.PerAddress), Per: time.Hour}
}

// mailShare is what one network can: the rest is the others' when one has
// used up its share.
func (s *Service) mailShare(kind account.MailKind) limit.Quota {
	return limit.Quota{Name: "mail share " + string(kind), Count: max(1, s.o.Mail.PerAddress*4/5), Per: time.Hour}
}

// takeTurn counts a mail that had to wait, now that it would go out, and
// returns how much longer it has to wait: one that waited for its network's
// share may find that others used up the mailbox's.
func (s *Service) takeTurn(ctx context.Context, m account.Mail) (time.Duration, error) {
	if m.DelayKey == "" || s.o.Limits == nil {
		return 0, nil
	}
	keys, err := s.turnKeys(ctx, m.Kind, m.Email, m.IP)
	if err != nil {
		return 0, err
	}
	wait := s.o.Limits.Take(ctx, s.mailQuota(m.Kind), keys.mailbox)
	if m.DelayKey != keys.share {
		return 0, nil
	}
	if wait == 0 {
		s.o.Limits.Take(ctx, s.mailShare(m.Kind), keys.share)
	}
	return wait, nil
}

// addMail owes a mail when its turn comes. It returns
// [account.ThrottledFor] if another account's mail has that turn: then
// nothing is owed.
func (s *Service) addMail(ctx context.Context, tx *store.Store, m account.Mail, t turn) error {
	if t.wait == 0 {
		return tx.AddMail(ctx, m)
	}
	m.DueAt, m.DelayKey = m.CreatedAt.Add(t.wait), t.key
	err := tx.AddMail(ctx, m)
	if !errors.Is(err, store.ErrTaken) {
		return err
	}
	waiting, err := tx.DelayedMail(ctx, t.key)
	if errors.Is(err, store.ErrNotFound) || err == nil && waiting.UserID != m.UserID {
		return account.ThrottledFor(t.wait)
	}
	return err
}

// owesVerification says whether a new user is mailed a link.
func (s *Service) owesVerification(u account.User) bool { return s.o.Mail.Verify && u.Email != "" }

// mailVerification owes a user a link to prove their address.
func (s *Service) mailVerification(ctx context.Context, tx *store.Store, u account.User, ip string, now time.Time, t turn) error {
	return s.addMail(ctx, tx, account.Mail{
		Kind: account.MailVerifyEmail, UserID: u.ID, Email: u.Email, Language: u.Language, IP: ip,
		Details: account.MailDetails{Username: u.Username}, CreatedAt: now,
	}, t)
}

// notify owes a user a notice, if they have proved their address: anybody can
// register with anybody's, and must not have them mailed.
func (s *Service) notify(ctx context.Context, tx *store.Store, u account.User, m account.Mail) error {
	if u.Email == "" || u.EmailVerifiedAt.IsZero() {
		return nil
	}
	return s.notifyAt(ctx, tx, u, u.Email, m)
}

// notifyAt owes a user a notice at an address that they have proved, and may
// not have any more.
func (s *Service) notifyAt(ctx context.Context, tx *store.Store, u account.User, email string, m account.Mail) error {
	m.UserID, m.Email, m.Language = u.ID, email, u.Language
	m.Details.Verified, m.Details.FirstName = true, u.FirstName
	if m.Details.Username == "" {
		m.Details.Username = u.Username
	}
	return tx.AddMail(ctx, m)
}

func (s *Service) mailPasswordChanged(ctx context.Context, tx *store.Store, u account.User, req account.RequestInfo, now time.Time) error {
	return s.notify(ctx, tx, u, account.Mail{
		Kind: account.MailPasswordChanged, IP: req.IP,
		Details: account.MailDetails{IP: req.IP, Device: req.UserAgent}, CreatedAt: now,
	})
}
