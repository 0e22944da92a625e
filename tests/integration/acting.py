"""Acts in tests: none of their threads outlives the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.waiting import wait_until


def control_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "control"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    wait_until(lambda: not control_threads(), timeout=20)
