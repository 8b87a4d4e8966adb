package limit

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/throttled/throttled/v2"
	goredisstore "github.com/throttled/throttled/v2/store/goredisstore.v9"

	"github.com/yoozak/clients/internal/secret"
)

// redisPrefix keeps our keys apart in a Redis that others use too.
const redisPrefix = "yoozak:limit:"

// newRedis connects to Redis or Valkey when it is first needed.
func newRedis(url string, patience time.Duration) (throttled.GCRAStoreCtx, func() error, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot be used: %w; it has the form redis://user:password@host:port/number", secret.Redact(err, url))
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
