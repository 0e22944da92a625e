"""Whether a collector listens to the broker: without one, silence says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django_celery_monitor.models import CollectorRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """``since``: when listening began or, when none listens, when it ended (``None``: never was).

    ``lag``: seconds between the latest stored event and its storing.
    """

    on: bool
    since: datetime | None
    lag: float | None

    def seconds(self, now: datetime) -> float:
        """How long a collector has been listening without a break; 0 when none does."""
        if not self.on or self.since is None:
            return 0.0
        return max((now - self.since).total_seconds(), 0.0)


def listening(now: datetime) -> Listening:
    """What the latest subscriptions say; one query."""
    runs = list(CollectorRun.objects.order_by("-last_seen_at")[:20])
    on = [run for run in runs if run.is_listening(now)]
    if not on:
        last = runs[0].ended_at or runs[0].last_seen_at if runs else None
        return Listening(on=False, since=last, lag=None)
    latest = max(on, key=lambda run: run.committed_at or run.started_at)
    return Listening(on=True, since=min(run.started_at for run in on), lag=latest.lag)
