from django.urls import path
from rest_framework.decorators import api_view
from rest_framework.response import Response


@api_view(["GET", "POST"])
def orders(request):
    return Response({"customer": request.user.id})


urlpatterns = [path("orders", orders)]
