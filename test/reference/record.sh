#!/bin/sh
# record.sh [FILE]: starts the reference in a temporary folder on a free port, records what it
# answers to rows.py, and stops it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../internal/api/testdata/wire/more.json}
work=$(mktemp -d)
server=
stop() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM

unset DJANGO_SETTINGS_MODULE PYTHONPATH
PYTHONDONTWRITEBYTECODE=1
REFERENCE_DIR=$work
REFERENCE_SECRET=$(/usr/bin/python3 -c 'import secrets; print(secrets.token_hex(32))')
export PYTHONDONTWRITEBYTECODE REFERENCE_DIR REFERENCE_SECRET
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

"$here/serve.sh" "$port" 2>"$work/log" &
server=$!
tries=0
until /usr/bin/python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null; do
	tries=$((tries + 1))
	if [ "$tries" -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
		cat "$work/log" >&2
		exit 1
	fi
	sleep 0.2
done
/usr/bin/python3 "$here/record.py" "http://127.0.0.1:$port" "$work/recorded.json"
mv "$work/recorded.json" "$out"
