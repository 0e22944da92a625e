"""The rows of a list of tasks. As a template they took more time than all else of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_celery_monitor.models import Task
from django_celery_monitor.reading.words import duration
from django_celery_monitor.templatetags.celery_monitor import ago, dom_id, since, state
from django_celery_monitor.templatetags.celery_monitor_acts import row_offer
from django_celery_monitor.views.addresses import of_task
from django_celery_monitor.views.rows import Row

register = template.Library()

# What each column of ``_rows.html`` says of a task, in the same order.
_CELLS: Final = {
    "select": '<td role="cell" class="box"><input type="checkbox" data-select form="bulk" '
    'name="id" value="{id}" aria-label="{select}"></td>',
    "name": '<td role="cell" class="name"><a href="{url}{list_query}" class="mono" title="{id}">'
    "{name}</a></td>",
    "id": '<td role="cell" class="opt mono dim clip" title="{id}">{id}</td>',
    "state": '<td role="cell" class="is">{state}</td>',
    "args": '<td role="cell" class="grow mono">{args}</td>',
    "queue": '<td role="cell" class="opt opt-2 dim clip" title="{queue}">{queue}</td>',
    "worker": '<td role="cell" class="opt opt-3 dim clip" title="{worker}">{worker}</td>',
    "retries": '<td role="cell" class="opt num dim">{retries}</td>',
    "priority": '<td role="cell" class="opt num dim">{priority}</td>',
    "wait": '<td role="cell" class="opt opt-1 num dim">{wait}</td>',
    "run": '<td role="cell" class="num">{run}</td>',
    "time": '<td role="cell" class="num dim">{time}</td>',
    "acts": '<td role="cell" class="row-acts">{acts}</td>',
}
_ROW: Final = '<tr id="{dom}" role="row" data-id="{id}"{moment}>'
# Lists that are no more than a glance do not have these.
_ONLY_IN_LISTS: Final = frozenset({"select", "id", "retries", "priority"})


@register.simple_tag(takes_context=True)
def task_rows(context: template.Context, rows: Iterable[Row]) -> SafeString:
    """One ``<tr>`` for each, with the columns that the context asks for."""
    shown = _Rows(context)
    return SafeString("\n".join(shown.of(row) for row in rows))


class _Rows:
    """What is the same in all rows is made once: the columns, the badges of states, addresses."""

    def __init__(self, context: template.Context) -> None:
        flat: dict[Any, Any] = context.flatten()
        self._now, self._offers = flat["now"], flat.get("row_offers")
        self._list_query, self._select = flat.get("list_query", ""), flat.get("select")
        self._badges: dict[tuple[str, int], SafeString] = {}
        columns = _columns(flat)
        self._format = _ROW + "".join(_CELLS[key] for key in columns) + "</tr>"
        says: dict[str, Callable[[Task], object]] = {
            "select": lambda task: _("Select %(name)s") % {"name": task.name or task.id},
            "state": self._state,
            "wait": lambda task: duration(task.wait),
            "run": self._run,
            "time": lambda task: ago(task.time, self._now),
            "acts": self._acts,
            "priority": lambda task: "–" if task.priority is None else task.priority,
        }
        self._says = [(key, says[key]) for key in columns if key in says]

    def of(self, row: Row) -> SafeString:
        task = row.task
        said = {key: say(task) for key, say in self._says}
        return format_html(
            self._format,
            dom=dom_id(task.id),
            id=task.id,
            moment=self._moment(task),
            url=of_task(task.id),
            list_query=self._list_query,
            name=task.name or task.id,
            args=_hidden() if row.call is None else row.call,
            queue=task.queue,
            worker=task.worker,
            retries=task.retries,
            **said,
        )

    def _moment(self, task: Task) -> SafeString | str:
        if not self._select:
            return ""
        return format_html(' data-time="{}"', timezone.localtime(task.time).isoformat())

    def _state(self, task: Task) -> SafeString:
        key = task.state, task.retries
        if key not in self._badges:
            self._badges[key] = state(*key)
        badge = self._badges[key]
        if not task.running_again:
            return badge
        return format_html('{} <span class="dim">{}</span>', badge, _("running again"))

    def _run(self, task: Task) -> SafeString | str:
        if task.started_at and not task.finished_at and task.runtime is None:
            return format_html('<span class="dim">{}</span>', since(task.started_at, self._now))
        return duration(task.duration)

    def _acts(self, task: Task) -> SafeString | str:
        return "" if self._offers is None else row_offer(self._offers, task)


def _columns(context: dict[Any, Any]) -> list[str]:
    """As the headings of ``_rows.html`` are chosen."""
    absent = set(context.get("without", ()))
    absent |= set() if context.get("select") else _ONLY_IN_LISTS
    absent |= set() if context.get("payload") else {"args"}
    absent |= {"worker"} if context.get("of_worker") else set()
    absent |= set() if context.get("row_offers") else {"acts"}
    return [key for key in _CELLS if key not in absent]


def _hidden() -> SafeString:
    return format_html('<span class="faint">{}</span>', _("hidden"))
