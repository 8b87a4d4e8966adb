"""The requests that record.py plays against the reference, beside the 218 that were given.

A row says what is sent. {{new}} is a fresh name, {{u}} {{pw}} {{access}} {{refresh}} belong to a
user who is registered first, {{mint}} is a token made with the server's own key. A body is text
sent as UTF-8; a lone surrogate in it becomes three bytes that are not UTF-8 (body_base64 has them). Names are random, so
no password here may be close to one by chance: hexadecimal letters are avoided, or the name is fixed.
"""
import json

REGISTER = "/api/clients/auth/register/"
LOGIN = "/api/clients/auth/login/"
REFRESH = "/api/clients/auth/token/refresh/"
ME = "/api/clients/clients/me/"
POSTS = (("register", REGISTER), ("login", LOGIN), ("refresh", REFRESH))
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"
PASSWORD = "kV7#pazouk-42lemon"
PERSON = {"username": "{{new}}", "password": PASSWORD, "email": "{{new}}@example.ma", "first_name": "Prénom", "last_name": "Nom"}
FIELDS = tuple(PERSON)

HTML = "the reference answers an HTML page; a JSON API answers JSON"
CRASH = "the reference answers 500"
LENIENT = "the reference skips what is not base64 in a token"
METADATA = "the reference describes itself; nobody needs the description"

rows = []
seen = set()


def add(id, method, path, body=None, ct=None, headers=None, setup=False, mint=None, **more):
    assert id not in seen, id
    seen.add(id)
    if "why" in more:
        more["must_match"] = False
    rows.append({"id": id, "method": method, "path": path, "body": body, "ct": ct, "headers": headers or {},
                 "setup": setup or mint is not None, "mint": mint, **more})


def post(id, path, body, ct=JSON, **more):
    if not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False)
    add(id, "POST", path, body, ct, **more)


def register(id, **more):
    fields = {k: more.pop(k) for k in FIELDS if k in more}
    post("register/" + id, REGISTER, {**PERSON, **fields}, **more)


def without(fields, name):
    return {k: v for k, v in fields.items() if k != name}


class Raw(str):
    """JSON text that is put into the body as it stands."""


def raw(fields):
    parts = (json.dumps(k) + ": " + (v if isinstance(v, Raw) else json.dumps(v, ensure_ascii=False)) for k, v in fields.items())
    return "{" + ", ".join(parts) + "}"


VALUES = {
    "blank": "", "spaces": "   ", "null": None, "true": True, "false": False, "list": ["a"], "list-empty": [], "object": {"a": 1},
    "int": 5, "int-negative": -7, "int-zero": 0, "int-minus-zero": Raw("-0"), "float": 1.5, "float-one": Raw("1.0"),
    "float-exp": Raw("1e5"), "float-big": Raw("1e22"), "float-small": Raw("0.00001"), "float-16": Raw("1e16"), "float-15": Raw("123456789012345680.0"),
    "float-minus-zero": Raw("-0.0"), "float-third": Raw("0.1"), "float-digits": Raw("0.30000000000000004"), "int-big": Raw("123456789012345678901234567890"),
    "infinite": Raw("1e400"), "minus-infinite": Raw("-1e400"),
}


def values():
    for name in FIELDS:
        for kind, value in VALUES.items():
            # A number as the name is registered for good: the second language would find it taken.
            if name == "username" and not isinstance(value, bool) and (isinstance(value, (int, float)) or isinstance(value, Raw)):
                body = raw({**PERSON, "username": value, "password": "1234"})
            else:
                body = raw({**PERSON, name: value})
            post(f"register/{name}-value-{kind}", REGISTER, body)
        post(f"register/{name}-absent", REGISTER, without(PERSON, name))
    for name in ("username", "password"):
        for kind, value in VALUES.items():
            post(f"login/{name}-value-{kind}", LOGIN, raw({"username": "{{u}}", "password": "{{pw}}", name: value}), setup=True)
    for kind, value in VALUES.items():
        post(f"refresh/value-{kind}", REFRESH, raw({"refresh": value}))


def lengths():
    for name, limit in (("username", 150), ("first_name", 150), ("last_name", 150)):
        for size in (limit - 1, limit, limit + 1, limit + 1000):
            value = "{{new}}" + "q" * (size - 13) if name == "username" else "q" * size
            register(f"{name}-length-{size}", **{name: value})
        for size in (limit, limit + 1):
            value = "{{new}}" + "é" * (size - 13) if name == "username" else "😀" * size
            register(f"{name}-length-wide-{size}", **{name: value})
    register("first_name-length-trim", first_name=" " + "q" * 150 + " ")
    for size in (253, 254, 255, 320, 321):
        local = "q" * (size - 11)
        register(f"email-length-{size}", email=local + "@example.ma")
    register("email-length-and-bad", email="q" * 300)
    register("username-length-and-bad", username="!" * 151)
    register("username-length-bad-nul", username="!" * 151 + "\0")
    for size in (128, 129, 256, 1024):
        register(f"password-length-{size}", password=("kV7#pazouk" * 103)[:size])
    register("password-length-1025", password=("kV7#pazouk" * 103)[:1025], why="a password over 1,024 characters is refused; the reference has no limit")


SPACES = {"tab": "\t", "newline": "\n", "vt": "\v", "ff": "\f", "cr": "\r", "1c": "\x1c", "1d": "\x1d", "1e": "\x1e", "1f": "\x1f", "nel": "\x85", "nbsp": "\xa0",
          "ogham": "\u1680", "em": "\u2003", "hair": "\u200a", "line": "\u2028", "paragraph": "\u2029", "narrow": "\u202f", "math": "\u205f", "ideographic": "\u3000",
          "zero-width": "\u200b", "mongolian": "\u180e", "word-joiner": "\u2060", "bom": "\ufeff", "soft-hyphen": "\xad", "zwnj": "\u200c", "zwj": "\u200d", "rlm": "\u200f", "backspace": "\b", "del": "\x7f", "bell": "\x07"}


def spaces():
    for kind, c in SPACES.items():
        register(f"first_name-space-{kind}", first_name=c + "Omar" + c + "Zouk" + c)
        register(f"username-space-{kind}", username="{{new}}" + c)
        register(f"first_name-only-{kind}", first_name=c)
    register("password-trim", password="  " + PASSWORD + "\t\n")
    register("password-trim-short", password="   qZ7#   ")
    register("password-nbsp", password="\xa0qZ7#\xa0")
    register("password-inner-spaces", password="kV7 pazouk   lemon")
    register("email-trim-newline", email="{{new}}@example.ma\n")
    register("email-trim-nbsp", email="\xa0{{new}}@example.ma\u2003")
    register("email-zero-width", email="{{new}}@example.ma\u200b")
    register("email-bom", email="\ufeff{{new}}@example.ma")
    for kind in ("tab", "nbsp", "ideographic", "zero-width", "bom"):
        post(f"login/username-space-{kind}", LOGIN, {"username": SPACES[kind] + "{{u}}", "password": "{{pw}}"}, setup=True)
        post(f"login/password-space-{kind}", LOGIN, {"username": "{{u}}", "password": "{{pw}}" + SPACES[kind]}, setup=True)
        more = {"why": LENIENT} if kind in ("zero-width", "bom") else {}
        post(f"refresh/space-{kind}", REFRESH, {"refresh": "{{refresh}}" + SPACES[kind]}, setup=True, **more)


