// Package django moves accounts between Django and the store: [Open] reads
// Django's database (SQLite or PostgreSQL) or a dump of it, [Import] takes
// its users and blacklisted tokens in, [Export] writes the fixture that goes
// back.
//
// What may be relied on: a source is only read; neither direction holds
// more than a few thousand rows in memory; an import is one transaction, and
// a repeated one brings over what changed in Django since, field by field,
// so that what was changed here stays. No row is lost in silence: what
// cannot be taken is told, with the reason.
//
// It never overwrites an account that did not come from Django, and never
// shows a hash or an e-mail address.
package django
