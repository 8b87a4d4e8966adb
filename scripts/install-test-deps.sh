#!/bin/sh
# Installs what the tests need and is missing, on Debian or Ubuntu: PostgreSQL's programs, PgBouncer, Patroni with
# etcd, nginx, Caddy, the Python packages of the reference and of examples/, node with npm for newman, Express, axe-core, webhooks, the SDK and OpenAPI's linters, Chromium with Arabic letters. Quick when all is there.
# Go itself is expected. With "packages": what test/packages needs besides, in make test-packages.
set -eu
cd "$(dirname "$0")/.."

missing=
need() { # need PACKAGE... unless a test says that it is there
	missing="$missing $*"
}
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || need postgresql
[ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import django, rest_framework, rest_framework_simplejwt, gunicorn, argon2, psycopg2, cryptography, fastapi, uvicorn' 2>/dev/null ||
	need python3 python3-django python3-djangorestframework python3-djangorestframework-simplejwt gunicorn \
		python3-argon2 python3-psycopg2 python3-cryptography python3-fastapi python3-uvicorn
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || need nodejs npm
command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] || need pgbouncer
command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || need nginx-light
command -v caddy >/dev/null 2>&1 || need caddy
command -v patroni >/dev/null 2>&1 || need patroni python3-etcd # its way to etcd
command -v etcd >/dev/null 2>&1 || need etcd-server
command -v curl >/dev/null 2>&1 || need curl
command -v gcc >/dev/null 2>&1 || need gcc libc6-dev # the race detector is C
if ! command -v chromium >/dev/null 2>&1 && ! command -v chromium-browser >/dev/null 2>&1 && ! command -v google-chrome >/dev/null 2>&1; then
	if grep -qi '^ID=ubuntu' /etc/os-release 2>/dev/null; then # whose package is an empty one
		echo "The browser tests need Chromium: snap install chromium, or Google Chrome's package" >&2
	else
		need chromium
	fi
fi
[ -e /usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf ] || need fonts-noto-core
if [ "${1:-}" = packages ]; then
	command -v promtool >/dev/null 2>&1 || need prometheus
	command -v systemd-analyze >/dev/null 2>&1 || need systemd
	command -v debootstrap >/dev/null 2>&1 || need debootstrap
	command -v bwrap >/dev/null 2>&1 || need bubblewrap
	command -v buildah >/dev/null 2>&1 || need buildah
	command -v zsh >/dev/null 2>&1 || need zsh
	command -v fish >/dev/null 2>&1 || need fish
fi

if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "Please install:$missing" >&2
		exit 1
	fi
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	echo "Installing:$missing"
	$sudo apt-get update -qq
	# The packages would start a cluster of their own on port 5432; the tests start theirs.
	if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
		$sudo mkdir -p /etc/postgresql-common
		echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
	fi
	# Packages start what they install: PgBouncer would listen on port 6432, etcd on 2379, nginx and Caddy on 80. Who has one already keeps
	# it. (Patroni waits for its settings.)
	if [ -d /run/systemd/system ]; then
		for service in pgbouncer etcd nginx caddy prometheus; do
			case " $missing " in *" $service"*) $sudo systemctl mask $service.service >/dev/null 2>&1 || true ;; esac
		done
	elif [ ! -e /usr/sbin/policy-rc.d ]; then
		trap '$sudo rm -f /usr/sbin/policy-rc.d' EXIT
		trap 'exit 1' INT TERM
		printf '#!/bin/sh\nexit 101\n' | $sudo tee /usr/sbin/policy-rc.d >/dev/null
		$sudo chmod 755 /usr/sbin/policy-rc.d
	fi
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends \
		-o Dpkg::Options::=--force-confold $missing >/dev/null
fi

# What npm installs, again when a lockfile has changed since.
for dir in test/postman test/browser test/openapi test/webhook test/sdk sdk/typescript sdk/typescript/test/react-18 examples/storefront examples/express; do
	if [ ! -e $dir/node_modules/.package-lock.json ] || [ $dir/package-lock.json -nt $dir/node_modules/.package-lock.json ]; then
		echo "Installing what $dir needs"
		(cd $dir && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json)
	fi
done
