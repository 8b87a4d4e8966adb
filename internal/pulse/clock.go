package pulse

import (
	"log/slog"
	"time"
)

// A clock that is set forward by a month, by a mistake that is noticed an hour
// later, must not have erased every account that was closed. So what is
// deleted after some time is deleted by a time that follows the clock no
// faster than [catchUp] times as fast as a server runs, by a clock that nobody
// sets, and that is kept in the database over restarts. A server that was off
// for a week has caught up after it ran for a week; one that was restarted,
// after seconds. On PostgreSQL it is never ahead of the database's clock
// either. Logins and tokens go by the clock itself.

const (
	// catchUp is how fast the believed time goes while it is behind. Of a
	// clock that is wrong for a day it believes a day. That is the margin that
	// sessions and links have before they are deleted; a closed account is
	// erased a day early.
	catchUp = 2

	// differs is by how much clocks may differ before what is deleted goes by the
	// earlier.
	differs = time.Minute

	// skew is by how much they may without a word: codes of authenticator apps
	// live for half a minute, and are looked at by the clock.
	skew = 5 * time.Second

	// tellLag is how far behind the believed time may be without a word.
	tellLag = time.Hour

	// tellAgain is how often the log is told of the same.
	tellAgain = time.Hour
)

// clock is how far the machine's clock is believed. It is not safe for
// concurrent use. Times have no monotonic reading: the clock that can be set
// is what this is about.
type clock struct {
	log      *slog.Logger
	believed time.Time     // never goes back
	at       time.Time     // what the clock showed when it was last looked at
	elapsed  time.Duration // when that was
	database time.Time     // what the database's clock showed; zero: it has none
	asked    time.Duration // when that was
	told     map[string]time.Duration
}

func newClock(log *slog.Logger, believed, now time.Time, elapsed time.Duration) clock {
	return clock{log: log, believed: believed, at: now, elapsed: elapsed, told: map[string]time.Duration{}}
}

// advance returns the believed time.
func (c *clock) advance(now time.Time, elapsed time.Duration) time.Time {
	ran := elapsed - c.elapsed
	if set := now.Sub(c.at) - ran; set.Abs() > differs {
		c.log.Warn("the clock was set", "by", set.Round(time.Second).String())
	}
	c.at, c.elapsed = now, elapsed
	limit := now
	if ahead := c.ahead(); ahead < -differs {
		limit = now.Add(ahead)
	}
	if c.believed.Before(limit) {
		c.believed = earlier(limit, c.believed.Add(catchUp*ran))
	}
	if lag := limit.Sub(c.believed); lag > tellLag && c.tell("lag") {
		c.log.Warn("the clock is ahead of the time that servers of this database have run through: they were off, or it was set forward. "+
			"What is deleted after some time is deleted by the earlier one, until that has caught up",
			"behind", lag.Round(time.Second).String(), "caught_up_in", (lag / (catchUp - 1)).Round(time.Second).String())
	}
	return earlier(limit, c.believed)
}

// compare notes the database's time, the answer with which took so long: it was
// read at some moment of that.
func (c *clock) compare(database time.Time, took time.Duration) {
	c.database, c.asked = database, c.elapsed
	ahead := c.ahead()
	off := max(ahead, min(ahead+took, 0)) // at least
	if !database.IsZero() && off.Abs() > skew && c.tell("database") {
		c.log.Warn("the clocks of this server and of PostgreSQL differ: one of them is wrong. Codes of authenticator apps are refused where it is this one",
			"postgresql_is_ahead_by", off.Round(time.Second).String())
	}
}

// ahead is by how much the database's clock is before ours.
func (c *clock) ahead() time.Duration {
	if c.database.IsZero() {
		return 0
	}
	return c.database.Add(c.elapsed - c.asked).Sub(c.at)
}

// tell reports whether the log is to be told of something, again.
func (c *clock) tell(what string) bool {
	last, told := c.told[what]
	if told && c.elapsed-last < tellAgain {
		return false
	}
	c.told[what] = c.elapsed
	return true
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Believed is the time by which what is old is deleted.
func (p *Pulse) Believed() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock.advance(p.o.Now().Round(0), p.o.Elapsed())
}

// Lag is how far the believed time is behind the clock.
func (p *Pulse) Lag() time.Duration {
	believed := p.Believed()
	return max(0, p.o.Now().Sub(believed))
}

// DatabaseAhead is by how much the database's clock was before ours when it
// was last compared; zero where it has none.
func (p *Pulse) DatabaseAhead() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock.ahead()
}
