"""``application`` serves the pages and, beside them, the monitor's websocket."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
# Before the next import: consumers need the apps to be loaded.
django_application = get_asgi_application()

from django_celery_monitor.live.asgi import with_live  # noqa: E402

application = with_live(django_application)
