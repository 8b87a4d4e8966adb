package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
)

// The cache has 4,096 groups of 4 tokens of about 200 bytes each, 4 MB when
// full.
const (
	cacheGroups = 1 << 12
	cacheWays   = 4
)

// cache remembers tokens that were good. An entry is found by the SHA-256 of
// the whole token, so nobody can aim at one without the token itself, and is
// worth nothing when its key is not in the set any more. A newer token takes
// the place of the one in its group that ends first. Nothing of a refused
// token is kept.
type cache struct {
	groups [cacheGroups][cacheWays]atomic.Pointer[entry]
}

type entry struct {
	digest [sha256.Size]byte
	user   User
	key    *key // that verified it
}

func (c *cache) group(digest *[sha256.Size]byte) *[cacheWays]atomic.Pointer[entry] {
	return &c.groups[binary.LittleEndian.Uint32(digest[:])%cacheGroups]
}

func (c *cache) get(digest *[sha256.Size]byte, set *keySet) (User, bool) {
	group := c.group(digest)
	for i := range group {
		if e := group[i].Load(); e != nil && e.digest == *digest {
			return e.user, set.keys[e.key.id] == e.key
		}
	}
	return User{}, false
}

func (c *cache) put(digest *[sha256.Size]byte, e *entry) {
	group := c.group(digest)
	place := &group[0]
	for i := range group {
		old := group[i].Load()
		if old == nil || old.digest == *digest { // of a key that came back, say
			place = &group[i]
			break
		}
		if o := place.Load(); o != nil && old.user.ExpiresAt.Before(o.user.ExpiresAt) {
			place = &group[i]
		}
	}
	place.Store(e)
}
