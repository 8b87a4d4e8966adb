import time

from django.conf import settings
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.translation import trans_real


class Locale(LocaleMiddleware):
    """Django's choice of the language, with a default of its own.

    Django has one setting for two things, the language of who asks for none and the
    language of a text without translation; here they differ.
    """

    def process_request(self, request):
        super().process_request(request)
        by_cookie = settings.LANGUAGE_COOKIE_NAME in request.COOKIES
        if not by_cookie and not asked(request.META.get("HTTP_ACCEPT_LANGUAGE", "")):
            translation.activate(settings.DEFAULT_LANGUAGE)
            request.LANGUAGE_CODE = translation.get_language()


def asked(header):
    """Whether the header names a language that there is, read as Django reads it."""
    for code, _ in trans_real.parse_accept_lang_header(header):
        if code == "*":
            return False
        if not trans_real.language_code_re.search(code):
            continue
        try:
            trans_real.get_supported_language_variant(code)
        except LookupError:
            continue
        return True
    return False


class TokenRefreshRequired:
    """Tells the holder of a token that is about to expire to renew it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        # REST framework leaves the token that it accepted on the request; None without one.
        token = getattr(request, "auth", None)
        if token is not None:
            left = token["exp"] - time.time()
            if left < settings.TOKEN_REFRESH_THRESHOLD.total_seconds():
                response["X-Token-Refresh-Required"] = "true"
        return response
