package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestFirstOwnersLinkIsForThisMachine(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://127.0.0.1:8000": true, "http://[::1]:8000": true, "https://127.9.9.9": true,
		"http://[::]:8000": false, "http://0.0.0.0:8000": false, "http://192.0.2.1:8000": false, "http://127.0.0.1.nip.io": false, "": false, "%": false,
	} {
		if got := isLoopback(address); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	for _, test := range []struct {
		first firstOwner
		want  []string
	}{
		{firstOwner{}, nil},
		{firstOwner{missing: true}, []string{"yoozak user create-owner"}},
		{firstOwner{missing: true, link: "http://127.0.0.1:8000/console/setup#T"}, []string{"yoozak user create-owner", "once, for an hour: http://127.0.0.1:8000/console/setup#T\n"}},
	} {
		var b bytes.Buffer
		test.first.print(&b)
		for _, want := range test.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%+v prints %q", test.first, b.String())
			}
		}
		if test.want == nil && b.Len() > 0 || test.first.link == "" && strings.Contains(b.String(), "#") {
			t.Errorf("%+v prints %q", test.first, b.String())
		}
	}
}
