package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// challengeLifetimes say how long a link in a mail works.
var challengeLifetimes = map[account.ChallengeKind]time.Duration{
	account.ResetPassword: time.Hour,
	account.VerifyEmail:   24 * time.Hour,
	account.ConfirmEmail:  24 * time.Hour,
	account.UndoEmail:     7 * 24 * time.Hour,
	account.SecondFactor:  5 * time.Minute,
	account.UndoFactor:    7 * 24 * time.Hour,
	account.NotMe:         7 * 24 * time.Hour,

	account.StopRecovery:   LongestRecoveryWait + account.RecoveryOpen,
	account.FinishRecovery: account.RecoveryOpen,

	account.AcceptRole: invitationLifetime,
}

// invitationLifetime is how long whom the staff invite may take: they did not
// ask for the mail.
const invitationLifetime = 72 * time.Hour

func badChallenge(key string) error {
	return account.FieldError("token", key, nil)
}

// asBadChallenge is for an act by a link whose address is not the user's any
// more.
func asBadChallenge(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return badChallenge("challenge_invalid")
	}
	return err
}

// randomBytes are random.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// RandomToken is a secret of 256 random bits, as text.
func RandomToken() string { return base64.RawURLEncoding.EncodeToString(randomBytes(32)) }

// newChallenge makes a token of 256 random bits and what is stored of it.
// SHA-256 without a salt is enough for a secret that cannot be guessed.
func newChallenge(kind account.ChallengeKind, userID int64, email string, now time.Time) (string, account.Challenge) {
	raw := RandomToken()
	return raw, account.Challenge{
		Hash: challengeHash(raw), Kind: kind, UserID: userID, Email: email,
		CreatedAt: now, ExpiresAt: now.Add(challengeLifetimes[kind]),
	}
}

func challengeHash(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// LinkFields are those of whatever is done by the link in a mail alone.
var LinkFields = []Field{tokenField}

// CheckChallenge says whether a token could be used now, without using it,
// or returns an error about the field "token". It names the account and the
// address that the token was mailed to, as that mail did: people have several
// accounts, and password managers want to know which.
func (s *Service) CheckChallenge(ctx context.Context, req account.RequestInfo, kind account.ChallengeKind, raw string) (username, email string, err error) {
	if err := s.guard.AllowRequest(ctx, guard.LinkPerNetwork, req); err != nil {
		return "", "", err
	}
	c, u, err := s.challenge(ctx, s.store, kind, raw)
	if err != nil {
		return "", "", err
	}
	return u.Username, c.Email, nil
}

// challenge returns a challenge that can be used now and its user.
func (s *Service) challenge(ctx context.Context, st *store.Store, kind account.ChallengeKind, raw string) (account.Challenge, account.User, error) {
	c, err := st.Challenge(ctx, kind, challengeHash(raw))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return c, account.User{}, badChallenge("challenge_invalid")
	case err != nil:
		return c, account.User{}, err
	case !c.UsedAt.IsZero():
		return c, account.User{}, badChallenge("challenge_used")
	case !s.now().Before(c.ExpiresAt):
		return c, account.User{}, badChallenge("challenge_expired")
	}
	u, err := st.UserByID(ctx, c.UserID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !mayUse(kind, u) {
		err = badChallenge("challenge_invalid")
	}
	return c, u, err
}

// mayUse says whether a user's links of a kind work. The way back opens an
// account again that was closed, perhaps by whoever took it; staff's word stands.
// A recovery is stopped in any state: it goes on in any.
func mayUse(kind account.ChallengeKind, u account.User) bool {
	return u.Active || kind == account.StopRecovery || kind == account.UndoEmail && !u.ClosedAt.IsZero()
}

// holdChallenge is challenge for a transaction that goes on from it: nobody
// proves its address, or changes its user, until that ends. They are held in this
// order and before the row, as redeemCode does: the link and the code of one
// mail, and an act that makes the link worthless, would each wait for the other.
func (s *Service) holdChallenge(ctx context.Context, tx *store.Store, kind account.ChallengeKind, raw string) (account.Challenge, account.User, error) {
	c, u, err := s.challenge(ctx, tx, kind, raw)
	if err != nil {
		return c, u, err
	}
	if err := tx.LockAddress(ctx, c.Email); err != nil {
		return c, u, err
	}
	if err := tx.LockUser(ctx, c.UserID); err != nil {
		return c, u, asBadChallenge(err)
	}
	return s.challenge(ctx, tx, kind, raw) // such an act may have been quicker
}

// redeemInput is redeem for a token as it came in, where nothing else did. It
// counts the request.
func (s *Service) redeemInput(ctx context.Context, req account.RequestInfo, kind account.ChallengeKind, in account.Input, fn func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error) error {
	if err := s.guard.AllowRequest(ctx, guard.LinkPerNetwork, req); err != nil {
		return err
	}
	errs := account.Fields{}
	raw := tokenField.read(errs, in)
	if err := errs.Err(); err != nil {
		return err
	}
	return s.redeem(ctx, kind, raw, fn)
}

// redeem runs fn in a transaction that uses the challenge up: of several
// requests with one token, one gets that far.
func (s *Service) redeem(ctx context.Context, kind account.ChallengeKind, raw string, fn func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error) error {
	now := s.now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		c, u, err := s.holdChallenge(ctx, tx, kind, raw)
		if err != nil {
			return err
		}
		err = tx.UseChallenge(ctx, kind, c.Hash, now)
		if errors.Is(err, store.ErrNotFound) { // another was quicker, by the clock or on the other server
			return badChallenge("challenge_used")
		}
		if err != nil {
			return err
		}
		return fn(ctx, tx, c, u, now)
	})
	if err == nil {
		s.outbox.Wake()
	}
	return err
}

// AlreadyVerified reports whether a verification link that cannot be used (any
// more) has nothing left to do: its address is the account's, and verified.
// Whoever has the link reads that mailbox, and learns nothing else.
func (s *Service) AlreadyVerified(ctx context.Context, raw string) (bool, error) {
	c, err := s.store.Challenge(ctx, account.VerifyEmail, challengeHash(raw))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	u, err := s.store.UserByID(ctx, c.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return u.Active && !u.EmailVerifiedAt.IsZero() && account.EmailKey(u.Email) == account.EmailKey(c.Email), err
}

// inField has the errors of a field stand at another.
func inField(err error, from, to string) error {
	var e *account.Error
	if !errors.As(err, &e) || e.Kind != account.Invalid || len(e.Fields[from]) == 0 {
		return err
	}
	errs := account.Fields{}
	for _, m := range e.Fields[from] {
		errs.Add(to, m.Key, m.Args)
	}
	return errs.Err()
}
