"""Settles the tasks of workers that are gone, every few seconds, in one collector at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from django.utils import timezone

from django_celery_monitor.control.results import known_result
from django_celery_monitor.state.derive import RESULT_BACKEND, WORKER_LOST
from django_celery_monitor.state.states import LOST
from django_celery_monitor.upkeep import lease
from django_celery_monitor.upkeep.lost import LostTask, lost_tasks

if TYPE_CHECKING:
    from celery import Celery

LEASE: Final = "settle"
EVERY: Final = 10.0


class Conclusion(NamedTuple):
    """What is to be known of a task from now on, unless a worker says otherwise."""

    task_id: str
    worker: str
    # Epoch seconds.
    time: float
    state: str
    source: str
    # The result, or the exception of one that failed.
    text: str


class Settler:
    """``settle`` stores conclusions."""

    def __init__(
        self, app: Celery, using: str, settle: Callable[[Sequence[Conclusion]], None]
    ) -> None:
        self._app = app
        self._using = using
        self._settle = settle
        self._next = EVERY

    def turn(self, now: float, listened: float) -> None:
        """Look, when a look is due; ``now`` is any clock that only goes forward, in seconds.

        ``listened``: for how many seconds this collector has been listening and keeping up.
        """
        if now < self._next:
            return
        self._next = now + EVERY
        if not lease.take(LEASE, self._using):
            return
        lost = lost_tasks(timezone.now(), listened, self._using)
        if lost:
            self._settle([self._conclude(each) for each in lost])

    def _conclude(self, lost: LostTask) -> Conclusion:
        task = lost.task
        known = known_result(self._app, task.id)
        if known:
            return Conclusion(
                task.id, task.worker, lost.moment, known.state, RESULT_BACKEND, known.text
            )
        return Conclusion(task.id, task.worker, lost.moment, LOST, WORKER_LOST, "")
