"""Tables that are sorted in their address: ``?sort=name``, or ``?sort=-total`` for most first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest

from django_celery_monitor.views.addresses import this_page

T = TypeVar("T")
# What a row is sorted by; ``None`` is not known, and comes last either way.
Key = Callable[[T], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """``order``: as ``aria-sort`` says it, empty for a column that does not sort now."""

    url: str
    order: str


def chosen(request: HttpRequest, keys: Iterable[str], default: str) -> str:
    asked = request.GET.get("sort", "")
    return asked if asked.removeprefix("-") in set(keys) else default


def ordered(rows: Iterable[T], keys: Mapping[str, Key[T]], sort: str) -> list[T]:
    key = keys[sort.removeprefix("-")]
    pairs = [(key(row), row) for row in rows]
    known = [pair for pair in pairs if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return [row for _key, row in known] + [row for value, row in pairs if value is None]


def headings(request: HttpRequest, keys: Iterable[str], sort: str) -> dict[str, Heading]:
    """By key; numbers sort from the largest, names from the first, and again the other way."""
    found = {}
    for key in keys:
        current = sort.removeprefix("-") == key
        down = sort.startswith("-") if current else key == "name"
        order = ("descending" if down else "ascending") if current else ""
        found[key] = Heading(url=this_page(request, sort=key if down else f"-{key}"), order=order)
    return found
