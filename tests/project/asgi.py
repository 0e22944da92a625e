from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")

http = ASGIStaticFilesHandler(get_asgi_application())
application = ProtocolTypeRouter({"http": http})
