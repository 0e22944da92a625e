"""The Celery app whose workers are recorded: a task for each thing that a worker can say."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from celery import Celery, Task, group
from celery.exceptions import Ignore, Reject

BROKER = "RECORDED_BROKER_URL"

app = Celery(
    "shop",
    broker=os.environ.get(BROKER),
    backend=os.environ.get(BROKER),
    set_as_current=False,
)
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_send_sent_event=True,
    worker_hijack_root_logger=False,
)


@app.task(shared=False, name="shop.add")
def add(x: int, y: int) -> int:
    return x + y


@app.task(shared=False, name="shop.total")
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task(shared=False, name="shop.fail")
def fail() -> None:
    raise ValueError("out of stock")


@app.task(shared=False, name="shop.pay", bind=True, max_retries=2)
def pay(self: Task[Any, Any], failures: int) -> int:
    """The bank cannot be reached so many times."""
    if self.request.retries < failures:
        raise self.retry(exc=ConnectionError("no route to the bank"), countdown=0.2)
    return self.request.retries


@app.task(shared=False, name="shop.sleep")
def sleep(seconds: float) -> None:
    time.sleep(seconds)


@app.task(shared=False, name="shop.die")
def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(shared=False, name="shop.die_once", bind=True, acks_late=True, reject_on_worker_lost=True)
def die_once(self: Task[Any, Any]) -> str:
    if not _redelivered(self):
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


@app.task(shared=False, name="shop.ignore")
def ignore() -> None:
    raise Ignore


@app.task(shared=False, name="shop.reject", acks_late=True)
def reject() -> None:
    raise Reject("no", requeue=False)


@app.task(shared=False, name="shop.requeue", bind=True, acks_late=True)
def requeue(self: Task[Any, Any]) -> str:
    if not _redelivered(self):
        raise Reject("not now", requeue=True)
    return "done"


@app.task(shared=False, name="shop.replace", bind=True)
def replace(self: Task[Any, Any]) -> None:
    self.replace(add.s(20, 3))


@app.task(shared=False, name="shop.spread", bind=True)
def spread(self: Task[Any, Any]) -> None:
    group(add.s(number, number) for number in (1, 2)).apply_async()


@app.task(shared=False, name="shop.progress", bind=True)
def progress(self: Task[Any, Any]) -> str:
    for percent in (10, 50, 90):
        self.send_event("task-progress", pct=percent)
    return "done"


@app.task(shared=False, name="shop.inspect", bind=True)
def inspect(self: Task[Any, Any], ends: bool) -> None:
    """``update_state`` tells only the result backend, an event of the task's own tells us."""
    self.update_state(state="UNPACKED")
    self.send_event("task-inspected", parcels=3)
    if not ends:
        raise Ignore


@app.task(shared=False, name="shop.sell", bind=True)
def sell(self: Task[Any, Any]) -> None:
    self.send_event("shop-sold", price="9.90")


def _redelivered(task: Task[Any, Any]) -> bool:
    return bool((task.request.delivery_info or {}).get("redelivered"))
