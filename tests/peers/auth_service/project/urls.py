from django.urls import path

from system_users import views as system_users
from users import views

urlpatterns = [
    path("api/v1/users/login/", views.login),
    path("api/v1/users/token/refresh/", views.refresh),
    path("api/v1/users/token/validate/", views.validate),
    path("api/v1/tts/user-info/<int:user_id>/", views.user_info),
    path("api/v1/tts/users-info/", views.users_info),
    path("api/v1/tts/round-robin/", views.round_robin),
    path("api/v1/hdts/employees/internal/<int:employee_id>/", views.employee),
    path("api/v1/system-users", system_users.create),
    path("api/v1/system-users/<uuid:system_user_id>/rotate", system_users.rotate),
    path("api/v1/system-users/<uuid:system_user_id>/revoke-old", system_users.revoke_old),
    path("api/v1/system-users/token-info", system_users.token_info),
    path("api/v1/system-users/credentials", system_users.credentials),
]
