"""How many tasks each view of the list holds now: exactly, at least, or not known."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.http import QueryDict

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS, User, get_policy
from django_celery_monitor.filters import And, FilterError, from_params, is_private
from django_celery_monitor.models import Task
from django_celery_monitor.paging import page
from django_celery_monitor.reading.counts import facets, matching
from django_celery_monitor.reading.remember import remembered
from django_celery_monitor.reading.saved import View

KEPT: Final = 60.0
# What has to be searched is counted so far only.
MOST: Final = 100
# Seconds for all views together; those that are left have no count.
PATIENCE: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    number: int
    at_least: bool = False


def view_counts(user: User, views: Iterable[View]) -> dict[str, Counted]:
    """By the key of the view."""
    end = time.monotonic() + PATIENCE
    found = {}
    for view in views:
        if time.monotonic() > end:
            break
        try:
            expression = from_params(QueryDict(view.query))
        except FilterError:
            continue
        if is_private(expression) and not get_policy().can(user, VIEW_TASK_ARGUMENTS):
            continue
        found[view.key] = _counted(user, view.query, expression)
    return found


def _counted(user: User, query: str, expression: And) -> Counted:
    key = f"count of view:{user.pk}:{query}"
    return remembered(key, lambda: _count(user, expression), KEPT)[0]


def _count(user: User, expression: And) -> Counted:
    counts = facets(user, expression)
    number = matching(expression, counts)
    if number is not None:
        return Counted(number=number, at_least=counts.at_least)
    rows = get_policy().visible(user, Task.objects.only("id", "time"))
    found = page(rows, expression, size=MOST)
    return Counted(number=len(found.items), at_least=found.older is not None)
