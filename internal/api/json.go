package api

import (
	"bufio"
	"bytes"
	"time"

	"github.com/yoozak/clients/internal/web"
)

// emptyBody is the answer of an endpoint that only does something.
type emptyBody struct{}

// wireTime is how the specification writes times, in UTC.
const wireTime = "2006-01-02T15:04:05.000Z"

// formatTime writes a time as the specification does.
func formatTime(t time.Time) string { return t.UTC().Format(wireTime) }

// formatTimeOrNull is null for the zero time.
func formatTimeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := formatTime(t)
	return &text
}

// jsonWriter writes JSON piece by piece. After an error it writes nothing
// more; the last piece and Flush return it.
type jsonWriter struct {
	w     *bufio.Writer
	piece bytes.Buffer
}

func (j *jsonWriter) text(t string) { _, _ = j.w.WriteString(t) }

func (j *jsonWriter) value(v any) error {
	j.piece.Reset()
	web.EncodeJSON(&j.piece, v)
	_, err := j.w.Write(j.piece.Bytes())
	return err
}

// fields writes a struct without its braces.
func (j *jsonWriter) fields(v any) {
	j.piece.Reset()
	web.EncodeJSON(&j.piece, v)
	all := j.piece.Bytes()
	_, _ = j.w.Write(all[1 : len(all)-1])
}
