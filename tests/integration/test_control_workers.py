"""Acts on real workers of each pool, and what goes wrong with workers, on Redis and RabbitMQ."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from django_celery_monitor.control.acts.base import Outcome
from django_celery_monitor.control.acts.pools import PoolGrow
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import TaskTotals
from tests.integration.acting import _no_thread_is_left
from tests.integration.kept import a_task
from tests.integration.stage import ADD, DONE, LIMITED, SLOW, Stage, host, known, queue, staged
from tests.integration.stage import unhurried as unhurried_acts
from tests.integration.test_control_retry import recorded
from tests.project import tasks
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # How Celery's AbortableTask keeps a state in Redis.
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
]

__all__ = ["_no_thread_is_left"]

CONTROL = Path(__file__).parents[2] / "docs/how-to/control.md"
POOLS = ("prefork", "solo", "threads")
HOSTS = [host(pool) for pool in POOLS]
brokers = pytest.mark.parametrize(
    "stage",
    ["redis", "rabbitmq"],
    indirect=True,
)


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest,
    redis_databases: Iterator[str],
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """The workers of the three pools belong to the matrix, which shuts them down."""
    folder = tmp_path_factory.mktemp("workers")
    with staged(request.param, redis_databases, folder) as found:
        for pool in POOLS:
            found.start(pool, "-c", "2", pool=pool)
        for name in ("twin", "twin", "mortal"):
            found.start(name)
        found.start("loud", "-E")
        found.wait_for(*POOLS, "twin", "mortal", "loud")
        yield found


@pytest.fixture(autouse=True)
def rows(stage: Stage) -> None:
    known(stage)


@pytest.fixture
def unhurried(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    unhurried_acts(settings, monkeypatch)


Given = dict[str, Any]


def _a_running_task(stage: Stage, **headers: Any) -> str:
    """Of the pool that can end it."""
    task = stage.send(SLOW, 600, headers=headers)
    wait_until(lambda: task.id in {each["id"] for each in stage.inspect("active")})
    a_task(task.id, name=SLOW)
    return task.id


def _stamped(stage: Stage) -> Given:
    stamps = {"stamped_headers": ["shop"], "stamps": {"shop": ["berlin"]}}
    _a_running_task(stage, **stamps)
    return {"headers": {"shop": ["berlin"]}, "signal": "KILL"}


# What is given to all three at once; of acts that have parameters.
GIVEN: dict[str, Callable[[Stage], Given]] = {
    "query_task": lambda _stage: {"ids": ["a"]},
    "revoke": lambda _stage: {"ids": ["a"], "unseen": True},
    "terminate": lambda stage: {"ids": [_a_running_task(stage)], "signal": "KILL"},
    "revoke_by_stamped_headers": lambda _stage: {"headers": {"a": ["b"]}},
    "terminate_by_stamped_headers": _stamped,
    "rate_limit": lambda _stage: {"task": ADD, "rate": "1000/s"},
    "time_limit": lambda _stage: {"task": LIMITED, "soft": 5, "hard": 9},
    "autoscale": lambda _stage: {"max": 3, "min": 1},
    "add_consumer": lambda _stage: {"queue": "more"},
    "cancel_consumer": lambda _stage: {"queue": "more"},
}


# Whom workers only meet in a queue or at the result backend.
def _sends(stage: Stage, pool: str) -> None:
    action = stage.do("send", task=ADD, args=[1, 2], queue=queue(pool))
    assert stage.app.AsyncResult(action.arguments["new_id"]).get(timeout=30) == 3


def _retries(stage: Stage, pool: str) -> None:
    task_id = recorded(name=ADD, args=(1, 2), queue=queue(pool), routing_key=queue(pool))
    action = stage.do("retry", id=task_id, confirm=True)
    assert stage.app.AsyncResult(action.arguments["new_id"]).get(timeout=30) == 3


def _aborts(stage: Stage, pool: str) -> None:
    task = stage.send(tasks.abortable.name, 600, to=pool)
    a_task(task.id, name=tasks.abortable.name)
    assert stage.do("abort", ids=[task.id]).outcome == Outcome.REQUESTED
    wait_until(lambda: task.result == "aborted")
    assert stage.do("abort", ids=[task.id]).outcome == Outcome.REFUSED


def _purges(stage: Stage, pool: str) -> None:
    TaskTotals.objects.create(grain=TaskTotals.Grain.QUEUE, name="", label=queue(pool))
    assert stage.do("purge", queue=queue(pool)).outcome == DONE


UNTOLD: dict[str, Callable[[Stage, str], None]] = {
    "send": _sends,
    "retry": _retries,
    "abort": _aborts,
    "purge": _purges,
}


def documented() -> dict[str, dict[str, str]]:
    """By act and pool, as the table in the docs has it."""
    found = {}
    table = CONTROL.read_text().partition("| Act | `prefork` | `solo` | `threads` |")[2]
    for line in table.partition("\n\n")[0].splitlines()[2:]:
        acts, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        for act in re.findall(r"`(\w+)`", acts):
            found[act] = dict(zip(POOLS, cells, strict=True))
    return found


def _observed(stage: Stage, act: str) -> dict[str, str]:
    if act in UNTOLD:
        for pool in POOLS:
            UNTOLD[act](stage, pool)
        return dict.fromkeys(POOLS, "done")
    given = GIVEN[act](stage) if act in GIVEN else {}
    aimed = any(each.name == "workers" for each in ACTS[act].parameters)
    replies = stage.do(act, *(POOLS if aimed else ()), **given).replies
    said = {pool: replies.get(host(pool), {"verdict": "silent", "text": ""}) for pool in POOLS}
    return {
        # What is told to go may still answer.
        pool: "done"
        if each["verdict"] in ("done", "requested")
        else f"{each['verdict']}: {each['text']}"
        for pool, each in said.items()
    }


@brokers
def test_each_act_on_each_pool_is_done_or_refused_as_documented(
    stage: Stage, unhurried: None
) -> None:
    wrong = {}
    # The last act ends them.
    for act in sorted(ACTS, key=lambda act: act == "shutdown"):
        observed = _observed(stage, act)
        if observed != documented()[act]:
            wrong[act] = observed
    assert wrong == {}
    assert [stage.workers[pool].wait() for pool in POOLS] == [0, 0, 0]


@brokers
def test_a_revoked_task_is_thrown_away_by_whoever_gets_it(stage: Stage, unhurried: None) -> None:
    assert stage.do("revoke", ids=["revoked-1"], unseen=True).outcome == DONE
    for name in ("twin", "loud"):
        stage.app.backend.forget("revoked-1")
        sent = stage.send(ADD, 1, 2, to=name, task_id="revoked-1")
        wait_until(partial(_is_revoked, sent))


@brokers
def test_events_cannot_be_switched_off_where_the_worker_began_with_them(
    stage: Stage, unhurried: None
) -> None:
    action = stage.do("disable_events", "loud")
    assert action.outcome == Outcome.UNCLEAR
    assert "started with -E" in action.replies[host("loud")]["text"]


@brokers
def test_duplicate_node_names_are_said(stage: Stage) -> None:
    # On RabbitMQ they share a queue, so only one of them hears of an act.
    number = 1 if stage.broker == "rabbitmq" else 2

    def both() -> bool:
        pings = stage.app.control.ping(timeout=0.5) or []
        return sum(host("twin") in each for each in pings) == number

    wait_until(both, timeout=40)
    # One who is not there lets the others be waited for.
    action = stage.do("heartbeat", "twin", "loud")
    said = action.replies[host("twin")]["text"]
    assert ("2 workers of this name answered" in said) == (number == 2)


@brokers
def test_a_worker_whose_reply_is_lost_is_named(stage: Stage) -> None:
    """It is stopped: the act reaches its queue, and nothing comes back."""
    pid = stage.workers["loud"].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        revoked = stage.do("revoke", ids=["lost-1"], unseen=True)
        assert host("loud") in revoked.silent
        action = stage.do("heartbeat", "loud", "twin")
        assert (action.outcome, action.silent) == (DONE, [host("loud")])
    finally:
        os.kill(pid, signal.SIGCONT)


@brokers
def test_a_worker_that_dies_in_mid_call_is_named(stage: Stage) -> None:
    process = stage.workers["mortal"]

    class Deadly(PoolGrow):
        pools = frozenset({"solo"})

        def arguments(self, values: dict[str, Any]) -> dict[str, Any]:
            process.kill()
            return super().arguments(values)

    action = perform(None, Deadly(), {"workers": [host("mortal")]}, app=stage.app)
    assert (action.outcome, action.silent) == (Outcome.NOBODY_ANSWERED, [host("mortal")])


def _is_revoked(result: Any) -> bool:
    return bool(result.state == "REVOKED")
