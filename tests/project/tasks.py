"""One task for each way in which a task can go."""

from __future__ import annotations

import time
from typing import Any

from celery import Task, shared_task
from celery.contrib.abortable import AbortableTask
from celery.exceptions import Ignore


@shared_task
def add(x: int, y: int) -> int:
    return x + y


@shared_task
def echo(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """Gives its arguments back, so that any value can be sent through a worker."""
    return {"args": list(args), "kwargs": kwargs}


@shared_task
def fail(message: str = "out of stock") -> None:
    raise ValueError(message)


@shared_task
def ignore() -> None:
    """Ends without a word."""
    raise Ignore


@shared_task
def slow(seconds: float) -> float:
    """Runs that long; it is meant to be revoked, killed or watched."""
    time.sleep(seconds)
    return seconds


@shared_task
def limited(seconds: float) -> float:
    """Runs that long; its limits are meant to be changed."""
    time.sleep(seconds)
    return seconds


@shared_task(bind=True, max_retries=5)
def retry_then_succeed(self: Task[Any, Any], retries: int = 2) -> int:
    """Succeeds in the attempt after so many retries, and returns their number."""
    if self.request.retries < retries:
        raise self.retry(exc=ConnectionError("no route to the bank"), countdown=0.01)
    return self.request.retries


@shared_task(bind=True, max_retries=2)
def always_retry(self: Task[Any, Any]) -> None:
    raise self.retry(exc=ConnectionError("no route to the bank"), countdown=0.01)


@shared_task(bind=True, base=AbortableTask)
def abortable(self: Any, seconds: float) -> str:
    """Runs that long, unless it is told to end."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if self.is_aborted():
            return "aborted"
        time.sleep(0.05)
    return "to the end"


@shared_task(bind=True)
def describe(self: Task[Any, Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """How it was called, as the worker has it."""
    request: Any = self.request
    place = request.delivery_info
    return {
        "args": list(args),
        "kwargs": kwargs,
        "place": [place["exchange"], place["routing_key"], place["priority"]],
        "timelimit": list(request.timelimit),
        "stamps": request.stamps,
        "stamped_headers": request.stamped_headers,
        "tenant": request.get("tenant"),
        "retries": request.retries,
        "own_root": request.root_id == request.id,
    }


@shared_task(bind=True)
def fail_first(self: Any, order: str) -> str:
    """Fails when it first runs with an order; the result backend's Redis knows whether it did."""
    if self.backend.client.hincrby("orders", order, 1) == 1:
        raise ValueError("out of stock")
    return order


@shared_task(bind=True)
def ran(self: Any, *args: Any) -> str:
    """Its runs are in a list in the result backend's Redis."""
    self.backend.client.rpush("ran", " ".join(map(str, args)))
    return str(args[0])
