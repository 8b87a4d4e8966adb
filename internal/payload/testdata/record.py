#!/usr/bin/python3
"""Records what Django REST Framework's parsers make of request bodies.

    /usr/bin/python3 record.py                      writes json.json, form.json, multipart.json and types.json here
    /usr/bin/python3 record.py --random N FILE      writes N mutated JSON bodies, for `go test -recorded FILE`

Each case is [content type, body, outcome]; body and texts are bytes written
as Latin-1. An outcome is a value as canonical() writes it, "parse FORMAT: DETAIL",
"unsupported", or "fails: TYPE" where the reference answers 500 or Django's own 400.
"""
import io
import json
import os
import random
import sys
from urllib.parse import quote_from_bytes

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="-",
    USE_I18N=False,
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
)
django.setup()

from django.core.files.uploadedfile import UploadedFile  # noqa: E402
from django.core.handlers.wsgi import WSGIRequest  # noqa: E402
from rest_framework import exceptions, parsers  # noqa: E402
from rest_framework.request import Request  # noqa: E402

PARSERS = [parsers.JSONParser(), parsers.FormParser(), parsers.MultiPartParser()]


def canonical(v):
    if v is None:
        return "null"
    if isinstance(v, bool):
        return str(v).lower()
    if isinstance(v, (int, float)):
        return type(v).__name__ + ":" + str(v)
    if isinstance(v, str):
        return "(" + quote_from_bytes(v.encode("utf-8", "surrogatepass"), safe=" ") + ")"
    if isinstance(v, list):
        return "[" + ",".join(map(canonical, v)) + "]"
    if isinstance(v, UploadedFile):
        return "file"
    return "{" + ",".join(sorted(canonical(k) + canonical(v[k]) for k in v)) + "}"


def outcome(content_type, body):
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/", "SERVER_NAME": "x", "SERVER_PORT": "80",
        "CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
    }
    try:
        return canonical(Request(WSGIRequest(environ), parsers=PARSERS).data)
    except exceptions.ParseError as e:
        form, _, detail = str(e.detail).partition(" parse error - ")
        return f"parse {form}: {detail}"
    except exceptions.UnsupportedMediaType:
        return "unsupported"
    except Exception as e:
        return "fails: " + type(e).__name__


J = "application/json"
F = "application/x-www-form-urlencoded"
M = "multipart/form-data; boundary=B"

