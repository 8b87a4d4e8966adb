package outbox

import "context"

// ClaimMail takes a mail that is due, and leaves it so.
func ClaimMail(ctx context.Context, o *Outbox) error {
	_, err := o.claim(ctx)
	return err
}
