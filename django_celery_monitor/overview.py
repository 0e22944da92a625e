"""What matters now, in one look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import Gap, Task, TaskError
from django_celery_monitor.reading.counts import kept
from django_celery_monitor.reading.gaps import recent_gaps
from django_celery_monitor.reading.listening import Listening, listening
from django_celery_monitor.reading.series import Reading
from django_celery_monitor.reading.series_rows import total_grain
from django_celery_monitor.reading.throughput import Minute, last_hour, per_minute, whole
from django_celery_monitor.reading.uncounted import reason, uncounted
from django_celery_monitor.state.states import GROUPS
from django_celery_monitor.state.worker import Health
from django_celery_monitor.workers import WorkerView, workers_if_allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """``workers``: ``None`` for someone who may not see them. Rates are per minute."""

    now: datetime
    waiting: int
    oldest_waiting: Task | None
    running: int
    retrying: int
    # Of these three; see ``reading.counts.Matrix``.
    at_least: bool
    last_hour: Minute
    minutes: tuple[Minute, ...]
    finished_per_minute: float
    latest_failures: list[TaskError]
    workers: list[WorkerView] | None
    collector: Listening
    gaps: list[Gap]
    # Why nothing that ended could be counted for the reader; empty if it was.
    uncounted: str

    @property
    def failed_share(self) -> float:
        """Of what finished in the last hour, from 0 to 1."""
        return self.last_hour.failed / max(self.last_hour.finished, 1)

    @property
    def workers_online(self) -> int:
        return self._workers(Health.ONLINE)

    @property
    def workers_late(self) -> int:
        return self._workers(Health.LATE)

    @property
    def workers_lost(self) -> int:
        return self._workers(Health.LOST)

    def _workers(self, health: Health) -> int:
        return sum(view.health is health for view in self.workers or [])


def overview(
    now: datetime, user: User, reading: Reading | None = None, heard: Listening | None = None
) -> Overview:
    """``reading`` and ``heard``: what a page has read for its charts already."""
    policy = get_policy()
    heard = heard or listening(now)
    matrix = kept(user)
    counts = matrix.by_group()
    minutes = last_hour(user, now, reading)
    failures = policy.visible(user, TaskError.objects.filter(retry=False, duplicate=False))
    return Overview(
        now=now,
        waiting=counts["waiting"],
        oldest_waiting=_oldest_waiting(user),
        running=counts["running"],
        retrying=counts["retrying"],
        at_least=matrix.at_least,
        last_hour=whole(minutes),
        finished_per_minute=per_minute(minutes, now),
        minutes=minutes,
        latest_failures=list(failures.defer("traceback").order_by("-time")[:8]),
        workers=workers_if_allowed(user, now, heard),
        collector=heard,
        gaps=recent_gaps(now),
        uncounted=reason() if total_grain(user) in uncounted(user) else "",
    )


def _oldest_waiting(user: User) -> Task | None:
    tasks = get_policy().visible(user, Task.objects.only("id", "name", "queue", "time"))
    # One question for each state: of several at once, a planner may walk through all of history.
    found = [tasks.filter(state=state).order_by("time").first() for state in GROUPS["waiting"]]
    return min((task for task in found if task), key=lambda task: task.time, default=None)
