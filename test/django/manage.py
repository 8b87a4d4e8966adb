"""Django's own manage.py for the project in old/."""
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "old.settings"
sys.dont_write_bytecode = True
execute_from_command_line(sys.argv)
