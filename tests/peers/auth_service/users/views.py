from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken

from users.authentication import HasApiKey
from users.models import Employee


def tokens_for(user):
    """A refresh token with the claims of the guide; its access token inherits them."""
    token = RefreshToken.for_user(user)
    if user.profile.user_type:
        token["user_type"] = user.profile.user_type
    return token


def with_cookie(response, name, value):
    response.set_cookie(name, value, httponly=True, samesite="Lax", path="/")
    return response


def describe(user):
    return {
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "company_id": user.profile.company_id,
        "systems": user.profile.systems,
        "roles": user.profile.roles,
    }


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def login(request):
    user = authenticate(username=request.data.get("email"), password=request.data.get("password"))
    if user is None:
        return Response({"error": "Invalid credentials"}, status=status.HTTP_401_UNAUTHORIZED)
    refresh_token = tokens_for(user)
    access, refreshing = str(refresh_token.access_token), str(refresh_token)
    response = Response({"access": access, "refresh": refreshing})
    return with_cookie(with_cookie(response, "access_token", access), "refresh_token", refreshing)


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def refresh(request):
    raw = request.data.get("refresh") or request.COOKIES.get("refresh_token", "")
    try:
        token = RefreshToken(raw)
    except TokenError:
        return Response({"error": "Invalid token"}, status=status.HTTP_401_UNAUTHORIZED)
    issued = {"access": str(token.access_token)}
    if api_settings.ROTATE_REFRESH_TOKENS:
        issued["refresh"] = str(successor_of(token))
    response = Response(issued)
    if settings.REFRESH_SETS_COOKIES:
        for name, value in issued.items():
            with_cookie(response, f"{name}_token", value)
    return response


def successor_of(token):
    """The refresh token that takes the place of this one, as simplejwt's own view makes it."""
    token.blacklist()
    token.set_jti()
    token.set_exp()
    token.set_iat()
    return token


@api_view(["GET"])
def validate(request):
    return Response({"valid": True, "user_id": request.user.id, "username": request.user.username})


@api_view(["GET"])
@permission_classes([IsAuthenticated | HasApiKey])
def user_info(request, user_id):
    return Response(describe(get_object_or_404(get_user_model(), id=user_id)))


@api_view(["POST"])
@permission_classes([IsAuthenticated | HasApiKey])
def users_info(request):
    ids = request.data.get("user_ids", [])
    users = get_user_model().objects.filter(id__in=ids).select_related("profile").order_by("id")
    return Response({"users": [describe(user) for user in users]})


@api_view(["GET"])
@permission_classes([IsAuthenticated | HasApiKey])
def round_robin(request):
    wanted = {"system": request.query_params.get("system"), "role": request.query_params.get("role")}
    users = get_user_model().objects.select_related("profile").order_by("id")
    return Response({"user_ids": [user.id for user in users if wanted in user.profile.roles]})


@api_view(["GET"])
@authentication_classes([])
@permission_classes([HasApiKey])
def employee(request, employee_id):
    found = get_object_or_404(Employee, id=employee_id)
    names = ("id", "first_name", "last_name", "department")
    return Response({name: getattr(found, name) for name in names})
