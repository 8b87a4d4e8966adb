package doctor

import (
	"time"

	"github.com/yoozak/clients/internal/locale"
)

// Kind is a finding that there can be. Its texts are in package locale: that of
// [KeyPrefix] and the key, and where it is not good what to do, of the same and
// ".remedy".
type Kind struct {
	Check string // empty: each may find it
	Level Level
	Key   string
}

// Args are the values in the texts of a finding: a number "n", which stands there
// as {count}; times; a [size]; and what is the same in every language: commands,
// settings, files, and what other programs said.
type Args map[string]any

// KeyPrefix stands before the keys of the doctor's texts.
const KeyPrefix = "console.doctor."

var kinds []Kind

// Kinds are all there are.
func Kinds() []Kind { return kinds }

func kind(check string, level Level, key string) Kind {
	k := Kind{check, level, key}
	kinds = append(kinds, k)
	return k
}

var (
	schemaGood          = kind("schema", Good, "schema.good")
	schemaBad           = kind("schema", Bad, "schema.bad")
	schemaNewer         = kind("schema", Bad, "schema.newer")
	readOnly            = kind("write", Bad, "write.read_only")
	writeRefused        = kind("write", Bad, "write.refused")
	writeGood           = kind("write", Good, "write.good")
	clockApart          = kind("clock", Bad, "clock.apart")
	clockGood           = kind("clock", Good, "clock.good")
	keysSymmetric       = kind("keys", Note, "keys.symmetric")
	keysNone            = kind("keys", Note, "keys.none")
	keysOld             = kind("keys", Bad, "keys.old")
	keysNew             = kind("keys", Good, "keys.new")
	keysGood            = kind("keys", Good, "keys.good")
	keysClear           = kind("keys", Note, "keys.clear")
	chainWaits          = kind("chain", Bad, "chain.waits")
	chainBroken         = kind("chain", Bad, "chain.broken")
	chainGood           = kind("chain", Good, "chain.good")
	mailFolder          = kind("mail", Note, "mail.folder")
	mailLate            = kind("mail", Bad, "mail.late")
	mailUntried         = kind("mail", Bad, "mail.untried")
	mailGivenUp         = kind("mail", Note, "mail.given_up")
	mailGood            = kind("mail", Good, "mail.good")
	backupNone          = kind("backup", Note, "backup.none")
	backupNoneElsewhere = kind("backup", Note, "backup.none_elsewhere") // which another program makes
	backupOld           = kind("backup", Bad, "backup.old")
	backupOldElsewhere  = kind("backup", Bad, "backup.old_elsewhere")
	backupGood          = kind("backup", Good, "backup.good")
	diskFull            = kind("disk", Bad, "disk.full")
	diskGood            = kind("disk", Good, "disk.good")
	filesOpen           = kind("files", Bad, "files.open")
	filesGood           = kind("files", Good, "files.good")
	notLooked           = kind("", Bad, "not_looked")
)

// size is a number of bytes, which each language writes with its own units.
type size int64

// TextKey is that of the unit.
func (s size) TextKey() string {
	if s < 1<<30 {
		return "console.size.mib"
	}
	return "console.size.gib"
}

// TextArgs are the values of its text.
func (s size) TextArgs() map[string]any {
	return map[string]any{"mib": int(s >> 20), "gib": int(s >> 30), "tenth": int(s % (1 << 30) * 10 >> 30)}
}

// found is a finding of this kind.
func (k Kind) found(args Args) Finding {
	f := Finding{Check: k.Check, Level: k.Level, Text: english(k.Key, args), Key: k.Key, Args: args}
	if k.Level != Good {
		f.Remedy = english(k.Key+".remedy", args)
	}
	return f
}

// failed is a check that could not be made.
func failed(check string, err error) Finding {
	f := notLooked.found(Args{"error": err.Error()})
	f.Check = check
	return f
}

func english(key string, args Args) string {
	values := locale.Args{}
	for name, value := range args {
		switch value := value.(type) {
		case int:
			values[name], values["count"] = value, value
		case time.Time:
			values[name] = value.Format(time.DateTime)
		default:
			values[name] = value
		}
	}
	return locale.Text("en", KeyPrefix+key, values)
}
