package audit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// The chain of events. Each sealed event has a hash of what it tells and of
// the hash before it, so that to change, remove, insert or move one is to
// make anew all that follow. The personal part enters as a commitment, an
// HMAC under a random key of its own: when the person is erased, the part and
// the key go, the chain still holds, and from what is left nothing can be
// guessed, not even by trying all IP addresses.
//
// docs/events.md says what is found and what is not.

// saltSize is that of a commitment's key: 128 bits cannot be tried.
const saltSize = 16

// withCommitment adds the commitment to an event's personal part. Where there is
// nothing personal there is nothing to forget, and so no salt.
func withCommitment(e account.Event) account.Event {
	if e.EventPerson == (account.EventPerson{}) {
		e.Commitment = noCommitment
		return e
	}
	e.Salt = make([]byte, saltSize)
	_, _ = rand.Read(e.Salt) // never fails: crypto/rand ends the process instead
	e.Commitment = commit(e.Salt, e.EventPerson)
	return e
}

// noCommitment is that of an event without a personal part. One that had
// one has another, which the chain holds.
var noCommitment = commit(nil, account.EventPerson{})

func commit(salt []byte, p account.EventPerson) []byte {
	var b fieldBytes
	b.number(p.UserID)
	b.text(p.SessionID, p.RequestID, p.IP, p.UserAgent)
	if p.Reason != "" { // events of earlier releases have none
		b.text(p.Reason)
	}
	mac := hmac.New(sha256.New, salt)
	mac.Write(b)
	return mac.Sum(nil)
}

// nextHead is the place of an event that follows another, with its hash.
func nextHead(before store.EventHead, e account.Event) store.EventHead {
	b := make(fieldBytes, 0, 512)
	b.text("yoozak event 1", string(before.Hash))
	b.number(before.Seq+1, e.ID, e.At.UnixMicro())
	b.text(string(e.Kind), string(e.Actor), e.Details, string(e.Commitment))
	sum := sha256.Sum256(b)
	return store.EventHead{Seq: before.Seq + 1, Hash: sum[:]}
}

// fieldBytes are fields in a form in which no two lists of fields are alike.
type fieldBytes []byte

func (b *fieldBytes) number(ns ...int64) {
	for _, n := range ns {
		*b = binary.BigEndian.AppendUint64(*b, uint64(n)) //nolint:gosec // its bits
	}
}

func (b *fieldBytes) text(ts ...string) {
	for _, t := range ts {
		b.number(int64(len(t)))
		*b = append(*b, t...)
	}
}

// ErrHead says that a noted head is not in the form NUMBER:HASH.
var ErrHead = errors.New("a head is NUMBER:HASH, as \"events verify\" prints it and the server logs it")

// ParseHead reads what [HeadText] wrote.
func ParseHead(text string) (store.EventHead, error) {
	number, hash, _ := strings.Cut(strings.TrimSpace(text), ":")
	var h store.EventHead
	var err error
	if h.Seq, err = strconv.ParseInt(number, 10, 64); err != nil || h.Seq < 1 {
		return h, ErrHead
	}
	if h.Hash, err = hex.DecodeString(hash); err != nil || len(h.Hash) != sha256.Size {
		return h, ErrHead
	}
	return h, nil
}

// HeadText is a head as people note it: NUMBER:HASH.
func HeadText(h store.EventHead) string {
	return strconv.FormatInt(h.Seq, 10) + ":" + hex.EncodeToString(h.Hash)
}
