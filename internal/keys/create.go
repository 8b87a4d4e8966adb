package keys

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

func (m *Manager) create(ctx context.Context, by By, kind purpose, generation int64, now, activeAt time.Time) error {
	k, err := m.generate(kind, generation, now, activeAt)
	if err != nil {
		return err
	}
	return m.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return m.add(ctx, tx, by, k) })
}

// generate makes a key, outside a transaction: RSA takes its time.
func (m *Manager) generate(kind purpose, generation int64, now, activeAt time.Time) (store.SigningKey, error) {
	k := store.SigningKey{
		ID: token.NewID(), Algorithm: kind.algorithm, TokenType: string(kind.typ),
		Generation: generation, CreatedAt: now, ActiveAt: activeAt,
	}
	private, err := token.Generate(kind.algorithm)
	if err != nil {
		return store.SigningKey{}, err
	}
	k.Private = m.o.Box.Seal(private, sealContext(k))
	return k, nil
}

// add stores a key and gives those before it their end.
func (m *Manager) add(ctx context.Context, tx *store.Store, by By, k store.SigningKey) error {
	if err := tx.CreateKey(ctx, k); err != nil {
		return err
	}
	err := tx.RetireKeys(ctx, k.Algorithm, k.TokenType, k.Generation, k.ActiveAt.Add(Delay+m.tokens.Lifetime(token.Type(k.TokenType))))
	if err != nil {
		return err
	}
	if m.o.Box == nil { // the operator gave encryption up, and may take it up again
		if err := tx.ForgetEncrypted(ctx); err != nil {
			return err
		}
	}
	made := account.EventKeyCreated
	if k.Generation > 1 {
		made = account.EventKeyRotated
	}
	return m.audit.Record(ctx, tx, m.entry(by, made, account.EventDetails{Key: k.ID}, k.CreatedAt))
}
