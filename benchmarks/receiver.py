"""Celery's own receiver and in-memory state, as a process: `python -m benchmarks.receiver`.

Says "listening" when it does, and on SIGUSR1 how many task events it knows.
"""

from __future__ import annotations

import signal
from typing import Any

from celery.events import EventReceiver
from celery.events.state import State

from benchmarks.app import app

# As many as Flower keeps; Celery's own default would forget most of a run.
MAX_TASKS = 100_000


class Receiver(EventReceiver):
    def on_consume_ready(self, *args: Any, **kwargs: Any) -> None:
        super().on_consume_ready(*args, **kwargs)
        print("listening", flush=True)


def main() -> None:
    state = State(max_tasks_in_memory=MAX_TASKS)
    known = 0

    def handle(event: dict[str, Any]) -> None:
        nonlocal known
        known += event["type"].startswith("task-")
        state.event(event)

    signal.signal(signal.SIGUSR1, lambda _signum, _frame: print(known, flush=True))
    with app.connection() as connection:
        Receiver(connection, handlers={"*": handle}, app=app).capture()


if __name__ == "__main__":
    main()
