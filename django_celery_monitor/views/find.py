"""The search box: what is typed joins the filters that the address has already."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from django_celery_monitor.filters import FilterError, parse, to_params


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What cannot be understood: the text around it, the part itself, and what would be right."""

    before: str
    part: str
    after: str
    reason: str


def understood(params: QueryDict) -> QueryDict:
    """``params`` with what its ``find`` says; raises ``FilterError``."""
    found = without_find(params)
    for name, values in to_params(parse(params.get("find", ""))).lists():
        present = found.getlist(name)
        found.setlist(name, [*present, *(value for value in values if value not in present)])
    found.pop("cursor", None)
    return found


def without_find(params: QueryDict) -> QueryDict:
    found = params.copy()
    found.pop("find", None)
    return found


def mistake(text: str, error: FilterError) -> Mistake:
    start, end = error.span or (0, len(text))
    return Mistake(before=text[:start], part=text[start:end], after=text[end:], reason=str(error))
