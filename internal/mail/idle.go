package mail

import (
	"sync"
	"time"
)

// What a connection is kept for, when it is not in use: servers close one that
// is silent for long, and some take only so many mails over one.
const (
	keepIdle  = 5 * time.Second
	mostIdle  = 64
	mostMails = 100
)

// idle are connections over which a mail was sent and the next may be. It is
// safe for concurrent use.
type idle struct {
	mu   sync.Mutex
	free []freeConversation // the one used last at the end
}

type freeConversation struct {
	*conversation
	leave *time.Timer // says goodbye
}

// take returns the connection that was used last, or nil.
func (i *idle) take() *conversation {
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.free) > 0 {
		last := i.free[len(i.free)-1]
		i.free = i.free[:len(i.free)-1]
		if last.leave.Stop() {
			return last.conversation
		}
	}
	return nil
}

// keep keeps a connection for the next mail, and says goodbye when none comes.
// It reports false when there are enough.
func (i *idle) keep(c *conversation) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.free) >= mostIdle {
		return false
	}
	i.free = append(i.free, freeConversation{c, time.AfterFunc(keepIdle, func() {
		i.drop(c)
		c.quit(nil)
	})})
	return true
}

func (i *idle) drop(c *conversation) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for at, f := range i.free {
		if f.conversation == c {
			i.free = append(i.free[:at], i.free[at+1:]...)
			return
		}
	}
}
