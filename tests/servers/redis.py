from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.ports import free_ports
from tests.servers.process import answers, running
from tests.servers.spec import Server


@contextmanager
def run(folder: Path, programs: Mapping[str, Path]) -> Iterator[dict[str, str]]:
    [port] = free_ports(1)
    with serving(folder, programs, port):
        yield {REDIS.variable: f"redis://127.0.0.1:{port}/0"}


@contextmanager
def serving(folder: Path, programs: Mapping[str, Path], port: int) -> Iterator[None]:
    """A server that forgets all when it ends."""
    options = {
        "--port": str(port),
        "--bind": "127.0.0.1",
        "--dir": str(folder),
        "--save": "",
        "--appendonly": "no",
        "--databases": "256",  # every test takes an empty one
    }
    words = [word for pair in options.items() for word in pair]
    command = [str(programs["redis-server"]), *words]
    with running(command, folder / "redis.log", ready=lambda: answers(port, b"PING\r\n", b"+PONG")):
        yield


REDIS = Server(
    name="Redis",
    variable="TEST_REDIS_URL",
    package="redis-server",
    programs=("redis-server",),
    run=run,
)
