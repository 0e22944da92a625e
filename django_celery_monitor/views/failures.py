from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from django_celery_monitor.access.policy import VIEW_TASK, VIEW_TASK_ARGUMENTS, User, get_policy
from django_celery_monitor.models import Task, TaskError
from django_celery_monitor.reading import failures as reading
from django_celery_monitor.reading.failures import COLUMNS, NEW_FOR, Cells, Failures
from django_celery_monitor.reading.periods import succeeded_since
from django_celery_monitor.reading.trace import Part, parts
from django_celery_monitor.views.addresses import of_tasks, this_page
from django_celery_monitor.views.page import page
from django_celery_monitor.views.rows import NEVER
from django_celery_monitor.views.shell import render_page

SHOWN: Final = 20
MOST: Final = 200
# A task of this many kinds is shown; so much of a traceback.
TASKS: Final = 3
LONGEST: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """``heat``: 0 to 4, the share of the row that is in this cell and not in the next."""

    column: str
    number: int
    at_least: bool
    heat: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One task or one kind of failure; the last three only of a kind.

    ``recovered``: runs of the task that succeeded since the last of these failures.
    """

    key: str
    cells: list[Cell]
    first: datetime
    last: datetime
    new: bool
    recovered: int
    tasks: list[str]
    sample: TaskError | None = None
    trace: list[Part] | None = None


@page(VIEW_TASK)
def failures(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    found = reading.failures(request.user, now)
    by_task = _ordered(request, found.by_task())
    by_kind = _ordered(request, found.by_kind())
    tasks = by_task[: _limit(request, "tasks")]
    kinds = by_kind[: _limit(request, "errors")]
    context = {
        "section": "failures",
        "now": now,
        "found": found,
        "columns": _columns(request),
        "task_lines": _task_lines(request.user, tasks, found, now),
        "kind_lines": _kind_lines(request.user, kinds, found, now),
        "task_count": len(by_task),
        "kind_count": len(by_kind),
        "all_tasks_url": this_page(request, tasks="all") if len(by_task) > len(tasks) else "",
        "all_kinds_url": this_page(request, errors="all") if len(by_kind) > len(kinds) else "",
        "most": MOST,
        "payload": get_policy().can(request.user, VIEW_TASK_ARGUMENTS),
    }
    return render_page(request, "failures.html", context)


def _limit(request: HttpRequest, table: str) -> int:
    return MOST if request.GET.get(table) == "all" else SHOWN


def _sorted_by(request: HttpRequest) -> str:
    column = request.GET.get("sort", "")
    return column if column in COLUMNS else list(COLUMNS)[-1]


def _columns(request: HttpRequest) -> list[dict[str, Any]]:
    chosen = _sorted_by(request)
    return [
        {"label": name, "url": this_page(request, sort=name), "current": name == chosen}
        for name in COLUMNS
    ]


def _ordered(request: HttpRequest, found: dict[str, Cells]) -> list[tuple[str, Cells]]:
    """What has most in the chosen column first; then in the newest of the others."""
    index = list(COLUMNS).index(_sorted_by(request))

    def rank(item: tuple[str, Cells]) -> tuple[Any, ...]:
        cells = item[1]
        return cells.counts[index], *reversed(cells.counts), cells.last

    return sorted(found.items(), key=rank, reverse=True)


def _task_lines(
    user: User, rows: list[tuple[str, Cells]], found: Failures, now: datetime
) -> list[Line]:
    recovered = succeeded_since(user, ((name, cells.last) for name, cells in rows), now)
    return [
        _line(
            name,
            cells,
            _cells(cells, found, now, name=name),
            now,
            recovered=recovered[name, cells.last],
            tasks=[name],
        )
        for name, cells in rows
    ]


def _kind_lines(
    user: User, rows: list[tuple[str, Cells]], found: Failures, now: datetime
) -> list[Line]:
    names = found.names()
    wanted = [(name, cells.last) for kind, cells in rows for name in names[kind][:TASKS]]
    recovered = succeeded_since(user, wanted, now)
    samples = reading.samples(user, ((kind, cells.last) for kind, cells in rows))
    readable = _readable(user, samples.values())
    return [
        _line(
            kind,
            cells,
            _cells(cells, found, now, error=kind),
            now,
            recovered=sum(recovered[name, cells.last] for name in names[kind][:TASKS]),
            tasks=names[kind],
            sample=(sample := samples.get(kind)),
            trace=parts(sample.traceback[:LONGEST])
            if sample and sample.task_id in readable
            else None,
        )
        for kind, cells in rows
    ]


def _readable(user: User, samples: Iterable[TaskError]) -> set[str]:
    """Ids of the tasks whose payload, and so what their errors say, ``user`` may see."""
    policy = get_policy()
    if not policy.can(user, VIEW_TASK_ARGUMENTS):
        return set()
    ids = {sample.task_id for sample in samples}
    tasks = policy.visible(user, Task.objects.filter(pk__in=ids)).defer(*NEVER)
    return {task.id for task in tasks if policy.can(user, VIEW_TASK_ARGUMENTS, task)}


def _line(key: str, cells: Cells, shown: list[Cell], now: datetime, **more: Any) -> Line:
    return Line(
        key=key,
        cells=shown,
        first=cells.first,
        last=cells.last,
        new=now - cells.first < NEW_FOR,
        **more,
    )


def _cells(cells: Cells, found: Failures, now: datetime, **of: str) -> list[Cell]:
    # A name that is not known yet cannot be asked for.
    known = all(of.values())
    newer = [*cells.counts[1:], 0]
    return [
        Cell(
            column=column,
            number=number,
            at_least=bool(found.counted_since and now - length < found.counted_since),
            heat=_heat((number - newer[index]) / max(cells.counts[0], 1)),
            url=of_tasks(state="failed", **of, failed=column) if known else "",
        )
        for index, ((column, length), number) in enumerate(
            zip(COLUMNS.items(), cells.counts, strict=True)
        )
    ]


def _heat(share: float) -> int:
    return sum(share > limit for limit in (0, 0.1, 0.33, 0.66))
