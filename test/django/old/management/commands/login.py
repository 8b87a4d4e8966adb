"""Says for each username whether authenticate() takes the password on standard input."""
import sys

from django.contrib.auth import authenticate
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("username", nargs="+")

    def handle(self, *args, **options):
        password = sys.stdin.readline().rstrip("\n")
        for name in options["username"]:
            self.stdout.write(f"{name} {authenticate(username=name, password=password) is not None}")
