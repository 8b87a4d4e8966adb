package auth

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// KeyDelay is how long a new key is published before it signs, so that every
// server and every service that keeps our key set knows it by then.
const KeyDelay = 2 * time.Minute

// ErrNoKeys says that keys are not ours to manage: the secret of HS256 is
// the operator's.
var ErrNoKeys = errors.New("with HS256 there are no keys to manage: YOOZAK_JWT_SECRET is the key")

// keyKind is what keys are made for.
type keyKind struct {
	algorithm string
	typ       token.Type
}

func (s *Service) keyKinds() []keyKind {
	if s.tokens.Algorithm() == "HS256" {
		return nil
	}
	return []keyKind{{s.tokens.Algorithm(), token.Access}, {"HS256", token.Refresh}}
}

// keyLoads lets one goroutine at a time take the keys from the database:
// who read them first must not put them in place last, and bring back a key
// that was revoked in between.
type keyLoads struct {
	mu     sync.Mutex
	loaded atomic.Bool // once: what is in clear is not believed any more
	asked  struct {    // because of a token
		mu      sync.Mutex
		last    time.Time
		running *keyReload // the one under way; nil: none
		err     error      // of the last one
	}
}

// keyReload is a load that many callers wait for.
type keyReload struct {
	done chan struct{}
	err  error // once it is done
}

// LoadKeys takes the keys from the database and makes those that are
// missing. Two servers that start at once make one key.
//
// Where one cannot be read, nothing is made or changed in the database, and
// that is the error; a server that runs goes on with what it has of the keys
// that are still there, so that a damaged key does not keep it from hearing
// that another was revoked.
func (s *Service) LoadKeys(ctx context.Context) error {
	if s.keyKinds() == nil {
		s.tokens.SetKeys(nil, s.o.Now())
		return nil
	}
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	keys, err := s.store.Keys(ctx)
	if err != nil {
		return err
	}
	private, unreadable := s.opened(keys, s.believesClear(keys))
	if unreadable == nil {
		if keys, private, err = s.completeKeys(ctx, keys, private); err != nil {
			return err
		}
	}
	loaded := make([]*token.Key, 0, len(keys))
	for _, k := range keys {
		key := &token.Key{ID: k.ID, Algorithm: k.Algorithm, Use: token.KeyUse(k.TokenType)}
		if plain, readable := private[k.ID]; readable {
			if err := key.Load(plain); err != nil {
				return err
			}
		} else if known := s.tokens.Key(k.ID); known != nil {
			key = known
		} else {
			continue
		}
		key.ActiveAt, key.RetiresAt = k.ActiveAt, s.retires(keys, k)
		loaded = append(loaded, key)
	}
	s.tokens.SetKeys(loaded, s.o.Now())
	if unreadable == nil {
		s.keys.loaded.Store(true)
	}
	return unreadable
}

// completeKeys makes the keys that are missing and, at the first load,
// encrypts those in clear.
func (s *Service) completeKeys(ctx context.Context, keys []store.SigningKey, private map[string]secret.Bytes) ([]store.SigningKey, map[string]secret.Bytes, error) {
	if err := s.sealFirst(ctx, keys); err != nil {
		return nil, nil, err
	}
	made := false
	for _, kind := range s.keyKinds() {
		if _, found := youngest(keys, kind); found {
			continue
		}
		now := s.o.Now()
		if err := s.createKey(ctx, kind, 1, now, now); err != nil && !errors.Is(err, store.ErrTaken) {
			return nil, nil, err
		}
		made = true
	}
	if !made {
		return keys, private, nil
	}
	keys, err := s.store.Keys(ctx)
	if err != nil {
		return nil, nil, err
	}
	private, err = s.opened(keys, s.believesClear(keys))
	return keys, private, err
}

// reloadPatience is how long a request waits for the keys because of a key
// that is not known here.
const reloadPatience = 2 * time.Second

