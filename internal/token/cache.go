package token

import (
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
)

// cacheSlots bounds the cache: 16,384 tokens of about 250 bytes, 4 MiB.
const cacheSlots = 1 << 14

// cache remembers tokens whose signature was verified. Verifying ES256 takes
// four times as long as all the rest of an answer. An entry is found by the
// SHA-256 of the whole token, so nobody can aim at one without having the
// token itself; a newer token takes the place of an older one in its slot.
type cache struct {
	slots [cacheSlots]atomic.Pointer[cached]
}

type cached struct {
	digest [sha256.Size]byte
	claims Claims
}

func cacheKey(raw string) [sha256.Size]byte { return sha256.Sum256([]byte(raw)) }

func (c *cache) slot(digest *[sha256.Size]byte) *atomic.Pointer[cached] {
	return &c.slots[binary.LittleEndian.Uint32(digest[:])%cacheSlots]
}

func (c *cache) get(digest [sha256.Size]byte) (Claims, bool) {
	if e := c.slot(&digest).Load(); e != nil && e.digest == digest {
		return e.claims, true
	}
	return Claims{}, false
}

func (c *cache) put(digest [sha256.Size]byte, claims Claims) {
	c.slot(&digest).Store(&cached{digest: digest, claims: claims})
}
