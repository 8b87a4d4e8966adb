package staff

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Figures are how things stand now.
type Figures struct {
	Sessions      int
	SessionsExact bool
	MailsWait     int       // as the metrics count them: see [store.Store.MailsWaiting]
	MailsSince    time.Time // the oldest of those; zero: none waits
	MailsFailed   int
}

// Figures counts what is open and what waits.
func (s *Service) Figures(ctx context.Context) (f Figures, err error) {
	now := s.now()
	var errs [3]error
	f.Sessions, f.SessionsExact, errs[0] = s.store.CountSessions(ctx, now)
	waiting, err := s.store.MailsWaiting(ctx)
	f.MailsWait, f.MailsSince, errs[1] = waiting.Count, waiting.Oldest, err
	f.MailsFailed, errs[2] = s.store.CountFailedMails(ctx)
	return f, errors.Join(errs[:]...)
}

// mostAddressesLooked bounds what [Service.AddressesThenResets] reads.
const mostAddressesLooked = 200

// AddressesThenResets are the users whose address somebody of the staff changed
// in the last day, and to whose new one a link or a code that lets in was mailed
// within an hour; or to whom the account was given back at another address, which
// is both. That is how one of the staff would take an account: whoever reads the
// new address can ask for the link as anybody does. The newest comes first.
func (s *Service) AddressesThenResets(ctx context.Context) ([]int64, error) {
	changed, err := s.store.Events(ctx, store.EventFilter{
		Kinds: []account.EventKind{account.EventEmailSet, account.EventAccountRecovered}, From: s.now().Add(-24 * time.Hour),
	}, mostAddressesLooked)
	if err != nil {
		return nil, err
	}
	var users []int64
	for _, e := range changed {
		if e.UserID == 0 || slices.Contains(users, e.UserID) {
			continue
		}
		if e.Kind == account.EventAccountRecovered {
			if slices.Contains(e.ReadDetails().Fields, "email") {
				users = append(users, e.UserID)
			}
			continue
		}
		asked, err := s.store.Events(ctx, store.EventFilter{
			UserID: e.UserID, Kinds: []account.EventKind{account.EventPasswordResetRequested, account.EventLoginCodeRequested}, After: e.ID, To: e.At.Add(time.Hour),
		}, 1)
		if err != nil {
			return nil, err
		}
		if len(asked) > 0 {
			users = append(users, e.UserID)
		}
	}
	return users, nil
}

// DayFigures are what was done on a day.
type DayFigures struct {
	From                       time.Time
	Known                      bool // else its events were removed, or there were none yet
	Registered, Logins, Failed int
}

// Day counts what was done from one midnight to the next, by the events.
func (s *Service) Day(ctx context.Context, from, to time.Time) (d DayFigures, err error) {
	d.From = from
	begin, first, err := s.store.EventIDAt(ctx, from)
	if err != nil {
		return d, err
	}
	end, _, err := s.store.EventIDAt(ctx, to)
	if err != nil || end <= first {
		return d, err
	}
	counts, err := s.store.CountEvents(ctx, begin, end)
	d.Known = true
	d.Registered = counts[account.EventRegistered] + counts[account.EventUserCreated] + counts[account.EventUserInvited]
	d.Logins = counts[account.EventLogin]
	d.Failed = counts[account.EventLoginFailed] + counts[account.EventFactorRefused] + counts[account.EventPasswordRefused]
	return d, err
}

// Everybody says how many accounts there are.
func (s *Service) Everybody(ctx context.Context) (store.UserCount, error) {
	return s.store.CountUsers(ctx, store.UserFilter{})
}
