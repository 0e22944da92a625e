"""Ways through the history: the rows of one value of a column lie in order in that column's index.

A database left to itself takes other ways. For several values at once no index has the order, so
it sorts them all. For one value PostgreSQL often walks through all tasks by time: fast, unless the
last such task is long ago. So there is a query for each value, and for PostgreSQL it is worded so
that one index only will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connections
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from django_celery_monitor.filters import And, Expression, Term, moment, state_name, terms
from django_celery_monitor.models import Task
from django_celery_monitor.state.states import GROUP_OF, GROUPS

# The best first: what fewer tasks have in common.
_COLUMNS: Final = ("state", "name", "queue", "worker")
# Of so few tasks that they may be sorted.
_FEW: Final = frozenset({"id", "root", "parent", "group", "error", "failed"})
# Queries for one page.
_MOST: Final = 16
_STATES: Final = """
    WITH RECURSIVE found (state) AS (
        SELECT MIN(state) FROM {table}
        UNION ALL
        SELECT (SELECT MIN(state) FROM {table} WHERE state > found.state)
        FROM found WHERE found.state IS NOT NULL
    )
    SELECT state FROM found WHERE state IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Span:
    """The times that matter, both included; ``None``: no end."""

    first: datetime | None = None
    last: datetime | None = None

    def within(self, other: Span) -> Span:
        firsts = [each for each in (self.first, other.first) if each]
        lasts = [each for each in (self.last, other.last) if each]
        return Span(max(firsts, default=None), min(lasts, default=None))

    def condition(self) -> Q:
        after = Q(time__gte=self.first) if self.first else Q()
        return after & Q(time__lte=self.last) if self.last else after


@dataclass(frozen=True, slots=True)
class Way:
    """All tasks, or those with one value of a column."""

    column: str = ""
    value: str = ""

    def along(self, tasks: QuerySet[Task], span: Span, *order: str) -> QuerySet[Task]:
        """The tasks on this way, in the order of columns that begin with the time."""
        if not self.column:
            return tasks.order_by(*order)
        if connections[tasks.db].vendor != "postgresql":
            return tasks.filter(**{self.column: self.value}).order_by(*order)
        sign = "-" if order[0].startswith("-") else ""
        # Said to be equal, the column would not count for the order, nor would its index.
        return tasks.filter(self._from(span.first), self._to(span.last)).order_by(
            f"{sign}{self.column}", *order
        )

    def _from(self, time: datetime | None) -> Q:
        if time is None:
            return Q(**{f"{self.column}__gte": self.value})
        return _pair(self.column, self.value, time, ">=")

    def _to(self, time: datetime | None) -> Q:
        if time is None:
            return Q(**{f"{self.column}__lte": self.value})
        return _pair(self.column, self.value, time, "<=")


def _pair(column: str, value: str, time: datetime, sign: str) -> Q:
    """``(column, time) <= (value, moment)``: a place in an index, which two comparisons are not."""
    either, template = BooleanField(), "(%(expressions)s)"
    own = Func(F(column), F("time"), template=template, output_field=either)
    given = Func(Value(value), Value(time), template=template, output_field=either)
    joined = Func(
        own, given, template="%(expressions)s", arg_joiner=f" {sign} ", output_field=either
    )
    return Q(joined)


def ways(found: And, using: str) -> tuple[list[Way], And, And]:
    """The ways to go, what else holds of every row there, and what must be looked for there.

    ``found``: what indexes find. An index finds one part of it, unless few tasks match anyway.
    """
    choice = {terms(part)[0].field: part for part in found.parts}
    chosen = None
    if not _FEW & choice.keys():
        chosen = min(
            (part for part in map(choice.get, _COLUMNS) if part and _is_short(part)),
            key=_is_broad,
            default=None,
        )
        sought = tuple(each for each in map(choice.get, _COLUMNS) if each and each is not chosen)
    else:
        sought = ()
    rest = tuple(part for part in found.parts if part is not chosen and part not in sought)
    each = _ways(chosen, using) if chosen else [Way()]
    return each, And(rest), And(sought)


def span_of(found: And) -> Span:
    """The times that an expression asks for."""
    span = Span()
    for part in found.parts:
        if isinstance(part, Term) and part.field == "after":
            span = span.within(Span(first=moment(part.value)))
        elif isinstance(part, Term) and part.field == "before":
            span = span.within(Span(last=moment(part.value)))
    return span


def _is_broad(part: Expression) -> bool:
    """Whether most tasks match it."""
    return any("SUCCESS" in _states(term.value) for term in terms(part) if term.field == "state")


def _is_short(part: Expression) -> bool:
    return len(terms(part)) <= _MOST


def _ways(part: Expression, using: str) -> list[Way]:
    column = terms(part)[0].field
    values = [term.value for term in terms(part)]
    if column == "state":
        values = [state for value in values for state in _states(value)]
        if any(term.value == "running" for term in terms(part)):
            values += [state for state in _own_states(using) if state not in GROUP_OF]
    return [Way(column, value) for value in dict.fromkeys(values)]


def _states(value: str) -> tuple[str, ...]:
    return GROUPS.get(value) or (state_name(value),)


def _own_states(using: str) -> list[str]:
    """All states there are, by so many looks into the index of them."""
    connection = connections[using]
    table = connection.ops.quote_name(Task._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(_STATES.format(table=table))
        return [state for (state,) in cursor.fetchall()]
