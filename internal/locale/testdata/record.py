"""record.py texts|match > FILE: writes what Django, REST framework and simplejwt answer.

texts is for texts.json: for each key of the catalogue, with arguments, the text in each
language. match is for match.json: for Accept-Language headers, the language that
LocaleMiddleware activates, for each default language. Run it with the system's python3 and
Debian's packages python3-django, python3-djangorestframework and
python3-djangorestframework-simplejwt; it listens to nothing and needs no database server.
"""
import json
import random
import sys
import types

import django
import jwt
from django.conf import settings

LANGUAGES = ("fr", "en", "ar")
KEY = "a key that signs nothing but the examples of this recording"
VALIDATORS = ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")

sys.modules["no_urls"] = types.ModuleType("no_urls")
sys.modules["no_urls"].urlpatterns = []
settings.configure(
    SECRET_KEY=KEY,
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF="no_urls",
    USE_TZ=True,
    # A text that a language lacks is answered in LANGUAGE_CODE's.
    LANGUAGE_CODE="en",
    LANGUAGES=[(code, code) for code in LANGUAGES],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "rest_framework_simplejwt"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    AUTH_PASSWORD_VALIDATORS=[{"NAME": "django.contrib.auth.password_validation." + name} for name in VALIDATORS],
)
django.setup()

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import MinimumLengthValidator, validate_password
from django.core.management import call_command
from django.core.exceptions import ValidationError as ModelError
from django.middleware.locale import LocaleMiddleware
from django.test import RequestFactory, override_settings
from django.utils import translation
from rest_framework import exceptions, serializers
from rest_framework.fields import empty
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.tokens import AccessToken

User = get_user_model()


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("username", "email")


def refused(action):
    """The one text of the refusal."""
    try:
        action()
    except TokenError as error:
        return str(error.args[0])
    except exceptions.APIException as error:
        detail = error.detail
    except ModelError as error:
        detail = error.messages
    else:
        raise AssertionError("not refused")
    while not isinstance(detail, str):
        if isinstance(detail, dict):
            detail = detail["detail"] if "detail" in detail else list(detail.values())
        else:
            (detail,) = detail
    return str(detail)


def field(value, **options):
    return lambda: serializers.CharField(**options).run_validation(value)


def user(**values):
    values = {"username": "sanae", **values}
    return lambda: UserSerializer(data=values).is_valid(raise_exception=True)


def password(text, **person):
    return lambda: validate_password(text, User(**person) if person else None)


def body(data):
    return lambda: UserSerializer(data=data).is_valid(raise_exception=True)


def parse(parser, content_type):
    def action():
        request = RequestFactory().post("/", b"{", content_type=content_type)
        Request(request, parsers=[parser()]).data
    return action


def token(**claims):
    claims = {"token_type": "access", "exp": 4000000000, "jti": "1", "user_id": 1, **claims}
    claims = {name: value for name, value in claims.items() if value is not None}
    raw = jwt.encode(claims, KEY, algorithm="HS256")
    return lambda: AccessToken(raw)


def authenticate(header):
    return lambda: JWTAuthentication().authenticate(RequestFactory().get("/", HTTP_AUTHORIZATION=header))


def bearer(**claims):
    claims = {"token_type": "access", "exp": 4000000000, "jti": "1", **claims}
    return authenticate("Bearer " + jwt.encode(claims, KEY, algorithm="HS256"))


def negotiate():
    request = Request(RequestFactory().get("/", HTTP_ACCEPT="text/html"))
    DefaultContentNegotiation().select_renderer(request, [JSONRenderer()])


def login():
    TokenObtainPairSerializer(data={"username": "nobody", "password": "x"}).is_valid(raise_exception=True)


def throw(error):
    """Errors choose their text when they are made, so they are made here."""
    def action():
        raise error()
    return action