JSON = [
    b'{}', b'[]', b'""', b'0', b'null', b'true', b'false', b' \t\r\n{ \n} \r\n', b' ', b'\n', b'\x0c{}', b'\xc2\xa0{}',
    b'{"a":1,"a":2}', b'{"a":{"b":[1,[],{},null,true,false,"x",1.5]}}', b'[1, 2 ,3 ]', b'{"a" : 1 , "b" :2 }', b'{"":""}',
    # numbers
    b'5', b'-5', b'-0', b'-0.0', b'0.0', b'1.0', b'1e5', b'1E5', b'1e+5', b'1e-5', b'0.0001', b'0.00001', b'1e15', b'1e16', b'123456789012345678',
    b'1e22', b'1.5e300', b'1e400', b'-1e400', b'1e-400', b'5e-324', b'0.1', b'100', b'1.10', b'12345678901234567890123456789', b'9007199254740993.0',
    b'01', b'-01', b'1.', b'.5', b'+1', b'-', b'-a', b'1e', b'1e+', b'1.e5', b'0x10', b'1_000', b'[1.]', b'[1e]', b'{"a":-}', b'[-]', b'[01]', b'0e0', b'0E-0',
    b'--1', b'1-', '٣'.encode(), b'NaN', b'Infinity', b'-Infinity', b'{"a":NaN}', b'[-Infinity]', b'Nan', b'-Inf', b'-Infinit', b'Infinit', b'[NaN, 1', b'NaNx',
    b'9' * 4300, b'-' + b'9' * 4300, b'9' * 4301, b'-' + b'9' * 4301, b'0.' + b'9' * 5000, b'1' + b'0' * 5000 + b'.0', b'[' + b'1' * 4301 + b'}',
    # strings
    b'"a', b'"', b'"\\', b'"\\"', b'"\\u', b'"\\u1', b'"\\u1234', b'"\\u123"', b'"\\u1234"', b'"\\uZZZZ"', b'"\\u+123"', b'"\\u 123"', b'"\\u0x1f"', b'"\\u00e9"', b'"\\u00E9"',
    b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', b'"\\a"', b'"\\x41"', b'"\\U0041"', b'"\\\xc3\xa9"', b'"\\\n"', b'"a\nb"', b'"a\tb"', b'"a\x00b"', b'"a\x1fb"', b'"a\x7fb"', b'"\\u0000"', b'"\xe2\x80\xa8"',
    b'"\\ud83d\\ude00"', b'"\\uD83D\\uDE00x"', b'"\\ud800"', b'"\\udc00"', b'"\\udc00\\ud800"', b'"\\ud800x"', b'"\\ud800\\u0041"', b'"\\ud800\\n"', b'"\\ud800\\u12"', b'"\\ud800\\uZZZZ"',
    b'"\\ud800\\ud800\\udc00"', b'"\\ud800', b'"\\ud800\\', b'"\\ud800\\u', b'"\\ud800\\udc00', b'"\\ud800\\udc0', b'"\\ud800\\udc0"', b'{"\\ud800":1}', b'"\\uffff\\ufeff\\ufffe"', b'"\\udbff\\udfff"',
    '"é😀\u202eسلام"'.encode(), '{"é😀": "\n"}'.encode(), '["é😀",\n "é", x]'.encode(), '{"سلام":}'.encode(), b'"\xf4\x8f\xbf\xbf"',
    # syntax
    b'{', b'[', b'}', b']', b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'{"a":1,}', b'{"a":1 "b"}', b'{"a" 1}', b'{a:1}', b"{'a':1}", b'{1:1}', b'{,"a":1}', b'{"a":1,,}', b'{"a":1,"b"}', b'{"a",}', b'{"a":}',
    b'{ ', b'{ x', b'{"a" ', b'{"a": ', b'{"a":1 ', b'{"a":1 ,', b'{"a":1, ', b'{"a":1, }', b'{\n"a":\n}', b'{"a":"b',
    b'[1', b'[1,', b'[1,]', b'[1 2]', b'[,]', b'[1,,2]', b'[ ', b'[ x', b'[1 ', b'[1, ', b'[1 ,]', b'[1\n\n x]', b'[1}', b'{"a":1]', b'[[]', b'[[],', b'[{]', b'[1,2', b'[1, 2, ', b'[1,\n]',
    b'{} {}', b'{}x', b'1 2', b'{"a":1} // x', b'/* x */ {}', b'# x', b'nul', b'nulll', b'null ', b'tru', b'True', b'None', b'undefined', b'a=b', b'<a/>', b'{}\x00', b'\x00', b'{}\n\n x', b'"a" "b"', b"'a'", b'()',
    b'[' * 200 + b']' * 200, b'{"a":' * 200 + b'1' + b'}' * 200,
    # bytes that are no UTF-8
    b'\xef\xbb\xbf{}', b'\xef\xbb\xbf', b' \xef\xbb\xbf{}', b'"\xff"', b'"\xc3"', b'"\xc3\xa9\xff"', b'{}\xff', b'{}\x80', b'{}\xc3(', b'"\xe2\x28\xa1"',
    b'"\xf0("', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xe0\x80\x80"', b'"\xf5\x80\x80\x80"', b'"\xf4\x90\x80\x80"', b'"\xc1"', b'{}\xf4\x90', b'{}\xe0\x80', b'"a', b'\xff\xfe{\x00}\x00', b'{\x00}\x00',
]
CHARSETS = ['utf-8', 'UTF-8', '"utf-8"', 'utf8', 'UTF8', ' utf-8 ', 'UTF 8', '', '"', '"utf-8', 'utf-8"']
CHARSET_BODIES = [b'{"a":"b"}', '{"a":"é"}'.encode(), b'{"a":"\xe9"}', b'\xef\xbb\xbf{}']
TYPES = [
    '', J, J.upper(), ' ' + J, J + ' ', J + ';', J + ' ; a=b', J + ';a', J + ';;', J + ';charset', J + ',text/plain', 'application/ json', 'application /json', 'application/json/x', 'application/jsonx', 'application/vnd.api+json', 'application/*', '*/*', '*/json', '*', '*/', '/*', '/', 'text/json', 'text/plain',
    'json', ';', '; charset=utf-8', ';application/json', '"application/json"', 'application/json; a="b;c"', 'application/json; a="b', 'application/json\t', 'application/json;q=0', '\xe9', 'application/json; a=\xe9', 'application/\xe9', 'application/xml', 'application/octet-stream', '*/xml', 'text/*',
    F, F.upper(), F + '; charset=utf-8', '*/x-www-form-urlencoded', 'application/x-www-form-urlencoded,', 'multipart/form-data', 'multipart/form-data;', 'multipart/mixed; boundary=B', 'multipart/*; boundary=B', 'multipart/Form-Data; BOUNDARY=B',
]
TYPE_BODIES = [b'{"a": "b"}', b'a=b', b'--B\r\ncontent-disposition: form-data; name=a\r\n\r\nb\r\n--B--\r\n', b'']
FORM = [
    b'a=b', b'a', b'a=', b'=b', b'=', b'&', b'&&a=b&', b'a=b=c', b'a==', b'a=b&a=c', b'a=b;c=d', b'a+b=c+d', b'a=%2B+%20', b'a=%41%6', b'a=%', b'a=%4', b'a=%zz', b'a=%%41', b'%61=b', b'a=%C3%A9', b'a=%c3%a9', b'a=%C3', b'a=%C3%', b'a=%FFx', b'a=%E2%82', b'a=%E2%82x', b'a=%F0%9F%98%80', b'a=%F0%9F%98', b'a=%F0%9F%41',
    b'a=%ED%A0%80', b'a=%C0%80', b'a=%F4%90%80%80', b'a=%E2%28%A1', b'a=%00', 'a=é'.encode(), 'a=é%C3%A9é'.encode(), b'a=\xe9', b'a=\xe9%C3%A9', b'a=%C3\xa9', 'a=%C3é'.encode(), b'\xff=%ff', 'é=1&a=\xa9'.encode() + b'&b=\xe9', b'a=%26b%3Dc', b'a=b#c', b'a=b\n', b'\r\na=b\r\n', b'a=\x00', b'a=%E9', b'a=%u0041', b' a = b ', b'{"a":1}', b'a=%f0%9f%98%80%ff', b'a=%D9%85%D8%B1', b'a=%80%81%9f', b'?a=b', b'a[]=1&a[]=2', b'a=%C3+%A9', 'سلام=مرحبا'.encode(), b'\xef\xbb\xbfa=b',
]


