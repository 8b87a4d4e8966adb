package token

import (
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
)

// The cache has 4,096 sets of 4 tokens of about 250 bytes each, 4 MiB when
// full. With as many tokens in use as half of it holds, one in a thousand
// finds no place.
const (
	cacheSets = 1 << 12
	cacheWays = 4
)

// cache remembers tokens whose signature was verified. Verifying ES256 takes
// four times as long as all the rest of an answer. An entry is found by the
// SHA-256 of the whole token, so nobody can aim at one without having the
// token itself; a newer token takes the place of the one in its set that
// ends first.
type cache struct {
	sets [cacheSets][cacheWays]atomic.Pointer[cached]
}

type cached struct {
	digest [sha256.Size]byte
	claims Claims
}

func cacheKey(raw string) [sha256.Size]byte {
	return sha256.Sum256([]byte(raw))
}

func (c *cache) set(digest *[sha256.Size]byte) *[cacheWays]atomic.Pointer[cached] {
	return &c.sets[binary.LittleEndian.Uint32(digest[:])%cacheSets]
}

func (c *cache) get(digest [sha256.Size]byte) (Claims, bool) {
	set := c.set(&digest)
	for i := range set {
		if e := set[i].Load(); e != nil && e.digest == digest {
			return e.claims, true
		}
	}
	return Claims{}, false
}

func (c *cache) put(digest [sha256.Size]byte, claims Claims) {
	set := c.set(&digest)
	oldest := &set[0]
	for i := range set {
		e := set[i].Load()
		if e == nil {
			oldest = &set[i]
			break
		}
		if o := oldest.Load(); o != nil && e.claims.ExpiresAt.Before(o.claims.ExpiresAt) {
			oldest = &set[i]
		}
	}
	oldest.Store(&cached{digest: digest, claims: claims})
}
