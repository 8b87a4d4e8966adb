package auth

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// MailOptions say how mails go out. Without a Sender they stay in the outbox.
type MailOptions struct {
	Sender     *mail.Sender
	Link       func(kind account.ChallengeKind, token, language string) string
	Verify     bool // mail a link at registration
	Delivers   bool // mails reach people, who can so prove their address
	PerAddress int  // the most mails an hour of a kind to one mailbox that strangers can cause

	// ResetDelay is how long a request to reset a password waits before its
	// address is looked up: the work of delivering a mail must not slow down
	// the answer to the request that caused it.
	ResetDelay time.Duration

	Operator         string // whom to tell that something is wrong; empty: nobody
	OperatorLanguage string
}

// wakeMail has [Service.RunMail] look into the outbox now.
func (s *Service) wakeMail() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// How mails are delivered. A lease outlasts what it is for, so that of two
// servers that live one sends a mail. The first is until the SMTP server has
// let us in: when our server dies before that, another goes on soon. The
// second is for the mail and the answer to it, which may take long; when our
// server dies meanwhile, the mail may have been taken, and the other sends it
// again: better twice than never.
const (
	MailLease   = 6 * time.Minute  // more than mail.DefaultTimeouts.Begin
	MailHold    = 20 * time.Minute // more than its Begin, Content and Answer
	mailLook    = time.Second      // into the outbox, for what another server or a retry makes due
	mailsAtOnce = 4
	mostChoices = 50 // accounts of one address that a mail lists
)

// mailBackOff are the waits before another attempt; after the last a mail is
// given up, about a day after the first.
var mailBackOff = []time.Duration{
	10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
	2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour,
}

// Waits of their own.
const (
	// uncertainWait is for a mail that an SMTP server may have taken: the whole
	// text was sent and no answer was heard. It is tried once more, late; when
	// that ends in the same way, it may have come twice, and is given up.
	uncertainWait = time.Hour

	// unknownWait is for a mail of a kind that only a newer server knows. It
	// waits for one, however long that takes.
	unknownWait = time.Minute
)

// RunMail delivers what is in the outbox until ctx ends; then it waits for
// the attempts under way, which end with ctx too.
func (s *Service) RunMail(ctx context.Context) {
	var noticing sync.WaitGroup
	noticing.Go(func() { s.runGuessingAlerts(ctx) })
	defer noticing.Wait()
	slots := make(chan struct{}, mailsAtOnce)
	look := time.NewTicker(mailLook)
	defer look.Stop()
	for ctx.Err() == nil {
		slots <- struct{}{}
		m, lease, err := s.claimMail(ctx)
		if err == nil {
			go func() {
				defer func() { <-slots }()
				s.survive(ctx, func() { s.deliver(ctx, m, lease) }, "mail_id", m.ID)
			}()
			continue
		}
		<-slots
		if !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
			s.o.Log.WarnContext(ctx, "the outbox cannot be read, it will be tried again", "error", err.Error())
			select { // not at once, whoever wakes us
			case <-ctx.Done():
			case <-time.After(mailLook):
			}
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-look.C:
		}
	}
	for range mailsAtOnce {
		slots <- struct{}{}
	}
}

// survive runs fn and logs a panic of it, with what it was about: a mistake
// in one mail must not end the server.
func (s *Service) survive(ctx context.Context, fn func(), about ...any) {
	defer func() {
		if p := recover(); p != nil {
			s.o.Log.ErrorContext(ctx, "panic", append(about, "panic", p, "stack", string(debug.Stack()))...)
		}
	}()
	fn()
}

// claimMail takes a mail to deliver. It does not stop half-way when the
// server does: a claim that was made unknown to us would hold its mail for
// as long as the lease.
func (s *Service) claimMail(ctx context.Context) (m account.Mail, lease string, err error) {
	if err := ctx.Err(); err != nil {
		return m, "", err
	}
	ctx = context.WithoutCancel(ctx)
	lease = token.NewID()
	now := s.o.Now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		m, err = tx.ClaimMail(ctx, lease, now, now.Add(MailLease))
		return err
	})
	return m, lease, err
}

