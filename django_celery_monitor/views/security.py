"""What browsers are told to refuse on our pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpResponseBase
from django.templatetags.static import static


def harden(response: HttpResponseBase) -> HttpResponseBase:
    """Sets the headers of a page: nothing from elsewhere, nothing inline, no copy kept."""
    response.headers["Content-Security-Policy"] = policy()
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Arguments of tasks must not be left in a cache after signing out.
    response.headers["Cache-Control"] = "private, no-store"
    return response


def policy() -> str:
    parts = urlsplit(static("django_celery_monitor/dist/monitor.js"))
    # Static files may be served by another host.
    ours = f"'self' {parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"
    return (
        f"default-src 'none'; script-src {ours}; style-src {ours}; connect-src {ours}; "
        f"img-src {ours}; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )
