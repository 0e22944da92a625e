"""Joins the stages: receive, decode, store, push. The one module that knows them all."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from django.db import router

from django_celery_monitor.celery_app import find_app
from django_celery_monitor.collector import Collector
from django_celery_monitor.conf import get_settings
from django_celery_monitor.events import Decoded, Timestamp
from django_celery_monitor.ingest.decode import Decoder
from django_celery_monitor.ingest.own_redaction import OwnRedaction
from django_celery_monitor.ingest.receiver import Receiver
from django_celery_monitor.ingest.redact import Redactor
from django_celery_monitor.ingest.signatures import secret_positions
from django_celery_monitor.live.publish import Publisher as LivePublisher
from django_celery_monitor.models import Task
from django_celery_monitor.storage import batch
from django_celery_monitor.storage.recent import Recent
from django_celery_monitor.upkeep.collector_run import installation_id, siblings

if TYPE_CHECKING:
    from celery import Celery

    from django_celery_monitor.upkeep.conclusions import Conclusion


logger = logging.getLogger("django_celery_monitor")


class Publisher(Protocol):
    """Where committed changes are announced; see ``live.publish``."""

    def changed(self, revision: int, tasks: Iterable[str], workers: Iterable[str]) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class Outcome(NamedTuple):
    """What became of the messages given to ``Pipeline.store``."""

    events: int
    bad: int
    ignored: int
    tasks: int
    # Events refused because retention had deleted their task.
    late: int
    # Seconds from the latest event's own time to its storing; ``None`` without an event.
    lag: float | None
    revision: int


class Pipeline:
    """From message bodies to committed rows."""

    def __init__(self, app: Celery | None = None, publisher: Publisher | None = None) -> None:
        settings = get_settings()
        keys, patterns = settings.REDACT_KEYS, settings.REDACT_PATTERNS
        by_name = Redactor(keys, patterns)
        positions = secret_positions(app or find_app(), by_name.is_secret)
        self._decoder = Decoder(
            Redactor(keys, patterns, positions),
            max_text=settings.MAX_TEXT,
            max_traceback=settings.MAX_TRACEBACK,
        )
        self._own = OwnRedaction(settings)
        self._publisher = publisher
        self._recent = Recent()
        self._said: set[str] = set()

    def store(self, bodies: Iterable[bytes], arrived: Timestamp | None = None) -> Outcome:
        """Store the events in ``bodies`` in one transaction, then announce what changed.

        ``arrived``: when they came (seconds since the epoch; now, if not given). A body is the JSON
        of one event or of a list of them. Bad ones are put into quarantine. Raises what the
        database raises, with nothing stored; then the same bodies may be given again.
        """
        arrived = time.time() if arrived is None else arrived
        decoded = self._decoder.decode(bodies, arrived)
        self._own.apply(decoded, _names)
        self._say(decoded.bad)
        stored = batch.store(decoded, arrived, router.db_for_write(Task), self._recent)
        if stored.revision and self._publisher:
            self._publisher.changed(stored.revision, stored.tasks, stored.workers)
        # Of a task's events the last to come is as good as always the latest.
        times = [events[-1].timestamp for events in decoded.tasks.values()]
        times += [event.timestamp for event in decoded.workers]
        return Outcome(
            events=sum(map(len, decoded.tasks.values())) + len(decoded.workers),
            bad=len(decoded.bad),
            ignored=decoded.ignored,
            tasks=len(stored.tasks),
            late=stored.late,
            lag=max(time.time() - max(times), 0.0) if times else None,
            revision=stored.revision,
        )

    def split(self, body: bytes) -> list[bytes]:
        """The events of a message as messages of their own."""
        return self._decoder.split(body)

    def quarantine(self, body: bytes, reason: str) -> Outcome:
        """Put a message aside that the database refuses."""
        reason = f"refused by the database: {reason}"
        bad = Decoded({}, [], [(reason, self._decoder.quarantined(body))], 0)
        self._own.apply(bad, _names)
        self._say(bad.bad)
        stored = batch.store(bad, time.time(), router.db_for_write(Task))
        return Outcome(0, 1, 0, 0, 0, None, stored.revision)

    def settle(self, conclusions: Sequence[Conclusion]) -> None:
        """Store what was concluded; later events of workers overrule it."""
        tasks = {each.task_id: [self._decoder.settled(*each[1:])] for each in conclusions}
        found = Decoded(tasks, [], [], 0)
        self._own.apply(found, _names)
        stored = batch.store(found, time.time(), router.db_for_write(Task), self._recent)
        if stored.revision and self._publisher:
            self._publisher.changed(stored.revision, stored.tasks, stored.workers)

    def _say(self, bad: list[tuple[str, str]]) -> None:
        """Log the first of each kind: whoever sends one bad event may send a million."""
        for reason, _text in bad:
            kind = reason.partition(":")[0]
            if kind not in self._said:
                self._said.add(kind)
                extra = {"action": "quarantined", "reason": reason}
                logger.warning(
                    "Put aside a bad event, the first of its kind: %s", reason, extra=extra
                )


def _names(ids: list[str]) -> dict[str, str]:
    """Only the first events of a task say what it is called."""
    tasks = Task.objects.using(router.db_for_write(Task)).values_list("pk", "name")
    chunks = (ids[start : start + 500] for start in range(0, len(ids), 500))
    return {task_id: name for chunk in chunks for task_id, name in tasks.filter(pk__in=chunk)}


def build_collector(app: Celery, *, force: bool = False, **options: Any) -> Collector:
    """The whole path, from the project's broker to open pages; ``options`` are ``Collector``'s.

    ``force``: listen although collectors of another database consume the queue.
    """
    publisher = LivePublisher()
    using = router.db_for_write(Task)
    counted = None if force else partial(siblings, using)
    receiver = Receiver(app, installation_id(using), counted)
    return Collector(app, receiver, Pipeline(app, publisher), publisher, **options)


def store(bodies: Iterable[bytes], arrived: Timestamp | None = None) -> Outcome:
    """``Pipeline.store`` for imports and tests: no collector, nothing pushed."""
    return Pipeline().store(bodies, arrived)