def examples():
    yield "field.required", {}, field(empty)
    yield "field.null", {}, field(None)
    yield "field.blank", {}, field("")
    yield "field.invalid", {}, field([])
    for length in (150, 254):
        yield "field.max_length", {"max": length}, field("x" * (length + 1), max_length=length)
    yield "field.null_characters", {}, field("\0")
    yield "field.surrogates", {"code_point": "D800"}, field("\ud800")
    yield "username.invalid", {}, user(username="no spaces")
    yield "username.taken", {}, user(username="taken")
    yield "email.invalid", {}, user(email="none")
    for attribute in ("username", "email", "first_name", "last_name"):
        yield "password_too_similar", {"attribute": "attribute." + attribute}, password("kV7#pazouk", **{attribute: "kV7#pazouk"})
    for n in (1, 2, 3, 8, 10, 11, 99, 100, 102, 103):
        yield "password_too_short", {"n": n}, lambda n=n: MinimumLengthValidator(n).validate("")
    yield "password_too_common", {}, password("motherlode")
    yield "password_entirely_numeric", {}, password("481516234299")
    yield "body.not_object", {"type": "list"}, body([])
    yield "body.no_data", {}, body(None)
    yield "parse_error_json", {"detail": "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"}, parse(JSONParser, "application/json")
    yield "parse_error_multipart", {"detail": "Invalid boundary in multipart: None"}, parse(MultiPartParser, "multipart/form-data")
    yield "unsupported_media_type", {"media_type": "text/{detail}"}, throw(lambda: exceptions.UnsupportedMediaType("text/{detail}"))
    yield "method_not_allowed", {"method": "PUT"}, throw(lambda: exceptions.MethodNotAllowed("PUT"))
    yield "not_found", {}, throw(exceptions.NotFound)
    yield "not_acceptable", {}, negotiate
    yield "not_authenticated", {}, throw(exceptions.NotAuthenticated)
    for n in (1, 2, 3, 11, 100):
        yield "throttled", {"n": n}, throw(lambda n=n: exceptions.Throttled(wait=n))
    yield "bad_auth_header", {}, authenticate("Bearer a b")
    yield "token.given_not_valid", {}, authenticate("Bearer a")
    yield "token_invalid", {}, token(exp=1)
    yield "token_wrong_type", {}, token(token_type="refresh")
    yield "token_no_type", {}, token(token_type=None)
    yield "token_no_id", {}, token(jti=None)
    yield "token_no_exp", {}, token(exp=None)
    yield "token_no_user", {}, bearer()
    yield "user_not_found", {}, bearer(user_id=0)
    yield "user_inactive", {}, bearer(user_id=User.objects.get(username="taken").pk)
    yield "invalid_credentials", {}, login


def attributes():
    for name in ("username", "email", "first_name", "last_name"):
        yield "attribute." + name, {}, str(User._meta.get_field(name).verbose_name)
    # No password is shorter than nothing, so this one is looked up rather than provoked.
    noun = "This password is too short. It must contain at least %(min_length)d character"
    yield "password_too_short", {"n": 0}, translation.ngettext(noun + ".", noun + "s.", 0) % {"min_length": 0}


def record_texts():
    call_command("migrate", verbosity=0)
    User.objects.create_user("taken", is_active=False)
    rows = {}
    for language in LANGUAGES:
        with translation.override(language):
            texts = [(key, args, refused(action)) for key, args, action in examples()]
            texts.extend(attributes())
        for i, (key, args, text) in enumerate(texts):
            rows.setdefault(i, {"key": key, "args": args})[language] = text
    return list(rows.values())


