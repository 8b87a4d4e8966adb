"""Django's hasher with fewer rounds: tests of package password verify those that Django makes by default."""
from django.contrib.auth import hashers


class PBKDF2PasswordHasher(hashers.PBKDF2PasswordHasher):
    iterations = 1000
