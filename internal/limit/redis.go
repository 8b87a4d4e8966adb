package limit

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/yoozak/clients/internal/secret"
)

// takeScript is TakeLimit in Redis, in microseconds, as Lua has no whole
// numbers that hold nanoseconds.
var takeScript = redis.NewScript(`
	local clock = redis.call("TIME")
	local now, every, burst = clock[1] * 1000000 + clock[2], tonumber(ARGV[1]), tonumber(ARGV[2])
	local whole = math.max(tonumber(redis.call("GET", KEYS[1]) or 0), now)
	local wait = whole - burst - now
	if wait > 0 then
		return wait
	end
	redis.call("SET", KEYS[1], string.format("%d", whole + every), "PX", math.ceil((whole + every - now) / 1000))
	return 0`)

// redisPrefix keeps our keys apart in a Redis that others use too.
const redisPrefix = "yoozak:limit:"

// newRedis connects to Redis or Valkey when it is first needed.
func newRedis(url string, timeout time.Duration) (func(context.Context, string, Quota) (time.Duration, error), func() error, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot be used: %w; it has the form redis://user:password@host:port/number", secret.Redact(err, url))
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, timeout
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1 // the limiter knows what to do instead
	o.DisableIdentity = true
	redis.SetLogger(silent{}) // the limiter says what is wrong
	client := redis.NewClient(o)
	take := func(ctx context.Context, key string, q Quota) (time.Duration, error) {
		wait, err := takeScript.Run(ctx, client, []string{redisPrefix + key}, q.every().Microseconds(), q.burst().Microseconds()).Int64()
		return time.Duration(wait) * time.Microsecond, err
	}
	return take, client.Close, nil
}

type silent struct{}

// Printf says nothing.
func (silent) Printf(context.Context, string, ...any) {}
