from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.ports import free_ports
from tests.servers.process import answers, running
from tests.servers.spec import Server, ServerError

# The wire protocol's first message. A server that still starts up answers "E", not "R".
_WORDS = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0"
STARTUP = (len(_WORDS) + 4).to_bytes(4, "big") + _WORDS


@contextmanager
def run(folder: Path, programs: Mapping[str, Path]) -> Iterator[dict[str, str]]:
    [port] = free_ports(1)
    create(folder, programs)
    with serving(folder, programs, port):
        yield {POSTGRESQL.variable: f"postgresql://postgres@127.0.0.1:{port}/postgres"}


def create(folder: Path, programs: Mapping[str, Path]) -> None:
    """An empty cluster in the folder, which its user must be able to reach."""
    user = _unprivileged_user()
    if user is not None:
        shutil.chown(folder, user, user)
    _create_cluster(programs["initdb"], folder / "data", user)


@contextmanager
def serving(folder: Path, programs: Mapping[str, Path], port: int) -> Iterator[None]:
    """The server on that cluster; may be begun again after it ended."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        # Nobody needs the data after a crash.
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
    }
    command = [str(programs["postgres"]), "-D", str(folder / "data"), "-p", str(port)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with running(
        command,
        folder / "postgresql.log",
        ready=lambda: answers(port, STARTUP, b"R"),
        user=_unprivileged_user(),
        stop_signal=signal.SIGINT,  # "fast": closes connections, and frees the shared memory
    ):
        yield


def _create_cluster(initdb: Path, data: Path, user: str | None) -> None:
    options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run(
        [initdb, "-D", data, *options],
        cwd=data.parent,
        capture_output=True,
        check=False,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    if made.returncode:
        msg = f"initdb failed:\n{made.stdout}{made.stderr}"
        raise ServerError(msg)


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root; everybody else runs it as themselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


POSTGRESQL = Server(
    name="PostgreSQL",
    variable="TEST_POSTGRESQL_URL",
    package="postgresql",
    programs=("initdb", "postgres"),
    places=("/usr/lib/postgresql/*/bin",),
    run=run,
)