def characters():
    for kind, escape in (("nul", "\\u0000"), ("high", "\\ud800"), ("low", "\\udfff"), ("reversed", "\\udc00\\ud800"), ("pair", "\\ud83d\\ude00"), ("nul-and-high", "\\u0000\\ud800"),
                         ("nul-alone", None)):
        for name in FIELDS:
            value = {"username": "{{new}}", "email": "{{new}}@example.ma", "password": PASSWORD}.get(name, "Omar")
            text = '"\\u0000"' if escape is None else f'"{value}{escape}"'
            post(f"register/{name}-char-{kind}", REGISTER, raw({**PERSON, name: Raw(text)}))
        for name in ("username", "password"):
            text = '"\\u0000"' if escape is None else '"{{%s}}%s"' % ({"username": "u", "password": "pw"}[name], escape)
            post(f"login/{name}-char-{kind}", LOGIN, raw({"username": "{{u}}", "password": "{{pw}}", name: Raw(text)}), setup=True)
        post(f"refresh/char-{kind}", REFRESH, '{"refresh": "x%s"}' % (escape or "\\u0000"))
    names = {
        "arabic": "محمد{{new}}", "arabic-digits": "{{new}}٠١٢", "arabic-tatweel": "مـحمد{{new}}", "arabic-harakat": "مُحَمَّد{{new}}", "arabic-presentation": "ﻣﺤﻤﺪ{{new}}",
        "hebrew": "שלום{{new}}", "cyrillic": "омар{{new}}", "greek-final": "ΟΔΟΣ{{new}}", "chinese": "奥马尔{{new}}", "hindi-vowels": "हिन्दी{{new}}", "hindi-plain": "हनद{{new}}", "thai": "ไทย{{new}}",
        "composed": "{{new}}é", "decomposed": "{{new}}e\u0301", "full-width": "{{new}}ＡＢ", "ligature": "{{new}}ﬁ", "superscript": "{{new}}²", "circled": "{{new}}①", "roman": "{{new}}Ⅷ", "fraction": "{{new}}½",
        "kelvin": "{{new}}K", "angstrom": "{{new}}Å", "micro": "{{new}}µ", "ordinal": "{{new}}ª", "long-s": "{{new}}ſ", "dotless": "{{new}}ı", "dotted": "{{new}}İ", "sharp-s": "{{new}}ß", "math-bold": "{{new}}𝐀", "deseret": "{{new}}𐐀",
        "undertie": "{{new}}‿", "middle-dot": "{{new}}·", "soft-sign": "{{new}}ь", "modifier": "{{new}}ʰ", "katakana-half": "{{new}}ｶﾞ", "hangul": "{{new}}한", "hangul-jamo": "{{new}}\u1112\u1161\u11ab", "ligature-arabic": "{{new}}ﷲ", "ligature-sallallahou": "{{new}}ﷺ",
        "private": "{{new}}\ue000", "unassigned": "{{new}}\u0378", "replacement": "{{new}}\ufffd", "noncharacter": "{{new}}\uffff", "flag": "{{new}}🇲🇦", "hash": "{{new}}#", "comma": "{{new}},", "colon": "{{new}}:", "slash": "{{new}}/", "backslash": "{{new}}\\", "quote": "{{new}}'", "star": "{{new}}*",
        "dash-long": "{{new}}–", "full-width-at": "{{new}}＠x", "full-width-dot": "{{new}}．", "dot-alone-after": ".{{new}}", "at": "@{{new}}", "email-like": "{{new}}@example.ma", "tag": "<b>{{new}}</b>", "percent": "{{new}}%20", "braces": "{{new}}{x}", "trailing-newline": "{{new}}\n", "inner-newline": "{{new}}\nx",
        "turned-digit": "{{new}}꧑", "tamil-number": "{{new}}௰", "sup-n": "{{new}}ⁿ", "enclosed": "{{new}}Ⓐ", "cjk-number": "{{new}}三", "combining-alone": "{{new}}\u0301", "spacing-mark": "{{new}}\u0903", "enclosing": "{{new}}\u20dd", "letter-number": "{{new}}〇",
        "ethiopic-digit": "{{new}}፩", "emoji": "😀{{new}}", "variation": "{{new}}\ufe0f", "cgj": "{{new}}\u034f",
    }
    for kind, name in names.items():
        more = {"why": "what NFKC makes of it is no username"} if kind in ("fraction", "ligature-sallallahou") else {}
        register(f"username-char-{kind}", username=name, **more)
    for kind, name in {"arabic": "فاطمة الزهراء", "emoji": "😀", "decomposed": "Pre\u0301nom", "full-width": "Ｏｍａｒ", "ligature": "ﬁ", "quote": "O'Mar \"x\"", "html": "<script>alert(1)</script>&amp;", "control": "a\x01b", "del": "a\x7fb", "line": "a\nb", "backslash": "a\\b", "u2028": "a\u2028b", "rtl": "a\u202eb", "template": "{{x}}"}.items():
        register(f"last_name-char-{kind}", last_name=name)


EMAILS = [
    "{{new}}@example.com", "first.last@example.ma", "first..last@example.ma", ".first@example.ma", "first.@example.ma", "a@b@example.ma", "a@example", "a@localhost", "a@LOCALHOST", "a@localhost.",
    "a@example.ma.", "a@.example.ma", "a@example..ma", "a@example.m", "a@example.ma1", "a@example.12", "a@1.ma", "a@a.b.c.d.ma", "a@-example.ma", "a@example-.ma", "a@exa--mple.ma", "a@example.-ma", "a@example.ma-", "a@example.m-a", "a@example.--",
    "a@[127.0.0.1]", "a@[127.0.0.256]", "a@[1.2.3]", "a@[01.2.3.4]", "a@127.0.0.1", "a@[::1]", "a@[IPv6:::1]", "a@[::ffff:1.2.3.4]", "a@[2001:db8::1]", "a@[2001:DB8::A]", "a@[1::2::3]", "a@[fe80::1%eth0]", "a@[]", "a@[::1", "a@::1",
    "\"quoted string\"@example.ma", "\"a@b\"@example.ma", "\"a\\\"b\"@example.ma", "\"a\"b\"@example.ma", "\"\"@example.ma", "\"unclosed@example.ma", "a\"b@example.ma", "\"tab\there\"@example.ma", "\"é\"@example.ma", "\"new\nline\"@example.ma", "\"dot\".x@example.ma",
    "!#$%&'*+/=?^_`{}|~-@example.ma", "a(b)@example.ma", "a,b@example.ma", "a;b@example.ma", "a:b@example.ma", "a<b>@example.ma", "Omar <omar@example.ma>", "mailto:a@example.ma", "a\\b@example.ma", "a b@example.ma", "a@exam ple.ma", "a @example.ma", "a@ example.ma",
    "a@éxample.ma", "a@ÉXAMPLE.MA", "a@مثال.المغرب", "a@例え.jp", "a@例え。jp", "a@xn--r8jz45g.jp", "a@xn--.ma", "a@faß.de", "a@FAẞ.de", "a@exa\u200bmple.ma", "a@ｅxample.ma", "a@ex\u00admple.ma", "a@é..ma", "a@é.m", "a@é-.ma", "a@" + "é" * 60 + ".ma", "a@😀.ma", "a@a。b。ma", "a@İ.ma", "a@ſ.ma", "a@K.ma", "a@a.ſſ", "ſ@example.ma", "K@example.ma", "ı@example.ma", "a@exa٣mple.ma", "a@é_b.ma", "a@é b.ma", "a@مثال.", "a@αβγς.gr", "a@שלום.il", "a@שa.il", "a@\u0301é.ma", "a@ﷺ.ma",
    "é@example.ma", "محمد@example.ma", "😀@example.ma", "a@" + "b" * 63 + ".ma", "a@" + "b" * 64 + ".ma", "a@b." + "m" * 63, "a@b." + "m" * 64, "x" * 64 + "@example.ma", "x" * 65 + "@example.ma", "a@exa_mple.ma", "a@example.m_a", "a@example.ma/x", "a@example.ma:80", "a@example.ma?x", "a@*.ma", "a@@example.ma", "@", "a", "@example.ma", "a@", "example.ma", "A.B@Example.COM", "\"A@B\"@Example.COM", "a@[2001:DB8::A%x]", "a@Éxample.Ma", "\x7f@example.ma", "\x01@example.ma", "\"\x01\"@example.ma", "\"\x7f\"@example.ma", "a@exam\tple.ma", "a@1234567890.12345", "a@[0.0.0.0]", "a@[::]", "a@[1:2:3:4:5:6:7:8]", "a@[1:2:3:4:5:6:7:8:9]", "a@[:1]", "a@[1:]", "a@[::g]", "a@[12345::]", "a@[1.2.3.4.5]", "a@[1.2.3.+4]", "a@[٣.2.3.4]", "a@[00.0.0.1]", "a@[::1.2.3.4]", "a@[1:2:3:4:5:6:1.2.3.4]", "a@[::01.2.3.4]", "a@[0000::1]",
]


