#!/bin/sh
# serve.sh PORT: runs the reference on 127.0.0.1:PORT until it is stopped.
# REFERENCE_SECRET (the HS256 key) and REFERENCE_DIR (a folder for its database) must be set;
# DJANGO_SETTINGS_MODULE and PYTHONPATH may name other settings.
set -eu
: "${REFERENCE_SECRET:?is the HS256 key}" "${REFERENCE_DIR:?is the folder of the database}"
here=$(cd "$(dirname "$0")" && pwd)
PYTHONPATH=$here${PYTHONPATH:+:$PYTHONPATH} PYTHONDONTWRITEBYTECODE=1
DJANGO_SETTINGS_MODULE=${DJANGO_SETTINGS_MODULE:-shop.settings}
export PYTHONPATH PYTHONDONTWRITEBYTECODE DJANGO_SETTINGS_MODULE REFERENCE_SECRET REFERENCE_DIR
/usr/bin/python3 -m django migrate --verbosity 0
exec /usr/bin/python3 -m gunicorn --bind "127.0.0.1:$1" --threads 4 --worker-tmp-dir "$REFERENCE_DIR" \
	--log-level warning shop.wsgi
