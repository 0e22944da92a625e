"""From messages to rows: what is announced, and what never gets in."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pytest
from celery import Celery
from django.apps import apps
from django.db import OperationalError
from pytest_django import Settings

from django_celery_monitor.ingest.judge import EARLIEST
from django_celery_monitor.models import BadEvent, Task
from django_celery_monitor.pipeline import Pipeline, store
from django_celery_monitor.storage import batch
from tests.streams import START, WORKER, body, event, wire

pytestmark = pytest.mark.django_db

SECRET = "hunter2hunter2"
app = Celery("pipeline", broker="memory://", set_as_current=False)


@app.task(shared=False, name="shop.login")
def login(user: str, password: str) -> None: ...


class Announced:
    """A publisher that remembers."""

    def __init__(self) -> None:
        self.said: list[tuple[int, list[str], list[str]]] = []

    def changed(self, revision: int, tasks: Iterable[str], workers: Iterable[str]) -> None:
        self.said.append((revision, list(tasks), list(workers)))

    def flush(self) -> None: ...
    def close(self) -> None: ...


def test_what_changed_is_announced_once() -> None:
    publisher = Announced()
    pipeline = Pipeline(app, publisher)
    message = body(wire("t1", event("received")), wire("t2", event("started")))
    outcome = pipeline.store([message], START)
    assert publisher.said == [(outcome.revision, ["t1", "t2"], [WORKER])]
    pipeline.store([message], START)
    pipeline.store([body({"type": "worker-elect"})])
    pipeline.store([])
    assert len(publisher.said) == 1


def test_nothing_is_announced_that_was_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any) -> None:
        raise OperationalError("gone")

    publisher = Announced()
    monkeypatch.setattr(batch, "_quarantine", refuse)
    with pytest.raises(OperationalError):
        Pipeline(app, publisher).store([body(wire("t1", event("received")))])
    assert publisher.said == []


def test_events_may_be_of_any_time_from_2009_to_tomorrow() -> None:
    now = time.time()
    for task_id, at in (("old", EARLIEST), ("now", now), ("ahead", now + 86_000)):
        assert store([body(wire(task_id, event("started", at - START)))]).tasks == 1
    assert Task.objects.get(id="old").time.year == 2009


def test_the_lag_is_that_of_the_latest_event() -> None:
    now = time.time()
    old, new = (event("started", now - START - age) for age in (3600, 5))
    lag = store([body(wire("t1", old), wire("t2", new))]).lag
    assert lag is not None
    assert 5 <= lag < 60
    assert store([body(wire("t1", event("started", now - START + 60)))]).lag == 0
    assert store([b"{"]).lag is None


def test_a_task_finished_long_after_it_was_seen_keeps_its_name() -> None:
    """`State` evicts it after 10,000 others, and it comes back without a name."""
    Pipeline(app).store([body(wire("t1", event("sent")), wire("t1", event("received", 1)))])
    Pipeline(app).store([body(wire("t1", event("succeeded", 90_000, result="42")))])
    task = Task.objects.get()
    assert (task.name, task.state, task.result) == ("shop.pay", "SUCCESS", "42")


def test_parents_that_were_never_seen_make_no_rows() -> None:
    """`State` keeps an entry for each of them, for ever."""
    store([body(wire("t1", event("received", parent_id="p", root_id="r")))])
    assert list(Task.objects.values_list("id", "parent_id", "root_id")) == [("t1", "p", "r")]
    store([body(wire("p", event("received")))])
    assert Task.objects.get(id="t1").parent_id == "p"


PLANTED: tuple[dict[str, Any], ...] = (
    {"name": "shop.login", "args": f"('bob', '{SECRET}')"},
    {"name": "shop.login", "args": ["bob", SECRET]},
    {"kwargs": f"{{'user': 'bob', 'api_key': '{SECRET}'}}"},
    {"kwargs": {"cookie": SECRET}},
    {"result": f"{{'token': '{SECRET}'}}"},
    {"exception": f"ValueError('password={SECRET}')"},
    {"traceback": f'Traceback:\n  File "x.py"\nx.E: amqp://u:{SECRET}@h\n'},
    {"exception": "ExceptionWithTraceback()", "traceback": f"x.E: secret={SECRET}"},
    {"progress": {"card_number": SECRET}, "cvv": SECRET},
    {"result": f"iban {SECRET}"},
)


@pytest.mark.parametrize("planted", PLANTED)
def test_no_secret_gets_into_any_table(planted: dict[str, Any], settings: Settings) -> None:
    settings.CELERY_MONITOR = {"REDACT_PATTERNS": [rf"iban {SECRET}"]}
    pipeline = Pipeline(app)
    for kind in ("sent", "received", "succeeded", "failed", "retried", "progress"):
        message = wire("t1", event(kind, args="", kwargs="")) | planted
        pipeline.store([body(message), body(message | {"uuid": None}), body(message)[:-1]])
        pipeline.quarantine(body(message), "too long")
    assert BadEvent.objects.count() == 18
    assert Task.objects.exists()
    for model in apps.get_app_config("django_celery_monitor").get_models():
        assert SECRET[:7] not in str(list(model._default_manager.values()))
