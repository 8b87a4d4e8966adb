package staff

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// FindingKind is what a [Finding] tells.
type FindingKind string

// What keeps people from logging in, in the order in which it is told, the
// first first; then what does not, and helps to know.
const (
	FindDisabled       FindingKind = "disabled"        // By, At, Reason
	FindClosed         FindingKind = "closed"          // At, Until (restorable)
	FindMustWait       FindingKind = "must_wait"       // Until
	FindNotVerified    FindingKind = "not_verified"    // Blocks where only an address that is verified logs in
	FindNoAddress      FindingKind = "no_address"      // no link can be mailed
	FindNoPassword     FindingKind = "no_password"     // invited, or imported
	FindFactorLost     FindingKind = "factor_lost"     // Until: a recovery runs, which can be finished then
	FindFactorLocked   FindingKind = "factor_locked"   // too many wrong codes
	FindMailFailed     FindingKind = "mail_failed"     // At, Reason, Mail, MailKind
	FindSharedAddress  FindingKind = "shared_address"  // Others
	FindLastLogin      FindingKind = "last_login"      // At; zero: never
	FindFactor         FindingKind = "factor"          // there is one, since At
	FindNoFactor       FindingKind = "no_factor"       // there is none
	FindVerified       FindingKind = "verified"        // At
	FindPasswordInUse  FindingKind = "password"        // At
	FindInvitationOpen FindingKind = "invitation_open" // At: an invitation was mailed, and not used yet
	FindAddressWaits   FindingKind = "address_waits"   // Until: another address waits, whose reader can take it then; Email
)

// Finding is something that is so with an account.
type Finding struct {
	Kind     FindingKind
	Blocks   bool // it keeps the person from logging in
	At       time.Time
	Until    time.Time
	By       int64  // of the staff; zero: nobody, a command, or nobody knows
	Reason   string // that staff gave, or why a mail failed
	Email    string // that waits
	Mail     int64
	MailKind account.MailKind
	Others   []account.User // who claim the same address
}

// Diagnosis says whether a person can log in, and why not.
type Diagnosis struct {
	Possible bool
	Findings []Finding // those that block first
}

// mostOthers is how many accounts with the same address are named.
const mostOthers = 5

// Diagnose says why a person cannot log in, from what is stored: never whether
// a password that was tried is nearly right. The texts are the reader's.
func (s *Service) Diagnose(ctx context.Context, id int64) (Diagnosis, error) {
	u, err := s.User(ctx, id)
	if err != nil {
		return Diagnosis{}, err
	}
	var d Diagnosis
	for _, find := range []func(context.Context, account.User) ([]Finding, error){
		s.findState, s.findWait, s.findAddress, s.findPassword, s.findFactors, s.findCorrection, s.findMail, s.findOthers,
	} {
		found, err := find(ctx, u)
		if err != nil {
			return Diagnosis{}, err
		}
		d.Findings = append(d.Findings, found...)
	}
	d.Findings = append(d.Findings, Finding{Kind: FindLastLogin, At: u.LastLoginAt})
	d.Possible = !slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Blocks })
	slices.SortStableFunc(d.Findings, func(a, b Finding) int {
		rank := func(f Finding) int {
			if f.Blocks {
				return 0
			}
			return 1
		}
		return cmp.Compare(rank(a), rank(b))
	})
	return d, nil
}

func (s *Service) findState(ctx context.Context, u account.User) ([]Finding, error) {
	switch u.State() {
	case account.UserClosed:
		return []Finding{{Kind: FindClosed, Blocks: true, At: u.ClosedAt, Until: s.accounts.RestorableUntil(u)}}, nil
	case account.UserDisabled:
		f := Finding{Kind: FindDisabled, Blocks: true}
		events, err := s.store.Events(ctx, store.EventFilter{UserID: u.ID, Kind: account.EventUserDisabled}, 1)
		if err == nil && len(events) > 0 {
			f.At, f.By, f.Reason = events[0].At, events[0].ReadDetails().Agent, events[0].Reason
		}
		return []Finding{f}, err
	}
	return nil, nil
}

