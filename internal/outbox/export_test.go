package outbox

import "context"

// ClaimMail takes a mail that is due, and leaves it so. It reports whether
// there was one.
func ClaimMail(ctx context.Context, o *Outbox) (bool, error) {
	claims, err := o.claim(ctx, 1)
	return len(claims) > 0, err
}
