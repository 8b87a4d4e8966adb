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
func (m *Manager) Rotate(ctx context.Context) error { return m.RotateBy(ctx, nil) }

// RotateBy is [Manager.Rotate] by somebody who is named in the events.
func (m *Manager) RotateBy(ctx context.Context, by By) error {
	if m.purposes() == nil {
		return ErrUnmanaged
	}
	return m.rotate(ctx, by, func(store.SigningKey, time.Time) bool { return true })
}

// RotateDue is Rotate for those keys that have signed for longer
// than the schedule says. Servers may do it at once: of each kind one next
// key is made.
func (m *Manager) RotateDue(ctx context.Context) error {
	if m.o.Rotation == 0 || m.purposes() == nil {
		return nil
	}
	return m.rotate(ctx, nil, func(k store.SigningKey, now time.Time) bool { return now.Sub(k.ActiveAt) >= m.o.Rotation })
}

func (m *Manager) rotate(ctx context.Context, by By, due func(youngest store.SigningKey, now time.Time) bool) error {
	keys, err := m.store.Keys(ctx)
	if err != nil {
		return err
	}
	if err := m.checkReadable(keys); err != nil {
		return err
	}
	if err := m.encryptFirst(ctx, keys); err != nil {
		return err
	}
	rotated := false
	for _, kind := range m.purposes() {
		now := m.o.Now()
		k, found := youngest(keys, kind)
		if found && !due(k, now) {
			continue
		}
		err := m.create(ctx, by, kind, k.Generation+1, now, now.Add(Delay))
		if err != nil && !errors.Is(err, store.ErrTaken) { // taken: somebody rotates at this very moment
			return fmt.Errorf("rotate %s key: %w", kind.typ, err)
		}
		if err == nil {
			m.o.Log.InfoContext(ctx, "next signing key made", "signs", kind.typ, "in", Delay.String())
		}
		rotated = true
	}
	if !rotated {
		return nil
	}
	return m.Load(ctx)
}
