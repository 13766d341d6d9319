from django.conf import settings
from django.db import models


class Profile(models.Model):
    """What the Auth Service knows of a user beyond Django's own fields."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile")
    user_type = models.CharField(max_length=32, blank=True)  # empty: the token carries no such claim
    company_id = models.CharField(max_length=32)
    systems = models.JSONField(default=list)
    roles = models.JSONField(default=list)


class Employee(models.Model):
    """A help desk employee, looked up by other services with an API key."""

    first_name = models.CharField(max_length=64)
    last_name = models.CharField(max_length=64)
    department = models.CharField(max_length=64)
