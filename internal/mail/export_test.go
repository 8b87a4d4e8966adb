package mail

import (
	"maps"
	"slices"

	"github.com/yoozak/clients/internal/account"
)

// Kinds are the mails that there are words for.
func Kinds() []account.MailKind { return slices.Sorted(maps.Keys(kinds)) }
