from django.urls import path

from users import views

urlpatterns = [
    path("api/v1/users/login/", views.login),
    path("api/v1/users/token/refresh/", views.refresh),
    path("api/v1/users/token/validate/", views.validate),
    path("api/v1/tts/user-info/<int:user_id>/", views.user_info),
    path("api/v1/tts/users-info/", views.users_info),
    path("api/v1/tts/round-robin/", views.round_robin),
    path("api/v1/hdts/employees/internal/<int:employee_id>/", views.employee),
]
