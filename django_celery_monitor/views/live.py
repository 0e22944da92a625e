from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _


def live(request: HttpRequest) -> HttpResponse:
    """Answers where the socket's address is asked over plain HTTP, as it is without ASGI."""
    text = _("This address speaks websocket only; without it, pages poll.")
    # No Upgrade header: it is hop-by-hop, and a WSGI application may not send those.
    return HttpResponse(text, status=426, content_type="text/plain; charset=utf-8")
