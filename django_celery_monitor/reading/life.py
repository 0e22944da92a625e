"""The life of a task as steps with measured waits between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from django.utils.translation import gettext as _

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.models import Task
from django_celery_monitor.state.runs import Run
from django_celery_monitor.state.states import IGNORED, LOST, group

# Past so many steps, the ones in the middle are only counted.
LONGEST: Final = 12
# A wait so many times the usual one, and longer than so many seconds, is called slow.
SLOW_TIMES: Final = 3.0
SLOW_SECONDS: Final = 1.0
ENDS: Final = {
    "succeeded": "succeeded",
    "failed": "failed",
    "rejected": "failed",
    "revoked": "revoked",
    "retried": "retrying",
    "requeued": "waiting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """``kind`` is a group of states, for colour and shape. The edge is what led to this step.

    ``seconds``: how long that took, ``None`` for the first step and where it was not observed.
    ``open_since``: it is still taking, since then.
    """

    kind: str
    label: str
    time: datetime | None
    edge: str = ""
    seconds: float | None = None
    open_since: datetime | None = None
    times_usual: float | None = None
    skipped: int = 0

    @property
    def slow(self) -> bool:
        return self.times_usual is not None


def life(
    task: Task, events: Sequence[TaskEvent], runs: Sequence[Run], usual_wait: float | None = None
) -> list[Step]:
    """``usual_wait``: the median wait of such tasks in seconds, to compare the first one with."""
    # The row has the latest sending, which is that of the last retry.
    sent = next((_time(event.timestamp) for event in events if event.type == "sent"), None)
    steps = [_sent(sent)]
    before = sent
    for index, run in enumerate(runs):
        steps += _run(run, before, task if index == 0 else None, usual_wait)
        before = _time(run.ended) or before
    if not runs:
        steps.append(_waiting(task))
    if task.finished_at and task.known_by not in ("worker", "sender"):
        if steps[-1].kind == "open":
            steps.pop()
        steps.append(_concluded(task, task.finished_at))
    return _shortened(steps)


def _sent(time: datetime | None) -> Step:
    label = _("Sent") if time else _("Sending not observed")
    return Step(kind="waiting" if time else "unseen", label=label, time=time)


def _waiting(task: Task) -> Step:
    label, since = _("Not received yet"), task.sent_at or task.time
    return Step(kind="open", label=label, time=None, edge=_("waiting"), open_since=since)


def _concluded(task: Task, time: datetime) -> Step:
    """No worker said so; ``known_by`` says who did."""
    label = {LOST: _("Lost"), IGNORED: _("Ignored")}.get(task.state) or _("Settled")
    return Step(kind=group(task.state), label=label, time=time, edge=_("not heard of since"))


def _run(
    run: Run, before: datetime | None, first: Task | None, usual: float | None
) -> Iterator[Step]:
    received, started = _time(run.received), _time(run.started)
    # In later attempts the way to the worker is part of the wait for the retry.
    if received and (first or not started):
        edge = _("on its way") if first else _("waited")
        yield _step("waiting", _("Received"), received, edge, _between(before, received))
        before = received
    if started:
        step = _step("running", _("Started"), started, _("waited"), _between(before, started))
        yield _compared(step, run.wait if first else None, usual)
    yield _end(run, started, received or before)


def _end(run: Run, started: datetime | None, received: datetime | None) -> Step:
    if ended := _time(run.ended):
        took = run.runtime if started else _between(received, ended)
        edge = _("ran") if started else _("waited")
        return _step(ENDS[run.outcome], _ending(run), ended, edge, took)
    label = run.custom or (_("Running") if started else _("Not started yet"))
    edge = _("running") if started else _("waiting")
    return Step(kind="open", label=label, time=None, edge=edge, open_since=started or received)


def _step(kind: str, label: str, time: datetime, edge: str, seconds: float | None) -> Step:
    return Step(kind=kind, label=label, time=time, edge=edge, seconds=seconds)


def _compared(step: Step, wait: float | None, usual: float | None) -> Step:
    if not wait or not usual or wait < SLOW_SECONDS or wait < SLOW_TIMES * usual:
        return step
    return replace(step, times_usual=wait / usual)


def _ending(run: Run) -> str:
    labels = {
        "succeeded": _("Succeeded"),
        "failed": _("Failed"),
        "rejected": _("Rejected"),
        "revoked": _("Revoked"),
        "retried": _("Retry %(n)s") % {"n": run.retries + 1},
        "requeued": _("Given back"),
    }
    return labels[run.outcome]


def _shortened(steps: list[Step]) -> list[Step]:
    if len(steps) <= LONGEST:
        return steps
    skipped = len(steps) - LONGEST + 1
    gap = Step(kind="skipped", label="", time=None, skipped=skipped)
    return [*steps[:4], gap, *steps[4 + skipped :]]


def _between(begin: datetime | None, end: datetime) -> float | None:
    return (end - begin).total_seconds() if begin else None


def _time(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
