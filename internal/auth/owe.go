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

// mailQuotas are those that a mail counts for.
type mailQuotas struct {
	share, mailbox       limit.Quota // of one network, and of all
	shareKey, mailboxKey string
}

// mailQuotas returns the quotas of a mail (of fewer than five an hour, one network
// may have all): its kind, address, IP and, of a
// request to reset a password, whether it names one account. Such a request
// may send nothing, or what the owner has no use for; so it has a quota of its
// own, and takes nothing from a request that names none.
func (s *Service) mailQuotas(ctx context.Context, m account.Mail) (mailQuotas, error) {
	secret, err := s.secret(ctx)
	if err != nil {
		return mailQuotas{}, err
	}
	kind := string(m.Kind)
	if m.Kind == account.MailResetRequest && m.Details.Username != "" {
		kind += " of one"
	}
	mailbox := account.MailboxKey(m.Email)
	n := max(1, s.o.Mail.PerAddress)
	return mailQuotas{
		share:      limit.Quota{Name: "mail share " + kind, Count: n - n/5, Per: time.Hour},
		mailbox:    limit.Quota{Name: "mail " + kind, Count: n, Per: time.Hour},
		shareKey:   secret.key("mail share "+kind, widestNetwork(m.IP)+" "+mailbox),
		mailboxKey: secret.key("mail "+kind, mailbox),
	}, nil
}

// mailTurn counts a mail that somebody asks for. It comes before the
// transaction that adds the mail with [Service.addMail]: counts are no part of
// one.
func (s *Service) mailTurn(ctx context.Context, m account.Mail) (turn, error) {
	if s.o.Limits == nil {
		return turn{}, nil
	}
	q, err := s.mailQuotas(ctx, m)
	if err != nil {
		return turn{}, err
	}
	for _, key := range []string{q.mailboxKey, q.shareKey} {
		waiting, err := s.store.DelayedMail(ctx, key)
		if err == nil {
			return turn{max(waiting.DueAt.Sub(s.o.Now()), time.Second), key}, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return turn{}, err
		}
	}
	if wait := s.o.Limits.Take(ctx, q.share, q.shareKey); wait > 0 {
		return turn{wait, q.shareKey}, nil
	}
	return turn{s.o.Limits.Take(ctx, q.mailbox, q.mailboxKey), q.mailboxKey}, nil
}

// takeTurn counts a mail that had to wait, now that it would go out, and
// returns how much longer it has to wait: one that waited for its network's
// share may find that others used up the mailbox's.
func (s *Service) takeTurn(ctx context.Context, m account.Mail) (time.Duration, error) {
	if m.DelayKey == "" || s.o.Limits == nil {
		return 0, nil
	}
	q, err := s.mailQuotas(ctx, m)
	if err != nil {
		return 0, err
	}
	wait := s.o.Limits.Take(ctx, q.mailbox, q.mailboxKey)
	if m.DelayKey != q.shareKey {
		return 0, nil
	}
	if wait == 0 {
		s.o.Limits.Take(ctx, q.share, q.shareKey)
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
