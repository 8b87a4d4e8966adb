package django

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
)

// WrapWeak puts Argon2id over every salted MD5 and SHA-1 hash, without
// knowing a password, and says over how many. It works beside a running
// server: a hash that a login or a change replaces meanwhile stays replaced.
// It may be interrupted and run again.
func WrapWeak(ctx context.Context, st *store.Store, hasher *password.Hasher) (int64, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wrapped atomic.Int64
	weak := make(chan account.User)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for u := range weak {
				done, err := wrap(ctx, st, hasher, u)
				if err != nil {
					stop(err)
				}
				if done {
					wrapped.Add(1)
				}
			}
		})
	}
	err := eachWeak(ctx, st, weak)
	close(weak)
	workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return wrapped.Load(), err
}

func eachWeak(ctx context.Context, st *store.Store, weak chan<- account.User) error {
	for after := int64(0); ; {
		users, err := st.Users(ctx, after, batchSize)
		if err != nil || len(users) == 0 {
			return err
		}
		for _, u := range users {
			after = u.ID
			if _, is := password.Format(u.PasswordHash); !is || !password.Usable(u.PasswordHash) {
				continue
			}
			select {
			case weak <- u:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func wrap(ctx context.Context, st *store.Store, hasher *password.Hasher, u account.User) (bool, error) {
	if ctx.Err() != nil {
		return false, nil
	}
	hash, err := hasher.WrapWeak(ctx, u.PasswordHash)
	if err != nil {
		return false, err
	}
	err = st.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.Rehash(ctx, u.ID, u.PasswordHash, hash) })
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
