"""Makes users of every kind and prints them, with the tokens, as JSON."""
import json
from datetime import datetime, timedelta, timezone

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import connection
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

JOINED = datetime(2024, 6, 5, 13, 56, 56, 123456, timezone.utc)


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args, **options):
        def person(name, hasher, **fields):
            fields.setdefault("date_joined", JOINED)
            password = make_password("kV7-pazouk-42", hasher=hasher) if hasher else make_password(None)
            return User.objects.create(username=name, password=password, **fields)

        person("admin", "argon2", is_staff=True, is_superuser=True, date_joined=datetime(2019, 1, 1, tzinfo=timezone.utc))
        amina = person(
            "amina", "pbkdf2_sha256", email="Amina@Example.MA", first_name="أمينة", last_name="بن علي",
            last_login=JOINED + timedelta(days=365, microseconds=1),
        )
        person("badr@example.ma", "pbkdf2_sha1", is_active=False, is_staff=True)
        person("unusable", None)
        User.objects.create(username="empty", password="", date_joined=JOINED)
        person("éloïse.o'neil+1", "md5", last_name='a "quoted", name\n')
        person("Zoé", "unsalted_md5")
        person("gone", "md5").delete()
        User.objects.create(username="b" * 150, password="bcrypt_sha256$$2b$12$" + "x" * 53, date_joined=JOINED)

        def token(**lifetime):
            refresh = RefreshToken.for_user(amina)
            if lifetime:
                refresh.set_exp(lifetime=timedelta(**lifetime))
                OutstandingToken.objects.filter(jti=refresh["jti"]).update(expires_at=datetime.fromtimestamp(refresh["exp"], timezone.utc))
            return refresh

        outstanding, blacklisted, expired = token(), token(days=30), token(days=1)
        blacklisted.blacklist()
        expired.blacklist()
        OutstandingToken.objects.filter(jti=expired["jti"]).update(expires_at=JOINED)

        fields = [f.name for f in User._meta.fields]
        users = [{f: getattr(u, f) for f in fields} for u in User.objects.order_by("id")]
        out = {
            "engine": connection.vendor, "users": users,
            "outstanding": outstanding["jti"], "blacklisted": blacklisted["jti"], "expired": expired["jti"],
        }
        self.stdout.write(json.dumps(out, default=lambda d: d.astimezone(timezone.utc).isoformat()))
