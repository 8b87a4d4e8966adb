"""Settings of a project that is as Django makes them, but for the database and cheap hashes."""
import os
from urllib.parse import urlsplit

SECRET_KEY = "for-tests-only-0123456789abcdefghijklmnopqrstuvwxyz"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework_simplejwt.token_blacklist",
    "old",
]

_where = os.environ["DJANGO_DATABASE"]
if _where.startswith("postgres://"):
    _url = urlsplit(_where)
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": _url.hostname,
            "PORT": _url.port,
            "USER": _url.username,
            "NAME": _url.path[1:],
        }
    }
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _where}}

PASSWORD_HASHERS = ["old.hashers.PBKDF2PasswordHasher"] + [
    "django.contrib.auth.hashers." + name + "PasswordHasher"
    for name in ("PBKDF2SHA1", "Argon2", "MD5", "UnsaltedMD5")
]
