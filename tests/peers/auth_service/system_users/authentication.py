from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from system_users.models import SystemToken, digest_of


class SystemTokenAuthentication(BaseAuthentication):
    """A system user by its bearer token; `request.auth` is what is known of the token."""

    def authenticate(self, request):
        scheme, _, token = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        tokens = SystemToken.objects.select_related("system_user")
        found = tokens.filter(digest=digest_of(token), expires_at__gt=timezone.now()).first()
        if found is None:
            raise AuthenticationFailed("Invalid token")
        return found.system_user, found

    def authenticate_header(self, request):
        return "Bearer"
