#!/usr/bin/python3
"""Records what Django's four default password validators say: record.py > policy.json"""
import json, random
import django
from django.conf import settings

settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"], USE_I18N=False)
django.setup()
from django.contrib.auth.models import User
from django.contrib.auth import password_validation as v
from django.core.exceptions import ValidationError

VALIDATORS = [v.UserAttributeSimilarityValidator(), v.MinimumLengthValidator(), v.CommonPasswordValidator(), v.NumericPasswordValidator()]


def codes(password, person):
    found = []
    for validator in VALIDATORS:
        try:
            validator.validate(password, User(**person))
        except ValidationError as e:
            code = e.code
            if code == "password_too_similar":
                code += ":" + {"username": "username", "first name": "first_name", "last name": "last_name", "email address": "email"}[str(e.params["verbose_name"])]
            found.append(code)
    return found


random.seed(20261124)
PEOPLE = [
    {"username": "amina.alaoui", "email": "amina.alaoui@example.ma", "first_name": "Amina", "last_name": "Alaoui"},
    {"username": "u", "email": "", "first_name": "", "last_name": ""},
    {"username": "محمد", "email": "m@example.ma", "first_name": "محمد", "last_name": "بن علي"},
    {"username": "Jean-Paul_II+x", "email": "Jean-Paul@Église.fr", "first_name": "Jean-Paul", "last_name": "de la Fontaine-aux-Roses"},
    {"username": "İSTANBUL", "email": "ΣΟΦΟΣ@example.gr", "first_name": "ΣΟΦΟΣ", "last_name": "ß"},
]
PASSWORDS = ["", " ", "a", "1234567", "12345678", "password", "PASSWORD", " password ", "Password1", "password123", "iloveyou", "qwerty", "azerty", "marocmaroc", "bonjour123",
             "٠١٢٣٤٥٦٧", "１２３４５６７８", "²³¹²³¹²³", "①②③④⑤⑥⑦⑧", "½½½½½½½½", "ⅷⅷⅷⅷⅷⅷⅷⅷ", "一二三四五六七八", "😀😀😀😀😀😀😀", "😀😀😀😀😀😀😀😀", "ééééééé", "e\u0301" * 4,
             "kV7#pazouk-42lemon", "x" * 100, "1" * 40, "amina", "alaoui", "aminaalaoui", "Alaoui2024", "example.ma", "example", "محمدمحمد", "بنعليبنعلي", "istanbul", "i\u0307stanbul", "σοφος", "σοφοσ", "ssssssss",
             "fontaine", "la-fontaine", "jeanpaul", "paul-jean", "eglise.fr", "trustno1\u00a0", "\u3000dragon\u2003", "superman\x1f"]


def mutated(s):
    letters = list(s)
    for _ in range(random.randint(0, max(1, len(letters) // 2))):
        op = random.choice("add drop swap case".split())
        i = random.randrange(len(letters) + 1)
        if op == "add":
            letters.insert(i, random.choice("abcxyz019-_é م"))
        elif letters and i < len(letters):
            if op == "drop":
                del letters[i]
            elif op == "swap":
                j = random.randrange(len(letters))
                letters[i], letters[j] = letters[j], letters[i]
            else:
                letters[i] = letters[i].swapcase()
    return "".join(letters)


rows = []
for person in PEOPLE:
    mutations = [mutated(random.choice([x for x in person.values() if x] + [p for p in PASSWORDS if p])) for _ in range(120)]
    for password in PASSWORDS + mutations:
        rows.append({"password": password, "person": person, "codes": codes(password, person)})
print(json.dumps(rows, ensure_ascii=False, indent=0))
