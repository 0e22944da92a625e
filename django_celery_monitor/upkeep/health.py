"""How a collector does: for its log, its row, and whoever measures it."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from django_celery_monitor.events import Timestamp
    from django_celery_monitor.pipeline import Outcome

logger = logging.getLogger("django_celery_monitor")

# Rates are those of so many seconds.
WINDOW: Final = 60.0
_STEP: Final = 1.0


class Totals:
    """What a collector did since it started, or since its row last said so."""

    def __init__(self) -> None:
        self.events = self.tasks = self.bad = self.late = self.batches = self.dropped = 0
        self.lag: float | None = None

    def add(self, outcome: Outcome) -> None:
        self.batches += 1
        self.events += outcome.events
        self.tasks += outcome.tasks
        self.bad += outcome.bad
        self.late += outcome.late
        self.lag = outcome.lag if outcome.lag is not None else self.lag


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """``rate`` (events a second) and ``batch_seconds`` (on average): over the last minute.

    The numbers are those since the process began; ``lag`` is the latest batch's, in seconds;
    ``queue_depth`` is ``None`` where the broker keeps no queue, or before it was asked.
    """

    rate: float
    lag: float | None
    batch_seconds: float | None
    queue_depth: int | None
    events: int
    rows: int
    bad: int
    late: int
    dropped: int
    committed_at: Timestamp | None

    def log(self) -> None:
        logger.info(
            "%.0f events/s, lag %s, %s a batch, %s waiting at the broker, %d rows written,"
            " %d bad, %d late, %d dropped",
            self.rate,
            "unknown" if self.lag is None else f"{self.lag:.1f} s",
            "no time" if self.batch_seconds is None else f"{self.batch_seconds * 1000:.0f} ms",
            "none" if self.queue_depth is None else self.queue_depth,
            *(self.rows, self.bad, self.late, self.dropped),
            extra={"action": "status", **asdict(self)},
        )


class _Mark(NamedTuple):
    time: float
    events: int
    batches: int
    seconds: float


class Meter:
    """Counts, and measures over a minute that moves on."""

    def __init__(self, now: float) -> None:
        self.totals = Totals()
        self.queue_depth: int | None = None
        self._seconds = 0.0
        self._committed: Timestamp | None = None
        self._marks = deque([_Mark(now, 0, 0, 0.0)])

    def add(self, outcome: Outcome, seconds: float) -> None:
        """A batch, and how long it took to store."""
        self.totals.add(outcome)
        self._seconds += seconds
        if outcome.revision:
            self._committed = time.time()

    def health(self, now: float) -> Health:
        """``now``: any clock that only goes forward, in seconds."""
        totals = self.totals
        if now - self._marks[-1].time >= _STEP:
            self._marks.append(_Mark(now, totals.events, totals.batches, self._seconds))
        while len(self._marks) > 1 and now - self._marks[1].time >= WINDOW:
            self._marks.popleft()
        oldest = self._marks[0]
        batches = totals.batches - oldest.batches
        return Health(
            rate=(totals.events - oldest.events) / max(now - oldest.time, _STEP),
            lag=totals.lag,
            batch_seconds=(self._seconds - oldest.seconds) / batches if batches else None,
            queue_depth=self.queue_depth,
            events=totals.events,
            rows=totals.tasks,
            bad=totals.bad,
            late=totals.late,
            dropped=totals.dropped,
            committed_at=self._committed,
        )
