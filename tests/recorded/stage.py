"""A real worker, and everything that is said on its broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from celery.events.event import get_exchange
from kombu import Connection, Consumer, Queue
from kombu.message import Message

from tests.recorded.shop import BROKER, app

WORKER = "worker@shop"
_ROOT = Path(__file__).parents[2]
_PATIENCE = 30.0
# The worker sends in batches; after so long a silence it has said all.
_SILENCE = 1.0


class Stage:
    """Sends tasks, and waits for what the worker says about them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.messages: list[tuple[float, bytes]] = []
        self.app = app

    def send(self, task: str, *args: Any, **options: Any) -> str:
        """Returns the task's id."""
        return app.send_task(f"shop.{task}", args, **options).id

    def wait(self, task_id: str, kind: str) -> None:
        """Until the worker has said so."""
        self._drain(lambda: (f"task-{kind}", task_id) in self._said())

    def ask(self, command: str, **arguments: Any) -> None:
        """Give the worker an order, and wait until it has answered."""
        self.app.control.broadcast(
            command, arguments, destination=[WORKER], reply=True, timeout=_PATIENCE
        )

    def rest(self) -> None:
        """Until nothing more is said about tasks."""
        heard = len(self.messages)
        quiet_at = time.monotonic() + _SILENCE

        def is_quiet() -> bool:
            nonlocal heard, quiet_at
            if len(self.messages) > heard:
                heard, quiet_at = len(self.messages), time.monotonic() + _SILENCE
            return time.monotonic() > quiet_at

        self._drain(is_quiet)

    def hear(self, message: Message) -> None:
        body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
        # Workers' own events tell of the machine, and would be in every file.
        if any(not event["type"].startswith("worker-") for event in _events(body)):
            self.messages.append((time.time(), body))

    def _said(self) -> set[tuple[str, str]]:
        found = [event for _time, body in self.messages for event in _events(body)]
        return {(event["type"], event.get("uuid", "")) for event in found}

    def _drain(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not done():
            if time.monotonic() > deadline:
                msg = f"not said within {_PATIENCE:.0f} s; said: {sorted(self._said())}"
                raise TimeoutError(msg)
            try:
                self._connection.drain_events(timeout=0.1)
            except TimeoutError:
                continue


def _events(body: bytes) -> list[dict[str, Any]]:
    found = orjson.loads(body)
    return found if isinstance(found, list) else [found]


@contextmanager
def stage(pool: str, log: Path) -> Iterator[Stage]:
    """A worker with this pool while the context lasts."""
    with app.connection_for_read() as connection:
        made = Stage(connection)
        exchange = get_exchange(connection, app.conf.event_exchange)
        queue = Queue("recorder", exchange, routing_key="#", auto_delete=True, durable=False)
        listening = Consumer(connection.channel(), [queue], on_message=made.hear, no_ack=True)
        with listening, _worker(pool, log):
            # On Redis the subscription begins with the first look.
            made.rest()
            yield made


@contextmanager
def _worker(pool: str, log: Path) -> Iterator[None]:
    command = ["-m", "celery", "-A", "tests.recorded.shop", "worker", "-E", "-n", WORKER]
    options = ["-P", pool, "-c", "1" if pool == "solo" else "2", "--without-gossip"]
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, *command, *options, "--without-mingle"],
            cwd=_ROOT,
            env=env | {BROKER: str(app.conf.broker_url), "TZ": "UTC"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for_answer(child, log)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait_for_answer(child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not app.control.ping([WORKER], timeout=0.5):
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(log.read_text(errors="replace"))
