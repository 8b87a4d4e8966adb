package main

import (
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/store"
)

// TestLargeImportTellsWhatItTakesOfTheDisk: before it begins, and refuses
// where the disk would be full.
func TestLargeImportTellsWhatItTakesOfTheDisk(t *testing.T) {
	t.Parallel()
	const gigabyte = 1_000_000_000
	for _, test := range []struct {
		name    string
		room    store.Room
		exact   bool
		told    string
		refused string
	}{
		{"few users", store.Room{Users: 99_999, During: gigabyte, Folder: "/data"}, true, "", ""},
		{
			"enough", store.Room{Users: 1_000_000, During: gigabyte, After: gigabyte / 2, Folder: "/data", Free: 2 * gigabyte}, true,
			"about 1000000 new users: 1000 MB of disk until the import ends, 500 MB from then on, in /data, where 2000 MB are free\n", "",
		},
		{
			"too little", store.Room{Users: 1_000_000, During: gigabyte, After: gigabyte / 2, Folder: "/data", Free: gigabyte / 2}, true,
			"about 1000000 new users", "1000 MB of disk are needed in /data, and 500 MB are free",
		},
		{
			"a dump, of which nobody knows", store.Room{Users: 1_000_000, During: gigabyte, Folder: "/data", Free: gigabyte / 2}, false,
			"up to 1000000 new users", "",
		},
		{"a disk that does not tell", store.Room{Users: 1_000_000, During: gigabyte, Folder: "/data", Free: -1}, true, "in /data\n", ""},
		{"PostgreSQL", store.Room{Users: 1_000_000, During: gigabyte, Free: -1}, true, "at the PostgreSQL server\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := tellRoom(&out, test.room, test.exact)
			if got := out.String(); (got == "") != (test.told == "") || !strings.Contains(got, test.told) {
				t.Errorf("told %q, want %q", got, test.told)
			}
			if (err == nil) != (test.refused == "") || err != nil && !strings.Contains(err.Error(), test.refused) {
				t.Errorf("got %v, want %q", err, test.refused)
			}
		})
	}
}
