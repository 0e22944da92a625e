"""What may be asked: filters, and a place in a list."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext as _

from django_celery_monitor.conf import get_settings
from django_celery_monitor.filters import FilterError
from django_celery_monitor.filters.url import PARAMETERS, is_filter

MAX_LIMIT: Final = 1000
PAGING: Final = {
    "limit": "How many at most.",
    "cursor": "Where to go on: next or prev of another answer to the same question.",
}
FILTERS: Final = {
    "state": "A state, or a group of them: waiting, running, retrying, succeeded, failed, revoked,"
    " lost.",
    "name": "A task name; a final * stands for anything.",
    "worker": "A worker's host name; a final * stands for anything.",
    "queue": "A queue; a final * stands for anything.",
    "id": "A task id; a final * stands for anything.",
    "root": "The id of the first task of a workflow.",
    "parent": "The id of the task that sent it.",
    "group": "The id of a group or chord; only known with the recorder.",
    "after": "Not before this time: ISO 8601, or how long ago, such as 15m, 2h or 7d.",
    "before": "Before this time.",
    "error": "The type of a failure, or its fingerprint; a text in it needs the right to see it.",
    "failed": "Failed at this time or later: as after, but by the time of the failure.",
    "priority": "A number or a comparison: 5, >5, <=3.",
    "retries": "A number or a comparison: 0, >2.",
    "runtime": "A comparison: >30s, <=500ms, >2h; of a running task, until now.",
    "wait": "A comparison: >5m; of a waiting task, until now.",
    "args": "Text in the arguments; needs the right to see them, as the following do.",
    "kwargs": "Text in the keyword arguments. One of them has a parameter of its own, by its path:"
    " kwargs.order.id, or args.0.",
    "result": "Text in the result.",
    "q": "Text in arguments, result or error.",
}
OPPOSITES: Final = {f"-{name}": f"Not: as {name}." for name in FILTERS}


def limit_of(request: HttpRequest) -> int:
    given = request.GET.get("limit")
    if given is None:
        return get_settings().PAGE_SIZE
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:6]) <= MAX_LIMIT):
        raise FilterError(
            _("limit is %(given)s; it must be a number from 1 to %(most)d.")
            % {"given": given, "most": MAX_LIMIT}
        )
    return int(given)


def refuse_unknown(request: HttpRequest, known: dict[str, str]) -> None:
    """A filter that is misspelt must not pass for no filter at all."""
    paths = {name for name in request.GET if "kwargs" in known and is_filter(name)}
    unknown = sorted(set(request.GET) - set(known) - paths)
    if unknown:
        raise FilterError(
            _("Unknown parameter %(name)s. Known are: %(known)s.")
            % {"name": unknown[0], "known": ", ".join(known)}
        )


def documented(parameters: dict[str, str]) -> dict[str, Any]:
    """For the OpenAPI document; filters may be repeated, then one of them must hold."""
    text = {"type": "string"}
    schemas: dict[str, dict[str, Any]] = {
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
        "cursor": text,
        **{name: {"type": "array", "items": text} for name in PARAMETERS},
    }
    return {
        "parameters": [
            {
                "in": "query",
                "name": name,
                "description": description,
                "schema": schemas.get(name, text),
            }
            for name, description in parameters.items()
        ]
    }
