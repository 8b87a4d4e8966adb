package staff

import (
	"context"
	"errors"
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

// mostHandedOver is how many users [Service.AddressesThenLinks] names at most.
const mostHandedOver = 100

// AddressesThenLinks are the users whose address somebody of the staff changed
// in the last two days, and to whose new one a link or a code that lets in was
// mailed since; or to whom the account was given back at another address, which
// is both. That is how one of the staff would take an account: whoever reads the
// new address can ask for the link as anybody does. The newest comes first.
func (s *Service) AddressesThenLinks(ctx context.Context) ([]int64, error) {
	from, _, err := s.store.EventIDAt(ctx, s.now().Add(-48*time.Hour))
	if err != nil {
		return nil, err
	}
	return s.store.AddressesThenLinks(ctx, from, mostHandedOver)
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
