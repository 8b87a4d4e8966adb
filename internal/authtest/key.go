package authtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// KeyID is the youngest key of a type.
func (s *Server) KeyID(t *testing.T, typ token.Type) string {
	t.Helper()
	keys, err := s.Keys.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys { // they come youngest first
		if k.TokenType == string(typ) {
			return k.ID
		}
	}
	t.Fatalf("no key for %s tokens", typ)
	return ""
}

// SignedBy is the key that a token names.
func SignedBy(t *testing.T, raw string) string {
	t.Helper()
	header, _, _ := strings.Cut(raw, ".")
	data, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	var h struct{ Kid string }
	if err := json.Unmarshal(data, &h); err != nil || h.Kid == "" {
		t.Fatalf("%s: %v", data, err)
	}
	return h.Kid
}

func EncryptionKey(fill byte) secret.Bytes {
	return secret.NewBytes(bytes.Repeat([]byte{fill}, secret.KeySize))
}

// Sealing encrypts keys with a key, and reads those of an old one (0: none).
func Sealing(t *testing.T, key, old byte) Setting {
	t.Helper()
	var before secret.Bytes
	if old != 0 {
		before = EncryptionKey(old)
	}
	box, err := secret.NewBox(EncryptionKey(key), before)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *app.Options, _ *token.Options) { o.Box = box }
}

// StoredKeys are the keys as the database has them.
func StoredKeys(t *testing.T, st *store.Store) []store.SigningKey {
	t.Helper()
	keys, err := st.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
