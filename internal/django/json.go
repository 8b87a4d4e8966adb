package django

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync/atomic"
)

// jsonSource is the output of "manage.py dumpdata", as JSON or JSONL. It is
// read object by object; for the blacklist, which has its dates in another
// object than its entries, once more.
type jsonSource struct {
	file        *os.File
	size        int64
	offset      atomic.Int64
	layout      Layout
	blacklisted idSet // keys of outstanding tokens
	hasList     bool
}

// object is one of a fixture.
type object struct {
	Model  string                     `json:"model"`
	PK     json.RawMessage            `json:"pk"`
	Fields map[string]json.RawMessage `json:"fields"`
}

func openJSON(path string, l Layout) (Source, error) {
	f, err := os.Open(path) //nolint:gosec // the path is the operator's
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &jsonSource{file: f, size: info.Size(), layout: l}, nil
}

// objects yields every object of the file.
func (s *jsonSource) objects(ctx context.Context, yield func(*object) error) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReaderSize(&utf8Reader{in: s.file}, 1<<16)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = in.Discard(3) // Windows' way to say UTF-8
	}
	d := json.NewDecoder(in)
	list, err := startsList(in)
	if err != nil {
		return err
	}
	if list {
		if _, err := d.Token(); err != nil {
			return err
		}
	}
	for n := 0; ; n++ {
		if list && !d.More() {
			if _, err := d.Token(); err != nil { // the end of the list, or what is wrong with it
				return fmt.Errorf("at byte %d: %w", d.InputOffset(), err)
			}
			return onlyBlanks(io.MultiReader(d.Buffered(), in), d.InputOffset())
		}
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var o object
		if err := d.Decode(&o); errors.Is(err, io.EOF) && !list {
			return nil
		} else if err != nil {
			return fmt.Errorf("at byte %d: %w", d.InputOffset(), err)
		}
		s.offset.Store(d.InputOffset())
		if err := yield(&o); err != nil {
			return err
		}
	}
}

// onlyBlanks is an error when anything else follows the list.
func onlyBlanks(in io.Reader, at int64) error {
	rest := bufio.NewReader(in)
	for ; ; at++ {
		switch c, err := rest.ReadByte(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			return fmt.Errorf("at byte %d: something follows the list, such as another dump: import one file after the other", at)
		}
	}
}

// startsList tells JSON, one list, from JSONL, an object on each line.
func startsList(in *bufio.Reader) (bool, error) {
	for {
		b, err := in.Peek(1)
		if err != nil {
			return false, err
		}
		switch b[0] {
		case ' ', '\t', '\r', '\n':
			_, _ = in.Discard(1)
		default:
			return b[0] == '[', nil
		}
	}
}

// errStop ends objects when nobody wants more.
var errStop = errors.New("stop")

// Users reads the file once.
func (s *jsonSource) Users(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		found := false
		err := s.objects(ctx, func(o *object) error {
			switch o.Model {
			case s.layout.Model:
				found = true
				r, err := s.row(o)
				if err != nil {
					return err
				}
				if !yield(r.record(s.layout), nil) {
					return errStop
				}
			case "token_blacklist.blacklistedtoken":
				return s.note(o)
			}
			return nil
		})
		if err == nil && !found {
			err = fmt.Errorf("there is no %q in it: say --model", s.layout.Model)
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(Record{}, fmt.Errorf("read %s: %w", s.file.Name(), err))
		}
	}
}

func (s *jsonSource) row(o *object) (row, error) {
	var r row
	for i, field := range Fields {
		column, wanted := s.layout.column(field)
		if !wanted {
			continue
		}
		value, there := o.Fields[column]
		if field == "id" {
			value, there = o.PK, true
		}
		if !there {
			return r, missing(fmt.Sprintf("%s with the key %s", o.Model, o.PK), field, column)
		}
		r[i] = scalar(value)
	}
	return r, nil
}

// scalar is a JSON value as text. A list or an object stays JSON, which is
// neither a number nor a date; for a name, somebody chose a wrong column.
func scalar(value json.RawMessage) text {
	if len(value) == 0 || string(value) == "null" {
		return text{}
	}
	if value[0] == '"' {
		return text{jsonText(value), true}
	}
	return text{string(value), true}
}

// note keeps the key of a token that is on the blacklist.
func (s *jsonSource) note(o *object) error {
	s.hasList = true
	var key int64
	if err := json.Unmarshal(o.Fields["token"], &key); err != nil {
		if s.layout.Blacklist == Ignored {
			return nil
		}
		return fmt.Errorf("%s with the key %s names no token; --no-blacklist leaves all out", o.Model, o.PK)
	}
	s.blacklisted.add(key)
	return nil
}

// Blacklisted reads the file again if the first time found a blacklist.
func (s *jsonSource) Blacklisted(ctx context.Context) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		err := s.tokens(ctx, yield)
		if err != nil && !errors.Is(err, errStop) {
			yield(Token{}, fmt.Errorf("read the blacklist: %w", err))
		}
	}
}

func (s *jsonSource) tokens(ctx context.Context, yield func(Token, error) bool) error {
	if s.layout.Blacklist == Ignored {
		return nil
	}
	if !s.hasList {
		return absent(s.layout, "token_blacklist.blacklistedtoken")
	}
	return s.objects(ctx, func(o *object) error {
		if o.Model != "token_blacklist.outstandingtoken" {
			return nil
		}
		var key int64
		if err := json.Unmarshal(o.PK, &key); err != nil || !s.blacklisted.has(key) {
			return nil //nolint:nilerr // a key that is no number is on no list
		}
		t, err := token(scalar(o.Fields["jti"]).s, scalar(o.Fields["expires_at"]), s.layout.zone())
		if err != nil {
			return err
		}
		if !yield(t, nil) {
			return errStop
		}
		return nil
	})
}

// Count goes by the size of the file.
func (s *jsonSource) Count() (int64, bool) {
	const user = 400 // bytes of one, with the hash that Django makes
	return s.size / user, false
}

// Progress is by bytes.
func (s *jsonSource) Progress() float64 {
	if s.size == 0 {
		return 1
	}
	return min(1, float64(s.offset.Load())/float64(s.size))
}

// Close closes the file.
func (s *jsonSource) Close() error { return s.file.Close() }
