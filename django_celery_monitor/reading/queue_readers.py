"""The workers that read a queue: how busy they are, and how much they fetched ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import Inspection, Worker, WorkerReply
from django_celery_monitor.reading.listening import Listening
from django_celery_monitor.state.worker import Health
from django_celery_monitor.workers import worker_health

MOST: Final = 20
Part = WorkerReply.Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Numbers are of all queues of the worker; ``None`` where it did not say.

    ``slots``: tasks that it can run at once; ``fetched``: that it has and has not started;
    ``prefetch``: that the broker gives it at most.
    """

    worker: Worker
    health: Health
    slots: int | None
    fetched: int | None
    prefetch: int | None
    told_at: datetime | None

    @property
    def busy(self) -> float | None:
        active = self.worker.active
        return None if active is None or not self.slots else min(active / self.slots, 1.0)


def queue_readers(
    user: User, hosts: Sequence[str], now: datetime, heard: Listening
) -> list[Reader]:
    """Of those that said they read it, the first ``MOST`` by name."""
    shown, policy = sorted(hosts)[:MOST], get_policy()
    workers = policy.visible(user, Worker.objects.all()).in_bulk(shown)
    inspections = policy.visible(user, Inspection.objects.all()).in_bulk(shown)
    replies = policy.visible(
        user, WorkerReply.objects.filter(worker__in=shown, part__in=(Part.STATS, Part.RESERVED))
    )
    told = {(each.worker, each.part): each for each in replies}
    return [
        _reader(
            # One that sends no events is known by its answers alone.
            workers.get(each) or Worker(hostname=each),
            worker_health(workers[each], now, heard.seconds(now))
            if each in workers
            else Health.UNKNOWN,
            inspections.get(each),
            told.get((each, Part.STATS)),
            told.get((each, Part.RESERVED)),
        )
        for each in shown
    ]


def _reader(
    worker: Worker,
    found: Health,
    inspection: Inspection | None,
    stats: WorkerReply | None,
    reserved: WorkerReply | None,
) -> Reader:
    content: Any = stats.content if stats else None
    prefetch = content.get("prefetch_count") if isinstance(content, dict) else None
    return Reader(
        worker=worker,
        health=found,
        slots=inspection.concurrency if inspection else None,
        fetched=reserved.total if reserved else None,
        prefetch=prefetch if isinstance(prefetch, int) else None,
        told_at=inspection.answered_at if inspection else None,
    )
