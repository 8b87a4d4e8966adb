package locale

import "slices"

// Keys lists the keys of the texts, sorted.
func Keys() []string { return slices.Clone(keys) }
