"""Addresses of lists and pages, with their parameters."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from django.http import HttpRequest
from django.urls import URLResolver, get_resolver, get_script_prefix, get_urlconf, reverse
from django.utils.http import urlencode
from django.utils.translation import get_language

# Ids that stand in an address as they are: Celery's own.
_PLAIN: Final = re.compile(r"[A-Za-z0-9-]+")
_ANY: Final = "0"


def address(name: str, *args: str) -> str:
    """As ``reverse``, which takes long enough to be asked once for what a page links to often."""
    return _address(get_resolver(get_urlconf()), get_script_prefix(), get_language(), name, args)


@lru_cache(maxsize=256)
def _address(
    resolver: URLResolver, prefix: str, language: str | None, name: str, args: tuple[str, ...]
) -> str:
    """All but the last two is what answers depend on, and may change in one process."""
    return reverse(name, args=args)


def of_task(task_id: str) -> str:
    if not _PLAIN.fullmatch(task_id):
        return reverse("celery_monitor:task", args=(task_id,))
    before, _any, after = address("celery_monitor:task", _ANY).rpartition(_ANY)
    return before + task_id + after


def of_tasks(**filters: str) -> str:
    """The list of tasks under these filters."""
    return f"{address('celery_monitor:tasks')}?{urlencode(filters)}"


def this_page(request: HttpRequest, **values: str) -> str:
    """The page that is asked for, with other parameters; an empty one is left out."""
    params = request.GET.copy()
    for key, value in values.items():
        params.setlist(key, [value] if value else [])
    text = params.urlencode()
    return request.path + (f"?{text}" if text else "")