HEADERS = [
    "", " ", "fr", "en", "ar", "FR", "Ar", "de", "fr-FR", "ar-MA", "en-US", "EN-gb", "fr-fr", "zgh-MA", "fra", "arabic",
    "fr-FR,fr;q=0.9,en;q=0.8", "fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", "en-US,en;q=0.5", "ar-MA,ar;q=0.9,fr;q=0.8,en;q=0.7",
    "de,ar", "de;q=1,ar;q=0.1", "de-DE,de;q=0.9", "en,fr", "fr,en", "en;q=0.8,fr;q=0.9", "en;q=0.9,fr;q=0.9", "en;q=0.5,ar;q=0.50,fr;q=0.500",
    "en;q=0.1,fr;q=0.2,ar;q=0.3", "en;q=0.001,ar;q=0.002", "fr;q=1,en", "fr;q=1.0,en;q=1.000", "fr;q=1.001,en", "en;q=0.9999", "en;q=0.1234,fr",
    # q=0 is not a refusal but the least wanted.
    "fr;q=0", "en;q=0", "en;q=0,ar;q=0.0", "en;q=0.000,ar;q=0.001", "en;q=0.", "en;q=1.", "en;q=1.,ar", "ar;q=0,*;q=0",
    "*", "*,en", "en,*", "*;q=0.5,en", "*;q=0.5,en;q=0.4", "en;q=0.4,*;q=0.5", "de,*,en", "de,*;q=0.1,en;q=0.2", "*;q=0", "*-en", "en-*", "**",
    "*;q=0.8,ar;q=0.8", "ar;q=0.8,*;q=0.8", "en;q=0.5,*;q=0.0,ar;q=0.1",
    # White space is taken around , and around ;, but not elsewhere.
    "fr , en", "en ,fr", "en;q=0.5 , fr", "en ; q=0.5, fr", "en; q=0.5,ar;q=0.6", "en;q =0.5", "en;q= 0.5",
    "en,\tar", "de,\u00ad ar", "de,\u000bar",
    # One part that is malformed makes the whole header nothing.
    "en,", ",en", "en,,ar", "en, ,ar", ",", ";", "en;", "en;q", "en;q=", "en;q=x", "en;q=-1", "en;q=2", "en;q=.5", "en;q=00.5", "en;q=01", "en;q=10", "en;q=1e0",
    "en;q=0,5", "en;level=1", "en;q=0.5;level=1", "en;Q=0.5,ar;q=0.6", "en;x=1,ar", "en_US", "en_US,ar", "ar.UTF-8", "C", "POSIX", "en!", "!en", "en fr", "en-", "-en", "en--US", "en-,ar",
    "ar,en;q=0.0001", "ar,é", "é", "العربية".encode().decode("latin-1"), "ar,\u00b2", "en;q=0.\u00b2", "ar,\u0000", "\"en\"", "en='x'", "en\n,ar", "e\nn",
    "en-12345678", "en-123456789", "abcdefgh", "abcdefghi", "abcdefghi,ar", "en-a-b-c-d-e-f", "ar-Arab-MA-x-private", "x-en", "i-en", "zh-hant", "zh-hans,ar", "en-latn-us,ar",
    "en@latin", "en@latin,ar", "ar-1", "1-ar", "1,ar", "ar-u-nu-latn", "de-fr", "frr", "frr-fr,ar", "enm,en",
    "undefined", "null", "../../etc/passwd", "<script>", "ar;q=0.5\u0000",
    # Up to 500 bytes are read; beyond, what stands before the last comma within them.
    "ar," + "de," * 165 + "de", "ar," + "de," * 164 + "defgh", "ar," + "de," * 164 + "defghi", "de," * 165 + "de,ar", "de," * 166 + "ar", "de," * 166 + "ar,en", "de," * 200 + "ar",
    "ar," + "x" * 600, "ar" + "-ab" * 200, "ar" + "-ab" * 166, "ar" + "-ab" * 165 + "-abc", "ar" + "-ab" * 165 + "-a", "x" * 600, "," + "x" * 600, "ar," + " " * 600 + "en", "ar" + " " * 600 + ",en",
    "en;q=0.5," + "de," * 163 + "ar", "en;q=0.5," + "de;q=0.9," * 60 + "ar", "ar," + "de," * 170 + "!!", "ar," + "de," * 100 + "!!",
]

PIECES = ["en", "fr", "ar", "de", "EN-us", "fr-FR", "ar-MA", "x-y-z", "*", ",", ",", ",", ", ", " ,", ";q=0.5", ";q=0.8", "; q=0.9", ";q=1", ";q=0", ";q=1.0", ";q=0.25", ";", "q=0.1", "-", "1", " ", "é"]


def made_up(count):
    """Headers of plausible pieces; half of them are lists as they should be."""
    choice = random.Random(3).choice
    for i in range(count):
        if i % 2:
            yield "".join(choice(PIECES) for _ in range(choice(range(1, 9))))
        else:
            yield ",".join(choice(PIECES[:9]) + choice(["", "", *PIECES[14:21]]) for _ in range(choice(range(1, 6))))


def activated(header):
    request = RequestFactory().get("/", HTTP_ACCEPT_LANGUAGE=header)
    LocaleMiddleware(lambda request: None).process_request(request)
    return request.LANGUAGE_CODE


def record_match():
    # No header arrives with space at its ends (RFC 9112, section 5).
    rows = [{"header": header} for header in dict.fromkeys(header.strip() for header in [*HEADERS, *made_up(400)])]
    for default in LANGUAGES:
        with override_settings(LANGUAGE_CODE=default):
            for row in rows:
                row[default] = activated(row["header"])
    return rows


def line(row):
    if sys.argv[1] == "match":
        return json.dumps(row)
    # A space that does not break is to be seen as one.
    return json.dumps(row, ensure_ascii=False).replace("\u00a0", "\\u00a0")


rows = {"texts": record_texts, "match": record_match}[sys.argv[1]]()
print("[\n" + ",\n".join(map(line, rows)) + "\n]")
