package payload

import "strings"

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// decodeBase64 is as lenient as Python's: it skips what is not in the
// alphabet and stops at padding that completes a group of four. It reports
// false for a group that is not complete.
func decodeBase64(b []byte) ([]byte, bool) {
	out := make([]byte, 0, len(b)/4*3+3)
	var left byte
	group, pads := 0, 0
	for _, c := range b {
		if c == '=' {
			if group >= 2 {
				if pads++; group+pads >= 4 {
					return out, true
				}
			}
			continue
		}
		n := strings.IndexByte(base64Alphabet, c)
		if n < 0 {
			continue
		}
		pads = 0
		six := byte(n) //nolint:gosec // an index below 64
		switch group {
		case 1:
			out = append(out, left<<2|six>>4)
			six &= 0x0F
		case 2:
			out = append(out, left<<4|six>>2)
			six &= 0x03
		case 3:
			out = append(out, left<<6|six)
		}
		left = six
		group = (group + 1) % 4
	}
	return out, group == 0
}
