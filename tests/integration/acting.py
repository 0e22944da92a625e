"""Acts in tests: none of their threads outlives the test; operations are stopped and resumed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from django_celery_monitor.control.operations import resume, stop
from django_celery_monitor.models import Operation
from tests.waiting import wait_until


def control_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "control"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    wait_until(lambda: not control_threads(), timeout=20)


def fresh(operation: Operation) -> Operation:
    operation.refresh_from_db()
    return operation


def stopped_and_resumed(operation: Operation, user: Any, some: int, timeout: float) -> None:
    wait_until(lambda: fresh(operation).treated >= some, timeout=timeout)
    stop(user, operation)
    wait_until(lambda: fresh(operation).status == "stopped", timeout=timeout)
    assert some <= operation.treated < operation.matched
    resume(user, operation)
    wait_until(lambda: fresh(operation).status == "finished", timeout=timeout)
