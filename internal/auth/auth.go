// Package auth does what the product is for: it registers people, logs them
// in, renews their tokens and says who a token belongs to. Every rule about
// accounts is here, once; the JSON API and the command line are ways to ask.
// [Accounts] has those that hold whoever acts, [Service] people's flows.
//
// Guarantees:
//
//   - Register and Login return tokens only after the user and the session
//     are committed.
//   - Login takes the time of one password hash whether or not the account
//     exists, and gives one error for every reason.
//   - A token gives access only while its session is not revoked and its
//     user exists and is active; both are asked of the database each time.
//   - Whoever changes or resets a password ends every other session; a login
//     that began with the old password does not outlive the change.
//   - A mail is owed if and only if the change that causes it is committed;
//     its link works once, and only its hash is stored.
//   - Each security-relevant act is an event in the same transaction
//     (docs/events.md).
//   - An address that its user proved beats any claim that nobody did: in
//     login, resets, usernames and limits. Whether an address is known is told
//     by little that a stranger can ask: SECURITY.md says what is left.
//   - Whoever had an address proved can take the account back for seven days
//     after it changed, whatever anybody did since.
//   - Whoever asks is counted here, whatever asks for them: for a network, a
//     session, a user or a service (package guard). Registration and login are
//     counted for a network by the transport, in the reference's order.
//   - Who guesses at a password is slowed down, and the owner is not locked
//     out: a device that has logged in before has tries of its own.
//   - Who has a second factor is asked for it by every way in: one gate opens
//     sessions. A try at one is counted before it is compared with anything,
//     and a code is used once.
//   - A factor that is added is told to every proved address, and is undone by
//     the link there together with the password of before, and by neither alone.
//   - With rotation, a refresh token has one successor. A repetition gets
//     the same one as long as nothing was seen of it, because an answer can
//     be lost; later it ends the session, because one of the two who hold
//     the token has stolen it (RFC 9700, section 4.14.2).
//
// The errors that a client may see are those of package account; any other
// error is ours to mend.
package auth

import (
	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/token"
)

// New makes a Service, which delivers the mails of its kinds.
func New(a *Accounts, tokens *token.Tokens) *Service {
	s := &Service{
		store: a.store, tokens: tokens, hasher: a.hasher, accounts: a, audit: a.audit, guard: a.o.Guard, keys: a.o.Keys, outbox: a.outbox, rp: newRelyingParty(a.o.Passkeys), o: a.o,
	}
	s.outbox.Handle(account.MailResetRequest, s.expandReset)
	s.outbox.Handle(account.MailLoginRequest, s.expandLogin)
	for _, kind := range codeMails {
		s.outbox.Handle(kind, s.sendCode)
	}
	for kind := range mailChallenges {
		s.outbox.Handle(kind, s.sendLink)
	}
	return s
}
