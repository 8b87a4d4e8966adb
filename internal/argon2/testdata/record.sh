#!/bin/sh
# Writes known.json: keys as the Argon2 authors' C code derives them. Needs its
# command (Debian: apt-get install argon2).
set -eu
cd "$(dirname "$0")"
row() { # password salt passes memory lanes length
	tag=$(printf %s "$1" | argon2 "$2" -id -v 13 -t "$3" -k "$4" -p "$5" -l "$6" -r)
	printf '%s{"password": "%s", "salt": "%s", "time": %s, "memory": %s, "lanes": %s, "length": %s, "tag": "%s"}' "$comma" "$1" "$2" "$3" "$4" "$5" "$6" "$tag"
	comma=',
'
}
{
	comma='['
	for lanes in 1 2 3 4 5 6; do
		for passes in 1 2 3 4; do
			row 'kV7#pazouk-42lemon' '0123456789abcdef' $passes $((8 * lanes)) $lanes 32
			row 'مرحبا' 'saltsaltsalt' $passes $((64 * lanes + passes)) $lanes 16
		done
	done
	for length in 4 5 31 32 33 63 64 65 95 96 97 127 128 129 160 191 192 193 199 200; do
		row 'x' '0123456789abcdef' 1 64 1 $length
	done
	for memory in 8 9 11 12 100 511 512 513 515 516 1023 1024 1028 2048 4096 10000 19455 19456; do
		row 'kV7#pazouk-42lemon' '0123456789abcdef' 2 $memory 1 32
	done
	row "$(printf %0127d 7)" "$(printf %0200d 7)" 2 1024 1 32
	row 'kV7#pazouk-42lemon' '0123456789abcdef' 2 102400 8 32
	row 'kV7#pazouk-42lemon' '0123456789abcdef' 3 65536 4 32
	printf ']\n'
} >known.json
