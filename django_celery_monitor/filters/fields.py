"""Every field that can be asked for, and what a value of it means for ``Task`` rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from django.db.models import Q

from django_celery_monitor.filters import failures, paths, spans
from django_celery_monitor.filters.values import Compared, moment, seconds, whole
from django_celery_monitor.state.states import GROUP_OF, GROUPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """``key`` is its name in a search, where ``example`` is a value of it.

    ``condition`` raises ``FilterError`` for a value that makes no sense. ``served`` says whether an
    index finds the rows of a value, ``private`` whether it tells of arguments, results or errors.
    ``every``: of several values all must hold, not one.
    """

    key: str
    example: str
    condition: Callable[[str], Q]
    served: Callable[[str], bool] = lambda value: True
    private: Callable[[str], bool] = lambda value: False
    every: bool = False


def state_name(value: str) -> str:
    """A state as it is stored: Celery's own in capitals, an app's own exactly as it is."""
    return value.upper() if value.upper() in GROUP_OF else value


def _state(value: str) -> Q:
    if value == "running":
        return _running()
    if value in GROUPS:
        return Q(state__in=GROUPS[value])
    return Q(state=state_name(value))


def _running() -> Q:
    """Every state of no other group: an app's own count as running, and only the rows know them.

    What lies between the others is a few ranges of an index; "not in" alone reads the whole table.
    """
    others = sorted(state for state, group in GROUP_OF.items() if group != "running")
    between = Q(state__lt=others[0]) | Q(state__gt=others[-1])
    for lower, upper in pairwise(others):
        between |= Q(state__gt=lower, state__lt=upper)
    # Should a database sort these words in another order, the ranges overlap.
    return between & ~Q(state__in=others)


def _is_whole(value: str) -> bool:
    # Not every database finds beginnings by an index.
    return not value.endswith("*")


def _never(value: str) -> bool:
    return False


def _always(value: str) -> bool:
    return True


def _text(column: str) -> Callable[[str], Q]:
    """Exact, or everything that begins with the text before a final ``*``."""

    def condition(value: str) -> Q:
        if value.endswith("*"):
            return Q(**{f"{column}__startswith": value[:-1]})
        return Q(**{column: value})

    return condition


def _named(key: str, column: str, example: str) -> Field:
    return Field(key=key, example=example, condition=_text(column), served=_is_whole)


def _root(value: str) -> Q:
    # A root does not name itself.
    return _text("root_id")(value) | _text("id")(value)


def _contains(column: str) -> Callable[[str], Q]:
    """In any case; the lower-cased column is looked at first, for it is cheaper."""
    return lambda value: Q(search__contains=value.lower()) & Q(**{f"{column}__icontains": value})


def _searched(key: str, column: str, example: str) -> Field:
    return _looked_for(key, example, _contains(column), private=_always)


def _looked_for(key: str, example: str, condition: Callable[[str], Q], **more: Any) -> Field:
    return Field(key=key, example=example, condition=condition, served=_never, every=True, **more)


def _number(column: str) -> Callable[[str], Q]:
    def condition(value: str) -> Q:
        found: Compared = whole(value)
        return Q(**{f"{column}__{found.lookup}": found.number})

    return condition


FIELDS: Final[dict[str, Field]] = {
    "state": Field(key="state", example="failed", condition=_state),
    "name": _named("task", "name", "shop.*"),
    "worker": _named("worker", "worker", "celery@web-1"),
    "queue": _named("queue", "queue", "mail"),
    "id": _named("id", "id", "5f0c1c0e-*"),
    "root": Field(key="root", example="5f0c1c0e-…", condition=_root, served=_is_whole),
    "parent": _named("parent", "parent_id", "5f0c1c0e-…"),
    "group": _named("group", "group_id", "5f0c1c0e-…"),
    "after": Field(key="after", example="2h", condition=lambda text: Q(time__gte=moment(text))),
    "before": Field(key="before", example="15m", condition=lambda text: Q(time__lt=moment(text))),
    "error": Field(
        key="error",
        example="KeyError",
        condition=failures.error,
        served=failures.is_kind,
        private=lambda value: not failures.is_public(value),
    ),
    "failed": Field(key="failed", example="1h", condition=failures.failed),
    "priority": _looked_for("priority", ">5", _number("priority")),
    "retries": _looked_for("retries", ">2", _number("retries")),
    "runtime": _looked_for("runtime", ">30s", lambda text: spans.runtime(seconds(text))),
    "wait": _looked_for("wait", ">5m", lambda text: spans.wait(seconds(text))),
    "args": _searched("args", "args", "20483"),
    "kwargs": _searched("kwargs", "kwargs", "carrier"),
    "result": _searched("result", "result", "tracked"),
    "q": _looked_for("text", "dhl", lambda text: Q(search__contains=text.lower()), private=_always),
}


def field_named(name: str) -> Field:
    """One of ``FIELDS``, or one argument by its path."""
    if paths.is_path(name):
        return Field(
            key=name,
            example="42",
            condition=lambda value: paths.argument(name, value),
            served=_never,
            private=_always,
        )
    return FIELDS[name]
