"""The Auth Service's settings; whatever a test may want to choose comes from the environment."""

import os
from datetime import timedelta

SIGNING_KEY = os.environ["DJANGO_JWT_SIGNING_KEY"]
INTERNAL_API_KEY = os.environ["AUTH_API_KEY"]
REFRESH_SETS_COOKIES = os.environ.get("AUTH_REFRESH_SETS_COOKIES", "1") == "1"  # else its answer is JSON alone

SECRET_KEY = "only-for-tests-and-not-the-key-that-signs-tokens"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "project.urls"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "users",
    "system_users",
]
MIDDLEWARE = []

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["AUTH_DATABASE"],
        "OPTIONS": {"timeout": 10},
    }
}

# The passwords are in this folder's source; a slow hash would protect nobody and cost every login a tenth of a second.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["users.authentication.CookieOrBearer"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}

SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SIGNING_KEY,
    "USER_ID_CLAIM": "user_id",
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=int(os.environ.get("AUTH_ACCESS_SECONDS", "3600"))),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    # Each refresh token is good for one use, and brings its successor.
    "ROTATE_REFRESH_TOKENS": os.environ.get("AUTH_ROTATES", "0") == "1",
}
