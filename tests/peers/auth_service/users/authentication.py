"""Who is asking: a user by cookie or bearer token, or another service by its API key."""

import hmac

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework_simplejwt.authentication import JWTAuthentication


class CookieOrBearer(JWTAuthentication):
    """simplejwt's own check, on the cookie first and the Authorization header next."""

    def authenticate(self, request):
        raw = request.COOKIES.get("access_token")
        if not raw:
            return super().authenticate(request)
        token = self.get_validated_token(raw)
        return self.get_user(token), token


class HasApiKey(BasePermission):
    def has_permission(self, request, view):
        return hmac.compare_digest(request.headers.get("X-API-Key", "").encode(), settings.INTERNAL_API_KEY.encode())
