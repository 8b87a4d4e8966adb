"""Access tokens of Yoozak Clients, verified by its public keys without asking it.

Needs PyJWT and cryptography. Settings come from the environment:

    YOOZAK_KEY_SET_URL   https://accounts.shop.example/.well-known/jwks.json
    YOOZAK_ISSUER        YOOZAK_JWT_ISSUER of the server ("yoozak")
    YOOZAK_AUDIENCE      the name of this service, where the server has YOOZAK_JWT_AUDIENCE
"""

import json
import os
import threading
import time
import urllib.request

import jwt
from jwt.utils import base64url_decode, base64url_encode

ALGORITHM = "ES256"  # YOOZAK_JWT_ALGORITHM of the server
ISSUER = os.environ.get("YOOZAK_ISSUER", "yoozak")
AUDIENCE = os.environ.get("YOOZAK_AUDIENCE") or None
LEEWAY = 5  # seconds that the server's clock may run ahead of ours


class Refused(Exception):
    """The token is not good. The text is for your log; the client gets a 401 and no reason."""


class Unavailable(Exception):
    """Nothing can be said of a token, because the key set is not known: 503, which logs nobody out."""


class KeySet:
    """The keys, fetched steadily while they are asked for, and at most once a minute because of a token whose
    key is not known. A bad answer changes nothing; the last good one serves for an hour. (PyJWT's own
    PyJWKClient fetches for every unknown key, and forgets the good keys when one fetch fails.)"""

    TIMEOUT, STEADY, RETRY, MISS, KEEP = 5, 40, 10, 60, 3600  # seconds

    def __init__(self, url):
        self.url = url
        self.keys = {}
        self.good_until = self.tried = self.missed = float("-inf")
        self.failure = None
        self.lock = threading.Lock()

    def get(self, kid):
        """The key of that name, or None if there is no such key."""
        age = time.monotonic() - self.tried
        if age >= (self.RETRY if self.failure else self.STEADY):
            self._fetch(wait=not self.keys)
        if kid not in self.keys and time.monotonic() - self.missed >= self.MISS:
            self.missed = time.monotonic()
            self._fetch(wait=True)
        if time.monotonic() >= self.good_until or (kid not in self.keys and self.failure):
            raise Unavailable(str(self.failure))
        return self.keys.get(kid)

    def _fetch(self, wait):
        before = self.tried
        if not self.lock.acquire(timeout=self.TIMEOUT if wait else 0):
            return
        try:
            if self.tried != before:  # another thread has just done it
                return
            self.tried = time.monotonic()
            with _opener.open(self.url, timeout=self.TIMEOUT) as answer:
                found = json.loads(answer.read(1 << 18))["keys"]
            keys = {k["kid"]: jwt.PyJWK(k).key for k in found if k.get("kid") and k.get("alg") == ALGORITHM}
            if not keys:
                raise ValueError("no key signs tokens")
            self.keys, self.good_until, self.failure = keys, time.monotonic() + self.KEEP, None
        except Exception as e:  # whatever it is, the keys that we have stay
            self.failure = e
        finally:
            self.lock.release()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None  # another address must not say who may log in


_opener = urllib.request.build_opener(_NoRedirect)
keys = KeySet(os.environ.get("YOOZAK_KEY_SET_URL", "https://accounts.shop.example/.well-known/jwks.json"))


def check_form(token):
    """Refuses what is not base64url as it is written by the book, or names no key or another algorithm."""
    try:
        canonical = len(token) <= 4096 and all(base64url_encode(base64url_decode(p)).decode() == p for p in token.split("."))
        header = jwt.get_unverified_header(token) if canonical else {}
    except (jwt.PyJWTError, TypeError, ValueError, RecursionError) as e:  # the last is raised for a thousand lists in lists
        raise Refused(f"not a token: {e}") from None
    # Before its key is looked for: a refresh token must not have the keys fetched.
    if header.get("alg") != ALGORITHM or not isinstance(header.get("kid"), str) or "crit" in header:
        raise Refused("not an access token of the server")


def check_claims(claims):
    """Refuses what PyJWT and simplejwt let pass."""

    def number(name):
        return type(claims.get(name)) in (int, float)

    def text(name):
        return type(claims.get(name)) is str and claims[name] != ""

    now = time.time()
    audience = claims.get("aud")
    audience = audience if isinstance(audience, list) else [audience]
    good = (
        claims.get("token_type") == "access"  # a refresh token is none
        and number("exp") and now < claims["exp"] <= 253402300799
        and number("iat") and claims["iat"] <= now + LEEWAY
        and ("nbf" not in claims or number("nbf"))
        and type(claims.get("user_id")) is int and claims.get("sub") == str(claims["user_id"])
        and text("iss") and text("sid") and text("jti")
        and (all(type(name) is str for name in audience) if AUDIENCE else "aud" not in claims)
    )
    if not good:
        raise Refused("its claims are not those of an access token")


def verify(token):
    """The claims of a good access token: user_id, sid and the others. Raises Refused or Unavailable."""
    check_form(token)
    key = keys.get(jwt.get_unverified_header(token)["kid"])
    if key is None:
        raise Refused("no such key")
    try:
        claims = jwt.decode(token, key, algorithms=[ALGORITHM], issuer=ISSUER, audience=AUDIENCE, leeway=LEEWAY)
    except (jwt.PyJWTError, TypeError, ValueError, OverflowError, RecursionError) as e:
        raise Refused(str(e)) from None
    check_claims(claims)
    return claims
