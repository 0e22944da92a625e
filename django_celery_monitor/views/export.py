"""A list as a file: streamed, no longer than a limit, and it says when it was cut."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from django_celery_monitor.access.decorators import require
from django_celery_monitor.access.policy import VIEW_TASK, VIEW_TASK_ARGUMENTS, User, get_policy
from django_celery_monitor.conf import get_settings
from django_celery_monitor.filters import And, FilterError, from_params, is_private
from django_celery_monitor.models import Task
from django_celery_monitor.paging import page as page_of
from django_celery_monitor.reading.audit_csv import cell
from django_celery_monitor.views.page import refused

FACTS: Final = (
    *("id", "name", "state", "known_by", "time", "sent_at", "received_at", "started_at"),
    *("finished_at", "worker", "queue", "priority", "retries", "runtime", "root_id", "parent_id"),
    *("group_id", "periodic_name"),
)
PAYLOAD: Final = ("args", "kwargs", "result", "exception")
STEP: Final = 500
# A search that finds little stops somewhere.
WINDOWS: Final = 20


@refused
@require(VIEW_TASK)
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    expression = from_params(request.GET)
    payload = get_policy().can(request.user, VIEW_TASK_ARGUMENTS)
    if is_private(expression) and not payload:
        raise PermissionDenied
    kinds = {"csv": ("text/csv", _as_csv), "json": ("application/json", _as_json)}
    kind = request.GET.get("format", "csv")
    if kind not in kinds:
        raise FilterError(_("format is %(kind)s; it must be csv or json.") % {"kind": kind})
    content_type, written = kinds[kind]
    columns = (*FACTS, *PAYLOAD) if payload else FACTS
    found = Found(request.user, expression, columns)
    response = StreamingHttpResponse(
        streamed(request, written(found)), content_type=f"{content_type}; charset=utf-8"
    )
    name = f"tasks-{timezone.localtime():%Y-%m-%d-%H%M}.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class Found:
    """The tasks of an export, page by page; ``cut`` says afterwards why there are no more."""

    def __init__(self, user: User, expression: And, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self.cut = ""
        self._user = user
        self._expression = expression
        self._policy = get_policy()
        self._zone = timezone.get_current_timezone()

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        tasks = self._policy.visible(self._user, Task.objects.only(*self.columns))
        left, windows, cursor = get_settings().EXPORT_MAX, 0, ""
        while left and windows < WINDOWS:
            # What is streamed is asked for after the view has returned.
            with timezone.override(self._zone):
                found = page_of(tasks, self._expression, cursor, min(STEP, left), seconds=None)
            left -= len(found.items)
            windows += found.searched_since is not None
            yield [self._facts(task) for task in found.items]
            if found.older is None:
                return
            cursor = found.older
        if left:
            since = found.searched_since
            self.cut = _("searched back to %(time)s only") % {"time": _iso(since) if since else ""}
        else:
            limit = get_settings().EXPORT_MAX
            self.cut = _("cut after %(limit)d tasks, the newest") % {"limit": limit}

    def _facts(self, task: Task) -> dict[str, Any]:
        hidden = not self._policy.can(self._user, VIEW_TASK_ARGUMENTS, task)
        return {
            name: None if hidden and name in PAYLOAD else _plain(getattr(task, name))
            for name in self.columns
        }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return _iso(value)
    return None if value == "" else value


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


class _Lines:
    """Where ``csv`` writes to, one piece at a time."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)

    def taken(self) -> str:
        text = "".join(self.written)
        self.written.clear()
        return text


def _as_csv(found: Found) -> Iterator[str]:
    lines = _Lines()
    writer = csv.writer(lines)
    writer.writerow(found.columns)
    for tasks in found:
        writer.writerows([cell(value) for value in task.values()] for task in tasks)
        yield lines.taken()
    if found.cut:
        writer.writerow([f"# {found.cut}"])
    yield lines.taken()


def _as_json(found: Found) -> Iterator[str]:
    yield '{"tasks": ['
    comma = ""
    for tasks in found:
        for task in tasks:
            yield comma + json.dumps(task, ensure_ascii=False)
            comma = ",\n"
    yield f'], "cut": {json.dumps(found.cut or None)}}}\n'


def streamed(request: HttpRequest, pieces: Iterable[str]) -> Iterable[str] | AsyncIterator[str]:
    """Under ASGI a plain iterator would be gathered in memory first."""
    return _in_turn(iter(pieces)) if isinstance(request, ASGIRequest) else pieces


async def _in_turn(pieces: Iterator[str]) -> AsyncIterator[str]:
    def following() -> str | None:
        return next(pieces, None)

    while (piece := await sync_to_async(following)()) is not None:
        yield piece
