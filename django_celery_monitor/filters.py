"""One filter language for page, REST, admin and socket: an expression of terms.

The URL is one spelling of it: different parameters must all hold, repeated ones are alternatives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.db.models import DateTimeField, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from django_celery_monitor.models import TaskError
from django_celery_monitor.state.states import GROUP_OF, GROUPS

MAX_ALTERNATIVES = 100
# Of the failures that a filter asks for, so many are looked at, the newest.
NEWEST_FAILURES = 5_000
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class FilterError(ValueError):
    """A filter that cannot be understood; the text says which part and what would be right."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition, such as ``state`` = ``FAILURE``. ``field`` is a key of ``FIELDS``."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Expression


Expression = Term | And | Or | Not


def from_params(params: QueryDict | Mapping[str, str]) -> And:
    """The expression that a query string spells; parameters that are no filters are ignored.

    Raises ``FilterError`` for a value that its field does not take.
    """
    groups: list[Expression] = []
    for field in FIELDS:
        given = params.getlist(field) if isinstance(params, QueryDict) else [params.get(field, "")]
        found = tuple(Term(field, value.strip()) for value in given if value.strip())
        _refuse_bad(found)
        if found:
            groups.append(found[0] if len(found) == 1 else Or(found))
    return And(tuple(groups))


def _refuse_bad(found: tuple[Term, ...]) -> None:
    # SQLite refuses expressions of more than a thousand parts.
    if len(found) > MAX_ALTERNATIVES:
        raise FilterError(
            _("%(field)s is given %(count)d times; at most %(limit)d are allowed.")
            % {"field": found[0].field, "count": len(found), "limit": MAX_ALTERNATIVES}
        )
    for term in found:
        # PostgreSQL holds no such text, and raises when asked for it.
        if "\0" in term.value:
            raise FilterError(_("%(field)s contains a NUL character.") % {"field": term.field})
        FIELDS[term.field](term.value)


def to_q(expression: Expression) -> Q:
    """The condition on ``Task`` rows."""
    if isinstance(expression, Term):
        return FIELDS[expression.field](expression.value)
    if isinstance(expression, Not):
        return ~to_q(expression.part)
    parts = [to_q(part) for part in expression.parts]
    connector = Q.AND if isinstance(expression, And) else Q.OR
    return Q(*parts, _connector=connector) if parts else Q()


def terms(expression: Expression) -> list[Term]:
    """Every term of an expression, in order."""
    if isinstance(expression, Term):
        return [expression]
    parts = (expression.part,) if isinstance(expression, Not) else expression.parts
    return [term for part in parts for term in terms(part)]


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


def state_name(value: str) -> str:
    """A state as it is stored: Celery's own in capitals, an app's own exactly as it is."""
    return value.upper() if value.upper() in GROUP_OF else value


def _text(column: str) -> Callable[[str], Q]:
    """Exact, or everything that begins with the text before a final ``*``."""

    def condition(value: str) -> Q:
        if value.endswith("*"):
            return Q(**{f"{column}__startswith": value[:-1]})
        return Q(**{column: value})

    return condition


def _search(value: str) -> Q:
    return Q(search__contains=value.lower())


def _failed_with(value: str) -> Q:
    """Tasks with a failure of a type, or of a kind: 16 hexadecimal digits are a fingerprint."""
    column = "fingerprint" if re.fullmatch(r"[0-9a-f]{16}", value) else "type"
    return _failures(Q(**{column: value}))


def _failures(condition: Q) -> Q:
    rows = TaskError.objects.filter(condition, retry=False, duplicate=False)
    # A limit inside of "in" is more than MariaDB can do.
    floor = Subquery(rows.order_by("-time").values("time")[NEWEST_FAILURES : NEWEST_FAILURES + 1])
    first = Value(datetime.fromtimestamp(0, UTC), DateTimeField())
    return Q(id__in=rows.filter(time__gte=Coalesce(floor, first)).values("task_id"))


def moment(value: str) -> datetime:
    """An ISO 8601 time, or how long ago: ``90s``, ``15m``, ``2h``, ``7d``, ``1w``; in UTC."""
    try:
        if ago := re.fullmatch(r"([0-9]{1,6})([smhdw])", value):
            return timezone.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        # A "+" that nobody escaped reaches us as a space.
        found = parse_datetime(re.sub(r"(T[\d:.]+) (\d\d:?\d\d)$", r"\1+\2", value))
        if found is not None:
            aware = found if timezone.is_aware(found) else timezone.make_aware(found)
            # Databases keep UTC, in which not every moment of the years 1 and 9999 exists.
            return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise FilterError(
        _("%(value)s is not a time: use 15m, 2h, 7d or 2026-01-31T14:00.") % {"value": value}
    )


FIELDS: dict[str, Callable[[str], Q]] = {
    "state": _state,
    "name": _text("name"),
    "worker": _text("worker"),
    "queue": _text("queue"),
    "id": _text("id"),
    # A root does not name itself.
    "root": lambda value: _text("root_id")(value) | _text("id")(value),
    "parent": _text("parent_id"),
    "after": lambda value: Q(time__gte=moment(value)),
    "before": lambda value: Q(time__lt=moment(value)),
    "error": _failed_with,
    # When it failed; a task may have begun long before.
    "failed": lambda value: _failures(Q(time__gte=moment(value))),
    "q": _search,
}
