"""Reads a token from each line (JSON) and writes what the recipe says to it: good, 401 or 503."""

import json
import sys

if sys.argv[1] == "django":
    import django

    django.setup()
    from rest_framework.exceptions import APIException
    from yoozak_auth import YoozakAuthentication

    authentication = YoozakAuthentication()

    def verdict(token):
        try:
            user = authentication.get_user(authentication.get_validated_token(token.encode()))
        except APIException as e:
            return str(e.status_code)
        return "good" if user.id == 42 else f"user {user.id}"

else:
    import yoozak

    def verdict(token):
        try:
            user_id = yoozak.verify(token)["user_id"]
        except yoozak.Refused:
            return "401"
        except yoozak.Unavailable:
            return "503"
        return "good" if user_id == 42 else f"user {user_id}"


for line in sys.stdin:
    print(verdict(json.loads(line)), flush=True)
