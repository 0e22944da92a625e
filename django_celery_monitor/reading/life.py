"""The life of a task as a state machine with measured waits, one lane for each attempt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from django_celery_monitor.models import Task
from django_celery_monitor.reading.passages import Passage
from django_celery_monitor.state.states import IGNORED, LOST, group

# Past so many lanes, the ones in the middle are only counted.
LANES: Final = 6
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
    """``kind`` is a group of states, for colour and shape; "unseen" was not observed, "open" is
    where the task stands, "ahead" is still to come. The edge is what led to this step.

    ``seconds``: how long that took, ``None`` where it was not observed. ``open_since``: it is
    still taking, since then. ``hint``: what would make it seen.
    """

    kind: str
    label: str
    time: datetime | None = None
    edge: str = ""
    seconds: float | None = None
    open_since: datetime | None = None
    times_usual: float | None = None
    hint: str = ""

    @property
    def slow(self) -> bool:
        return self.times_usual is not None

    @property
    def skewed(self) -> bool:
        return self.seconds is not None and self.seconds < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """``skipped``: it stands for so many attempts that are not shown."""

    number: int = 0
    again: str = ""
    steps: tuple[Step, ...] = ()
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    lanes: list[Lane]
    # Two clocks differ: some time went backwards.
    skewed: bool
    # What would make the missing steps seen, each once.
    hints: list[str]


def life(task: Task, found: Sequence[Passage], usual_wait: float | None = None) -> Life:
    """``usual_wait``: the median wait of such tasks in seconds, to compare the first one with."""
    lanes = [
        Lane(number=each.number, again=each.again, steps=tuple(_steps(each))) for each in found
    ] or [Lane(number=1, steps=tuple(_unreceived(task)))]
    if found:
        lanes[0] = _compared(lanes[0], found[0].run.wait, usual_wait)
    if task.finished_at and task.known_by not in ("worker", "sender"):
        lanes[-1] = replace(lanes[-1], steps=_concluded(lanes[-1].steps, task, task.finished_at))
    steps = [step for lane in lanes for step in lane.steps]
    return Life(
        lanes=_shortened(lanes),
        skewed=any(step.skewed for step in steps),
        hints=list(dict.fromkeys(step.hint for step in steps if step.hint)),
    )


def _steps(passage: Passage) -> Iterator[Step]:
    run = passage.run
    if not passage.again:
        yield _sent(passage.sent)
    if passage.received:
        edge, seconds = _("broker wait"), passage.broker_wait
        yield _step("waiting", _("Received"), passage.received, edge, seconds)
    else:
        yield _unseen(_("Received"), _worker_hint())
    if passage.due:
        yield _step("waiting", _("Due"), passage.due, _("until its ETA"), passage.held)
    if passage.started:
        edge, seconds = _("prefetch wait"), passage.prefetch_wait
        yield _step("running", _("Started"), passage.started, edge, seconds)
    elif run.outcome in ("succeeded", "failed", "retried"):
        yield _unseen(_("Started"), _worker_hint())
    yield from _end(passage)


def _end(passage: Passage) -> Iterator[Step]:
    run = passage.run
    if passage.ended:
        if passage.started or run.runtime is not None:
            edge, took = _("run"), run.runtime
        else:
            edge = _("waited")
            begun = passage.due or passage.received
            took = (passage.ended - begun).total_seconds() if begun else None
        yield _step(ENDS[run.outcome], _ending(passage), passage.ended, edge, took)
    elif passage.started:
        label = run.custom or _("Running")
        yield Step(kind="open", label=label, edge=_("running"), open_since=passage.started)
        yield _ahead(_("End"))
    else:
        since = passage.due or passage.received
        label = run.custom or _("Not started yet")
        yield Step(kind="open", label=label, edge=_("prefetch wait"), open_since=since)
        yield _ahead(_("End"))


def _unreceived(task: Task) -> Iterator[Step]:
    since = task.sent_at or task.time
    yield _sent(task.sent_at)
    label = _("Not received yet")
    yield Step(kind="open", label=label, edge=_("broker wait"), open_since=since)
    yield _ahead(_("Start"))
    yield _ahead(_("End"))


def _sent(time: datetime | None) -> Step:
    if time:
        return Step(kind="waiting", label=_("Sent"), time=time)
    hint = _(
        "Sending is seen when the recorder runs in the process that publishes, or with "
        "task_send_sent_event."
    )
    return _unseen(_("Sent"), hint)


def _worker_hint() -> str:
    return _(
        "Workers tell of receiving and starting while their task events are on and the collector "
        "listens."
    )


def _unseen(label: str, hint: str) -> Step:
    return Step(kind="unseen", label=label, edge=_("not observed"), hint=hint)


def _ahead(label: str) -> Step:
    return Step(kind="ahead", label=label)


def _concluded(steps: tuple[Step, ...], task: Task, time: datetime) -> tuple[Step, ...]:
    """No worker said so; ``known_by`` says who did."""
    label = {LOST: _("Lost"), IGNORED: _("Ignored")}.get(task.state) or _("Settled")
    seen = tuple(step for step in steps if step.kind not in ("open", "ahead"))
    end = Step(kind=group(task.state), label=label, time=time, edge=_("not heard of since"))
    since = next((step.time for step in reversed(seen) if step.time), None)
    return (*seen, replace(end, seconds=(time - since).total_seconds() if since else None))


def _step(kind: str, label: str, time: datetime, edge: str, seconds: float | None) -> Step:
    return Step(kind=kind, label=label, time=time, edge=edge, seconds=seconds)


def _compared(lane: Lane, wait: float | None, usual: float | None) -> Lane:
    """The longer of the first waits is marked when both together are far over the usual."""
    if not wait or not usual or wait < SLOW_SECONDS or wait < SLOW_TIMES * usual:
        return lane
    waits = [step for step in lane.steps if step.edge in (_("broker wait"), _("prefetch wait"))]
    longest = max(waits, key=lambda step: step.seconds or 0.0, default=None)
    steps = [
        replace(step, times_usual=wait / usual) if step is longest else step for step in lane.steps
    ]
    return replace(lane, steps=tuple(steps))


def _ending(passage: Passage) -> str:
    labels = {
        "succeeded": _("Succeeded"),
        "failed": _("Failed"),
        "rejected": _("Rejected"),
        "revoked": _("Revoked"),
        "retried": _("Retry %(n)s") % {"n": passage.run.retries + 1},
        "requeued": _("Given back"),
    }
    return labels[passage.run.outcome]


def _shortened(lanes: list[Lane]) -> list[Lane]:
    if len(lanes) <= LANES:
        return lanes
    skipped = len(lanes) - LANES + 1
    return [*lanes[:2], Lane(skipped=skipped), *lanes[2 + skipped :]]
