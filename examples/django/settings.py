"""What a Django project adds to its settings for tokens of Yoozak Clients; the rest is the least that starts."""

import yoozak

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["yoozak_auth.YoozakAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "UNAUTHENTICATED_USER": None,
}
SIMPLE_JWT = {
    "ALGORITHM": yoozak.ALGORITHM,  # one that has a public key: ES256 or RS256
    "JWK_URL": yoozak.keys.url,
    "ISSUER": yoozak.ISSUER,
    "AUDIENCE": yoozak.AUDIENCE,
    "LEEWAY": yoozak.LEEWAY,
    "USER_ID_CLAIM": "user_id",
    "SIGNING_KEY": None,  # nothing is signed here
}

ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"]
ROOT_URLCONF = "urls"
SECRET_KEY = "signs nothing here"
USE_TZ = True