// deliver makes one attempt at a claimed mail and notes what came of it.
func (s *Service) deliver(ctx context.Context, m account.Mail, lease string) {
	wait, err := s.guard.TakeMailTurn(ctx, m)
	switch {
	case err != nil:
	case wait > 0:
		s.postpone(ctx, m, lease, wait, m.Failure)
		return
	case m.Kind == account.MailResetRequest:
		err = s.expandReset(ctx, m, lease)
		if err == nil {
			s.wakeMail()
			return
		}
	case !mail.Known(m.Kind):
		failure := mail.Reason(mail.ErrUnknownKind)
		if m.Failure != failure { // once
			s.o.Log.WarnContext(ctx, "mail left to a newer server", "mail_id", m.ID, "kind", string(m.Kind))
		}
		s.postpone(ctx, m, lease, unknownWait, failure)
		return
	default:
		err = s.send(ctx, m, lease)
	}
	now := s.o.Now()
	var sentAt, dueAt time.Time
	failure := ""
	switch {
	case err == nil:
		sentAt = now
	case errors.Is(err, errUnwanted):
		failure = account.MailUnwanted
	case mail.Uncertain(err): // also when the server stops
		if failure = mail.Reason(err); m.Failure != failure {
			dueAt = now.Add(uncertainWait)
		}
	case ctx.Err() != nil: // the next server's, at once, however often it was tried
		dueAt, failure = now, "the server stopped"
	case errors.Is(err, account.ErrUnavailable):
		dueAt, failure = now.Add(mailBackOff[0]), "the database did not answer"
	default:
		failure = mail.Reason(err)
		if !mail.Permanent(err) && m.Attempts <= len(mailBackOff) {
			dueAt = now.Add(mailBackOff[m.Attempts-1])
		}
	}
	if failure != "" {
		s.o.Log.WarnContext(ctx, "mail not delivered", "mail_id", m.ID, "kind", string(m.Kind), "attempt", m.Attempts, "error", failure, "given_up", dueAt.IsZero())
	}
	// Even when the server stops: what was sent must not be sent again.
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for try := 0; ; try++ {
		err = s.store.Tx(finish, func(ctx context.Context, tx *store.Store) error {
			return tx.FinishMail(ctx, m.ID, lease, sentAt, dueAt, failure)
		})
		if err == nil || errors.Is(err, store.ErrNotFound) || finish.Err() != nil || try == 5 {
			break
		}
		time.Sleep(time.Second)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.o.Log.ErrorContext(ctx, "what came of a mail could not be noted; it may be sent twice", "mail_id", m.ID, "error", err.Error())
	}
}

// postpone leaves a mail for later. That is no attempt.
func (s *Service) postpone(ctx context.Context, m account.Mail, lease string, wait time.Duration, failure string) {
	ctx = context.WithoutCancel(ctx)
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.PostponeMail(ctx, m.ID, lease, s.o.Now().Add(wait), failure)
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) { // then it is due again when the lease ends
		s.o.Log.WarnContext(ctx, "a mail could not be postponed", "mail_id", m.ID, "error", err.Error())
	}
}

// expandReset turns a request to reset a password into one mail: to the user
// who proved the address, or else with a link for each of those who claim it.
// Mostly that is one, or none.
func (s *Service) expandReset(ctx context.Context, m account.Mail, lease string) error {
	now := s.o.Now().UTC()
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		users, err := s.resettable(ctx, tx, m)
		if err != nil {
			return err
		}
		if err := tx.FinishMail(ctx, m.ID, lease, now, time.Time{}, ""); err != nil {
			return err
		}
		asker := account.RequestInfo{IP: m.IP, UserAgent: m.Details.Device, RequestID: m.Details.RequestID}
		asked := audit.Entry{Kind: account.EventPasswordResetRequested, Actor: account.ActorAnonymous, Request: asker, At: m.CreatedAt}
		if len(users) == 0 {
			return s.audit.Record(ctx, tx, asked)
		}
		for _, u := range users {
			asked.UserID = u.ID
			if err := s.audit.Record(ctx, tx, asked); err != nil {
				return err
			}
		}
		// In the language of whoever asked; not counted once more.
		reset := account.Mail{Kind: account.MailResetPassword, Email: m.Email, Language: m.Language, CreatedAt: now, Details: account.MailDetails{Username: m.Details.Username}}
		if len(users) == 1 { // to the address that we know, which may differ from the one that was typed
			u := users[0]
			reset.UserID, reset.Email = u.ID, u.Email
			reset.Details.Username = u.Username
		}
		return tx.AddMail(ctx, reset)
	})
}

