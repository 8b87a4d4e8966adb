from django.urls import path
from rest_framework_simplejwt.views import TokenRefreshView

from .views import LoginView, MeView, RegisterView

urlpatterns = [
    path("api/clients/auth/register/", RegisterView.as_view()),
    path("api/clients/auth/login/", LoginView.as_view()),
    path("api/clients/auth/token/refresh/", TokenRefreshView.as_view()),
    path("api/clients/clients/me/", MeView.as_view()),
]
