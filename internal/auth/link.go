package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/outbox"
	"github.com/yoozak/clients/internal/store"
)

// LinkLifetime is how long the link in a mail of a kind works; zero: it has
// none.
func LinkLifetime(kind account.MailKind) time.Duration {
	if kind == account.MailInvited {
		return invitationLifetime
	}
	return challengeLifetimes[mailChallenges[kind]]
}

// address says in a mail whom it is to, as far as they have shown that it is
// them.
func address(m *account.Mail, u account.User) {
	m.Details.Username = u.Username
	m.Details.Verified = !u.EmailVerifiedAt.IsZero() && account.EmailKey(u.Email) == account.EmailKey(m.Email)
	m.Details.FirstName = u.FirstName
}

// stale says that a mail with a link came too late. The way back never does:
// whoever closes or disables the account before it arrives does not take it
// from the owner. Nor does the end of a recovery, which is mailed once: its link
// works when the account is open again.
func stale(m account.Mail, u account.User) bool {
	if kind := mailChallenges[m.Kind]; kind == account.UndoEmail || kind == account.UndoFactor || kind == account.NotMe || kind == account.StopRecovery { // a notice of what was
		return false
	}
	if m.Kind == account.MailRecoveryReady {
		return false
	}
	if !u.Active {
		return true
	}
	switch m.Kind {
	case account.MailVerifyEmail:
		return !u.EmailVerifiedAt.IsZero() || account.EmailKey(u.Email) != account.EmailKey(m.Email)
	case account.MailResetPassword, account.MailLoginCode, account.MailConfirmCode, account.MailInvited, account.MailRoleOffered:
		return account.EmailKey(u.Email) != account.EmailKey(m.Email)
	}
	return false
}

// maxChoices is how many accounts of one address a mail lists.
const maxChoices = 50

