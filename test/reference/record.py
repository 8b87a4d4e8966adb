"""record.py BASE_URL OUT: plays rows.py against the reference and writes what it answered.

The rows are in the form of cases.json and are masked as there, so that a second recording is
the same file. The server's HS256 key comes from REFERENCE_SECRET.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import sys
import time
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor

import rows

LANGUAGES = ("en", "fr", "ar")
KEPT = ("www-authenticate", "allow", "x-token-refresh-required")
NOT_JSON = {"<not json>": True}


def send(base, method, path, body, headers):
    url = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        if body is not None:
            body = body.encode("utf-8", "surrogatepass")
            connection.putheader("Content-Length", str(len(body)))
        for name, value in headers.items():
            connection.putheader(name, value.encode("latin-1", "replace"))
        connection.endheaders(body)
        response = connection.getresponse()
        data = response.read()
    finally:
        connection.close()
    try:
        answer = json.loads(data) if data else None
    except ValueError:
        answer = NOT_JSON
    return response.status, {k.lower(): v for k, v in response.getheaders()}, answer


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token):
    segment = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def mint(spec, key, user):
    """A token for the user: null removes a claim, whole numbers for times count from now."""
    now = int(time.time())
    claims = {"token_type": "access", "exp": now + 3600, "iat": now, "jti": uuid.uuid4().hex, "user_id": user}
    for name, value in spec.items():
        if name in ("alg", "key"):
            continue
        if value is None:
            claims.pop(name, None)
        elif name in ("exp", "iat", "nbf") and isinstance(value, int):
            claims[name] = now + value
        else:
            claims[name] = str(user) if value == "str" else value
    algorithm = spec.get("alg", "HS256")
    signed = ".".join(encode(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT"}, claims))
    if algorithm == "none":
        return signed + "."
    digest = hashlib.sha512 if algorithm == "HS512" else hashlib.sha256
    return signed + "." + encode(hmac.new(spec.get("key", key).encode(), signed.encode(), digest).digest())


def masked(value, names):
    if isinstance(value, dict):
        return {masked(k, names): masked(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [masked(v, names) for v in value]
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"[\w-]{10,}\.[\w-]{10,}\.[\w-]*", value):
        return "<jwt %s>" % claims_of(value).get("token_type")
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value):
        return "<time>"
    for name, mask in names:
        value = value.replace(name, mask)
    return value


def play(row, base, key, language):
    user, new = "u" + uuid.uuid4().hex[:12], "n" + uuid.uuid4().hex[:12]
    values = {"u": user, "U": user.upper(), "new": new, "pw": rows.PASSWORD, "pwq": urllib.parse.quote(rows.PASSWORD)}
    if row["setup"]:
        person = {"username": user, "password": rows.PASSWORD, "email": user + "@example.ma", "first_name": "A", "last_name": "B"}
        status, _, answer = send(base, "POST", rows.REGISTER, json.dumps(person), {"Content-Type": rows.JSON})
        if status != 201:
            raise RuntimeError(f"{row['id']}: the setup answered {status} {answer}")
        values.update(access=answer["access"], refresh=answer["refresh"])
        if row["mint"] is not None:
            values["mint"] = mint(row["mint"], key, answer["user"]["id"])

    def filled(text):
        return text and re.sub(r"\{\{(\w+)\}\}", lambda match: values.get(match[1], match[0]), text)

    headers = {"Accept-Language": language, **{k: filled(v) for k, v in row["headers"].items()}}
    if row["ct"]:
        headers["Content-Type"] = row["ct"]
    status, got, answer = send(base, row["method"], filled(row["path"]), filled(row["body"]), headers)
    kept = {k: got[k] for k in KEPT if k in got}
    if "content-type" in got:
        kept["content-type"] = got["content-type"].split(";")[0]
    answer = masked(answer, [(user, "<u>"), (new, "<new>"), (user.upper(), "<U>")])
    if isinstance(answer, dict):
        for part in (answer, answer.get("user")):
            if isinstance(part, dict) and isinstance(part.get("id"), int):
                part["id"] = "<int>"
    return {"status": status, "headers": kept, "body": answer}


def judged(row, expect):
    """The row with its answers, marked if they are not to be followed."""
    row = {**row, "expect": expect}
    if any(e["status"] >= 500 for e in expect.values()):
        row.setdefault("why", rows.CRASH)
    elif any(e["body"] == NOT_JSON for e in expect.values()):
        row.setdefault("why", rows.HTML)
    if "why" in row:
        row["must_match"] = False
    if row["body"] and re.search("[\ud800-\udfff]", row["body"]):
        # Readers in other languages have no lone surrogates.
        row["body_base64"] = base64.b64encode(row["body"].encode("utf-8", "surrogatepass")).decode()
    return row


def main():
    base, out = sys.argv[1:]
    key = os.environ["REFERENCE_SECRET"]

    def record(row):
        return judged(row, {language: play(row, base, key, language) for language in LANGUAGES})

    with ThreadPoolExecutor(4) as pool:
        recorded = sorted(pool.map(record, rows.rows), key=lambda row: row["id"])
    with open(out, "w", encoding="ascii") as file:
        # A row's own keys are sorted; the keys of a body stay in the reference's order, which counts.
        file.write("[\n" + ",\n".join(json.dumps(dict(sorted(row.items()))) for row in recorded) + "\n]\n")
    followed = sum(row.get("must_match", True) for row in recorded)
    print(f"{len(recorded)} rows recorded, {followed} to be followed")


main()