def emails():
    for i, email in enumerate(EMAILS):
        more = {"why": "IDNA 2008 (RFC 5893) refuses an Arabic digit among Latin letters"} if "\u0663" in email else {}
        if "\x01" in email or "\x7f" in email:
            more = {"why": "a control character acts on the terminal that shows the address"}
        if email in ("a@é-.ma", "a@\u0301é.ma"):
            more = {"why": "IDNA 2008 (RFC 5891) refuses a label that ends in a hyphen or begins with a mark"}
        register(f"email-form-{i:03}", email=email, **more)


def passwords():
    fixed = {"username": "wolfgang", "email": "wolfgang@example.ma", "first_name": "Wolfgang", "last_name": "Mozart"}
    # All of these are refused, so the fixed name stays free.
    refused = {
        "7": "kV7#pa!", "7-emoji": "😀" * 7, "7-arabic": "مرحباكم", "7-decomposed": "e\u0301e\u0301e\u0301e", "common-8": "password", "common-upper": "PASSWORD", "common-mixed": "PassWord1", "common-spaces": "  password1  ", "common-short": "abc123", "common-qwerty": "qwertyuiop", "common-trustno1": "trustno1", "common-sunshine": "sunshine", "common-letmein": "letmein1",
        "common-french": "doudou", "common-numeric": "12345678", "numeric": "8172635445", "numeric-short": "8172", "numeric-arabic": "٨١٧٢٦٣٥٤٤٥", "numeric-persian": "۸۱۷۲۶۳۵۴۴۵", "numeric-full-width": "８１７２６３５４４５", "numeric-superscript": "⁸⁷⁶⁵⁴³²¹", "numeric-mixed": "8172٢٦35٤٤٥", "numeric-short-common": "123456", "numeric-circled": "①②③④⑤⑥⑦⑧",
        "one": "x", "similar-short": "wolf", "similar-short-2": "wolfga", "similar": "wolfgang", "similar-upper": "WOLFGANG", "similar-reversed": "gnagflow", "similar-suffix": "wolfgang1234", "similar-prefix": "1234wolfgang", "similar-edges": "9wolfgang9", "similar-last": "mozart99", "similar-last-upper": "MOZARTmo", "similar-email": "wolfgang@example.ma", "similar-domain": "example.", "similar-domain-2": "example1", "similar-long-domain": "example.ma!",
        "anagram": "gangwolf", "trim-similar": "  wolfgang  ",
    }
    for kind, password in refused.items():
        register(f"password-kind-{kind}", **{**fixed, "password": password})
    accepted = {
        "8": "kV7#pa!z", "8-emoji": "😀😁😂🤣😃😄😅😆", "8-arabic": "مرحباكمو", "spaces-inside": "mot de passe tout long", "numeric-minus": "-81726354459", "numeric-point": "81726354.45", "numeric-space": "8172 6354 45", "numeric-fraction": "½½½½½½½½½", "numeric-roman": "ⅧⅧⅧⅧⅧⅧⅧⅧ", "numeric-tamil": "௰௰௰௰௰௰௰௰", "common-plus": "password!Zz", "common-inside": "xxpasswordxx", "common-full-width": "ｐａｓｓｗｏｒｄ", "html": "<b>kV7#pazouk</b>", "quotes": "kV7\"'pazouk\\", "control": "kV7\u0001pazouk\u0002",
    }
    for kind, password in accepted.items():
        # Long, so that no number can be close to its digits.
        more = {"why": "what NFKC makes of it is too common"} if kind == "common-full-width" else {}
        register(f"password-kind-{kind}", username="jklmopqrstuvwxyz_{{new}}", email="", password=password, **more)
    # The name is thirteen characters; none of the added ones occurs in it.
    for extra in (0, 1, 5, 10, 11, 12, 13, 30, 120):
        register(f"password-ratio-name-{extra}", password="{{new}}" + "QZ" * (extra // 2) + "x" * (extra % 2))
    register("password-ratio-name-front", password="zzzzzzzzzzz{{new}}")
    register("password-ratio-name-front-not", password="zzzzzzzzzzzz{{new}}")
    register("password-ratio-name-part", username="{{new}}@zzzzzzzzzzzzzzzzzzzzzz", password="{{new}}qq")
    register("password-ratio-name-part-2", username="jlmopq.{{new}}", password="jlmopqxy")
    register("password-ratio-name-underscore", username="jlmopq_{{new}}", password="jlmopqxy")
    register("password-ratio-name-dash", username="jlmopq-{{new}}", password="jlmopqxy")
    register("password-ratio-name-plus", username="{{new}}+jlmopqrs", password="JLMOPQRS")
    register("password-ratio-name-arabic", username="فاطمةالزهراء.{{new}}", password="فاطمةالزهرا")
    names = {
        "equal": ("Khadijah", "khadijah"), "case": ("KHADIJAH", "khadijah"), "one-more": ("Khadijah", "khadijah1"), "ratio-0.72": ("Khadija", "khadijaxyzt"[:12]), "ratio-0.70": ("Khadija", "khadijaqwxyz1"[:13]), "ratio-0.7-exact": ("khadijh", "khadijhqwxyzt"), "ratio-0.69": ("Khadija", "khadijaqwxyzt1"),
        "short-1": ("Q", "qqqqqqqqq"), "short-3": ("Nom", "nomnomnomnom"), "short-4": ("Omar", "omarzzzzz"), "short-8": ("Mohamedy", "mohamedyzzzz"), "two-words": ("Fatima Zohra", "zohrazohra"), "two-words-2": ("Fatima Zohrawi", "zohrawi99"), "two-words-joined": ("Fatima Zohra", "fatimazohra"), "apostrophe": ("O'Connorson", "connorson"), "dash": ("Jean-Philippe", "philippe1"), "underscore": ("jean_philippe", "philippe1"),
        "accent": ("Prénomlong", "prenomlong"), "accent-same": ("Prénomlong", "PRÉNOMLONG"), "accent-decomposed": ("Pre\u0301nomlong", "prénomlong"), "arabic": ("محمدالعربي", "محمدالعربي"), "arabic-diacritics": ("مُحَمَّدالعربي", "محمدالعربي"), "dotted-i": ("İSTANBULLU", "istanbullu"), "sharp-s": ("Großmutter", "GROSSMUTTER"), "sigma": ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"), "kelvin": ("Kelvinski", "kelvinski"), "anagram": ("Khadijah", "hajidahk"), "repeat": ("Khadijah", "khadijahkhadijah"), "half": ("Khadijahkhadijah", "khadijah"), "half-2": ("Khadijahkhadija", "khadijah"), "half-3": ("Khadijahkhadi", "khadijah"), "emoji": ("😀😁😂🤣😃😄😅😆", "😀😁😂🤣😃😄😅😆"), "emoji-apart": ("Khadijah😀Soukaina", "soukaina"), "digits": ("98765432101", "98765432101"), "combining-splits": ("हिन्दीहिन्दी", "हिन्दीहिन्दी"),
    }
    for kind, (first, password) in names.items():
        other = {"username": "wolfgang", "email": ""} if kind == "digits" else {}
        register(f"password-first-{kind}", first_name=first, password=password, **other)
        register(f"password-last-{kind}", first_name="", last_name=first, password=password, **other)
    for kind, (email, password) in {"local": ("soukaina.tahiri@example.ma", "soukaina1"), "local-2": ("soukaina.tahiri@example.ma", "tahiri123"), "both": ("soukaina.tahiri@example.ma", "soukaina.tahiri"), "whole": ("soukaina@boutique.ma", "soukaina@boutique.ma"), "domain": ("x@boutique.ma", "boutique"), "domain-dot": ("x@boutique.ma", "boutique.ma"), "domain-case": ("x@BOUTIQUE.MA", "Boutique1"), "tag": ("x+soukainatahiri@y.ma", "soukainatahiri"), "idn": ("x@éléphants.ma", "éléphants"), "underscore": ("soukaina_tahiri@example.ma", "soukaina9")}.items():
        register(f"password-email-{kind}", email=email, password=password)
    register("password-similar-order", first_name="Soukaina", last_name="Soukaina", email="soukaina@example.ma", password="soukaina")
    register("password-similar-order-2", first_name="", last_name="Soukaina", email="soukaina@example.ma", password="soukaina")
    register("password-many-similar-numeric", username="wolfgang", email="", first_name="98765432", password="98765432")
    register("password-many-similar-short", first_name="Zouhir", password="zouhir")
    register("password-many-all", first_name="123456", password="123456")
    register("password-weak-and-bad-email", email="x", password="1234")
    register("password-weak-and-null-name", first_name=None, password="1234")
    register("password-similar-trimmed-name", first_name="  Soukaina  ", password="soukaina")
    register("password-similar-number-name", username="wolfgang", email="", first_name=98765432, password="x98765432")


def bodies():
    shaped = {
        "empty-brackets-open": "[", "string-open": "\"a", "colon": '{"a"}', "no-value": '{"a":}', "no-colon": '{"a" 1}', "comma-first": '{,"a":1}', "list-comma": "[1,]", "comment": '{"a":1} // x', "comment-block": '/* x */ {"a":1}', "hash": "# x", "leading-zero": '{"username":01}', "plus": '{"username":+1}', "point": '{"username":.5}', "point-end": '{"username":5.}', "hex": '{"username":0x10}', "exp-open": '{"username":1e}', "minus": '{"username":-}', "underscore-number": '{"username":1_0}',
        "infinity": '{"username":Infinity}', "minus-infinity": '{"username":-Infinity}', "nan-top": "NaN", "undefined": "undefined", "True": "True", "truex": "truex", "bad-escape": '{"username":"\\x41"}', "short-escape": '{"username":"\\u12"}', "escape-end": '{"username":"\\', "bad-hex": '{"username":"\\uZZZZ"}', "hex-underscore": '{"username":"\\u1_23"}', "hex-sign": '{"username":"\\u+123"}', "control-newline": '{"username":"a\nb"}', "control-tab": '{"username":"a\tb"}', "control-nul": '{"username":"a\0b"}', "control-1f": '{"username":"a\x1fb"}', "utf8-bad": '{"username":"\ud800"}', "utf8-bad-outside": '\udfff{}', "nul-after": "{}\0", "nbsp-around": "\xa0{}\xa0", "ff-around": "\f{}", "text": "hello", "form": "username=a&password=b", "unquoted": "{a:1}", "number-key": "{1:1}", "two-lines": "{}\n{}", "bom": "\ufeff{}",
    }
    full = {
        "list": "[]", "list-of-object": "[{}]", "true": "true", "false": "false", "float": "1.5", "string-empty": '""', "null-spaces": " null ", "zero": "0", "negative": "-5", "empty-object": "{}", "spaces-around": " \t\r\n{} \n", "control-del": '{"x":"\x7f"}', "deep-list": "[" * 200 + "]" * 200, "deep-object": '{"a":' * 200 + "1" + "}" * 200, "big-int": '{"x":' + "9" * 400 + "}", "infinite": '{"x":1e999}', "empty-key": '{"":1}', "escaped-key": '{"\\u0075sername":"","pass\\u0077ord":"","refresh":""}', "upper-keys": '{"USERNAME":"a","Password":"b","REFRESH":"c"}', "space-keys": '{" username":"a","password ":"b"," refresh":"c"}', "dup": '{"username":"","username":null,"refresh":"a","refresh":null}', "dup-nested": '{"x":{"a":1,"a":2}}', "solidus": '{"x":"\\/"}', "nul-key": '{"a\\u0000":1}', "empty": "", "infinite-top": "1e999", "surrogate-key": '{"\\ud800":1}',
    }
    for name, path in POSTS:
        for kind, body in shaped.items():
            post(f"{name}/json-{kind}", path, body, match="shape")
        for kind, body in full.items():
            post(f"{name}/json-{kind}", path, body)
        post(f"{name}/json-int-over-4300", path, '{"x":' + "9" * 4301 + "}", match="shape")
        post(f"{name}/json-deep-20000", path, "[" * 20000 + "]" * 20000, why="the reference answers 500 to what is nested too deep")
    post("register/dup-last", REGISTER, '{"username":"x","username":"{{new}}","password":"1","password":"%s"}' % PASSWORD)


TYPES = {
    "charset-utf8": "application/json; charset=utf-8", "charset-upper": "application/json; charset=UTF-8", "charset-quoted": 'application/json; charset="utf-8"', "charset-empty": "application/json; charset=", "charset-ascii": "application/json; charset=us-ascii",
    "upper": "APPLICATION/JSON", "mixed": "Application/Json", "space": " application/json ", "space-semi": "application/json ;x=1", "semi": "application/json;", "param": "application/json; x=1", "any": "*/*", "any-sub": "application/*", "any-text": "text/*", "text-json": "text/json", "star": "*", "slash": "/", "json": "json", "no-sub": "application/", "no-main": "/json", "no-slash": "application", "two": "application/json, text/plain", "xml": "text/xml", "html": "text/html", "ld": "application/ld+json", "problem": "application/problem+json", "merge": "application/merge-patch+json", "graphql": "application/graphql", "mixed-multi": "multipart/mixed; boundary=B", "related": "multipart/related; boundary=B", "quote": '"application/json"', "accents": "application/é", "long": "x" * 200, "comma": ",", "semicolon": ";", "param-only": "; charset=utf-8",
}


def types():
    for name, path in POSTS:
        for kind, ct in TYPES.items():
            post(f"{name}/ctype-{kind}", path, "{}", ct)
            if kind in ("charset-utf8", "upper", "any", "xml", "space", "no-slash", "semicolon", "html", "garbage"):
                post(f"{name}/ctype-empty-{kind}", path, "", ct)
        post(f"{name}/ctype-empty-charset-latin1", path, "", "application/json; charset=latin-1")
        post(f"{name}/empty-json", path, "", JSON)
        post(f"{name}/empty-form", path, "", FORM)
        post(f"{name}/empty-multipart", path, "", MULTIPART)
        post(f"{name}/empty-multipart-no-boundary", path, "", "multipart/form-data")
        post(f"{name}/empty-no-type", path, "", None)
        post(f"{name}/empty-text", path, "", "text/plain")
        add(f"{name}/no-body", "POST", path)
        add(f"{name}/no-body-json", "POST", path, None, JSON)
        post(f"{name}/json-as-form", path, "{}", FORM)
        post(f"{name}/form-as-json", path, "a=b", JSON, match="shape")
        post(f"{name}/json-as-multipart", path, "{}", MULTIPART, match="shape")
    accent = json.dumps({**PERSON, "first_name": "Zoé"}, ensure_ascii=False)
    post("register/accent-charset-utf8", REGISTER, accent, TYPES["charset-utf8"])
    form = "username={{new}}&password=kV7%23pazouk-42lemon&first_name="
    for kind, ct in {"utf8": FORM + "; charset=utf-8", "upper": FORM.upper(), "param": FORM + "; x=y"}.items():
        post(f"register/form-charset-{kind}", REGISTER, form + "Zo%C3%A9", ct)
        post(f"register/form-charset-raw-{kind}", REGISTER, form + "Zoé", ct)
        post(f"register/form-charset-e9-{kind}", REGISTER, form + "Zo%E9", ct)


def forms():
    base = "username={{new}}&password=kV7%23pazouk-42lemon"
    for kind, tail in {
        "repeated": "&first_name=A&first_name=B", "repeated-blank": "&first_name=A&first_name=", "plus": "&first_name=A+B", "percent-plus": "&first_name=A%2BB", "percent-space": "&first_name=%20A%20", "percent-bad": "&first_name=A%ZZ", "percent-short": "&first_name=A%4", "percent-end": "&first_name=A%", "percent-lower": "&first_name=%c3%a9", "percent-nul": "&first_name=A%00", "percent-utf8-bad": "&first_name=%FF", "percent-utf8-short": "&first_name=%C3", "percent-utf8-two-bad": "&first_name=%E2%82x", "percent-utf8-surrogate": "&first_name=%ED%A0%80", "percent-utf8-over": "&first_name=%C0%80", "percent-utf8-four": "&first_name=%F0%9F%98%80", "percent-utf8-beyond": "&first_name=%F5%80%80%80",
        "semicolon": "&first_name=A;last_name=B", "no-equals": "&first_name", "equals-only": "&=x", "two-equals": "&first_name=A=B", "empties": "&&&first_name=A&&", "question": "&first_name=A?B", "hash": "&first_name=A#B", "raw-utf8": "&first_name=é", "raw-invalid": "&first_name=\ud800", "raw-newline": "&first_name=A\nB", "trailing-newline": "&first_name=A\r\n", "spaces": "&first_name= A ", "spaces-only": "&first_name=+++", "blank": "&first_name=&last_name=&email=", "brackets": "&first_name[]=A", "dotted": "&first_name.x=A", "key-encoded": "&first%5Fname=A", "key-plus": "&first+name=A", "key-case": "&First_Name=A", "null-word": "&first_name=null", "true-word": "&first_name=true", "amp-html": "&amp;first_name=A", "email-bad": "&email=x", "email-plus": "&email=a+b@example.ma", "email-percent": "&email=a%2Bb%40example.ma", "bom": "&first_name=%EF%BB%BFA", "unknown": "&is_staff=1",
    }.items():
        post(f"register/form-{kind}", REGISTER, base + tail, FORM)
    for kind, body in {"username-blank": "username=&password=", "username-spaces": "username=+&password=%20", "password-only": "password=x", "key-only": "username", "leading-amp": "&username=a", "question-lead": "?username=a&password=b", "json": '{"username":"a"}', "null": "null", "garbage": "%%%"}.items():
        post(f"register/form-bad-{kind}", REGISTER, body, FORM)
        post(f"login/form-bad-{kind}", LOGIN, body, FORM)
    post("login/form-unknown", LOGIN, "username={{new}}&password=x", FORM)
    post("login/form-repeated", LOGIN, "username=x&username={{u}}&password=x&password={{pwq}}", FORM, setup=True)
    post("login/form-spaces", LOGIN, "username=+{{u}}+&password=+{{pwq}}+", FORM, setup=True)
    post("refresh/form-ok", REFRESH, "refresh={{refresh}}", FORM, setup=True)
    post("refresh/form-blank", REFRESH, "refresh=", FORM)
    post("refresh/form-junk", REFRESH, "refresh=x", FORM)
    post("refresh/form-repeated", REFRESH, "refresh=x&refresh={{refresh}}", FORM, setup=True)
    post("register/form-fields-1001", REGISTER, base + "&x=1" * 1001, FORM, why=HTML)


def part(name, value, extra="", head=""):
    return f'--B\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n{head}\r\n{value}\r\n'


def multiparts():
    end = "--B--\r\n"
    base = part("username", "{{new}}") + part("password", PASSWORD)
    bodies = {
        "ok": base + end, "no-close": base, "close-short": base + "--B--", "no-final-newline": base + "--B--", "preamble": "hello\r\n" + base + end, "epilogue": base + end + "bye", "repeated": base + part("first_name", "A") + part("first_name", "B") + end, "spaces": base + part("first_name", "  A  ") + end, "newline-inside": base + part("first_name", "A\r\nB") + end, "blank": base + part("first_name", "") + part("email", "") + end, "utf8": base + part("first_name", "Zoé 😀") + end, "utf8-bad": base + part("first_name", "\ud800") + end, "nul": base + part("first_name", "A\0B") + end,
        "type-text": base + part("first_name", "A", head="Content-Type: text/plain\r\n") + end, "type-latin1": base + part("first_name", "Zoé", head="Content-Type: text/plain; charset=iso-8859-1\r\n") + end, "type-json": base + part("first_name", '"A"', head="Content-Type: application/json\r\n") + end, "quoted-printable": base + part("first_name", "A=3DB", head="Content-Transfer-Encoding: quoted-printable\r\n") + end,
        "file-first_name": base + part("first_name", "A", '; filename="a.txt"') + end, "file-unknown": base + part("avatar", "A", '; filename="a.txt"', "Content-Type: text/plain\r\n") + end, "file-email": base + part("email", "a@example.ma", '; filename="a.txt"') + end, "file-empty-name": base + part("first_name", "A", '; filename=""') + end, "file-and-text": base + part("first_name", "A") + part("first_name", "B", '; filename="a.txt"') + end,
        "name-unquoted": base + "--B\r\nContent-Disposition: form-data; name=first_name\r\n\r\nA\r\n" + end, "name-missing": base + "--B\r\nContent-Disposition: form-data\r\n\r\nA\r\n" + end, "disposition-missing": base + "--B\r\nContent-Type: text/plain\r\n\r\nA\r\n" + end, "header-case": base + part("first_name", "A").replace("Content-Disposition", "content-disposition") + end, "name-case": base + part("First_Name", "A") + end, "name-blank": base + part("", "A") + end, "name-utf8": base + part("é", "A") + end, "field-missing": part("username", "{{new}}") + end, "only-end": end, "end-alone": "--B--", "text": "hello", "other-boundary": (base + end).replace("--B", "--C"), "weak": part("username", "{{new}}") + part("password", "1234") + end, "username-file": part("username", "x", '; filename="a"') + part("password", PASSWORD) + end,
    }
    for kind, body in bodies.items():
        # Parts behind another boundary: the reference reads the whole body as one field.
        more = {"match": "status"} if kind == "other-boundary" else {}
        post(f"register/multipart-{kind}", REGISTER, body, MULTIPART, **more)
    for kind, ct in {"quoted": 'multipart/form-data; boundary="B"', "space": "multipart/form-data;  boundary=B", "param-first": "multipart/form-data; charset=utf-8; boundary=B", "upper": "MULTIPART/FORM-DATA; boundary=B", "upper-param": "multipart/form-data; BOUNDARY=B", "param-after": "multipart/form-data; boundary=B; charset=utf-8"}.items():
        more = {"why": "a media type is the same in upper case"} if kind == "upper" else {}
        post(f"register/multipart-boundary-{kind}", REGISTER, base + end, ct, **more)
    for kind, ct in {"blank": "multipart/form-data; boundary=", "long": "multipart/form-data; boundary=" + "B" * 300, "bad": "multipart/form-data; boundary=B B", "trailing": "multipart/form-data; boundary=B ", "accents": "multipart/form-data; boundary=é", "none": "multipart/form-data"}.items():
        post(f"register/multipart-boundary-bad-{kind}", REGISTER, base + end, ct, match="status" if kind == "bad" else "shape")
    post("login/multipart-ok", LOGIN, part("username", "{{u}}") + part("password", "{{pw}}") + end, MULTIPART, setup=True)
    post("login/multipart-file", LOGIN, part("username", "{{u}}") + part("password", "{{pw}}", '; filename="p"') + end, MULTIPART, setup=True)
    post("login/multipart-wrong", LOGIN, part("username", "{{u}}") + part("password", "x") + end, MULTIPART, setup=True)
    post("refresh/multipart-ok", REFRESH, part("refresh", "{{refresh}}") + end, MULTIPART, setup=True)
    post("refresh/multipart-file", REFRESH, part("refresh", "{{refresh}}", '; filename="t"') + end, MULTIPART, setup=True)


def methods():
    headers = ["www-authenticate", "content-type", "allow"]
    for name, path in POSTS:
        for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD"):
            add(f"{name}/verb-{method}", method, path, match_headers=headers)
        add(f"{name}/verb-OPTIONS", "OPTIONS", path, match_headers=headers, why=METADATA)
        add(f"{name}/verb-lower", "post", path, "{}", JSON, match_headers=headers, why="the names of methods are in upper case")
        add(f"{name}/verb-unknown", "FOO", path, match_headers=headers)
        add(f"{name}/verb-TRACE", "TRACE", path, match_headers=headers)
        add(f"{name}/verb-PUT-bad-body", "PUT", path, "{", JSON, match_headers=headers)
        add(f"{name}/verb-PUT-bad-type", "PUT", path, "x", "text/plain", match_headers=headers)
        add(f"{name}/verb-GET-bad-auth", "GET", path, headers={"Authorization": "Bearer junk"}, match_headers=headers)
        add(f"{name}/verb-GET-accept-html", "GET", path, headers={"Accept": "text/html"}, match_headers=headers)
        add(f"{name}/verb-override", "POST", path, "{}", JSON, headers={"X-HTTP-Method-Override": "GET"}, match_headers=headers)
        add(f"{name}/no-slash", "POST", path.rstrip("/"), "{}", JSON, why="the reference redirects or answers HTML; the same handler answers")
        add(f"{name}/two-slashes", "POST", path + "/", "{}", JSON, why=HTML)
        add(f"{name}/query", "POST", path + "?username=a&password=b&refresh=c", "{}", JSON)
        add(f"{name}/path-encoded", "POST", path.replace("auth", "%61uth"), "{}", JSON)
        add(f"{name}/path-upper", "POST", path.upper(), "{}", JSON, why=HTML)
    bearer = {"Authorization": "Bearer {{access}}"}
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "FOO", "TRACE"):
        add(f"me/verb-{method}", method, ME, headers=bearer, setup=True, match_headers=headers)
        add(f"me/verb-anonymous-{method}", method, ME, match_headers=headers)
    add("me/verb-OPTIONS", "OPTIONS", ME, headers=bearer, setup=True, match_headers=headers, why=METADATA)
    add("me/verb-anonymous-OPTIONS", "OPTIONS", ME, match_headers=headers)
    add("me/verb-GET-body", "GET", ME, "{", JSON, headers=bearer, setup=True)
    add("me/verb-GET-body-type", "GET", ME, "x", "text/plain", headers=bearer, setup=True)
    add("me/verb-POST-body", "POST", ME, "{", JSON, headers=bearer, setup=True, match_headers=headers)
    add("me/no-slash", "GET", ME.rstrip("/"), headers=bearer, setup=True, why="the reference redirects; the same handler answers")
    add("me/query-unknown", "GET", ME + "?x=1", headers=bearer, setup=True)
    add("me/query-token", "GET", ME + "?access={{access}}", setup=True)


ACCEPTS = {
    "any": "*/*", "any-q": "*/*;q=0.1", "application": "application/*", "json": "application/json", "json-upper": "APPLICATION/JSON", "json-q0": "application/json;q=0", "json-q": "application/json; q=0.5", "json-indent": "application/json; indent=4", "json-charset": "application/json; charset=utf-8", "json-x": "application/json; version=2", "text-any": "text/*", "text-any-and-any": "text/html, */*", "browser": "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", "axios": "application/json, text/plain, */*", "html": "text/html", "html-q": "text/html;q=0.1", "empty": "", "spaces": "  ", "comma": ",", "comma-trail": "application/json,", "semi": ";", "star": "*", "star-json": "*/json", "json-star": "application/json*", "slash": "/", "garbage": "garbage", "application-only": "application", "vendor": "application/vnd.api+json", "problem": "application/problem+json", "xml-any": "application/xml, application/*;q=0", "quoted": '"application/json"', "spaces-around": "  application/json  ", "space-inside": "application / json", "space-semi": "application/json ; q=0.9", "upper-any": "*/JSON", "image": "image/*", "accents": "é", "many": ", ".join(f"x/{i}" for i in range(50)), "many-json": ", ".join(f"x/{i}" for i in range(50)) + ", application/json", "tab": "application/json\t", "star-html": "*/html", "empty-sub": "application/", "empty-main": "/json",
}


def accepts():
    bearer = {"Authorization": "Bearer {{access}}"}
    for kind, accept in ACCEPTS.items():
        add(f"me/accept-{kind}", "GET", ME, headers={**bearer, "Accept": accept}, setup=True)
        post(f"register/accept-kind-{kind}", REGISTER, "{}", headers={"Accept": accept})
    for kind in ("html", "xml-any", "any", "json-indent", "star-json", "empty"):
        post(f"login/accept-kind-{kind}", LOGIN, "{}", headers={"Accept": ACCEPTS[kind]})
        post(f"refresh/accept-kind-{kind}", REFRESH, "{}", headers={"Accept": ACCEPTS[kind]})
    add("me/accept-html-anonymous", "GET", ME, headers={"Accept": "text/html"})
    add("me/accept-html-junk", "GET", ME, headers={"Accept": "text/html", "Authorization": "Bearer junk"})
    post("register/accept-html-bad-json", REGISTER, "{", headers={"Accept": "text/html"})
    for kind, query in {"json": "format=json", "xml": "format=xml", "api": "format=api", "blank": "format=", "upper": "format=JSON", "twice": "format=xml&format=json", "twice-bad": "format=json&format=xml", "space": "format=json%20", "key-upper": "FORMAT=xml", "semi": "x=1;format=xml"}.items():
        add(f"me/format-{kind}", "GET", ME + "?" + query, headers=bearer, setup=True)
        post(f"login/format-{kind}", LOGIN + "?" + query, "{}")
    add("me/format-json-accept-html", "GET", ME + "?format=json", headers={**bearer, "Accept": "text/html"}, setup=True)
    add("me/format-xml-anonymous", "GET", ME + "?format=xml")


LANGUAGES = {
    "fr": "fr", "en": "en", "ar": "ar", "fr-FR": "fr-FR", "ar-MA": "ar-MA", "en-US": "en-US", "en-us-fr": "en-us;q=0.8, fr", "de": "de", "any": "*", "any-ar": "*, ar", "ar-any": "ar, *", "any-q-ar": "*;q=0.5, ar;q=0.4", "xx-ar": "xx, ar", "q-order": "fr;q=0.1, ar;q=0.9, en;q=0.5", "q-equal": "ar;q=0.5, en;q=0.5", "q-zero": "en;q=0", "q-zero-ar": "en;q=0, ar;q=0.1", "q-bad": "en;q=2", "q-bad-ar": "en;q=2, ar", "q-word": "en;q=x", "q-long": "en;q=0.1234", "q-digits": "en;q=0.123", "q-one": "en;q=1.000", "q-one-long": "en;q=1.0000", "q-blank": "en;q=", "q-point": "en;q=0.", "q-spaces": "en ; q=0.5 , ar ; q=0.9", "q-space-inside": "en; q = 0.5", "q-upper": "en;Q=0.5", "upper": "AR", "mixed": "eN-gB", "underscore": "en_US", "underscore-ar": "en_US, ar", "comma": ",", "comma-trail": "en,", "comma-lead": ",en", "commas": "en,,ar", "spaces": "  en  ", "space-lead": " ar", "space-trail": "ar ", "blank": "", "garbage": "!!", "garbage-ar": "!!, ar", "long-tag": "abcdefghi", "long-tag-ar": "abcdefghi, ar", "sub-long": "ar-abcdefghi", "three": "ar-Latn-MA", "four": "en-a-b-c-d", "digits": "ar-001", "zh": "zh-hans, ar", "dash": "ar-", "dash-lead": "-ar", "semi": "ar;", "param": "ar;level=1", "accents": "é", "over-500": "de," * 166 + "en", "under-500": "de," * 165 + "en", "over-500-one": "x" * 501, "over-500-early": "ar," + "de," * 200, "tab": "\tar", "newer": "ary, ar", "berber": "zgh, fr;q=0.8", "browser": "fr-MA,fr;q=0.9,ar;q=0.8,en-US;q=0.7,en;q=0.6", "browser-ar": "ar-MA,ar;q=0.9,fr;q=0.8", "browser-de": "de-DE,de;q=0.9,en;q=0.8", "es": "es-ES,es;q=0.9", "quoted": '"ar"', "at": "ar@latin", "dot": "ar.UTF-8", "i-default": "i-default", "ar-dz": "ar-dz", "french": "french", "en-": "en-, ar",
}


def languages():
    for kind, header in LANGUAGES.items():
        more = {"why": "a space behind a header's value is no part of it"} if kind in ("spaces", "space-trail") else {}
        post(f"login/language-{kind}", LOGIN, "{}", headers={"Accept-Language": header}, **more)
    for kind in ("de", "blank", "any", "ar-MA", "browser"):
        add(f"me/language-{kind}", "GET", ME, headers={"Accept-Language": LANGUAGES[kind]})
        register(f"language-{kind}", password="1234", headers={"Accept-Language": LANGUAGES[kind]})
        post(f"refresh/language-{kind}", REFRESH, {"refresh": "x"}, headers={"Accept-Language": LANGUAGES[kind]})


AUTHORIZATIONS = {
    "scheme": "Bearer", "scheme-space": "Bearer ", "three": "Bearer {{access}} x", "three-junk": "Bearer a b", "four": "Bearer a b c", "two-spaces": "Bearer  {{access}}", "trailing": "Bearer {{access}} ", "tab-trailing": "Bearer {{access}}\t", "lower": "bearer {{access}}", "mixed": "BeArEr {{access}}", "no-space": "Bearer{{access}}", "colon": "Bearer: {{access}}", "equals": "Bearer={{access}}", "jwt": "JWT {{access}}", "token": "Token {{access}}", "basic": "Basic dTpw", "digest": "Digest x=1", "token-alone": "{{access}}", "spaces": "   ", "two-schemes": "Bearer Bearer {{access}}", "two-comma": "Bearer {{access}}, Bearer {{access}}", "accents": "Bearer é", "accents-scheme": "é {{access}}", "accents-inside": "Bearer {{access}}é", "high": "Bearer \xff\xfe", "nbsp": "Bearer\xa0{{access}}", "nbsp-trailing": "Bearer {{access}}\xa0", "nel": "Bearer\x85{{access}}", "dot": "Bearer .", "dots": "Bearer ..", "one-dot": "Bearer a.b", "three-dots": "Bearer a.b.c.d", "null": "Bearer null", "undefined": "Bearer undefined", "undefined-lower": "bearer undefined", "braces": "Bearer {}", "quoted": "Bearer \"x\"", "padding": "Bearer {{access}}=", "padding-two": "Bearer {{access}}==", "dot-trailing": "Bearer {{access}}.", "dot-leading": "Bearer .{{access}}", "slash": "Bearer {{access}}/", "plus": "Bearer a+b.c/d.e", "long": "Bearer " + "x" * 4000, "refresh": "Bearer {{refresh}}", "first-only": "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..", "header-array": "Bearer W10.W10.W10", "header-empty": "Bearer e30.e30.e30", "none-empty": "Bearer eyJhbGciOiJub25lIn0.e30.", "alg-number": "Bearer eyJhbGciOjF9.e30.x", "alg-list": "Bearer eyJhbGciOltdfQ.e30.x", "vt": "Bearer\x0b{{access}}", "ff": "Bearer\x0c{{access}}", "fs": "Bearer\x1c{{access}}",
}


PADDING = "a token has no padding (RFC 7515, section 2); one text, one token"


def authorizations():
    for kind, header in AUTHORIZATIONS.items():
        more = {"why": "HTTP has no such character in a header's value"} if kind in ("vt", "ff", "fs") else {}
        if kind.startswith("padding"):
            more = {"why": PADDING}
        add(f"me/auth-{kind}", "GET", ME, headers={"Authorization": header}, setup=True, **more)
        register(f"auth-{kind}", headers={"Authorization": header}, setup=True, **more)
    for kind in ("scheme", "three", "accents", "high", "null", "refresh", "token"):
        post(f"login/auth-{kind}", LOGIN, {"username": "{{u}}", "password": "{{pw}}"}, headers={"Authorization": AUTHORIZATIONS[kind]}, setup=True)
        post(f"refresh/auth-{kind}", REFRESH, {"refresh": "{{refresh}}"}, headers={"Authorization": AUTHORIZATIONS[kind]}, setup=True)
    register("auth-valid", headers={"Authorization": "Bearer {{access}}"}, setup=True)
    post("register/auth-bad-and-type", REGISTER, "x", "text/plain", headers={"Authorization": "Bearer junk"})
    post("register/auth-bad-and-json", REGISTER, "{", headers={"Authorization": "Bearer junk"})
    post("register/auth-bad-and-accept", REGISTER, "{}", headers={"Authorization": "Bearer junk", "Accept": "text/html"})


MINTS = {
    "ok": {"extra": 1}, "expired": {"exp": -1}, "expired-now": {"exp": 0}, "expired-long": {"exp": -10**9}, "near-10": {"exp": 10}, "near-290": {"exp": 290}, "near-310": {"exp": 310}, "near-3599": {"exp": 3599}, "far": {"exp": 10**8}, "exp-null": {"exp": None}, "exp-text": {"exp": "x"}, "exp-text-number": {"exp": "99999999999"}, "exp-text-past": {"exp": "5"}, "exp-blank": {"exp": ""}, "exp-float": {"exp": 4102444800.5}, "exp-float-past": {"exp": 5.5}, "exp-list": {"exp": []}, "exp-object": {"exp": {}}, "exp-huge": {"exp": 10**15}, "exp-huger": {"exp": 10**30}, "exp-1e400": {"exp": 1e308},
    "iat-future": {"iat": 3600}, "iat-near": {"iat": 30}, "iat-past": {"iat": -10**8}, "iat-null": {"iat": None}, "iat-text": {"iat": "x"}, "iat-text-number": {"iat": "5"}, "iat-float": {"iat": 5.5}, "iat-list": {"iat": []}, "iat-negative": {"iat": -10**10}, "nbf-past": {"nbf": -10}, "nbf-future": {"nbf": 60}, "nbf-text": {"nbf": "x"}, "nbf-text-number": {"nbf": "5"}, "nbf-text-future": {"nbf": "99999999999"}, "nbf-float": {"nbf": 5.5}, "nbf-list": {"nbf": [1]},
    "type-none": {"token_type": None}, "type-number": {"token_type": 1}, "type-blank": {"token_type": ""}, "type-upper": {"token_type": "Access"}, "type-list": {"token_type": ["access"]}, "type-sliding": {"token_type": "sliding"}, "type-refresh": {"token_type": "refresh"}, "type-access": {"token_type": "access"}, "jti-number": {"jti": 5}, "jti-blank": {"jti": ""}, "jti-list": {"jti": []}, "jti-none": {"jti": None}, "user-none": {"user_id": None}, "user-text": {"user_id": "abc"}, "user-str": {"user_id": "str"}, "user-blank": {"user_id": ""}, "user-huge": {"user_id": 10**30}, "user-big": {"user_id": 2**62}, "user-int64": {"user_id": 2**63 - 1}, "user-over-int64": {"user_id": 2**63}, "user-list": {"user_id": [1]}, "user-object": {"user_id": {"a": 1}}, "user-unknown": {"user_id": 2**40}, "user-unknown-text": {"user_id": str(2**40)}, "user-zero": {"user_id": 0}, "user-negative": {"user_id": -5},
    "alg-none": {"alg": "none"}, "alg-HS384": {"alg": "HS384"}, "alg-HS512": {"alg": "HS512"}, "alg-lower": {"alg": "hs256"}, "alg-blank": {"alg": ""}, "alg-RS256": {"alg": "RS256"}, "alg-ES256": {"alg": "ES256"}, "key-other": {"key": "another-key-another-key-another-key"}, "key-blank": {"key": ""}, "extra-claims": {"foo": {"a": [1]}, "admin": True}, "extra-iss": {"iss": "x"}, "aud": {"aud": "x"}, "aud-blank": {"aud": ""}, "aud-list": {"aud": ["x"]}, "kid-claim": {"kid": 5},
    "several-expired-type": {"exp": -5, "token_type": "refresh"}, "several-no-exp-no-jti": {"exp": None, "jti": None}, "several-no-jti-type": {"jti": None, "token_type": None}, "several-type-user": {"token_type": "x", "user_id": None}, "several-no-exp-type": {"exp": None, "token_type": "x"}, "several-no-exp-user": {"exp": None, "user_id": None},
}
EXTRA = {"nbf-text-number": "a date is a number (RFC 7519, section 2)", "jti-none": "the reference wants a jti; a server that has sessions may not", "several-no-jti-type": "which fault is named first is no promise", "several-no-exp-no-jti": "which fault is named first is no promise"}


def mints():
    # aud and iss: a token of another maker is not ours, whatever the reference says.
    headers = ["www-authenticate", "content-type", "x-token-refresh-required"]
    for kind, claims in MINTS.items():
        why = EXTRA.get(kind)
        if kind in ("extra-iss", "aud", "aud-list"):
            why = "the reference checks neither issuer nor audience"
        more = {"why": why} if why else {}
        add(f"me/minted-{kind}", "GET", ME, headers={"Authorization": "Bearer {{mint}}"}, mint=claims, match_headers=headers, **more)
        refresh = dict(claims)
        refresh.setdefault("token_type", "refresh")
        if kind.startswith("user-") and kind != "user-str":
            more = {"why": "the reference renews a token without a look for its user"}
        post(f"refresh/minted-{kind}", REFRESH, {"refresh": "{{mint}}"}, mint=refresh, **more)
    for kind in ("near-290", "near-310", "expired", "user-unknown", "user-none", "type-refresh"):
        register(f"minted-{kind}", headers={"Authorization": "Bearer {{mint}}"}, mint=MINTS[kind], match_headers=headers)
    near = {"Authorization": "Bearer {{mint}}"}
    post("login/minted-near", LOGIN, {"username": "{{u}}", "password": "{{pw}}"}, headers=near, mint={"exp": 60}, match_headers=headers)
    post("refresh/minted-near-header", REFRESH, {"refresh": "{{refresh}}"}, headers=near, mint={"exp": 60}, match_headers=headers)
    for method in ("HEAD", "POST", "DELETE"):
        add(f"me/minted-near-{method}", method, ME, headers=near, mint={"exp": 60}, match_headers=headers + ["allow"])
    add("me/minted-near-406", "GET", ME, headers={**near, "Accept": "text/html"}, mint={"exp": 60}, match_headers=headers)
    post("register/minted-near-415", REGISTER, "x", "text/plain", headers=near, mint={"exp": 60}, match_headers=headers)
    register("minted-near-400", username="", headers=near, mint={"exp": 60}, match_headers=headers)
    add("me/minted-near-404", "GET", "/api/clients/nope/", headers=near, mint={"exp": 60}, match_headers=headers, why=HTML)


def logins():
    for kind, name, password in (
        ("wrong", "{{u}}", "x"), ("case", "{{u}}", "KV7#PAZOUK-42LEMON"), ("password-cut", "{{u}}", PASSWORD[:-1]), ("password-more", "{{u}}", PASSWORD + "x"), ("inner-space", "{{u}}", "kV7#pazouk -42lemon"), ("unknown-at", "{{new}}@example.ma", "{{pw}}"), ("sql", "' OR 1=1 --", "{{pw}}"), ("wildcard", "%", "{{pw}}"), ("arabic", "محمد", "{{pw}}"), ("emoji", "😀", "{{pw}}"), ("full-width", "ｕ", "{{pw}}"), ("password-long", "{{u}}", "x" * 1000), ("username-zero-width", "{{u}}\u200b", "{{pw}}"), ("username-newline", "{{u}}\n", "{{pw}}"), ("bad-characters", "a b!c", "{{pw}}"), ("both-wrong", "x", "x"),
    ):
        post(f"login/try-{kind}", LOGIN, {"username": name, "password": password}, setup=True)
    post("login/try-email", LOGIN, {"username": "{{u}}@example.ma", "password": "{{pw}}"}, setup=True, why="a login is tried by e-mail too; the reference knows usernames only")
    post("login/extra", LOGIN, {"username": "{{u}}", "password": "{{pw}}", "email": 5, "x": None}, setup=True)
    post("login/password-over-1024", LOGIN, {"username": "{{u}}", "password": "x" * 1025}, setup=True, why="a password over 1,024 characters is a field error")
    post("register/number-first_name", REGISTER, raw({**PERSON, "first_name": Raw("1E3"), "last_name": Raw("-2.50")}))
    post("register/duplicate-and-length", REGISTER, {**PERSON, "username": "{{u}}", "email": "x", "first_name": "q" * 151}, setup=True)
    post("register/duplicate-trim", REGISTER, {**PERSON, "username": " {{u}} "}, setup=True)
    post("refresh/as-list", REFRESH, '[{"refresh":"{{refresh}}"}]', setup=True)
    post("refresh/access-and-blank", REFRESH, {"refresh": "", "access": "{{access}}"}, setup=True)
    post("refresh/bearer", REFRESH, {"refresh": "Bearer {{refresh}}"}, setup=True)
    post("refresh/spaces", REFRESH, {"refresh": " {{refresh}} "}, setup=True)
    post("refresh/key-case", REFRESH, {"Refresh": "{{refresh}}"}, setup=True)
    for kind, token in {"padding": "{{refresh}}=", "accents": "é", "arabic": "محمد", "dots": "..", "spaces-inside": "a b", "newline-inside": "a\nb", "long": "x" * 5000, "none": "eyJhbGciOiJub25lIn0.e30.", "empty-object": "e30.e30.e30"}.items():
        more = {"why": PADDING} if kind == "padding" else {}
        post(f"refresh/token-{kind}", REFRESH, {"refresh": token}, setup=True, **more)


for build in (values, lengths, spaces, characters, emails, passwords, bodies, types, forms, multiparts, methods, accepts, languages, authorizations, mints, logins):
    build()
