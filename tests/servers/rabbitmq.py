from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.servers.ports import free_ports
from tests.servers.process import answers, running
from tests.servers.spec import Server

# The virtual hosts tests run in are made through the management API.
MANAGEMENT = "TEST_RABBITMQ_MANAGEMENT_URL"


@contextmanager
def run(folder: Path, programs: Mapping[str, Path]) -> Iterator[dict[str, str]]:
    ports = Ports(*free_ports(4))
    with serving(folder, programs, ports):
        yield {
            RABBITMQ.variable: f"amqp://guest:guest@127.0.0.1:{ports.amqp}//",
            MANAGEMENT: f"http://guest:guest@127.0.0.1:{ports.management}",
        }


class Ports(NamedTuple):
    amqp: int
    management: int
    distribution: int
    epmd: int


@contextmanager
def serving(
    folder: Path,
    programs: Mapping[str, Path],
    ports: Ports,
    # An orderly end takes seconds, and saves only what nobody wants.
    stop_signal: signal.Signals = signal.SIGKILL,
) -> Iterator[None]:
    """A node; with the same folder and ports it comes back."""
    _configure(folder, ports.amqp, ports.management)
    # Left alone, Erlang starts a daemon for names on a fixed port that outlives every node.
    with (
        running(
            [programs["epmd"], "-port", str(ports.epmd), "-address", "127.0.0.1"],
            folder / "epmd.log",
            ready=lambda: answers(ports.epmd, b"\x00\x01n"),
        ),
        running(
            [programs["rabbitmq-server"]],
            folder / "rabbitmq.log",
            env=_environment(folder, ports.amqp, ports.distribution, ports.epmd),
            ready=lambda: answers(ports.amqp, b"AMQP\x00\x00\x09\x01"),
            stop_signal=stop_signal,
        ),
    ):
        yield


def _environment(folder: Path, amqp: int, distribution: int, epmd: int) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_NODENAME": f"tests{amqp}@localhost",
        "RABBITMQ_PID_FILE": str(folder / "rabbitmq.pid"),
        # Erlang's schedulers spin while idle unless they are told not to.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
        ),
    }


def _configure(folder: Path, amqp: int, management: int) -> None:
    (folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.default = 127.0.0.1:{amqp}\n"
        "management.tcp.ip = 127.0.0.1\n"
        f"management.tcp.port = {management}\n"
        "log.console = true\n"
    )


RABBITMQ = Server(
    name="RabbitMQ",
    variable="TEST_RABBITMQ_URL",
    package="rabbitmq-server",
    programs=("rabbitmq-server", "epmd"),
    # The wrapper on the path switches to another user.
    places=("/usr/lib/rabbitmq/bin",),
    run=run,
)
