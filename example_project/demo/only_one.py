"""One demo per data folder, and the word to others what it uses."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from example_project.environment import DATA, RUNNING, published


class RunsAlreadyError(Exception):
    """Another demo runs on this data folder."""


@contextmanager
def only_one() -> Iterator[None]:
    """Locks the folder itself: nothing is left behind, however the process ends."""
    DATA.mkdir(parents=True, exist_ok=True)
    folder = os.open(DATA, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        port = published().get("DEMO_PORT", "?")
        raise RunsAlreadyError(f"A demo runs already, on port {port}, with {DATA}.") from error
    finally:
        os.close(folder)


@contextmanager
def publish(variables: dict[str, str]) -> Iterator[None]:
    """For `example_project.environment`. Addresses may hold passwords: the file is private."""
    RUNNING.unlink(missing_ok=True)
    with os.fdopen(os.open(RUNNING, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(variables, file)
    try:
        yield
    finally:
        RUNNING.unlink(missing_ok=True)