def part(headers, data):
    return b'--B\r\n' + headers + b'\r\n\r\n' + data + b'\r\n'


N = b'Content-Disposition: form-data; name="a"'
FILE = b'Content-Disposition: form-data; name="f"; filename="x.txt"'
END = b'--B--\r\n'
MULTIPART = [
    part(N, b'v') + END, part(N, b'v') + part(N, b'w') + END, part(N, b'v'), part(N, b'v') + b'--B--', b'--B\r\n' + N + b'\r\n\r\nv', b'--B\r\n' + N + b'\r\n\r\n', b'--B--', b'', b'x', b'{}', END, b'\r\n',
    b'pre\r\n' + part(N, b'v') + END + b'post', b'--B\r\n' + N + b'\r\n\r\n\r\n--B--',
    b'--B\r\n' + N + b'\r\n\r\nv\r\r\n--B--', b'--B\r\n' + N + b'\r\n\r\nv\n\r\n--B--', part(N, b'x--b y') + END, part(N, b'-B-') + END,
    part(b'content-disposition:form-data;name=a', b'v') + END, part(b'CONTENT-DISPOSITION: FORM-DATA; NAME=a', b'v') + END, part(b'Content-Disposition: form-data; name=', b'v') + END, part(b'Content-Disposition: form-data; name=""', b'v') + END,
    part(b'Content-Disposition: form-data; name="a\\"b"', b'v') + END, part(b'Content-Disposition: form-data; name="a;b"', b'v') + END, part(b"Content-Disposition: form-data; name*=utf-8''%C3%A9", b'v') + END,
    part(b"Content-Disposition: form-data; name*=utf-8''%FF", b'v') + END,
    part('Content-Disposition: form-data; name="é"'.encode(), b'v') + END, part(b'Content-Disposition: form-data; name="\xff"', b'v') + END,
    part(b'X: y\r\n' + N + b'\r\nZ: z', b'v') + END,
    part(N, b'\xff\xc3\xa9\xe2\x82') + END, part(N, 'é😀سلام'.encode()) + END, part(N, b'a\x00b') + END, part(N, b'a\r\nb\r\n') + END, part(N, b' v ') + END, part(N + b'\r\nContent-Type: text/plain; charset=iso-8859-1', b'\xe9') + END, part(N + b'\r\nContent-Type: application/json', b'{"x":1}') + END,
    *[part(N + b'\r\nContent-Transfer-Encoding: ' + e, d) + END for e in (b'quoted-printable', b'8bit') for d in (b'w6k=', b'w6=3D')],
    part(FILE, b'v') + END, part(FILE, b'v') + b'--B-', part(FILE, b'') + END, part(N, b'v') + part(N + b'; filename=x', b'') + END, part(N + b'; filename=""', b'v') + END,
    part(N + b'; filename*=utf-8\'\'%C3%A9', b'v') + END, part(N + b'; filename*=utf-8\'\'', b'v') + END, part(N + b'; filename="\xff"', b'v') + END, part(N + b'; filename=" "', b'v') + END,
    part(FILE + b'\r\nContent-Type: text/plain; charset=bogus', b'v') + END, part(FILE + b'\r\nContent-Length: x', b'v') + END,
    part(b'X: ' + b'x' * 960 + b'\r\n' + N, b'v') + END, part(N, b'v' * 3000) + END, b'--B\r\n' + N + b'\r\n\r\n' + b'v' * 3000, part(N, b'1') * 50 + END,
]
BOUNDARIES = [
    '', ';', '; boundary', '; boundary=B', '; boundary="B"', '; BOUNDARY=B', '; boundary= B ', "; boundary*=utf-8''B", "; boundary*=utf-8''%42",
    '; boundary=' + 'x' * 202, '; boundary=B;', '; a="b;boundary=B"', ' ; boundary=B', "; boundary*=bogus''%42",
]
BOUNDARY_BODIES = [part(N, b'\xe9') + END, b'x']

