"""What is recorded: each case sends tasks and waits until the worker has said what it has to."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from uuid import uuid4

from celery import chain, chord, group
from celery.result import GroupResult

from tests.recorded.shop import add, total
from tests.recorded.stage import Stage

Case = Callable[[Stage], None]


def success(stage: Stage) -> None:
    stage.wait(stage.send("add", 2, 3), "succeeded")


def failure(stage: Stage) -> None:
    stage.wait(stage.send("fail"), "failed")


def retry_until_success(stage: Stage) -> None:
    stage.wait(stage.send("pay", 2), "succeeded")


def retry_until_exhaustion(stage: Stage) -> None:
    stage.wait(stage.send("pay", 9), "failed")


def soft_time_limit(stage: Stage) -> None:
    stage.wait(stage.send("sleep", 20, soft_time_limit=1), "failed")


def hard_time_limit(stage: Stage) -> None:
    stage.wait(stage.send("sleep", 20, time_limit=1), "failed")


def killed(stage: Stage) -> None:
    stage.wait(stage.send("die"), "failed")


def worker_lost(stage: Stage) -> None:
    stage.wait(stage.send("die_once"), "succeeded")


def ignore(stage: Stage) -> None:
    stage.wait(stage.send("ignore"), "started")


def reject(stage: Stage) -> None:
    stage.wait(stage.send("reject"), "rejected")


def reject_and_requeue(stage: Stage) -> None:
    stage.wait(stage.send("requeue"), "succeeded")


def revoke_before_start(stage: Stage) -> None:
    task_id = str(uuid4())
    stage.ask("revoke", task_id=task_id)
    stage.wait(stage.send("add", 2, 3, task_id=task_id), "revoked")


def revoke_before_eta(stage: Stage) -> None:
    sent = stage.send("add", 2, 3, countdown=1.5)
    stage.wait(sent, "received")
    stage.ask("revoke", task_id=sent)
    stage.wait(sent, "revoked")


def terminate(stage: Stage) -> None:
    sent = stage.send("sleep", 20)
    stage.wait(sent, "started")
    stage.ask("revoke", task_id=sent, terminate=True, signal="SIGTERM")
    stage.wait(sent, "revoked")


def expired_in_the_queue(stage: Stage) -> None:
    """Nobody consumes the queue until it is too late."""
    sent = stage.send("add", 2, 3, queue="slow", expires=0.3)
    stage.rest()
    stage.ask("add_consumer", queue="slow")
    stage.wait(sent, "revoked")
    stage.ask("cancel_consumer", queue="slow")


def expired_before_eta(stage: Stage) -> None:
    stage.wait(stage.send("add", 2, 3, countdown=1.5, expires=0.5), "revoked")


def eta(stage: Stage) -> None:
    stage.wait(stage.send("add", 2, 3, countdown=1.5), "succeeded")


def replace(stage: Stage) -> None:
    stage.wait(stage.send("replace"), "succeeded")


def in_a_chain(stage: Stage) -> None:
    stage.wait(chain(add.s(1, 1), add.s(2), add.s(3)).apply_async().id, "succeeded")


def in_a_group(stage: Stage) -> None:
    sent = cast("GroupResult", group(add.s(1, 1), add.s(2, 2)).apply_async())
    for result in sent.results or ():
        stage.wait(result.id, "succeeded")


def in_a_chord(stage: Stage) -> None:
    stage.wait(chord([add.s(1, 1), add.s(2, 2)], total.s()).apply_async().id, "succeeded")


def group_in_a_task(stage: Stage) -> None:
    stage.wait(stage.send("spread"), "succeeded")


def unregistered(stage: Stage) -> None:
    stage.wait(stage.send("closed", 1), "failed")


def own_state(stage: Stage) -> None:
    stage.wait(stage.send("inspect", False), "inspected")


def own_state_then_success(stage: Stage) -> None:
    stage.wait(stage.send("inspect", True), "succeeded")


def custom_event(stage: Stage) -> None:
    stage.wait(stage.send("sell"), "succeeded")


def progress(stage: Stage) -> None:
    stage.wait(stage.send("progress"), "succeeded")


EVERYWHERE: tuple[Case, ...] = (
    *(success, failure, retry_until_success, retry_until_exhaustion),
    *(ignore, reject, reject_and_requeue, revoke_before_start, revoke_before_eta),
    *(expired_in_the_queue, expired_before_eta, eta, replace),
    *(in_a_chain, in_a_group, in_a_chord, group_in_a_task, unregistered),
    *(own_state, own_state_then_success, custom_event, progress),
)
# Only a pool of processes can limit, lose or end one.
IN_PROCESSES: tuple[Case, ...] = (
    *(soft_time_limit, hard_time_limit, killed, worker_lost, terminate),
)
CASES: dict[str, tuple[Case, ...]] = {
    "prefork": (*EVERYWHERE, *IN_PROCESSES),
    "threads": EVERYWHERE,
    "solo": EVERYWHERE,
}
