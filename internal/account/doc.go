// Package account has the nouns of the product and the errors a client may
// see. It does no I/O and imports only the standard library and the Unicode
// tables, so that every other package can speak its words.
//
//   - A [User] is a customer (or a member of the staff) with a username that
//     is unique, case-sensitive, as Django has it.
//   - A [Session] is one login on one device. Its id is the claim "sid" of
//     the access and refresh tokens that were handed out for it, so ending
//     the session ends what those tokens give.
//   - An [Event] is a row of the log of security-relevant acts.
//   - An [Input] is a field as it came in, before any rule looked at it.
//   - An [Error] is an answer that a client may see. Any other error is ours
//     to mend: it is logged, and the client gets a request id.
package account
