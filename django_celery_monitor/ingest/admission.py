"""Whether a queue may be consumed: two databases on one queue would get a part of it each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from django_celery_monitor.ingest.queues import QueueState, TransportError, look_at

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from kombu import Connection

# A collector that begins needs a moment until its row says that the consumer is its own.
_ROWS_WITHIN: Final = 15.0


def admit(
    connection: Connection, name: str, siblings: Callable[[], int], stopping: threading.Event
) -> QueueState | None:
    """The queue's state, once all its consumers are collectors of this database.

    ``siblings`` counts those. Raises ``TransportError`` when there are others.
    """
    found = look_at(connection, name)
    deadline = time.monotonic() + _ROWS_WITHIN
    while found and found.consumers > siblings() and not stopping.wait(0.5):
        if time.monotonic() > deadline:
            raise TransportError(
                f"The queue {name!r} has a consumer that is no collector of this database;"
                " each would get a part of the events. Is this database a copy of another"
                " one? Then give it a queue of its own: manage.py celerymonitor_queue new-id."
                " To listen all the same, start with --force."
            )
        found = look_at(connection, name)
    return found
