import hashlib
import secrets
import uuid

from django.db import models
from django.utils import timezone


class SystemUser(models.Model):
    """A program that calls with a token of its own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    username = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    is_authenticated = True  # what djangorestframework asks of a caller

    def issue(self):
        """A new token, which is kept as its digest alone."""
        token = "sys_" + secrets.token_urlsafe(32)
        SystemToken.objects.create(system_user=self, digest=digest_of(token), expires_at=self.expires_at)
        return token


class SystemToken(models.Model):
    system_user = models.ForeignKey(SystemUser, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()


def digest_of(token):
    return hashlib.sha256(token.encode()).hexdigest()
