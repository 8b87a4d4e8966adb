package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/secret"
)

const planted = "hunter2-0123456789"

// holder has secrets where fmt asks them, and where it does not.
type holder struct {
	Text   secret.Text
	Bytes  secret.Bytes
	hidden secret.Text
	inner  struct{ key secret.Bytes }
	list   []secret.Text
	byName map[string]secret.Bytes
}

func newHolder() holder {
	h := holder{Text: secret.NewText(planted), Bytes: secret.NewBytes([]byte(planted)), hidden: secret.NewText(planted)}
	h.inner.key = secret.NewBytes([]byte(planted))
	h.list = []secret.Text{h.Text}
	h.byName = map[string]secret.Bytes{"a": h.Bytes}
	return h
}

// shows reports whether an output has the secret in any usual dress.
func shows(output string) bool {
	output = strings.ToLower(output)
	for _, dress := range []string{planted, fmt.Sprintf("%x", planted), fmt.Sprintf("%d", []byte(planted[:4]))[1:12], "ahvudgvymi0"} {
		if strings.Contains(output, strings.ToLower(dress)) {
			return true
		}
	}
	return false
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	h := newHolder()
	for name, v := range map[string]any{
		"text": h.Text, "pointer to text": &h.Text, "bytes": h.Bytes, "pointer to bytes": &h.Bytes,
		"struct": h, "pointer to struct": &h, "slice": []any{h.Text, h.Bytes}, "map": map[secret.Text]secret.Bytes{h.Text: h.Bytes},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T", "%U", "% x", "%08b"} {
			if out := fmt.Sprintf(verb, v); shows(out) {
				t.Errorf("%s, %s: %s", name, verb, out)
			}
		}
		if out, err := json.Marshal(v); err != nil || shows(string(out)) {
			t.Errorf("%s, JSON: %s, %v", name, out, err)
		}
		for what, make := range map[string]func(b *bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(make(&b)).Info("x", "secret", v, slog.Group("g", slog.Any("again", v)))
			if shows(b.String()) || !strings.Contains(b.String(), "secret") {
				t.Errorf("%s, %s log: %s", name, what, b.String())
			}
		}
	}
	if out, err := xml.Marshal([]any{h.Text, h.Bytes}); err != nil || shows(string(out)) {
		t.Errorf("XML: %s, %v", out, err)
	}
	if out := fmt.Errorf("use %v: %w", h, fmt.Errorf("%s", h.Bytes)).Error(); shows(out) || !strings.Contains(out, "[redacted]") {
		t.Errorf("error: %s", out)
	}
	for _, out := range []string{h.Text.String(), h.Bytes.String()} {
		if out != "[redacted]" {
			t.Error(out)
		}
	}
}

func TestSecretsAreRevealedToWhoAsks(t *testing.T) {
	t.Parallel()
	h := newHolder()
	if h.Text.Reveal() != planted || string(h.Bytes.Reveal()) != planted || h.Text.Empty() || h.Bytes.Empty() {
		t.Error("a secret is not what was hidden")
	}
	var (
		text secret.Text
		b    secret.Bytes
	)
	if text.Reveal() != "" || b.Reveal() != nil || !text.Empty() || !b.Empty() || !secret.NewText("").Empty() || !secret.NewBytes([]byte{}).Empty() {
		t.Error("the zero values are not empty")
	}
	if !h.Text.Equal(secret.NewText(planted)) || h.Text.Equal(secret.NewText(planted+"x")) || h.Text.Equal(text) ||
		!h.Bytes.Equal(secret.NewBytes([]byte(planted))) || h.Bytes.Equal(b) || !text.Equal(secret.Text{}) {
		t.Error("Equal is wrong")
	}
}
