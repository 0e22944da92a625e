"""Child processes that never outlive us, and waiting for what they do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers.spec import ServerError


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    *,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    stop_signal: int = signal.SIGTERM,
) -> Iterator[None]:
    """A daemon from when it is ready until the context ends."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            cwd=log.parent,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the tests; we stop servers ourselves, later
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    try:
        _wait_until(ready, child, log)
        yield
    finally:
        stop_group(child, stop_signal)


def stop_group(child: subprocess.Popen[bytes], signum: int, timeout: float = 15) -> None:
    """Ask the child to end, then kill it and what is left of the group it leads, if any."""
    if child.poll() is None:
        child.send_signal(signum)
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def answers(port: int, question: bytes, answer: bytes = b"") -> bool:
    """Whether a loopback port takes our first bytes and starts its reply as expected."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(question)
            reply = connection.recv(64)
    except OSError:
        return False
    return bool(reply) and reply.startswith(answer)


def _wait_until(
    ready: Callable[[], bool], child: subprocess.Popen[bytes], log: Path, timeout: float = 60
) -> None:
    deadline = time.monotonic() + timeout
    while not ready():
        if child.poll() is not None:
            reason = f"ended with status {child.returncode}"
        elif time.monotonic() > deadline:
            reason = f"is not ready after {timeout:.0f} s"
        else:
            time.sleep(0.05)
            continue
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        msg = f"{log.stem} {reason}:\n{tail}"
        raise ServerError(msg)