// reloadKeys is LoadKeys because of a token, at most once a second, so that
// strangers cannot make us read the keys at every request. It reports whether
// they were read. Those who come meanwhile wait for
// the same load, none longer than they want or [reloadPatience]: strangers
// must not pile up behind a slow database.
func (s *Service) reloadKeys(ctx context.Context, now time.Time) (bool, error) {
	load, err := s.startReload(ctx, now)
	if load == nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, reloadPatience)
	defer cancel()
	select {
	case <-load.done:
		return true, load.err
	case <-ctx.Done():
		return false, fmt.Errorf("%w: wait for the keys: %w", account.ErrUnavailable, ctx.Err())
	}
}

// startReload returns the load under way, or a new one, or nil when the last
// was less than a second ago, with its error.
func (s *Service) startReload(ctx context.Context, now time.Time) (*keyReload, error) {
	asked := &s.keys.asked
	asked.mu.Lock()
	defer asked.mu.Unlock()
	if asked.running != nil {
		return asked.running, nil
	}
	if s.tokens.Algorithm() == "HS256" || now.Sub(asked.last) < time.Second {
		return nil, asked.err
	}
	load := &keyReload{done: make(chan struct{})}
	asked.last, asked.running = now, load
	go func() {
		load.err = s.reloadForToken(context.WithoutCancel(ctx)) // not this caller's alone
		asked.mu.Lock()
		defer asked.mu.Unlock()
		asked.running, asked.err = nil, load.err
		close(load.done)
	}()
	return load, nil
}

