"""Tasks by what failed, and when. The rows of failures know, and have indexes for it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from django.db.models import DateTimeField, Q, Subquery, Value
from django.db.models.functions import Coalesce

from django_celery_monitor.filters.values import moment
from django_celery_monitor.models import TaskError

# Of the failures that a filter asks for, so many are looked at, the newest.
NEWEST_FAILURES = 5_000
_NAME: Final = re.compile(r"[A-Za-z_0-9][\w.]*", re.ASCII)


def is_kind(value: str) -> bool:
    """Whether ``error:`` asks for a type or a fingerprint; else for a text, which may be hidden."""
    return bool(_NAME.fullmatch(value))


def is_public(value: str) -> bool:
    return is_kind(value.removesuffix("*"))


def error(value: str) -> Q:
    """A type, the beginning of one and a ``*``, a fingerprint (16 hexadecimal digits), or text."""
    if is_kind(value):
        column = "fingerprint" if re.fullmatch(r"[0-9a-f]{16}", value) else "type"
        return _failures(Q(**{column: value}))
    if is_public(value):
        return Q(exception__startswith=value[:-1])
    return Q(exception__icontains=value)


def failed(value: str) -> Q:
    """When it failed; a task may have begun long before."""
    return _failures(Q(time__gte=moment(value)))


def _failures(condition: Q) -> Q:
    rows = TaskError.objects.filter(condition, retry=False, duplicate=False)
    # A limit inside of "in" is more than MariaDB can do.
    floor = Subquery(rows.order_by("-time").values("time")[NEWEST_FAILURES : NEWEST_FAILURES + 1])
    first = Value(datetime.fromtimestamp(0, UTC), DateTimeField())
    return Q(id__in=rows.filter(time__gte=Coalesce(floor, first)).values("task_id"))
