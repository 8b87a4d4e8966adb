package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Rotation: each use of a refresh token exchanges it for the next. The answer
// may be lost, and then the client has only the one before; so that one gets
// the same successor again, until the successor or an access token that came
// with it was seen here. When it comes after that, one of the two who hold
// tokens of this session has stolen it (RFC 9700, section 4.14.2).

// rotationGrace is how long after an exchange the token gets the same
// successor in any case: requests that were sent together arrive in any order.
const rotationGrace = 10 * time.Second

// standing is what a refresh token is to its session.
type standing uint8

const (
	newest   standing = iota
	repeated          // it was exchanged for the newest, and may be again
	replaced          // others took its place, and were used
)

// standing is asked by whoever takes a refresh token, and by whoever tells
// whether it would be taken. Where rotation is off, a session that was never
// rotated has one refresh token, and any that is signed for it will do.
func (s *Service) standing(c token.Claims, sess account.Session, now time.Time) standing {
	switch {
	case c.ID == sess.RefreshID, !s.o.Rotation && sess.PreviousID == "":
		return newest
	case c.ID == sess.PreviousID && sess.PreviousID != "" && (sess.Unseen() || now.Sub(sess.RefreshAt).Abs() <= rotationGrace): // not for as long as a clock was set back
		return repeated
	}
	return replaced
}

// rotate exchanges a session's newest refresh token and returns the session
// with the next. If another server was quicker, it is that one's repetition.
func (s *Service) rotate(ctx context.Context, req account.RequestInfo, claims token.Claims, sess account.Session, now time.Time) (account.Session, error) {
	next := store.Rotation{
		SessionID: sess.ID, OldID: claims.ID, NewID: token.NewID(),
		At: now, ExpiresAt: s.refreshEnd(sess, now),
	}
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.Rotate(ctx, next) })
	if err == nil {
		sess.RefreshID, sess.RefreshAt, sess.PreviousID, sess.UnseenID = next.NewID, next.At, next.OldID, next.NewID
		sess.LastUsedAt, sess.ExpiresAt = next.At, next.ExpiresAt
		return sess, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return sess, err
	}
	if sess, _, err = s.store.SessionUser(ctx, sess.ID); err != nil {
		return sess, asTokenError(err)
	}
	if !sess.Renewable(now) {
		return sess, account.ErrTokenInvalid
	}
	if s.standing(claims, sess, now) != repeated {
		return sess, s.refuseReplaced(ctx, req, sess, now)
	}
	return sess, nil
}

// refuseReplaced ends the session of a refresh token that came again although
// its successor was used. Where rotation is off the token is refused, and no
// more: whoever turned it off wants to hear of this no longer.
func (s *Service) refuseReplaced(ctx context.Context, req account.RequestInfo, sess account.Session, now time.Time) error {
	if !s.o.Rotation {
		return account.ErrTokenInvalid
	}
	err := s.endSession(ctx, sess.ID, audit.Entry{
		Kind: account.EventRefreshReuse, Actor: account.ActorAnonymous, UserID: sess.UserID, Session: sess.ID, Request: req, At: now,
	}, store.ErrNotFound)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	s.o.Log.WarnContext(ctx, "session revoked: a used refresh token came again", "user_id", sess.UserID, "session_id", sess.ID)
	return account.ErrTokenInvalid
}

// confirmRefreshToken notes that a token was seen that tells that the session's newest
// refresh token has arrived: itself, or an access token that came with it or
// after it. It costs one write for each exchange; the session that every
// request reads says whether it is due. A request does not fail because it
// cannot be noted: then the token before stays good a little longer.
func (s *Service) confirmRefreshToken(ctx context.Context, c token.Claims, sess account.Session) {
	if !sess.Unseen() || !arrived(c, sess) {
		return
	}
	if _, noting := s.noting.LoadOrStore(sess.RefreshID, nil); noting { // another request of the same page
		return
	}
	defer s.noting.Delete(sess.RefreshID)
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.SeeRefreshToken(ctx, sess.ID, sess.RefreshID)
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.o.Log.WarnContext(ctx, "that a refresh token is in use could not be noted", "session_id", sess.ID, "error", err.Error())
	}
}

// arrived reports whether a token of a session can only be held by somebody
// who got its newest refresh token. Dates in tokens are in seconds, so access
// tokens of the second of the exchange are told apart by their id.
func arrived(c token.Claims, sess account.Session) bool {
	if c.Type == token.Refresh {
		return c.ID == sess.RefreshID
	}
	exchanged := sess.RefreshAt.Truncate(time.Second)
	return c.IssuedAt.After(exchanged) || c.IssuedAt.Equal(exchanged) && c.ID == accessID(sess, exchanged)
}

// accessID is the id of an access token for a session. In the second of an
// exchange it follows from the id of the new refresh token.
func accessID(sess account.Session, at time.Time) string {
	if sess.PreviousID == "" || !at.Truncate(time.Second).Equal(sess.RefreshAt.Truncate(time.Second)) {
		return token.NewID()
	}
	sum := sha256.Sum256([]byte("access token with " + sess.RefreshID))
	return hex.EncodeToString(sum[:16])
}