// resettable returns the users whose password a mail to this address may
// reset, the newest first. If the mail names one, it is that one or nobody. Of
// more than a mail lists it is the newest and the oldest, half each: whoever
// claims somebody's address many times does it before or after them.
func (s *Service) resettable(ctx context.Context, tx *store.Store, m account.Mail) ([]account.User, error) {
	users := make([]account.User, 1)
	var err error
	users[0], err = tx.Prover(ctx, m.Email, 0)
	if errors.Is(err, store.ErrNotFound) {
		users, err = tx.NewestClaimants(ctx, m.Email, maxChoices)
		if err == nil && len(users) == maxChoices {
			users, err = oldestToo(ctx, tx, m.Email, users)
		}
		if name := m.Details.Username; err == nil && name != "" && len(users) == maxChoices {
			var u account.User // perhaps not among the newest
			u, err = tx.UserByUsername(ctx, name)
			if err == nil && u.Active && account.EmailKey(u.Email) == account.EmailKey(m.Email) {
				users = []account.User{u}
			}
			if errors.Is(err, store.ErrNotFound) {
				err = nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if name := m.Details.Username; name != "" {
		users = slices.DeleteFunc(users, func(u account.User) bool { return u.Username != name })
	}
	return users, nil
}

// oldestToo puts the oldest users who claim an address in place of the older half
// of the newest ones.
func oldestToo(ctx context.Context, tx *store.Store, email string, newest []account.User) ([]account.User, error) {
	oldest, err := tx.Claimants(ctx, email, len(newest)/2)
	if err != nil {
		return nil, err
	}
	users := newest[:len(newest)-len(oldest)]
	last := users[len(users)-1].ID
	for _, u := range slices.Backward(oldest) {
		if u.ID < last {
			users = append(users, u)
		}
	}
	return users, nil
}

// expandReset turns a request to reset a password into one mail: to the user
// who proved the address, or else with a link for each of those who claim it.
// Mostly that is one, or none.
func (s *Service) expandReset(ctx context.Context, m *outbox.Claim) error {
	return s.expand(ctx, m, account.MailResetPassword, account.EventPasswordResetRequested)
}

// expandLogin turns a request for a code to log in into one mail, to the one
// user whom the address means. Where several claim it and nobody has proved
// it, nothing is mailed: the password, and a reset, tell them apart.
func (s *Service) expandLogin(ctx context.Context, m *outbox.Claim) error {
	return s.expand(ctx, m, account.MailLoginCode, account.EventLoginCodeRequested)
}

func (s *Service) expand(ctx context.Context, m *outbox.Claim, kind account.MailKind, event account.EventKind) error {
	now := s.now()
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		users, err := s.resettable(ctx, tx, m.Mail)
		if err != nil {
			return err
		}
		if err := m.Finish(ctx, tx, now); err != nil {
			return err
		}
		asker := account.RequestInfo{IP: m.IP, UserAgent: m.Details.Device, RequestID: m.Details.RequestID}
		asked := audit.Entry{Kind: event, Actor: account.ActorAnonymous, Request: asker, At: m.CreatedAt}
		if len(users) == 0 {
			return s.audit.Record(ctx, tx, asked)
		}
		for _, u := range users {
			asked.UserID = u.ID
			if err := s.audit.Record(ctx, tx, asked); err != nil {
				return err
			}
		}
		if len(users) > 1 && kind == account.MailLoginCode {
			return nil
		}
		// In the language of whoever asked; not counted once more.
		next := account.Mail{Kind: kind, Email: m.Email, Language: m.Language, CreatedAt: now, Details: account.MailDetails{Username: m.Details.Username}}
		if len(users) == 1 { // to the address that we know, which may differ from the one that was typed
			u := users[0]
			next.UserID, next.Email = u.ID, u.Email
			next.Details.Username = u.Username
		}
		if m.Details.CodeHash != "" {
			next.Details.CodeHash, next.Details.IP, next.Details.Device = m.Details.CodeHash, m.IP, m.Details.Device
		}
		return tx.AddMail(ctx, next)
	})
}

// readers returns the users whom a mail with a link is for, now that it goes
// out, or outbox.ErrUnwanted.
func (s *Service) readers(ctx context.Context, tx *store.Store, m *account.Mail) ([]account.User, error) {
	if m.UserID == 0 { // a reset for an address that several claim
		users, err := s.resettable(ctx, tx, *m)
		if err == nil && len(users) == 0 {
			err = outbox.ErrUnwanted
		}
		if len(users) == 1 {
			address(m, users[0])
		}
		return users, err
	}
	u, err := tx.UserByID(ctx, m.UserID)
	if errors.Is(err, store.ErrNotFound) || err == nil && stale(*m, u) {
		err = outbox.ErrUnwanted
	}
	if m.Kind.Awaited() { // a notice is about what was
		address(m, u)
	}
	return []account.User{u}, err
}

// mostLate is how long after an act its link is mailed to an address that is not
// the account's: the attempts at a mail take a day, and a mail server may be away
// for some. Whoever tries a failed mail again weeks later opens nothing.
const mostLate = 7 * 24 * time.Hour

// aboutAnAct reports whether a link does, or undoes, what was done or asked for in
// an account, rather than what its reader asks for.
func aboutAnAct(kind account.ChallengeKind) bool {
	switch kind {
	case account.ConfirmEmail, account.UndoEmail, account.UndoFactor, account.NotMe, account.StopRecovery:
		return true
	}
	return false
}

// limitElsewhere is for the link of an act to an address that is not the
// account's, or not yet: it is not made weeks later, and lasts no longer than the
// way back to that address, after which nobody who reads it has a say.
func limitElsewhere(ctx context.Context, tx *store.Store, c *account.Challenge, act time.Time) error {
	now := c.CreatedAt
	if now.Sub(act) > mostLate {
		return outbox.ErrUnwanted
	}
	if c.Kind == account.ConfirmEmail || c.Kind == account.UndoEmail {
		return nil
	}
	until, err := tx.OpenUntil(ctx, c.UserID, account.UndoEmail, c.Email, now)
	if errors.Is(err, store.ErrNotFound) { // owed still, or there is none: it was the account's a moment ago
		return nil
	}
	if until.Before(c.ExpiresAt) {
		c.ExpiresAt = until
	}
	return err
}

// makeLinks stores a challenge for each user that a claimed mail is about,
// and returns their tokens. Of a mail about several it fills in c.Choices; one
// about one user gets its code.
func (s *Service) makeLinks(ctx context.Context, tx *store.Store, key *guard.Secret, c *outbox.Claim, kind account.ChallengeKind) ([]string, error) {
	if err := c.Lock(ctx, tx); err != nil {
		return nil, err
	}
	users, err := s.readers(ctx, tx, &c.Mail)
	if err != nil {
		return nil, err
	}
	now := s.now()
	tokens := make([]string, 0, len(users))
	c.Choices = nil
	for _, u := range users {
		raw, challenge := newChallenge(kind, u.ID, c.Email, now)
		if aboutAnAct(kind) && account.EmailKey(c.Email) != account.EmailKey(u.Email) {
			if err := limitElsewhere(ctx, tx, &challenge, c.CreatedAt); err != nil {
				return nil, err
			}
		}
		if kind == account.UndoEmail { // as old as the change: a mail that comes late, or again, is no younger way back
			challenge.CreatedAt = c.CreatedAt
		}
		if c.Kind == account.MailInvited {
			challenge.ExpiresAt = challenge.CreatedAt.Add(invitationLifetime)
		}
		challenge.FactorID = c.Details.Factor
		if err := tx.CreateChallenge(ctx, challenge); err != nil {
			return nil, err
		}
		tokens = append(tokens, raw)
		if len(users) > 1 {
			c.Choices = append(c.Choices, account.MailChoice{Username: u.Username})
		}
	}
	if len(users) == 1 {
		c.Code, err = s.issueCode(ctx, tx, key, c.Mail, users[0])
	}
	return tokens, err
}

// sendCode makes the code of a mail that has no link, and sends it. Of who has
// had too many wrong codes the mail says so.
func (s *Service) sendCode(ctx context.Context, c *outbox.Claim) error {
	key, err := s.guard.CodeKey(ctx)
	if err != nil {
		return err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := c.Lock(ctx, tx); err != nil {
			return err
		}
		users, err := s.readers(ctx, tx, &c.Mail)
		if err != nil {
			return err
		}
		c.Code, err = s.issueCode(ctx, tx, key, c.Mail, users[0])
		return err
	})
	if err != nil {
		return err
	}
	return c.Send(ctx, "")
}

// sendLink makes the links of a mail, so that their tokens are kept nowhere,
// and sends it.
func (s *Service) sendLink(ctx context.Context, c *outbox.Claim) error {
	kind := mailChallenges[c.Kind]
	var tokens []string
	key, err := s.guard.CodeKey(ctx)
	if err != nil {
		return err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) (err error) {
		tokens, err = s.makeLinks(ctx, tx, key, c, kind)
		return err
	})
	if err != nil {
		return err
	}
	link := ""
	for i, raw := range tokens {
		url := s.o.Mail.Link(kind, raw, c.Language)
		if i == 0 {
			link = url
		}
		if len(c.Choices) > 0 {
			c.Choices[i].Link = url
		}
	}
	return c.Send(ctx, link)
}
