package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
	if s.o.Algorithm == "HS256" {
		return nil
	}
	return []keyKind{{s.o.Algorithm, token.Access}, {"HS256", token.Refresh}}
}

// keyReloads keeps strangers from making us read the keys at every request:
// once a second is often enough.
type keyReloads struct {
	mu   sync.Mutex
	last time.Time
}

// LoadKeys takes the keys from the database and makes those that are
// missing. Two servers that start at once make one key.
func (s *Service) LoadKeys(ctx context.Context) error {
	keys, err := s.store.Keys(ctx)
	if err != nil {
		return err
	}
	made := false
	for _, kind := range s.keyKinds() {
		if youngest(keys, kind) > 0 {
			continue
		}
		now := s.o.Now()
		if err := s.createKey(ctx, kind, 1, now, now); err != nil && !errors.Is(err, store.ErrTaken) {
			return err
		}
		made = true
	}
	if made {
		if keys, err = s.store.Keys(ctx); err != nil {
			return err
		}
	}
	loaded := make([]*token.Key, 0, len(keys))
	for _, k := range keys {
		key := &token.Key{ID: k.ID, Algorithm: k.Algorithm, Use: token.Use(k.TokenType), ActiveAt: k.ActiveAt, RetiresAt: k.RetiresAt}
		if err := key.Load(k.Private); err != nil {
			return err
		}
		loaded = append(loaded, key)
	}
	s.tokens.Use(loaded, s.o.Now())
	return nil
}

// reloadKeys is LoadKeys, at most once a second; it reports whether it ran.
func (s *Service) reloadKeys(ctx context.Context, now time.Time) (bool, error) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	if s.o.Algorithm == "HS256" || now.Sub(s.keys.last) < time.Second {
		return false, nil
	}
	s.keys.last = now
	return true, s.LoadKeys(ctx)
}

// RotateKeys makes the next keys. They are published at once and sign after
// [KeyDelay]; those before them verify until the last token they signed is
// gone.
func (s *Service) RotateKeys(ctx context.Context) error {
	if s.keyKinds() == nil {
		return ErrNoKeys
	}
	keys, err := s.store.Keys(ctx)
	if err != nil {
		return err
	}
	for _, kind := range s.keyKinds() {
		now := s.o.Now()
		if err := s.createKey(ctx, kind, youngest(keys, kind)+1, now, now.Add(KeyDelay)); err != nil {
			return fmt.Errorf("rotate %s key: %w", kind.typ, err)
		}
	}
	return s.LoadKeys(ctx)
}

// Keys lists the stored keys without their private parts, youngest first.
func (s *Service) Keys(ctx context.Context) ([]store.SigningKey, error) {
	keys, err := s.store.Keys(ctx)
	for i := range keys {
		keys[i].Private = secret.Bytes{}
	}
	return keys, err
}

func youngest(keys []store.SigningKey, kind keyKind) int64 {
	var generation int64
	for _, k := range keys {
		if k.Algorithm == kind.algorithm && k.TokenType == string(kind.typ) {
			generation = max(generation, k.Generation)
		}
	}
	return generation
}

func (s *Service) createKey(ctx context.Context, kind keyKind, generation int64, now, activeAt time.Time) error {
	private, err := token.Generate(kind.algorithm)
	if err != nil {
		return err
	}
	lifetime := s.o.AccessLifetime
	if kind.typ == token.Refresh {
		lifetime = s.o.RefreshLifetime
	}
	return s.store.Tx(ctx, func(tx *store.Store) error {
		err := tx.CreateKey(ctx, store.SigningKey{
			ID: token.NewID(), Algorithm: kind.algorithm, TokenType: string(kind.typ),
			Generation: generation, Private: private, CreatedAt: now, ActiveAt: activeAt,
		})
		if err != nil {
			return err
		}
		return tx.RetireKeys(ctx, kind.algorithm, string(kind.typ), generation, activeAt.Add(KeyDelay+lifetime))
	})
}
