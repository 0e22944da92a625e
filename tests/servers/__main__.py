"""Runs a command with every server the tests need: `python -m tests.servers -- pytest`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from tests.servers.browser import BROWSER
from tests.servers.mariadb import MARIADB
from tests.servers.postgresql import POSTGRESQL
from tests.servers.process import stop_group
from tests.servers.programs import find_all
from tests.servers.rabbitmq import RABBITMQ
from tests.servers.redis import REDIS
from tests.servers.spec import Server, ServerError

SERVERS = (REDIS, RABBITMQ, POSTGRESQL, MARIADB, BROWSER)


def main(command: list[str]) -> int:
    if not command:
        print("usage: python -m tests.servers -- COMMAND...", file=sys.stderr)
        return 2
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _interrupt)
    try:
        with ExitStack() as stack:
            return _run(command, _start_all(stack))
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _start_all(stack: ExitStack) -> dict[str, str]:
    """Start what is not given, all at once; the stack stops it. Returns the variables to export."""
    given = [server for server in SERVERS if server.variable in os.environ]
    private = [server for server in SERVERS if server not in given]
    for server in given:
        _require_answer(server, os.environ[server.variable])
    programs = find_all(private)
    root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="celery-monitor-tests-")))
    root.chmod(0o711)  # PostgreSQL's user has to pass through to its own folder

    def start(server: Server) -> Mapping[str, str]:
        folder = root / server.name.lower()
        folder.mkdir(mode=0o700)
        return stack.enter_context(server.run(folder, programs[server.name]))

    with ThreadPoolExecutor() as pool:
        exports = list(pool.map(start, private))
    variables = {name: value for export in exports for name, value in export.items()}
    for name, value in sorted(variables.items()):
        print(f"{name}={value}", flush=True)
    scratch = root / "tmp"
    scratch.mkdir(mode=0o700)
    return {**variables, "TMPDIR": str(scratch)}


def _require_answer(server: Server, address: str) -> None:
    parts = urlsplit(address)
    if not parts.scheme:
        return
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5).close()
    except OSError as error:
        msg = f"{server.variable} is set, but no {server.name} answers there: {error}"
        raise ServerError(msg) from error


def _run(command: list[str], variables: Mapping[str, str]) -> int:
    child = subprocess.Popen(command, env={**os.environ, **variables})
    try:
        return child.wait()
    except KeyboardInterrupt:
        # pytest stops what it started on SIGINT, but not on SIGTERM.
        stop_group(child, signal.SIGINT, timeout=30)
        raise


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(words[1:] if words[:1] == ["--"] else words))
