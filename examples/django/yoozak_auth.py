"""Django REST Framework with simplejwt, for tokens that Yoozak Clients issues. Beside it: yoozak.py of
examples/python. request.user.id is the number of the customer; there is no row for them in this database.
"""

from types import SimpleNamespace

import jwt
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.state import token_backend

import yoozak


class _Keys:
    """In place of PyJWT's PyJWKClient, which forgets its keys when the server cannot be reached."""

    def get_signing_key_from_jwt(self, token):
        key = yoozak.keys.get(jwt.get_unverified_header(token)["kid"])
        if key is None:
            raise jwt.PyJWKClientError("no such key")
        return SimpleNamespace(key=key)


token_backend.jwks_client = _Keys()


class Unavailable(APIException):
    status_code, default_code, default_detail, wait = 503, "unavailable", "Please try again.", 10


class YoozakAuthentication(JWTStatelessUserAuthentication):
    def get_validated_token(self, raw_token):
        try:
            yoozak.check_form(raw_token.decode("latin-1"))
            token = super().get_validated_token(raw_token)  # signature, exp, iss, aud, token_type
            yoozak.check_claims(token.payload)
        except yoozak.Unavailable:
            raise Unavailable() from None
        except (yoozak.Refused, TypeError, ValueError, OverflowError, RecursionError):
            raise InvalidToken() from None
        return token
