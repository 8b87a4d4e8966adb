"""Django's own manage.py for the project in old/. Commands with "then" between them are run one after the other."""
import itertools
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "old.settings"
sys.dont_write_bytecode = True
for between, command in itertools.groupby(sys.argv[1:], lambda word: word == "then"):
    if not between:
        execute_from_command_line([sys.argv[0], *command])
