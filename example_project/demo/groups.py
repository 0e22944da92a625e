"""Process groups: each child leads one, so that it ends with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import IO

from example_project.demo.guard import Guard
from example_project.environment import HERE

PATIENCE = 3.0


def start(
    command: list[str],
    environment: dict[str, str],
    guard: Guard,
    *,
    stdout: int | IO[bytes],
    stderr: int | None = None,
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command,
        cwd=HERE.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
    guard.watch(process.pid)
    return process


def end(process: subprocess.Popen[bytes], guard: Guard) -> None:
    """Kill what is left of the group, and wait until it is gone."""
    deadline = time.monotonic() + PATIENCE
    while _kill(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
        # A process that has ended stays in its group until its parent has looked.
        process.poll()
    process.wait()
    guard.forget(process.pid)


def _kill(group: int) -> bool:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
