#!/usr/bin/python3
"""Records hashes that Django makes and which passwords it finds to match them: hashes.py > hashes.json

Debian's python3-django, python3-argon2 and python3-bcrypt. Django before 4.0 has no scrypt: that format is written
here as Django 4.0 documents it.
"""
import base64, hashlib, json, random, unicodedata
import django
from django.conf import settings

HASHERS = "django.contrib.auth.hashers."
settings.configure(PASSWORD_HASHERS=[HASHERS + name + "PasswordHasher" for name in
    ["PBKDF2", "PBKDF2SHA1", "Argon2", "BCrypt", "BCryptSHA256", "MD5", "SHA1", "UnsaltedMD5", "UnsaltedSHA1", "Crypt"]])
django.setup()
import argon2
from django.contrib.auth import hashers

random.seed(20261124)
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
PASSWORDS = ["kV7#pazouk-42lemon", "Château d'été à Noël", "كلمة السر الطويلة", "🔑😀👩‍👩‍👧", "x", "x" * 100, "é" * 50, "  two spaces  ", "a$b$c"]


def letters(n):
    return "".join(random.choice(LETTERS) for _ in range(n))


def cheap(base, **attributes):
    return type(base.__name__, (base,), attributes)()


def pbkdf2(base, iterations):
    return lambda password: cheap(base, iterations=iterations).encode(password, letters(22))


def argon(type, memory, time, lanes, size=16, salt=22):
    params = argon2.Parameters(type=type, version=19, salt_len=16, hash_len=size, time_cost=time, memory_cost=memory, parallelism=lanes)
    return lambda password: cheap(hashers.Argon2PasswordHasher, params=lambda self: params).encode(password, letters(salt))


def bcrypt(base, prefix):
    return lambda password: base().encode(password, ("$%s$04$%s" % (prefix, letters(21) + "u")).encode())


def plain(base, salt):
    return lambda password: base().encode(password, letters(salt))


def scrypt(n, r, p):
    def make(password):
        salt = letters(22)
        tag = hashlib.scrypt(password.encode(), salt=salt.encode(), n=n, r=r, p=p, dklen=64)
        return "scrypt$%d$%s$%d$%d$%s" % (n, salt, r, p, base64.b64encode(tag).decode())
    return make


def matches(password, encoded):
    if not encoded.startswith("scrypt$"):
        return hashers.check_password(password, encoded)
    _, n, salt, r, p, tag = encoded.split("$")
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=int(n), r=int(r), p=int(p), dklen=64) == base64.b64decode(tag)


I, D, ID = argon2.Type.I, argon2.Type.D, argon2.Type.ID
MAKERS = [
    pbkdf2(hashers.PBKDF2PasswordHasher, 1), pbkdf2(hashers.PBKDF2PasswordHasher, 1000),
    pbkdf2(hashers.PBKDF2SHA1PasswordHasher, 100),
    argon(ID, 64, 1, 1), argon(ID, 512, 2, 8, size=32), argon(I, 512, 2, 2, salt=12), argon(D, 64, 3, 1), argon(D, 512, 2, 8),
    bcrypt(hashers.BCryptPasswordHasher, "2a"), bcrypt(hashers.BCryptPasswordHasher, "2b"), bcrypt(hashers.BCryptPasswordHasher, "2y"),
    bcrypt(hashers.BCryptSHA256PasswordHasher, "2b"),
    scrypt(16, 8, 1), scrypt(64, 4, 5),
    plain(hashers.MD5PasswordHasher, 12), plain(hashers.SHA1PasswordHasher, 5),
    plain(hashers.UnsaltedMD5PasswordHasher, 0), plain(hashers.UnsaltedSHA1PasswordHasher, 0), plain(hashers.CryptPasswordHasher, 2),
]


def others(password):
    """Passwords that are nearly the right one."""
    near = [password + "x", password + " ", password.strip(), password[:-1], password.swapcase(), "x" * 72,
            unicodedata.normalize("NFC", password), unicodedata.normalize("NFD", password),
            password.encode()[:72].decode(errors="ignore"), password.encode()[:72].decode(errors="ignore") + "y"]
    return list(dict.fromkeys([password] + near))


rows = []
for make in MAKERS:
    for password in PASSWORDS:
        encoded = make(password)
        kind = "scrypt" if encoded.startswith("scrypt$") else hashers.identify_hasher(encoded).algorithm
        rows.append({"hash": encoded, "kind": kind, "answers": {p: bool(matches(p, encoded)) for p in others(password)}})
print(json.dumps(rows, ensure_ascii=False, indent=0))
