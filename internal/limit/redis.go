package limit

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/throttled/throttled/v2"
	goredisstore "github.com/throttled/throttled/v2/store/goredisstore.v9"
)

// redisPrefix keeps our keys apart in a Redis that others use too.
const redisPrefix = "yoozak:limit:"

// newRedis connects to Redis or Valkey when it is first needed.
func newRedis(url string, patience time.Duration) (throttled.GCRAStoreCtx, func() error, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, nil, errors.New("the Redis URL cannot be read: check its form, redis://user:password@host:port/number") // err may quote the password
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = patience, patience, patience
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1 // the limiter knows what to do instead
	o.DisableIdentity = true
	redis.SetLogger(silent{}) // the limiter says what is wrong
	client := redis.NewClient(o)
	s, err := goredisstore.NewCtx(client, redisPrefix)
	return s, client.Close, err
}

type silent struct{}

// Printf says nothing.
func (silent) Printf(context.Context, string, ...any) {}
