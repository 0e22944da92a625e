"""Every part of the pages in all its states, for who works on them; only with ``DEBUG``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from django_celery_monitor.access.policy import VIEW_TASK
from django_celery_monitor.reading.listening import Listening
from django_celery_monitor.reading.trace import parts
from django_celery_monitor.reading.words import STATES
from django_celery_monitor.state.worker import Health
from django_celery_monitor.views.links import Chip, Link
from django_celery_monitor.views.page import page
from django_celery_monitor.views.shell import render_page

COLOURS: Final = ("ok", "run", "wait", "retry", "fail", "revoked", "lost")
SURFACES: Final = ("bg", "surface", "raised", "line", "line-strong", "accent", "accent-soft")
SECONDS: Final = (0.00042, 0.084, 1.21, 41.2, 372.0, 12_000.0, 446_400.0)
TRACEBACK: Final = """Traceback (most recent call last):
  File "/srv/venv/lib/python3.11/site-packages/celery/app/trace.py", line 479, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/srv/shop/orders/tasks.py", line 88, in charge_card
    gateway.charge(order.total)
shop.errors.CardDeclined: insufficient_funds
"""
VALUE: Final = {
    "order": 9_007_199_254_740_993,
    "lines": [{"sku": "CH-1233-BL", "count": 2, "price": 10.5}, {"sku": "CH-3036-RD", "count": 1}],
    "address": {"name": "Mireille Ōe", "street": None, "verified": True, "notes": []},
    "markup": "<script>alert(1)</script>",
}


def styleguide(request: HttpRequest) -> HttpResponseBase:
    if not settings.DEBUG:
        raise Http404
    return _styleguide(request)


@page(VIEW_TASK)
def _styleguide(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    ages = (4, 250, 11_000, 700_000)
    context: dict[str, Any] = {
        "section": "",
        "now": now,
        "collector": Listening(on=True, since=now, lag=0.31),
        "colours": COLOURS,
        "surfaces": SURFACES,
        "states": [*STATES, "custom_state_of_an_app"],
        "healths": list(Health),
        "durations": [None, *SECONDS],
        "moments": [None, *(now - timedelta(seconds=age) for age in ages)],
        "chips": [
            Chip(label="State", value="failed", url="#chips", text=""),
            Chip(label="Type", value="shop.orders.*", url="#chips", text=""),
            Chip(label="Text", value="مريم <b>" + 60 * "long ", url="", text=""),
        ],
        "choices": [
            Link(label=each, url="#buttons", current=each == "1h") for each in ("15m", "1h")
        ],
        "value": VALUE,
        "trace": parts(TRACEBACK),
        "code": "charge_card(\n    21525,\n    '69.02',\n    currency='EUR',\n)",
        "rows": [(name, "SUCCESS", 0.4 * n, n) for n, name in enumerate(STATES, 1)][:5],
    }
    return render_page(request, "styleguide.html", context)
