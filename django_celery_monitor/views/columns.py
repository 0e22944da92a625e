"""Which columns the list shows: as the address says, else as this browser had them last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext_lazy

from django_celery_monitor.reading.saved import COLUMN

COOKIE: Final = "celery_monitor_columns"
YEAR: Final = 365 * 86400
USUAL: Final = ("state", "args", "queue", "worker", "wait", "run", "time")
COLUMNS: Final = {
    "state": gettext_lazy("State"),
    "args": gettext_lazy("Arguments"),
    "queue": gettext_lazy("Queue"),
    "worker": gettext_lazy("Worker"),
    "retries": gettext_lazy("Retries"),
    "priority": gettext_lazy("Priority"),
    "wait": gettext_lazy("Wait"),
    "run": gettext_lazy("Run"),
    "time": gettext_lazy("Time"),
    "id": gettext_lazy("Id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    key: str
    label: str
    shown: bool


def chosen(request: HttpRequest, params: QueryDict) -> list[str]:
    given = params.getlist(COLUMN) or request.COOKIES.get(COOKIE, "").split(".")
    return [key for key in COLUMNS if key in given] or list(USUAL)


def remember(response: HttpResponse, request: HttpRequest, params: QueryDict) -> HttpResponse:
    if params.getlist(COLUMN):
        text = ".".join(chosen(request, params))
        response.set_cookie(
            COOKIE, text, max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure()
        )
    return response


def offered(shown: list[str], payload: bool) -> list[Column]:
    return [
        Column(key=key, label=str(label), shown=key in shown)
        for key, label in COLUMNS.items()
        if payload or key != "args"
    ]
