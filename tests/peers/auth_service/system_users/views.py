"""Tokens of programs: made, rotated and taken back by an administrator, and shown by the programs themselves."""

from datetime import timedelta

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework import status
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.response import Response

from system_users.authentication import SystemTokenAuthentication
from system_users.models import SystemUser


def rfc3339(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def describe(token):
    return {
        "system_user_id": str(token.system_user.id),
        "username": token.system_user.username,
        "expires_at": rfc3339(token.expires_at),
    }


@api_view(["POST"])
@permission_classes([IsAdminUser])
def create(request):
    user = SystemUser.objects.create(
        username=request.data["username"], expires_at=parse_datetime(request.data["expires_at"]))
    data = {
        "id": str(user.id),
        "username": user.username,
        "password": user.issue(),
        "expires_at": rfc3339(user.expires_at),
        "created_at": rfc3339(user.created_at),
    }
    return Response({"success": True, "data": data}, status=status.HTTP_201_CREATED)


@api_view(["POST"])
@permission_classes([IsAdminUser])
def rotate(request, system_user_id):
    """A new token; those of before end with the grace period."""
    user = get_object_or_404(SystemUser, id=system_user_id)
    end = min(user.expires_at, timezone.now() + timedelta(hours=request.data["grace_period_hours"]))
    user.tokens.update(expires_at=end)
    return Response({"data": {"new_password": user.issue(), "old_password_expires_at": rfc3339(end)}})


@api_view(["POST"])
@permission_classes([IsAdminUser])
def revoke_old(request, system_user_id):
    """Ends the grace period: the newest token alone is left."""
    user = get_object_or_404(SystemUser, id=system_user_id)
    user.tokens.exclude(id=user.tokens.latest("id").id).delete()
    return Response({"success": True})


@api_view(["GET"])
@authentication_classes([SystemTokenAuthentication])
@permission_classes([IsAuthenticated])
def token_info(request):
    return Response({"success": True, "data": describe(request.auth)})


@api_view(["GET"])
@authentication_classes([SystemTokenAuthentication])
@permission_classes([IsAuthenticated])
def credentials(request):
    """The same, for the system user who is asked about alone."""
    if request.query_params.get("username") != request.auth.system_user.username:
        return Response({"error": "Insufficient permissions"}, status=status.HTTP_403_FORBIDDEN)
    return Response({"success": True, "data": describe(request.auth)})