func (s *Service) findWait(ctx context.Context, u account.User) ([]Finding, error) {
	until, err := s.guard.LoginWaits(ctx, u)
	if err != nil || until.IsZero() {
		return nil, err
	}
	return []Finding{{Kind: FindMustWait, Blocks: true, Until: until}}, nil
}

func (s *Service) findAddress(_ context.Context, u account.User) ([]Finding, error) {
	if u.Email == "" {
		return []Finding{{Kind: FindNoAddress}}, nil
	}
	if u.EmailVerifiedAt.IsZero() {
		return []Finding{{Kind: FindNotVerified}}, nil
	}
	return []Finding{{Kind: FindVerified, At: u.EmailVerifiedAt}}, nil
}

func (s *Service) findPassword(ctx context.Context, u account.User) ([]Finding, error) {
	if hasPassword(u) {
		return []Finding{{Kind: FindPasswordInUse, At: u.PasswordAt}}, nil
	}
	found := []Finding{{Kind: FindNoPassword, Blocks: true}}
	events, err := s.store.Events(ctx, store.EventFilter{UserID: u.ID, Kind: account.EventUserInvited}, 1)
	if err == nil && len(events) > 0 {
		found = append(found, Finding{Kind: FindInvitationOpen, At: events[0].At})
	}
	return found, err
}

func (s *Service) findFactors(ctx context.Context, u account.User) ([]Finding, error) {
	factors, err := s.store.Factors(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	if len(factors) == 0 {
		return []Finding{{Kind: FindNoFactor}}, nil
	}
	found := []Finding{{Kind: FindFactor, At: factors[0].ConfirmedAt}}
	locked, err := s.guard.SecondLocked(ctx, u)
	if err != nil {
		return nil, err
	}
	if locked { // recovery codes and passkeys still work
		found = append(found, Finding{Kind: FindFactorLocked, Blocks: !slices.ContainsFunc(factors, func(f account.Factor) bool { return f.Kind == account.Passkey })})
	}
	r, err := s.accounts.Running(ctx, s.store, u.ID, s.now())
	if errors.Is(err, store.ErrNotFound) {
		return found, nil
	}
	if err == nil && !r.Keeps {
		found = append(found, Finding{Kind: FindFactorLost, At: r.StartedAt, Until: r.ReadyAt, Blocks: true})
	}
	return found, err
}

func (s *Service) findCorrection(ctx context.Context, u account.User) ([]Finding, error) {
	r, err := s.Correction(ctx, u.ID)
	if err != nil || r.ID == "" {
		return nil, err
	}
	return []Finding{{Kind: FindAddressWaits, At: r.StartedAt, Until: r.ReadyAt, Email: r.Email}}, nil
}

func (s *Service) findMail(ctx context.Context, u account.User) ([]Finding, error) {
	mails, err := s.store.MailsOf(ctx, u.ID, 0, 1)
	if err != nil || len(mails) == 0 || !mails[0].SentAt.IsZero() || mails[0].Failure == "" {
		return nil, err
	}
	m := mails[0]
	return []Finding{{Kind: FindMailFailed, At: m.CreatedAt, Reason: m.Failure, Mail: m.ID, MailKind: m.Kind}}, nil
}

func (s *Service) findOthers(ctx context.Context, u account.User) ([]Finding, error) {
	if u.Email == "" {
		return nil, nil
	}
	others, err := s.store.UsersByEmail(ctx, u.Email, mostOthers+1)
	others = slices.DeleteFunc(others, func(o account.User) bool { return o.ID == u.ID })
	if err != nil || len(others) == 0 {
		return nil, err
	}
	return []Finding{{Kind: FindSharedAddress, Others: others[:min(len(others), mostOthers)]}}, nil
}
