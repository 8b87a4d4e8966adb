//go:build !linux || !amd64

package argon2

import "errors"

// areas is for machines on which this package has no code of its own.
type areas struct{}

func supported() bool { return false }

func (*areas) init(uint32) {}

func (*areas) derive(input) ([]byte, error) { return nil, errors.ErrUnsupported }

func (*areas) release() {}
