from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import (
    VIEW_TASK,
    VIEW_TASK_ARGUMENTS,
    VIEW_WORKER,
    get_policy,
)
from django_celery_monitor.models import Task, TaskError
from django_celery_monitor.reading.call import call
from django_celery_monitor.reading.family import errors, family, siblings, usual_wait
from django_celery_monitor.reading.life import life
from django_celery_monitor.reading.trace import Part, parts
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.errors import error_key
from django_celery_monitor.state.runs import Run
from django_celery_monitor.state.states import group
from django_celery_monitor.storage.rows import events_of, moment
from django_celery_monitor.views.page import page
from django_celery_monitor.views.shell import render_page


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A run with what it ended in; ``trace`` is empty for who may not see it."""

    number: int
    run: Run
    received: Any
    started: Any
    ended: Any
    error: TaskError | None
    trace: list[Part]


@page(VIEW_TASK)
def task(request: HttpRequest, task_id: str) -> HttpResponse:
    policy, now = get_policy(), timezone.now()
    found = policy.visible(request.user, Task.objects.filter(pk=task_id)).first()
    if found is None:
        raise Http404(
            _("No task with this id is kept: it was never seen, or it has been removed since.")
        )
    payload = policy.can(request.user, VIEW_TASK_ARGUMENTS, found)
    # A row that was not stored by the pipeline has no events.
    events = events_of(found)
    runs = derive(events).runs if events else ()
    known = {error.key: error for error in errors(request.user, found)}
    attempts = [_attempt(n, run, known, payload) for n, run in enumerate(runs, 1)]
    context = {
        "section": "tasks",
        "now": now,
        "task": found,
        "payload": payload,
        "call": call(found.args, found.kwargs) if payload else [],
        "life": life(found, events, runs, usual_wait(request.user, found, now)) if events else [],
        "attempts": attempts[::-1],
        "failed": next((each for each in reversed(attempts) if each.error), None),
        "error_first": group(found.state) in {"failed", "retrying"},
        "events": events,
        "family": family(request.user, found),
        "siblings": siblings(request.user, found),
        "may_see_workers": policy.can(request.user, VIEW_WORKER),
        "admin_task_url": _admin_url(request, found),
    }
    return render_page(request, "task.html", context)


def _admin_url(request: HttpRequest, found: Task) -> str:
    if not getattr(request.user, "is_staff", False):
        return ""
    try:
        return reverse("admin:django_celery_monitor_task_change", args=(quote(found.pk),))
    except NoReverseMatch:
        return ""


def _attempt(number: int, run: Run, known: dict[str, TaskError], payload: bool) -> Attempt:
    error = known.get(error_key(run.error)) if run.error else None
    return Attempt(
        number=number,
        run=run,
        received=moment(run.received),
        started=moment(run.started),
        ended=moment(run.ended),
        error=error,
        trace=parts(error.traceback) if error and payload else [],
    )
