from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.admin.utils import quote
from django.db.models import QuerySet
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
from django_celery_monitor.conf import get_settings
from django_celery_monitor.events import TaskEvent
from django_celery_monitor.models import ControlTarget, Task, TaskError
from django_celery_monitor.reading.arguments import arguments, text_source
from django_celery_monitor.reading.attempts import attempts
from django_celery_monitor.reading.code import pieces
from django_celery_monitor.reading.expiry import SOON, kept_until
from django_celery_monitor.reading.json_text import parsed
from django_celery_monitor.reading.life import life
from django_celery_monitor.reading.passages import passages
from django_celery_monitor.reading.raw import provenance, raw
from django_celery_monitor.reading.report import report
from django_celery_monitor.reading.reruns import reruns
from django_celery_monitor.reading.sentence import sentence
from django_celery_monitor.reading.siblings import siblings, usual_wait
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.states import group
from django_celery_monitor.storage.rows import events_of
from django_celery_monitor.views.audit import entries_on, latest
from django_celery_monitor.views.offers import of_task
from django_celery_monitor.views.page import page
from django_celery_monitor.views.relatives import relatives
from django_celery_monitor.views.shell import render_page
from django_celery_monitor.views.stepping import steps

# So many attempts and events are shown before the reader asks for all.
ATTEMPTS: Final = 5
EVENTS: Final = 3
# Failures and retries that are read; the event set holds no more than twice sixteen of each.
ERRORS: Final = 64


@page(VIEW_TASK, also=latest)
def task(request: HttpRequest, task_id: str) -> HttpResponse:
    policy, now = get_policy(), timezone.now()
    found = policy.visible(request.user, Task.objects.filter(pk=task_id)).first()
    if found is None:
        sent = reruns(request.user, task_id).of
        if sent is not None:
            return render_page(request, "awaited.html", {"section": "tasks", "sent": sent})
        raise Http404(
            _("No task with this id is kept: it was never seen, or it has been removed since.")
        )
    payload = policy.can(request.user, VIEW_TASK_ARGUMENTS, found)
    # A row that was not stored by the pipeline has no events.
    events = events_of(found)
    until = kept_until(found, get_settings())
    context = {
        "section": "tasks",
        "now": now,
        "task": found,
        "payload": payload,
        "kept_until": until,
        "expires_soon": until is not None and until - now < SOON,
        "provenance": provenance(found, events),
        "may_see_workers": policy.can(request.user, VIEW_WORKER),
        "admin_task_url": _admin_url(request, found),
        "steps": steps(request, found),
        "offers": of_task(request, found),
        "entries": entries_on(request.user, ControlTarget.Kind.TASK, found.id),
        "reruns": reruns(request.user, found.id),
        "siblings": siblings(request.user, found) if found.name else None,
        **_course(request, found, events, payload),
        **relatives(request, found, now),
    }
    return render_page(request, "task.html", context)


def _course(
    request: HttpRequest, found: Task, events: Sequence[TaskEvent], payload: bool
) -> dict[str, Any]:
    """What happened to the task, and what it was called with."""
    now = timezone.now()
    ways = passages(events, derive(list(events)).runs) if events else []
    usual = usual_wait(request.user, found, now)
    records = attempts(ways, _errors(request, found, payload), payload=payload)
    called = arguments(found, events) if payload else None
    rows = raw(events, payload=payload)
    url = request.build_absolute_uri(reverse("celery_monitor:task", args=[found.id]))
    is_json = payload and isinstance(parsed(found.result), dict | list)
    every = "all" in request.GET.getlist("attempts")
    return {
        "life": life(found, ways, usual) if events else None,
        "sentence": sentence(found, ways, usual, now) if events else "",
        "attempts": records if every else records[:ATTEMPTS],
        "all_attempts": len(records),
        "failed": next((each for each in records if each.error), None),
        "error_first": group(found.state) in {"failed", "retrying"},
        "arguments": called,
        # JSON has a viewer of its own.
        "result": pieces(found.result) if payload and not is_json else [],
        "result_source": text_source(found.result) if payload else "",
        "first_events": rows[:EVENTS],
        "other_events": rows[EVENTS:],
        "permalink": url,
        "report": report(found, url, records, called),
    }


def _errors(request: HttpRequest, found: Task, payload: bool) -> dict[str, TaskError]:
    """The latest failures and retries of a task, by key; texts only for who may see them."""
    rows: QuerySet[TaskError] = TaskError.objects.filter(task_id=found.id, duplicate=False)
    if not payload:
        rows = rows.defer("message", "traceback")
    shown = get_policy().visible(request.user, rows.order_by("-time", "-id"))
    return {error.key: error for error in shown[:ERRORS]}


def _admin_url(request: HttpRequest, found: Task) -> str:
    if not getattr(request.user, "is_staff", False):
        return ""
    try:
        return reverse("admin:django_celery_monitor_task_change", args=(quote(found.pk),))
    except NoReverseMatch:
        return ""
