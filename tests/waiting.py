from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_until(
    condition: Callable[[], Found], timeout: float = 30, *, interval: float = 0.02
) -> Found:
    """Ask again and again; the first true answer, or an AssertionError after so many seconds."""
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            msg = f"Still {found!r} after {timeout} s"
            raise AssertionError(msg)
        time.sleep(interval)
