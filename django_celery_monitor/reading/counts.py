"""How many tasks a list and its neighbours hold: exact, at least, or not known; never a guess."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.filters import (
    And,
    Expression,
    Not,
    Term,
    moment,
    negated,
    split,
    state_name,
    terms,
    to_q,
)
from django_celery_monitor.models import Task, TaskCount
from django_celery_monitor.reading.periods import DAY, any_of, cover, midnight
from django_celery_monitor.reading.remember import remembered
from django_celery_monitor.state.states import GROUPS, group
from django_celery_monitor.walks import Span, Way, ways

CAP = 10_000
# Of tasks that lie all over the table.
FEW = 500
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Tasks by (name, state); ``at_least``: only the newest ``CAP`` were looked at."""

    cells: dict[tuple[str, str], int] = field(default_factory=dict)
    at_least: bool = False
    counted_at: datetime

    def by_group(self, wanted: Callable[[str], bool] = lambda name: True) -> Counter[str]:
        """By group of states, of the names that are ``wanted``."""
        found: Counter[str] = Counter()
        for (name, state), count in self.cells.items():
            if wanted(name):
                found[group(state)] += count
        return found

    def by_name(self, wanted: Callable[[str], bool] = lambda state: True) -> Counter[str]:
        """By name, of the states that are ``wanted``."""
        found: Counter[str] = Counter()
        for (name, state), count in self.cells.items():
            if wanted(state):
                found[name] += count
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Counts beside a list: each ignores the filter that choosing it would replace.

    ``groups`` and ``names`` are ``None`` where counting would cost too much. ``at_least``: only
    ``looked_at`` of them were looked at.
    """

    groups: Counter[str] | None
    names: Counter[str] | None
    known_names: list[str]
    at_least: bool = False
    looked_at: int = CAP
    counted_at: datetime


def facets(user: User, expression: And) -> Facets:
    matrix = _matrix_for(user, expression)
    if matrix is None:
        return _looked_at(user, expression)
    groups = matrix.by_group(lambda name: _fits(expression, "name", name, _is_name))
    names = matrix.by_name(lambda state: _fits(expression, "state", state, _is_state))
    return Facets(
        groups=groups,
        names=names,
        known_names=_names(names),
        at_least=matrix.at_least,
        counted_at=matrix.counted_at,
    )


def matching(expression: And, counts: Facets) -> int | None:
    """How many tasks are found in all, as far as ``counts`` tell; see ``at_least`` there."""
    if counts.names is not None:
        names = counts.names.items()
        return sum(n for name, n in names if _fits(expression, "name", name, _is_name))
    states = {term.value for term, _no in negated(expression) if term.field == "state"}
    if counts.groups is None or not states <= GROUPS.keys():
        return None
    groups = counts.groups.items()
    return sum(n for key, n in groups if _fits(expression, "state", key, str.__eq__))


def kept(user: User, after: str = "", before: str = "") -> Matrix:
    """Every task from ``after`` to ``before`` (see ``filters.moment``), counted exactly.

    Where counters cannot be narrowed to what ``user`` may see, the newest tasks stand for all.
    """

    def count() -> tuple[Counter[tuple[str, str]], bool]:
        first, last = moment(after) if after else None, moment(before) if before else None
        if get_policy().closes(user, "TaskCount"):
            return _newest(user, first, last)
        return _count(user, first, last), False

    (cells, at_least), counted_at = remembered(f"matrix:{user.pk}:{after}:{before}", count)
    return Matrix(cells=cells, at_least=at_least, counted_at=counted_at)


def _matrix_for(user: User, expression: And) -> Matrix | None:
    """The exact counts, if the filters are only such as the counters know."""
    chosen = _by_field(expression)
    if not set(chosen) <= {"state", "name", "after", "before"}:
        return None
    after, before = chosen.get("after", []), chosen.get("before", [])
    if not all(isinstance(part, Term) for part in (*after, *before)):
        return None
    return kept(user, *(terms(part[0])[0].value if part else "" for part in (after, before)))


def _count(user: User, after: datetime | None, before: datetime | None) -> Counter[tuple[str, str]]:
    """Whole minutes from the counters, what is left at the two ends from the tasks themselves."""
    first = _floor(after + MINUTE - timedelta(microseconds=1)) if after else None
    last = _floor(before) if before else None
    if first and last and first >= last:
        return _tasks(user, after, before)
    rows = get_policy().visible(user, TaskCount.objects.filter(_periods(first, last)))
    summed = rows.order_by().values_list("name", "state").annotate(total=Sum("count"))
    found = Counter({(name, state): total for name, state, total in summed if total})
    if after and after != first:
        found += _tasks(user, after, first)
    if before and before != last:
        found += _tasks(user, last, before)
    return found


def _periods(first: datetime | None, last: datetime | None) -> Q:
    """The fewest rows that cover the minutes from ``first`` up to, but not with, ``last``."""
    if first is None and last is None:
        return Q(period=TaskCount.Period.EVER)
    # No event is taken that is more than a day ahead.
    end = last.timestamp() if last else midnight(timezone.now()) + 2 * DAY
    return any_of(cover(int(first.timestamp()) if first else 0, int(end)))


def _tasks(user: User, after: datetime | None, before: datetime | None) -> Counter[tuple[str, str]]:
    rows = get_policy().visible(user, Task.objects.filter(time__gte=after, time__lt=before))
    counted = rows.order_by().values_list("name", "state").annotate(total=Count("pk"))
    return Counter({(name, state): total for name, state, total in counted})


def _newest(
    user: User, after: datetime | None, before: datetime | None
) -> tuple[Counter[tuple[str, str]], bool]:
    """Of the newest ``CAP`` tasks, and whether there are more."""
    rows = get_policy().visible(user, Task.objects.order_by("-time"))
    if after:
        rows = rows.filter(time__gte=after)
    if before:
        rows = rows.filter(time__lt=before)
    found = list(rows.values_list("name", "state")[: CAP + 1])
    return Counter(found[:CAP]), len(found) > CAP


def _looked_at(user: User, expression: And) -> Facets:
    """Counts of some ``FEW`` tasks that match; none at all where rows must be searched."""
    names = _names(kept(user).by_name())
    others = And(tuple(part for part in expression.parts if terms(part)[0].field != "state"))
    found, sought = split(others)
    each, along, aside = ways(found, Task.objects.db)
    tasks = Task.objects.filter(to_q(along)).order_by()
    # An index finds one column: what it finds for another is looked at row by row.
    if sought.parts or aside.parts:
        return Facets(groups=None, names=None, known_names=names, counted_at=timezone.now())
    states = _states_of(get_policy().visible(user, tasks), each)
    return Facets(
        groups=Counter(group(state) for state in states[:FEW]),
        names=None,
        known_names=names,
        at_least=len(states) > FEW,
        looked_at=FEW,
        counted_at=timezone.now(),
    )


def _states_of(tasks: QuerySet[Task], each: list[Way]) -> list[str]:
    """Of ``FEW`` tasks and one more, the newest on each way: these are read for the list, too."""
    if not any(way.column for way in each):
        return list(tasks.values_list("state", flat=True)[: FEW + 1])
    share = FEW // len(each) + 1
    rows = (way.along(tasks, Span(), "-time").values_list("state", flat=True) for way in each)
    return [state for states in rows for state in states[:share]]


def _by_field(expression: And) -> dict[str, list[Expression]]:
    found: dict[str, list[Expression]] = defaultdict(list)
    for part in expression.parts:
        found[terms(part)[0].field].append(part)
    return found


def _fits(part: Expression, field: str, text: str, fits: Callable[[str, str], bool]) -> bool:
    """Whether what ``part`` says of ``field`` is true of ``text``; it may say nothing of it."""
    if isinstance(part, Term):
        return part.field != field or fits(text, part.value)
    if isinstance(part, Not):
        return terms(part)[0].field != field or not _fits(part.part, field, text, fits)
    each = (_fits(inner, field, text, fits) for inner in part.parts)
    return all(each) if isinstance(part, And) else any(each)


def _is_name(name: str, value: str) -> bool:
    return name.startswith(value[:-1]) if value.endswith("*") else name == value


def _is_state(state: str, value: str) -> bool:
    return group(state) == value if value in GROUPS else state == state_name(value)


def _names(names: Counter[str]) -> list[str]:
    return sorted(name for name in names if name)


def _floor(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)