func (s *Service) reloadForToken(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil { // a mistake must not end the server
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	err = s.LoadKeys(ctx)
	var unreadable *unreadableKeyError
	if errors.As(err, &unreadable) { // that is the operator's trouble; the other keys are there
		s.o.Log.WarnContext(ctx, "a key cannot be read", "error", err.Error())
		err = nil
	}
	return err
}

// retires is until when a key verifies: at least until the last token that
// it signed is gone, by the lifetimes of this server. Whoever rotated may
// have had others.
func (s *Service) retires(keys []store.SigningKey, k store.SigningKey) time.Time {
	if k.RetiresAt.IsZero() || k.Revoked() {
		return k.RetiresAt
	}
	next := store.SigningKey{ActiveAt: k.ActiveAt}
	for _, n := range keys { // they come youngest first
		if n.Algorithm == k.Algorithm && n.TokenType == k.TokenType && n.Generation > k.Generation {
			next = n
		}
	}
	if least := next.ActiveAt.Add(KeyDelay + s.tokens.Lifetime(token.Type(k.TokenType))); least.After(k.RetiresAt) {
		return least
	}
	return k.RetiresAt
}

// ended reports whether a key verifies nothing any more.
func (s *Service) ended(keys []store.SigningKey, k store.SigningKey) bool {
	end := s.retires(keys, k)
	return !end.IsZero() && !s.o.Now().Before(end)
}

// RotateKeys makes the next keys. They are published at once and sign after
// [KeyDelay]; those before them verify until the last token they signed is
// gone.
func (s *Service) RotateKeys(ctx context.Context) error {
	if s.keyKinds() == nil {
		return ErrNoKeys
	}
	return s.rotateKeys(ctx, func(store.SigningKey, time.Time) bool { return true })
}

// RotateDueKeys is RotateKeys for those keys that have signed for longer
// than the schedule says. Servers may do it at once: of each kind one next
// key is made.
func (s *Service) RotateDueKeys(ctx context.Context) error {
	if s.o.KeyRotation == 0 || s.keyKinds() == nil {
		return nil
	}
	return s.rotateKeys(ctx, func(k store.SigningKey, now time.Time) bool { return now.Sub(k.ActiveAt) >= s.o.KeyRotation })
}

func (s *Service) rotateKeys(ctx context.Context, due func(youngest store.SigningKey, now time.Time) bool) error {
	keys, err := s.store.Keys(ctx)
	if err != nil {
		return err
	}
	if err := s.mayStore(keys); err != nil {
		return err
	}
	if err := s.sealFirst(ctx, keys); err != nil {
		return err
	}
	rotated := false
	for _, kind := range s.keyKinds() {
		now := s.o.Now()
		k, found := youngest(keys, kind)
		if found && !due(k, now) {
			continue
		}
		err := s.createKey(ctx, kind, k.Generation+1, now, now.Add(KeyDelay))
		if err != nil && !errors.Is(err, store.ErrTaken) { // taken: somebody rotates at this very moment
			return fmt.Errorf("rotate %s key: %w", kind.typ, err)
		}
		if err == nil {
			s.o.Log.InfoContext(ctx, "next signing key made", "signs", kind.typ, "in", KeyDelay.String())
		}
		rotated = true
	}
	if !rotated {
		return nil
	}
	return s.LoadKeys(ctx)
}

// Keys lists the stored keys without their private parts, youngest first.
func (s *Service) Keys(ctx context.Context) ([]store.SigningKey, error) {
	keys, err := s.store.Keys(ctx)
	for i := range keys {
		keys[i].Private = secret.Bytes{}
		keys[i].RetiresAt = s.retires(keys, keys[i])
	}
	return keys, err
}

// sweepKeys forgets keys that verify nothing any more. The margin is for
// servers whose clock is behind.
func (s *Service) sweepKeys(ctx context.Context) error {
	keys, err := s.store.Keys(ctx)
	if err != nil {
		return err
	}
	var gone []string
	for _, k := range keys {
		if end := s.retires(keys, k); !end.IsZero() && s.o.Now().Sub(end) > KeyDelay {
			gone = append(gone, k.ID)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.DeleteKeys(ctx, gone) })
}

// youngest returns the youngest key of a kind, which may be one that does
// not sign yet.
func youngest(keys []store.SigningKey, kind keyKind) (store.SigningKey, bool) {
	i := slices.IndexFunc(keys, kind.has) // they come youngest first
	if i < 0 {
		return store.SigningKey{}, false
	}
	return keys[i], true
}

func (kind keyKind) has(k store.SigningKey) bool {
	return k.Algorithm == kind.algorithm && k.TokenType == string(kind.typ)
}

func (s *Service) createKey(ctx context.Context, kind keyKind, generation int64, now, activeAt time.Time) error {
	k, err := s.newKey(kind, generation, now, activeAt)
	if err != nil {
		return err
	}
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return s.storeKey(ctx, tx, k) })
}

// newKey makes a key, outside a transaction: RSA takes its time.
func (s *Service) newKey(kind keyKind, generation int64, now, activeAt time.Time) (store.SigningKey, error) {
	k := store.SigningKey{
		ID: token.NewID(), Algorithm: kind.algorithm, TokenType: string(kind.typ),
		Generation: generation, CreatedAt: now, ActiveAt: activeAt,
	}
	private, err := token.Generate(kind.algorithm)
	if err != nil {
		return store.SigningKey{}, err
	}
	k.Private = s.o.Box.Seal(private, keyContext(k))
	return k, nil
}

// storeKey stores a key and gives those before it their end.
func (s *Service) storeKey(ctx context.Context, tx *store.Store, k store.SigningKey) error {
	if err := tx.CreateKey(ctx, k); err != nil {
		return err
	}
	err := tx.RetireKeys(ctx, k.Algorithm, k.TokenType, k.Generation, k.ActiveAt.Add(KeyDelay+s.tokens.Lifetime(token.Type(k.TokenType))))
	if err != nil {
		return err
	}
	made := account.EventKeyCreated
	if k.Generation > 1 {
		made = account.EventKeyRotated
	}
	return s.audit.Record(ctx, tx, s.audit.ByOperator(made, account.EventDetails{Key: k.ID}, k.CreatedAt))
}
