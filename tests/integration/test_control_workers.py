"""Each act on real workers, on Redis and RabbitMQ: its effect is seen on the worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from django_celery_monitor.control.acts.base import Outcome
from django_celery_monitor.control.acts.pools import PoolGrow
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import ControlAction, TaskTotals
from tests.fixtures.brokers import a_redis_database, a_virtual_host
from tests.fixtures.processes import Process, project_env, started
from tests.integration.acting import _no_thread_is_left
from tests.integration.collecting import app_on
from tests.integration.kept import a_task
from tests.integration.kept import a_worker as a_row
from tests.listening import listening
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

POOLS = ("prefork", "solo", "threads")
ADD, SLOW = "tests.project.tasks.add", "tests.project.tasks.slow"
DONE, UNCLEAR, NOTHING = Outcome.CONFIRMED, Outcome.UNCLEAR, "none of these tasks"
CANNOT = {"solo": "pool solo cannot", "threads": "pool threads cannot"}
NO_AUTOSCALE = {"prefork": "without --autoscale", **CANNOT}
# What each act gives, on the pools in this order: an outcome, or the reason of a refusal.
MATRIX: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    **{name: ({}, {}) for name, act in ACTS.items() if not act.changes and name != "query_task"},
    "query_task": ({"ids": ["a"]}, {}),
    "revoke": ({"ids": ["a"], "unseen": True}, {}),
    "terminate": ({"ids": ["a"], "unseen": True}, {"prefork": NOTHING, **CANNOT}),
    "revoke_by_stamped_headers": ({"headers": {"a": ["b"]}}, {}),
    "terminate_by_stamped_headers": (
        {"headers": {"a": ["b"]}},
        {"prefork": "runs no such task", **CANNOT},
    ),
    "rate_limit": ({"task": ADD, "rate": "100/s"}, {}),
    "time_limit": ({"task": ADD, "soft": 5, "hard": 9}, dict.fromkeys(POOLS, UNCLEAR)),
    "pool_grow": ({}, CANNOT),
    "pool_shrink": ({}, CANNOT),
    "pool_restart": ({}, CANNOT),
    "autoscale": ({"max": 3, "min": 1}, NO_AUTOSCALE),
    "add_consumer": ({"queue": "more"}, {}),
    "cancel_consumer": ({"queue": "more"}, {}),
    "enable_events": ({}, {}),
    # With the monitor's own ENABLE_EVENTS, as with -E, Celery goes on sending them.
    "disable_events": ({}, dict.fromkeys(POOLS, UNCLEAR)),
    "heartbeat": ({}, {}),
    "objgraph": ({}, dict.fromkeys(POOLS, "objgraph")),
}
# These are not told to workers one by one, and have tests of their own.
OTHERS = {"abort", "purge", "retry", "send", "shutdown"}


@dataclass(frozen=True)
class Stage:
    """Workers on one broker, by pool; each reads the queue of its pool's name."""

    app: Celery
    workers: dict[str, Process]

    def host(self, pool: str) -> str:
        return f"{pool}@stage"

    def do(self, act: str, pool: str = "", **given: Any) -> ControlAction:
        if pool and any(each.name == "workers" for each in ACTS[act].parameters):
            given["workers"] = [self.host(pool)]
        return perform(None, act, given, app=self.app, name="test")

    def told(self, act: str, pool: str) -> Any:
        return self.do(act, pool).told[self.host(pool)]

    def send(self, task: str, *args: Any, queue: str, **options: Any) -> AsyncResult[Any]:
        return self.app.send_task(f"tests.project.tasks.{task}", args, queue=queue, **options)


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def stage(
    request: pytest.FixtureRequest,
    redis_databases: Iterator[str],
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    with ExitStack() as stack:
        results = stack.enter_context(a_redis_database(redis_databases))
        broker = results
        if request.param == "rabbitmq":
            broker = stack.enter_context(a_virtual_host())
        env = project_env(broker, results) | {"TEST_POOL_RESTARTS": "yes"}
        folder = tmp_path_factory.mktemp("workers")
        workers = {
            pool: stack.enter_context(a_worker(pool, f"{pool}@stage", env, folder))
            for pool in POOLS
        }
        app = app_on(broker, result_backend=results)
        found = Stage(app, workers)
        wait_until(lambda: len(app.control.ping(timeout=0.5) or ()) == len(POOLS), timeout=60)
        yield found


@contextmanager
def a_worker(
    pool: str, host: str, env: dict[str, str], folder: Path, *more: str
) -> Iterator[Process]:
    options = ["-n", host, "-Q", pool, "-P", pool, "-c", "2", "-l", "INFO", *more]
    log = folder / f"{len(list(folder.iterdir()))}.log"
    process = started(["-m", "celery", "-A", "tests.project.celery", "worker", *options], log, env)
    try:
        yield process
    finally:
        process.kill()


@pytest.fixture(autouse=True)
def known(db: None) -> None:
    for pool in POOLS:
        a_row(f"{pool}@stage")
    for name in (ADD, SLOW):
        TaskTotals.objects.create(grain=TaskTotals.Grain.NAME, name=name)


def text_of(action: ControlAction) -> str:
    return " ".join(reply["text"] for reply in action.replies.values())


def test_the_matrix_has_every_act() -> None:
    assert {*MATRIX, *OTHERS} == set(ACTS)


@pytest.mark.parametrize("pool", POOLS)
def test_each_act_on_each_pool_is_done_or_refused_with_a_reason(stage: Stage, pool: str) -> None:
    wrong = {}
    for act, (given, expected) in MATRIX.items():
        action = stage.do(act, pool, **given)
        reply = action.replies[stage.host(pool)]
        wanted = expected.get(pool, DONE)
        if wanted in Outcome.values:
            verdict = {DONE: "done", UNCLEAR: "unclear"}[Outcome(wanted)]
            good = reply["verdict"] == verdict
        else:
            good = reply["verdict"] in ("refused", "nothing") and wanted in reply["text"]
        if not good:
            wrong[act] = reply
    assert wrong == {}


def test_a_rate_limit_holds(stage: Stage) -> None:
    assert stage.do("rate_limit", "threads", task=SLOW, rate="1/h").outcome == DONE
    sent = [stage.send("slow", 0, queue="threads") for _ in range(3)]
    # It is behind them in the queue.
    assert stage.send("add", 1, 2, queue="threads").get(timeout=20) == 3
    wait_until(lambda: any(each.ready() for each in sent), timeout=20)
    assert sum(each.ready() for each in sent) == 1


def test_a_pool_grows_and_shrinks_and_never_to_nothing(stage: Stage) -> None:
    def size() -> int:
        return len(stage.told("stats", "prefork")["pool"]["processes"])

    before = size()
    assert stage.do("pool_grow", "prefork", n=1).outcome == DONE
    wait_until(lambda: size() == before + 1, timeout=20)
    assert stage.do("pool_shrink", "prefork", n=1).outcome == DONE
    wait_until(lambda: size() == before, timeout=20)
    refused = stage.do("pool_shrink", "prefork", n=before)
    assert (refused.outcome, size()) == (Outcome.REFUSED, before)


def test_a_pool_that_restarts_has_other_processes(stage: Stage) -> None:
    before = set(stage.told("stats", "prefork")["pool"]["processes"])
    assert stage.do("pool_restart", "prefork").outcome == DONE
    wait_until(
        lambda: before != set(stage.told("stats", "prefork")["pool"]["processes"]), timeout=20
    )
    assert stage.send("add", 1, 2, queue="prefork").get(timeout=20) == 3


def test_the_process_of_a_terminated_task_is_gone(stage: Stage) -> None:
    sent = stage.send("slow", 60, queue="prefork")
    wait_until(lambda: stage.told("active", "prefork"), timeout=20)
    [pid] = {each["worker_pid"] for each in stage.told("active", "prefork")}
    a_task(sent.id, name=SLOW)
    action = stage.do("terminate", ids=[sent.id], signal="KILL")
    # The other pools cannot.
    assert action.outcome == Outcome.PARTLY
    assert action.replies[stage.host("prefork")]["verdict"] == "done"
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), timeout=20)
    wait_until(lambda: sent.state == "REVOKED", timeout=20)


