"""Addresses of lists and pages, with their parameters."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from django.http import HttpRequest
from django.urls import URLResolver, get_resolver, get_script_prefix, get_urlconf, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
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


def of_task(task_id: str, page: str = "celery_monitor:task") -> str:
    if not _PLAIN.fullmatch(task_id):
        return reverse(page, args=(task_id,))
    before, _any, after = address(page, _ANY).rpartition(_ANY)
    return before + task_id + after


def of_tasks(**filters: str) -> str:
    """The list of tasks under these filters."""
    return f"{address('celery_monitor:tasks')}?{urlencode(filters)}"


def way_back(request: HttpRequest) -> str:
    """Where the form was asked for, as its address says; only on this site, else empty."""
    url = request.GET.get("next", "")
    hosts = {request.get_host()}
    safe = url_has_allowed_host_and_scheme(url, hosts, require_https=request.is_secure())
    return url if safe and url.startswith("/") else ""


def this_page(request: HttpRequest, **values: str) -> str:
    """The page that is asked for, with other parameters; an empty one is left out."""
    params = request.GET.copy()
    for key, value in values.items():
        params.setlist(key, [value] if value else [])
    text = params.urlencode()
    return request.path + (f"?{text}" if text else "")
