"""A task's life in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from django_celery_monitor.models import Task
from django_celery_monitor.reading.passages import Passage
from django_celery_monitor.reading.words import duration
from django_celery_monitor.state.states import group

# Below this, a wait is as usual.
NOTABLE: Final = 1.5


def sentence(task: Task, found: Sequence[Passage], usual_wait: float | None, now: datetime) -> str:
    """What it waited for and how it ran, of the latest attempt; plain text."""
    parts = [_waiting(task, found, usual_wait, now), *_running(task, found, now)]
    text = _("%(first)s, %(second)s.") if len(parts) > 1 else _("%(first)s.")
    said = text % dict(zip(("first", "second"), parts, strict=False))
    if len(found) > 1:
        return _("Attempt %(n)s: %(sentence)s") % {"n": len(found), "sentence": said}
    return said


def _waiting(task: Task, found: Sequence[Passage], usual_wait: float | None, now: datetime) -> str:
    names = {"queue": task.queue, "took": ""}
    last = found[-1] if found else None
    begun = task.sent_at or task.received_at
    if last is None or (not last.started and not last.ended):
        since = max(begun, task.eta or begun) if begun else None
        if task.finished_at or since is None:
            return _("Its wait was not observed")
        if since > now:
            return _("Waits for its ETA, %(took)s from now") % {"took": duration(since - now)}
        names["took"] = duration(now - since)
        if task.queue:
            return _("Has been waiting %(took)s in %(queue)s") % names
        return _("Has been waiting %(took)s") % names
    wait = last.run.wait
    if wait is None:
        return _("Its wait was not observed")
    names["took"] = duration(wait)
    if not found[1:] and usual_wait and wait >= NOTABLE * usual_wait:
        names["times"] = _times(wait / usual_wait)
        if task.queue:
            return _("Waited %(took)s in %(queue)s (%(times)s× this type's median)") % names
        return _("Waited %(took)s (%(times)s× this type's median)") % names
    if task.queue:
        return _("Waited %(took)s in %(queue)s") % names
    return _("Waited %(took)s") % names


def _running(task: Task, found: Sequence[Passage], now: datetime) -> list[str]:
    if not found:
        return []
    last = found[-1]
    names = {"worker": last.run.worker, "took": ""}
    if last.started and not last.ended and group(task.state) == "running":
        names["took"] = duration(now - last.started)
        return [_("has been running %(took)s on %(worker)s") % names]
    if last.run.runtime is None:
        return []
    names["took"] = duration(last.run.runtime)
    return [_("ran %(took)s on %(worker)s") % names]


def _times(factor: float) -> str:
    return number_format(round(factor, 1) if factor < 9.95 else round(factor))