def test_a_revoked_task_is_thrown_away_by_whoever_gets_it(stage: Stage) -> None:
    assert stage.do("revoke", ids=["revoked-1"], unseen=True).outcome == DONE
    for pool in POOLS:
        stage.app.backend.forget("revoked-1")
        sent = stage.send("add", 1, 2, queue=pool, task_id="revoked-1")
        wait_until(partial(is_revoked, sent), timeout=20)


def test_tasks_are_revoked_by_their_stamps(stage: Stage) -> None:
    assert stage.do("revoke_by_stamped_headers", headers={"customer": ["7"]}).outcome == DONE
    headers = {"stamped_headers": ["customer"], "stamps": {"customer": ["7"]}}
    sent = stage.send("add", 1, 2, queue="threads", headers=headers)
    wait_until(lambda: sent.state == "REVOKED", timeout=20)


def test_a_queue_is_consumed_and_then_no_more(stage: Stage) -> None:
    def names() -> set[str]:
        return {each["name"] for each in stage.told("active_queues", "solo")}

    assert stage.do("add_consumer", "solo", queue="extra").outcome == DONE
    assert stage.send("add", 1, 2, queue="extra").get(timeout=20) == 3
    assert stage.do("cancel_consumer", "solo", queue="extra").outcome == DONE
    wait_until(lambda: names() == {"solo"}, timeout=20)
    stage.send("add", 1, 2, queue="extra")
    again = stage.do("cancel_consumer", "solo", queue="extra")
    assert "takes no tasks from this queue" in text_of(again)