// resettable returns the users whose password a mail to this address may
// reset, the newest first. If the mail names one, it is that one or nobody.
func (s *Service) resettable(ctx context.Context, tx *store.Store, m account.Mail) ([]account.User, error) {
	users := make([]account.User, 1)
	var err error
	users[0], err = tx.Prover(ctx, m.Email, 0)
	if errors.Is(err, store.ErrNotFound) {
		users, err = tx.NewestClaimants(ctx, m.Email, mostChoices)
		if name := m.Details.Username; err == nil && name != "" && len(users) == mostChoices {
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

// mailChallenges are the links of the mails that have one.
var mailChallenges = map[account.MailKind]account.ChallengeKind{
	account.MailResetPassword: account.ResetPassword,
	account.MailVerifyEmail:   account.VerifyEmail,
	account.MailConfirmEmail:  account.ConfirmEmail,
	account.MailEmailChanged:  account.UndoEmail,
}

var errUnwanted = errors.New(account.MailUnwanted)

// invalidateLinks makes a user's links of these kinds worthless, those that were mailed
// and those whose mails are still owed. The mails come first: send holds its
// row while it stores a link, so that either it finds the mail void or the
// nextHead is there to be voided.
func (s *Service) invalidateLinks(ctx context.Context, tx *store.Store, userID int64, now time.Time, kinds ...account.ChallengeKind) error {
	for mail, kind := range mailChallenges {
		if !slices.Contains(kinds, kind) {
			continue
		}
		if err := tx.CancelMails(ctx, userID, mail); err != nil {
			return err
		}
	}
	return tx.InvalidateChallenges(ctx, userID, now, kinds...)
}

// send makes the links, so that their tokens are kept nowhere, and the mail.
func (s *Service) send(ctx context.Context, m account.Mail, lease string) error {
	if s.o.Mail.Sender == nil {
		return errors.New("no way to send mail is configured")
	}
	link := ""
	if kind, has := mailChallenges[m.Kind]; has {
		var tokens []string
		err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) (err error) {
			tokens, err = s.makeLinks(ctx, tx, &m, kind, lease)
			return err
		})
		if err != nil {
			return err
		}
		for i, raw := range tokens {
			url := s.o.Mail.Link(kind, raw, m.Language)
			if i == 0 {
				link = url
			}
			if len(m.Choices) > 0 {
				m.Choices[i].Link = url
			}
		}
	}
	return s.o.Mail.Sender.BeforeHandover(func(ctx context.Context) error {
		return s.holdMail(ctx, m.ID, lease)
	}).Send(ctx, m, link)
}

// holdMail makes a lease longer before its mail is handed over. A mail
// that is not ours any more, or not wanted, is not sent.
func (s *Service) holdMail(ctx context.Context, id int64, lease string) error {
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.ExtendMail(ctx, id, lease, s.o.Now().Add(MailHold))
	})
	if errors.Is(err, store.ErrNotFound) {
		return errUnwanted
	}
	return err
}

// makeLinks stores a challenge for each user that a claimed mail is about,
// and returns their tokens. Of a mail about several it fills in m.Choices.
func (s *Service) makeLinks(ctx context.Context, tx *store.Store, m *account.Mail, kind account.ChallengeKind, lease string) ([]string, error) {
	err := tx.LockMail(ctx, m.ID, lease)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errUnwanted
	}
	if err != nil {
		return nil, err
	}
	users, err := s.readers(ctx, tx, m)
	if err != nil {
		return nil, err
	}
	tokens := make([]string, 0, len(users))
	m.Choices = nil
	for _, u := range users {
		raw, c := newChallenge(kind, u.ID, m.Email, s.o.Now().UTC())
		if err := tx.CreateChallenge(ctx, c); err != nil {
			return nil, err
		}
		tokens = append(tokens, raw)
		if len(users) > 1 {
			m.Choices = append(m.Choices, account.MailChoice{Username: u.Username})
		}
	}
	return tokens, nil
}

// readers returns the users whom a mail with a link is for, now that it goes
// out, or errUnwanted.
func (s *Service) readers(ctx context.Context, tx *store.Store, m *account.Mail) ([]account.User, error) {
	if m.UserID == 0 { // a reset for an address that several claim
		users, err := s.resettable(ctx, tx, *m)
		if err == nil && len(users) == 0 {
			err = errUnwanted
		}
		if len(users) == 1 {
			address(m, users[0])
		}
		return users, err
	}
	u, err := tx.UserByID(ctx, m.UserID)
	if errors.Is(err, store.ErrNotFound) || err == nil && stale(*m, u) {
		err = errUnwanted
	}
	if m.Kind.Awaited() { // a notice is about what was
		address(m, u)
	}
	return []account.User{u}, err
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
// from the owner.
func stale(m account.Mail, u account.User) bool {
	if m.Kind == account.MailEmailChanged {
		return false
	}
	if !u.Active {
		return true
	}
	switch m.Kind {
	case account.MailVerifyEmail:
		return !u.EmailVerifiedAt.IsZero() || account.EmailKey(u.Email) != account.EmailKey(m.Email)
	case account.MailResetPassword:
		return account.EmailKey(u.Email) != account.EmailKey(m.Email)
	}
	return false
}

// Mails returns the newest mails of the outbox.
func (s *Service) Mails(ctx context.Context, limit int) ([]account.Mail, error) {
	return s.store.Mails(ctx, limit)
}

// RetryMail makes a mail that was not delivered due again.
func (s *Service) RetryMail(ctx context.Context, id int64) error {
	now := s.o.Now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RetryMail(ctx, id, now); err != nil {
			return err
		}
		a := s.audit.ByStaff(account.EventMailRetried, 0, now)
		a.Details.Mail = id
		return s.audit.Record(ctx, tx, a)
	})
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrNotFound
	}
	return err
}

// RetryMails makes every mail that was given up due again and says how many
// there were.
func (s *Service) RetryMails(ctx context.Context) (int, error) {
	ids, err := s.store.FailedMails(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := s.RetryMail(ctx, id); err != nil && !errors.Is(err, account.ErrNotFound) {
			return 0, err
		}
	}
	return len(ids), nil
}
