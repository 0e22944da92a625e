"""The search box: what is typed joins the filters that the address has, or is all of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from django_celery_monitor.filters import FilterError, parse, to_params
from django_celery_monitor.filters.url import is_filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What cannot be understood: the text around it, the part itself, and what would be right."""

    before: str
    part: str
    after: str
    reason: str
    whole: bool = False


def understood(params: QueryDict) -> QueryDict:
    """``params`` with what its ``find`` says; raises ``FilterError``.

    ``whole``: that is all that it says, in place of the filters that there were.
    """
    found = without_find(params)
    for name in [*found] if "whole" in params else ():
        if is_filter(name):
            del found[name]
    for name, values in to_params(parse(params.get("find", ""))).lists():
        present = found.getlist(name)
        found.setlist(name, [*present, *(value for value in values if value not in present)])
    found.pop("cursor", None)
    return found


def without_find(params: QueryDict) -> QueryDict:
    found = params.copy()
    found.pop("find", None)
    found.pop("whole", None)
    return found


def mistake(params: QueryDict, error: FilterError) -> Mistake:
    text = params.get("find", "")
    start, end = error.span or (0, len(text))
    return Mistake(
        before=text[:start],
        part=text[start:end],
        after=text[end:],
        reason=str(error),
        whole="whole" in params,
    )
