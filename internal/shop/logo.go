package shop

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the two kinds that every mail program shows
	_ "image/png"
)

// Logo is the shop's image. It is a part of each mail, for an image from
// elsewhere would tell another server who reads a mail, and when.
type Logo struct {
	Data          []byte
	Type          string // image/png or image/jpeg
	Width, Height int    // as it is shown
	Version       string // changes with the image
}

// The most that a logo may be, and the most that it is shown as.
const (
	maxLogoBytes             = 64 << 10
	maxLogoPixels            = 2000
	maxLogoWidth, logoHeight = 220, 40
)

// NewLogo takes a PNG or JPEG. Others, SVG among them, are not shown by
// common mail programs.
func NewLogo(data []byte) (*Logo, error) {
	if len(data) > maxLogoBytes {
		return nil, fmt.Errorf("has %d KiB, but every mail carries it: %d at most", len(data)>>10, maxLogoBytes>>10)
	}
	c, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || kind != "png" && kind != "jpeg" { // another package may know more kinds
		return nil, errors.New("must be a PNG or a JPEG")
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxLogoPixels || c.Height > maxLogoPixels {
		return nil, fmt.Errorf("is %d by %d pixels: %d at most", c.Width, c.Height, maxLogoPixels)
	}
	if _, _, err := image.Decode(bytes.NewReader(data)); err != nil {
		return nil, errors.New("is a damaged image")
	}
	sum := sha256.Sum256(data)
	l := &Logo{Data: data, Type: "image/" + kind, Version: hex.EncodeToString(sum[:6])}
	l.Width, l.Height = fit(c.Width, c.Height)
	return l, nil
}

// fit makes a size smaller, never larger, so that it is not beyond what a
// logo is shown as.
func fit(width, height int) (int, int) {
	if height > logoHeight {
		width, height = width*logoHeight/height, logoHeight
	}
	if width > maxLogoWidth {
		width, height = maxLogoWidth, height*maxLogoWidth/width
	}
	return max(1, width), max(1, height)
}
