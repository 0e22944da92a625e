from __future__ import annotations

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
django_application = ASGIStaticFilesHandler(get_asgi_application())

from django_celery_monitor.live.asgi import with_live  # noqa: E402 # its models need the apps

application = with_live(django_application)
