from datetime import datetime, timezone

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from rest_framework import serializers
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.tokens import RefreshToken

User = get_user_model()


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "username", "email", "first_name", "last_name")


class RegisterSerializer(serializers.ModelSerializer):
    # Declared, so without the 128 characters of the model's column.
    password = serializers.CharField(write_only=True)

    class Meta:
        model = User
        fields = ("username", "password", "email", "first_name", "last_name")

    def validate(self, attrs):
        # Runs only when each field is good on its own: the validators compare the
        # password with the other fields.
        others = {name: value for name, value in attrs.items() if name != "password"}
        try:
            validate_password(attrs["password"], User(**others))
        except ValidationError as error:
            raise serializers.ValidationError({"password": list(error.messages)})
        return attrs

    def create(self, validated_data):
        return User.objects.create_user(**validated_data)


class LoginSerializer(TokenObtainPairSerializer):
    def validate(self, attrs):
        super().validate(attrs)
        return answer(self.user)


def answer(user):
    """The body that register and login share."""
    refresh = RefreshToken.for_user(user)
    access = refresh.access_token
    return {
        "refresh": str(refresh),
        "access": str(access),
        "user": UserSerializer(user).data,
        "token_info": {
            "expires_at": stamp(access["exp"]),
            "issued_at": stamp(access["iat"]),
            "type": "Bearer",
        },
    }


def stamp(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
