"""What to think of before a task is sent again; each has to be confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext as _

from django_celery_monitor.conf import get_settings
from django_celery_monitor.control import canvas
from django_celery_monitor.events import PUBLISHED, TaskEvent
from django_celery_monitor.models import Rerun, Task, TaskError
from django_celery_monitor.state.states import group
from django_celery_monitor.storage.rows import events_of

if TYPE_CHECKING:
    from celery import Celery

# A task's attribute: whether it may run twice with the same arguments.
ATTRIBUTE = "celery_monitor_retry_safe"
_OPEN = frozenset({"waiting", "running", "retrying"})


class Caution(NamedTuple):
    """``key``: "unsafe", "not_ended", "retried", "failed_again", "follows", "chord" or "group"."""

    key: str
    text: str


def is_safe(app: Celery, name: str) -> bool:
    """Whether a task type is marked as one that may run twice; its own attribute comes first."""
    marked = getattr(app.tasks[name], ATTRIBUTE, None) if name in app.tasks else None
    if isinstance(marked, bool):
        return marked
    return any(fnmatchcase(name, pattern) for pattern in get_settings().RETRY_SAFE)


def cautions(app: Celery, task: Task) -> list[Caution]:
    found = []
    if not is_safe(app, task.name):
        text = _("%(name)s is not marked as safe to run twice.") % {"name": task.name}
        found.append(Caution("unsafe", text))
    if group(task.state) in _OPEN or task.running_again:
        text = _("As far as is known it has not ended: it may run twice at once.")
        found.append(Caution("not_ended", text))
    events = events_of(task)
    return [*found, *_before(task), *_after(task, events), *_canvas(task, events)]


def _before(task: Task) -> list[Caution]:
    sent = Rerun.objects.exclude(status=Rerun.Status.NOT_SENT)
    again = sent.filter(origin_id=task.id).order_by("-id").first()
    found = []
    if again is not None:
        text = _("It was sent again before, as %(id)s.") % {"id": again.task_id}
        found.append(Caution("retried", text))
    mine = sent.filter(task_id=task.id).exclude(origin_id="").first()
    if mine is not None and _failure(mine.origin_id) & _failure(task.id):
        text = _("It is a re-run itself, of %(id)s, and failed in the same way.")
        found.append(Caution("failed_again", text % {"id": mine.origin_id}))
    return found


def _failure(task_id: str) -> set[str]:
    rows = TaskError.objects.filter(task_id=task_id, retry=False).order_by("-time")
    return set(rows.values_list("fingerprint", flat=True)[:1])


def _after(task: Task, events: Sequence[TaskEvent]) -> list[Caution]:
    told = next((each.data for each in events if each.type == PUBLISHED), {})
    after = canvas.names(canvas.follows(told, recorded=bool(told))[0])
    if not after or group(task.state) != "succeeded":
        return []
    text = _("It succeeded, so what follows it ran already, and would run again: %(names)s.")
    return [Caution("follows", text % {"names": ", ".join(after)})]


def _canvas(task: Task, events: Sequence[TaskEvent]) -> list[Caution]:
    if any(each.type == PUBLISHED and each.data.get("chord") for each in events):
        text = _("It is part of a chord, whose body does not wait for a re-run.")
        return [Caution("chord", text)]
    if task.group_id:
        text = _("It is part of a group, which does not count a re-run among its own.")
        return [Caution("group", text)]
    return []