def test_a_purged_queue_is_empty(stage: Stage) -> None:
    stage.send("add", 1, 2, queue="full")
    stage.send("add", 1, 2, queue="full")
    TaskTotals.objects.create(grain=TaskTotals.Grain.QUEUE, name="", label="full")
    assert stage.do("purge", queue="full").detail == "Deleted 2 messages."
    assert stage.do("purge", queue="full").detail == "Deleted 0 messages."


def test_a_heartbeat_comes_when_it_is_asked_for(stage: Stage) -> None:
    with listening(stage.app) as listener:
        stage.do("heartbeat", "solo")
        wait_until(
            lambda: any(
                (each["type"], each.get("freq")) == ("worker-heartbeat", 5)
                for each in listener.events(1)
            ),
            timeout=20,
        )


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_an_abortable_task_ends_by_itself(stage: Stage) -> None:
    sent = stage.send("abortable", 60, queue="threads")
    a_task(sent.id, name="tests.project.tasks.abortable")
    wait_until(lambda: stage.told("active", "threads"), timeout=20)
    assert stage.do("abort", ids=[sent.id]).outcome == Outcome.REQUESTED
    wait_until(lambda: not stage.told("active", "threads"), timeout=20)
    assert stage.do("abort", ids=[sent.id]).outcome == Outcome.REFUSED


def test_the_limits_of_a_pool_that_scales_by_itself(stage: Stage, tmp_path: Path) -> None:
    env = project_env(stage.app.conf.broker_url, stage.app.conf.result_backend)
    with a_worker("prefork", "scaled@stage", env, tmp_path, "--autoscale=2,1"):
        alone = {"workers": ["scaled@stage"]}
        wait_until(lambda: answers(stage, "scaled@stage"), timeout=40)
        grown = perform(None, "pool_grow", alone, app=stage.app)
        assert "scales by itself" in text_of(grown)
        found = perform(None, "autoscale", {**alone, "max": 3, "min": 2}, app=stage.app)
        assert text_of(found) == "autoscale now max=3 min=2"
        told = perform(None, "stats", alone, app=stage.app).told["scaled@stage"]
        assert (told["autoscaler"]["max"], told["autoscaler"]["min"]) == (3, 2)


def test_duplicate_node_names_are_said(stage: Stage, tmp_path: Path) -> None:
    env = project_env(stage.app.conf.broker_url, stage.app.conf.result_backend)
    # On RabbitMQ they share a queue, so only one of them hears of an act.
    number = 1 if stage.app.conf.broker_url.startswith("amqp") else 2
    with (
        a_worker("solo", "twin@stage", env, tmp_path),
        a_worker("solo", "twin@stage", env, tmp_path),
    ):

        def both() -> bool:
            pings = stage.app.control.ping(timeout=0.5) or []
            return sum("twin@stage" in each for each in pings) == number

        wait_until(both, timeout=40)
        action = perform(None, "heartbeat", {}, app=stage.app)
        said = action.replies["twin@stage"]["text"]
        assert ("2 workers of this name answered" in said) == (number == 2)


def test_a_worker_whose_reply_is_lost_is_named(stage: Stage) -> None:
    """It is stopped: the act reaches its queue, and nothing comes back."""
    pid = stage.workers["solo"].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        action = perform(
            None,
            "revoke",
            {"ids": ["lost-1"], "unseen": True},
            app=stage.app,
        )
        assert stage.host("solo") not in action.replies
        named = {"workers": [stage.host("solo"), stage.host("threads")]}
        action = perform(None, "heartbeat", named, app=stage.app)
        assert (action.outcome, action.silent) == (DONE, [stage.host("solo")])
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_worker_that_dies_in_mid_call_is_named(stage: Stage, tmp_path: Path) -> None:
    env = project_env(stage.app.conf.broker_url, stage.app.conf.result_backend)
    with a_worker("prefork", "mortal@stage", env, tmp_path) as process:
        wait_until(lambda: answers(stage, "mortal@stage"), timeout=40)

        class Deadly(PoolGrow):
            def arguments(self, values: dict[str, Any]) -> dict[str, Any]:
                process.kill()
                return super().arguments(values)

        action = perform(None, Deadly(), {"workers": ["mortal@stage"]}, app=stage.app)
        assert action.outcome == Outcome.NOBODY_ANSWERED
        assert action.silent == ["mortal@stage"]


def test_a_worker_that_was_shut_down_is_gone(stage: Stage, tmp_path: Path) -> None:
    env = project_env(stage.app.conf.broker_url, stage.app.conf.result_backend)
    with a_worker("prefork", "short@stage", env, tmp_path) as process:
        wait_until(lambda: answers(stage, "short@stage"), timeout=40)
        action = perform(None, "shutdown", {"workers": ["short@stage"]}, app=stage.app)
        assert action.outcome == DONE
        assert process.wait() == 0


def is_revoked(result: AsyncResult[Any]) -> bool:
    return result.state == "REVOKED"


def answers(stage: Stage, host: str) -> bool:
    return bool(stage.app.control.ping([host], timeout=0.5))
