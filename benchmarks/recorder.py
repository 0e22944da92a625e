"""What publishing a task costs with the recorder, with Celery's `task-sent` events, with neither.

    python -m tests.servers -- python -m benchmarks.recorder

Rounds take turns, so that a busy moment of the machine hits all of them; the table shows medians.
CPU is that of the publishing process with all its threads.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import django
from celery import Celery
from django.conf import settings

from benchmarks.places import BROKERS

OFF, RECORDER, SENT = "neither", "recorder", "task-sent"
MODES = (OFF, RECORDER, SENT)
Round = dict[str, Any]


def main() -> int:
    options = _parser().parse_args()
    settings.configure(INSTALLED_APPS=["django_celery_monitor"], CELERY_MONITOR={"RECORD": True})
    django.setup()
    done: list[Round] = []
    for broker in options.brokers:
        with BROKERS[broker]() as url:
            done += _measure(broker, url, options)
    if options.json:
        options.json.write_text(json.dumps({"tasks": options.tasks, "rounds": done}, indent=1))
    print(table(done))
    return 0


def _measure(broker: str, url: str, options: argparse.Namespace) -> Iterator[Round]:
    apps = {mode: _app(url, sent=mode == SENT) for mode in MODES}
    for number in range(options.rounds + 1):
        # None always comes after the same one.
        for mode in MODES[:: 1 if number % 2 else -1]:
            found = _round(apps[mode], mode, options.tasks)
            # The first one opens connections and imports.
            if number:
                yield {"broker": broker, "mode": mode, **found}
    for app in apps.values():
        app.close()


def _app(url: str, *, sent: bool) -> Celery:
    app = Celery("benchmark", broker=url, set_as_current=False)
    app.conf.update(task_send_sent_event=sent, task_ignore_result=True)
    app.task(_pay, name="shop.orders.pay")
    return app


def _pay(order: int, customer: str, *, amount: float, currency: str, items: list[str]) -> None: ...


def _round(app: Celery, mode: str, tasks: int) -> Round:
    task = app.tasks["shop.orders.pay"]
    items = ["A-17", "B-4", "C-221"]
    with _recording(mode == RECORDER):
        wall, cpu = time.perf_counter(), time.process_time()
        for order in range(tasks):
            task.apply_async(
                (order, "customer-4711"), {"amount": 12.5, "currency": "EUR", "items": items}
            )
        published = time.perf_counter() - wall
        _wait_until_sent(app)
        used = time.process_time() - cpu
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge("celery")
    return {"tasks_per_second": tasks / published, "cpu_us": used / tasks * 1e6}


@contextmanager
def _recording(on: bool) -> Iterator[None]:
    from celery.signals import after_task_publish

    from django_celery_monitor.recorder import receivers

    after_task_publish.disconnect(dispatch_uid=receivers.UID)
    if on:
        after_task_publish.connect(receivers.hand_over, weak=False, dispatch_uid=receivers.UID)
    yield


def _wait_until_sent(app: Celery) -> None:
    """The thread stays, as it does in a process that goes on publishing."""
    from django_celery_monitor.recorder import receivers

    outbox = receivers._outboxes.get(app)
    since = time.monotonic()
    # Longer than it lets events gather.
    while outbox and time.monotonic() - since < 0.3:
        time.sleep(0.05)
        if outbox._unsent or not outbox._queue.empty():
            since = time.monotonic()


def table(rounds: list[Round]) -> str:
    lines = [f"{'broker':10} {'mode':10} {'tasks/s':>8} {'slower by':>10} {'CPU us/task':>12}"]
    for broker in dict.fromkeys(each["broker"] for each in rounds):
        for mode in MODES:
            speed = _median(rounds, broker, mode, "tasks_per_second")
            cpu = _median(rounds, broker, mode, "cpu_us")
            slower = 1 - _ratio(rounds, broker, mode)
            lines.append(f"{broker:10} {mode:10} {speed:8,.0f} {slower:10.1%} {cpu:12.0f}")
    return "\n".join(lines)


def _ratio(rounds: list[Round], broker: str, mode: str) -> float:
    """To publishing with neither, the median over the turns: a turn's rounds are neighbours."""
    speeds = {
        kind: [
            each["tasks_per_second"]
            for each in rounds
            if (each["broker"], each["mode"]) == (broker, kind)
        ]
        for kind in (mode, OFF)
    }
    return median(one / off for one, off in zip(speeds[mode], speeds[OFF], strict=True))


def _median(rounds: list[Round], broker: str, mode: str, field: str) -> float:
    return median(
        each[field] for each in rounds if (each["broker"], each["mode"]) == (broker, mode)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.recorder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--brokers", nargs="+", choices=BROKERS, default=list(BROKERS))
    add("--tasks", type=int, default=300, help="in a round (%(default)s)")
    add("--rounds", type=int, default=15, help="of each kind (%(default)s)")
    add("--json", type=Path, metavar="FILE", help="write every round there")
    return parser


if __name__ == "__main__":
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    sys.exit(main())
