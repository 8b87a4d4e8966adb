package guard

import "context"

// Networks are the names of those that an address counts for, the narrowest
// first.
func Networks(ip string) (names []string) {
	for _, n := range networks(ip) {
		names = append(names, n.name)
	}
	return names
}

// GoesAhead reports whether a hash for a user is made ahead of strangers'.
func GoesAhead(ctx context.Context, g *Guard, userID int64) bool { return g.goesAhead(ctx, userID) }