TABLES = {
    "json.json": [(J, b) for b in JSON]
    + [(J + '; charset=' + c, b) for c in CHARSETS for b in CHARSET_BODIES]
    + [(J + '; charset=' + c, CHARSET_BODIES[0]) for c in ('us-ascii', 'US-ASCII')],
    "form.json": [(F, b) for b in FORM] + [(F + '; charset=' + c, b'a=b') for c in ('utf-8', 'us-ascii')],
    "multipart.json": [(M, b) for b in MULTIPART] + [('multipart/form-data' + c, b) for c in BOUNDARIES for b in BOUNDARY_BODIES],
    "types.json": [(t, b) for t in TYPES for b in TYPE_BODIES],
}


def mutate(rng, body):
    b = bytearray(body)
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(b))
        r = rng.random()
        if r < 0.3:
            del b[at:at + rng.randint(1, 3)]
        elif r < 0.7:
            b[at:at] = rng.choice([b'"', b'\\', b'\\u', b'\\ud83d', b'\\ude00', b',', b':', b'{', b'}', b'[', b']', b' ', b'\n', b'\r\n', b'-', b'1', b'.', b'e', b'0', b'\xc3\xa9', b'\xe2', b'\xff', b'\xf0\x9f\x98\x80', b'%', b'%C3', b'+', b'&', b'=', b';', b'--B', b'"a"', b'null', b'NaN', b'\r\n\r\n', N, b'filename=x', b"'", b'\x00'])
        elif b:
            at = min(at, len(b) - 1)
            end = at + rng.randint(1, 12)
            to = rng.randint(0, len(b))
            b[to:to] = b[at:end]
    return bytes(b)


def write(path, cases):
    with open(path, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps([t, b.decode("latin-1"), outcome(t, b)]) for t, b in cases) + "\n]\n")


if sys.argv[1:2] == ["--random"]:
    rng = random.Random(7)
    bodies = (mutate(rng, rng.choice(JSON)) for _ in range(int(sys.argv[2])))
    write(sys.argv[3], [(J, b) for b in bodies if b == b.decode(errors="ignore").encode()])
else:
    for name, cases in TABLES.items():
        write(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), cases)
