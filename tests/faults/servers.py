"""Servers of a test's own, that it may stop and start again."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.servers import postgresql, rabbitmq, redis
from tests.servers.ports import free_ports
from tests.servers.programs import find_all
from tests.servers.spec import Server


class Restartable:
    """``url`` stays the same, and what the server keeps on disk is there again."""

    def __init__(self, url: str, serve: Callable[[], AbstractContextManager[None]]) -> None:
        self.url = url
        self._serve = serve
        self._running = ExitStack()

    def start(self) -> None:
        """Returns when it answers."""
        self._running.enter_context(self._serve())

    def stop(self) -> None:
        self._running.close()

    def restart(self) -> None:
        self.stop()
        self.start()


@contextmanager
def private_redis() -> Iterator[Restartable]:
    with _folder() as folder:
        [port] = free_ports(1)
        serve = partial(redis.serving, folder, _programs(redis.REDIS), port)
        with _running(Restartable(f"redis://127.0.0.1:{port}/0", serve)) as server:
            yield server


@contextmanager
def private_rabbitmq() -> Iterator[Restartable]:
    with _folder() as folder:
        ports = rabbitmq.Ports(*free_ports(4))
        # Asked to end first: killed at once, the queue of RabbitMQ 3.10 may never find a leader.
        serve = partial(
            rabbitmq.serving, folder, _programs(rabbitmq.RABBITMQ), ports, signal.SIGTERM
        )
        url = f"amqp://guest:guest@127.0.0.1:{ports.amqp}//"
        with _running(Restartable(url, serve)) as server:
            yield server


@contextmanager
def private_postgresql() -> Iterator[Restartable]:
    with _folder() as folder:
        [port] = free_ports(1)
        programs = _programs(postgresql.POSTGRESQL)
        postgresql.create(folder, programs)
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        serve = partial(postgresql.serving, folder, programs, port)
        with _running(Restartable(url, serve)) as server:
            yield server


@contextmanager
def _folder() -> Iterator[Path]:
    # Not where TMPDIR says: PostgreSQL's user has to pass through to it.
    with tempfile.TemporaryDirectory(prefix="celery-monitor-faults-", dir="/tmp") as name:
        root = Path(name)
        root.chmod(0o711)
        folder = root / "server"
        folder.mkdir(mode=0o700)
        yield folder


def _programs(server: Server) -> dict[str, Path]:
    return dict(find_all([server])[server.name])


@contextmanager
def _running(server: Restartable) -> Iterator[Restartable]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
