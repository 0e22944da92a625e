"""Workers with what the clock says of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import F, Sum
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import VIEW_WORKER, User, get_policy
from django_celery_monitor.models import TaskStats, Worker
from django_celery_monitor.reading.listening import Listening, listening
from django_celery_monitor.reading.words import duration
from django_celery_monitor.state.worker import Health, health

FIVE_MINUTES = timedelta(minutes=5)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerView:
    """``silence``: since anything came from it, by our own clock.

    ``per_minute``: tasks finished; 0 where nobody asked for it.
    """

    worker: Worker
    health: Health
    reason: str
    silence: timedelta
    per_minute: float


def worker_list(
    user: User,
    now: datetime,
    heard: Listening | None = None,
    limit: int = 500,
    rated: bool = True,
) -> list[WorkerView]:
    """The workers ``user`` may see, by name, those that said good-bye last.

    Past ``limit``, the ones that were silent longest are left out. ``rated``: with what each
    finishes.
    """
    heard = heard or listening(now)
    rows = get_policy().visible(user, Worker.objects.all()).order_by("-arrived_at")[:limit]
    rates = _rates(user, now) if rated else {}
    views = [_view(row, now, heard, rates.get(row.hostname, 0.0)) for row in rows]
    return sorted(views, key=lambda view: (view.health is Health.OFFLINE, view.worker.hostname))


def workers_if_allowed(
    user: User, now: datetime, heard: Listening, rated: bool = True
) -> list[WorkerView] | None:
    """The same on pages that show more than workers; ``None`` for who may not see any."""
    if not get_policy().can(user, VIEW_WORKER):
        return None
    return worker_list(user, now, heard, rated=rated)


def one_worker(
    user: User, now: datetime, hostname: str, heard: Listening | None = None
) -> WorkerView | None:
    """The worker of that name, if there is one that ``user`` may see."""
    row = get_policy().visible(user, Worker.objects.filter(pk=hostname)).first()
    if row is None:
        return None
    return _view(row, now, heard or listening(now), _rates(user, now, hostname).get(hostname, 0.0))


def worker_health(worker: Worker, now: datetime, listened: float) -> Health:
    """Its health, when a collector has been listening for ``listened`` seconds (0: none does)."""
    return health(
        silence=(now - worker.arrived_at).total_seconds(),
        freq=worker.freq,
        offline=said_goodbye(worker),
        listened=listened,
    )


def said_goodbye(worker: Worker) -> bool:
    since = [time for time in (worker.online_at, worker.heartbeat_at) if time]
    return worker.offline_at is not None and worker.offline_at >= max(since, default=NEVER)


def _view(worker: Worker, now: datetime, heard: Listening, rate: float) -> WorkerView:
    found = worker_health(worker, now, heard.seconds(now))
    silence = max(now - worker.arrived_at, timedelta())
    return WorkerView(
        worker=worker,
        health=found,
        reason=_reason(worker, found, silence, heard),
        silence=silence,
        per_minute=rate,
    )


def _reason(worker: Worker, found: Health, silence: timedelta, heard: Listening) -> str:
    values = {"silence": duration(silence), "freq": duration(worker.freq)}
    if found is Health.OFFLINE:
        return _("It said good-bye %(silence)s ago.") % values
    if worker.freq is None:
        return _("It sends no heartbeats, so its silence says nothing.")
    if found is Health.UNKNOWN and not heard.on:
        return _("No collector is listening, so its silence says nothing.")
    if found is Health.UNKNOWN:
        return _("The collector has not been listening long enough to say.")
    if found is Health.ONLINE:
        return _("Its heartbeat comes every %(freq)s.") % values
    return _("Silent for %(silence)s; its heartbeat should come every %(freq)s.") % values


def _rates(user: User, now: datetime, hostname: str | None = None) -> dict[str, float]:
    """Tasks finished per minute by host name, as ``throughput.per_minute`` has them."""
    since = now.replace(second=0, microsecond=0) - FIVE_MINUTES
    rows = get_policy().visible(user, TaskStats.objects.all())
    rows = rows.filter(
        period=TaskStats.Period.MINUTE, grain=TaskStats.Grain.WORKER, start__gte=since
    )
    if hostname is not None:
        rows = rows.filter(label=hostname)
    finished = Sum(F("succeeded") + F("failed") + F("rejected") + F("revoked"))
    minutes = (now - since) / timedelta(minutes=1)
    return {
        label: total / minutes
        for label, total in rows.values_list("label").annotate(total=finished).order_by()
    }
