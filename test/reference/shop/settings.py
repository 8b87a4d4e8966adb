"""Settings of the reference. It listens on loopback, for tests only.

REFERENCE_SECRET is the HS256 key, REFERENCE_DIR the folder that holds the database.
"""
import os
from datetime import timedelta

SECRET_KEY = os.environ["REFERENCE_SECRET"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    # Named for its translations alone, which Django reads from installed applications.
    "rest_framework_simplejwt",
]
MIDDLEWARE = [
    "shop.middleware.Locale",
    "django.middleware.common.CommonMiddleware",
    "shop.middleware.TokenRefreshRequired",
]

# A text that a language lacks is answered in LANGUAGE_CODE's: Arabic has none of simplejwt's
# and the shop answered those in English. A client that asks for nothing gets DEFAULT_LANGUAGE.
LANGUAGE_CODE = "en"
DEFAULT_LANGUAGE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English"), ("ar", "العربية")]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.path.join(os.environ["REFERENCE_DIR"], "reference.sqlite3"),
        "OPTIONS": {"timeout": 20},
    }
}

# The hash never reaches the wire; a fast one keeps the recording short.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation." + name}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
}
TOKEN_REFRESH_THRESHOLD = timedelta(minutes=5)
