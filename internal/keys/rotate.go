package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yoozak/clients/internal/store"
)

// Rotate makes the next keys. They are published at once and sign after
// [Delay]; those before them verify until the last token they signed is
// gone.
func (m *Manager) Rotate(ctx context.Context) error {
	if m.purposes() == nil {
		return ErrUnmanaged
	}
	_, err := m.rotate(ctx, nil, func(store.SigningKey, time.Time) bool { return true })
	return err
}

// RotateBy is [Manager.Rotate] by somebody who is named in the events, for those
// keys whose next is not made yet: of several at once, on any server, one makes
// it. It reports whether there was any.
func (m *Manager) RotateBy(ctx context.Context, by By) (rotated bool, err error) {
	if m.purposes() == nil {
		return false, ErrUnmanaged
	}
	return m.rotate(ctx, by, func(youngest store.SigningKey, now time.Time) bool { return youngest.State(now) != store.KeyNext })
}

// RotateDue is Rotate for those keys that have signed for longer
// than the schedule says. Servers may do it at once: of each kind one next
// key is made.
func (m *Manager) RotateDue(ctx context.Context) error {
	if m.o.Rotation == 0 || m.purposes() == nil {
		return nil
	}
	_, err := m.rotate(ctx, nil, func(k store.SigningKey, now time.Time) bool { return now.Sub(k.ActiveAt) >= m.o.Rotation })
	return err
}

func (m *Manager) rotate(ctx context.Context, by By, due func(youngest store.SigningKey, now time.Time) bool) (rotated bool, err error) {
	keys, err := m.store.Keys(ctx)
	if err != nil {
		return false, err
	}
	if err := m.checkReadable(keys); err != nil {
		return false, err
	}
	if err := m.encryptFirst(ctx, keys); err != nil {
		return false, err
	}
	for _, kind := range m.purposes() {
		now := m.o.Now()
		k, found := youngest(keys, kind)
		if found && !due(k, now) {
			continue
		}
		err := m.create(ctx, by, kind, k.Generation+1, now, now.Add(Delay))
		if err != nil && !errors.Is(err, store.ErrTaken) { // taken: somebody rotates at this very moment
			return rotated, fmt.Errorf("rotate %s key: %w", kind.typ, err)
		}
		if err == nil {
			m.o.Log.InfoContext(ctx, "next signing key made", "signs", kind.typ, "in", Delay.String())
		}
		rotated = true
	}
	if !rotated {
		return false, nil
	}
	return true, m.Load(ctx)
}
