from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from example_project.demo.views import sign_in

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="celery_monitor:overview")),
    path("monitor/", include("django_celery_monitor.urls")),
    path("admin/", admin.site.urls),
    path("social/", include("social_django.urls")),
    path("sign-in/<str:token>/", sign_in, name="sign_in"),
    path("", include("django_prometheus.urls")),
]
