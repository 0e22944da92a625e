from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_celery_monitor.models import Task
from django_celery_monitor.pipeline import Pipeline
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.event_set import union
from django_celery_monitor.storage import recent
from django_celery_monitor.storage.recent import Life, Recent
from django_celery_monitor.upkeep.revision import advance
from tests.contract.stored import (
    ARRIVED,
    counts,
    everything,
    recounted,
    recounted_stats,
    stats,
    store,
)
from tests.contract.test_batches import streams, undone
from tests.streams import arrivals, body, event, wire

pytestmark = pytest.mark.django_db(databases="__all__")


def life(*kinds: str) -> list[bytes]:
    places = {"sent": 0.0, "received": 1.0, "started": 2.0, "succeeded": 3.0}
    return [body(wire("t1", event(kind, places[kind]))) for kind in kinds]


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), stream=streams())
def test_a_process_that_remembers_stores_the_same(
    alias: str, data: st.DataObject, stream: list[dict[str, Any]]
) -> None:
    with undone(alias):
        store(stream)
        at_once = everything()
    with undone(alias):
        pipeline = Pipeline()
        for batch in data.draw(arrivals(stream)):
            pipeline.store([body(each) for each in batch], ARRIVED)
        assert everything() == at_once
        assert stats() == recounted_stats()
        assert counts() == recounted()


def test_what_another_process_stored_in_between_is_not_lost(alias: str) -> None:
    one, other = Pipeline(), Pipeline()
    one.store(life("sent"))
    one.store(life("received"))
    other.store(life("started"))
    one.store(life("succeeded"))
    task = Task.objects.get()
    assert (task.state, task.started_at is None) == ("SUCCESS", False)


def test_a_batch_that_was_rolled_back_is_not_remembered(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline()
    pipeline.store(life("sent"))

    def away(*_args: Any) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patch, transaction.atomic(using=alias):
        patch.setattr("django_celery_monitor.storage.batch._quarantine", away)
        with pytest.raises(OperationalError):
            pipeline.store(life("received"))
    pipeline.store(life("started"))
    task = Task.objects.get()
    assert (task.state, task.received_at) == ("STARTED", None)
    pipeline.store(life("received"))
    assert Task.objects.get().received_at is not None


def test_what_another_process_stored_before_a_heartbeat_is_not_lost(alias: str) -> None:
    one, other = Pipeline(), Pipeline()
    one.store(life("sent"))
    other.store(life("received", "started"))
    one.store([body(wire("", event("sent", 3.0)) | {"type": "worker-heartbeat"})])
    one.store(life("succeeded"))
    task = Task.objects.get()
    assert (task.state, task.started_at is None) == ("SUCCESS", False)
    assert stats() == recounted_stats()


def test_counts_that_were_rolled_back_are_not_remembered(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline()
    pipeline.store(life("sent", "received"))

    def away(*_args: Any) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patch, transaction.atomic(using=alias):
        patch.setattr("django_celery_monitor.storage.batch._quarantine", away)
        with pytest.raises(OperationalError):
            pipeline.store(life("started", "succeeded"))
    pipeline.store(life("started", "succeeded"))
    assert stats() == recounted_stats()
    assert counts() == recounted()


def test_a_task_that_goes_on_is_not_read_again(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline()
    pipeline.store(life("sent"))
    asked: list[str] = []

    def select(ids: list[str], _using: str) -> list[Any]:
        asked.extend(ids)
        return []

    with monkeypatch.context() as patch:
        patch.setattr("django_celery_monitor.storage.known._select", select)
        pipeline.store(life("received", "started"))
    assert asked == []
    pipeline.store(life("succeeded"))
    assert Task.objects.get().state == "SUCCESS"


def test_news_for_pages_alone_are_no_reason_to_read_tasks_again(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline()
    pipeline.store(life("sent"))
    advance(alias)

    def select(_ids: list[str], _using: str) -> list[Any]:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr("django_celery_monitor.storage.known._select", select)
        pipeline.store(life("received"))
    assert Task.objects.get().state == "RECEIVED"


def test_no_more_is_remembered_than_the_limit() -> None:
    kept = Recent(limit=3 * recent.ENTRY)
    events = union([], [event("sent", args="", kwargs="")])
    life = Life.of(events, derive(events), "[]")
    for batch in range(1, 11):
        kept.keep([(f"t{batch}", life)], batch)
    assert list(kept.at(11)) == ["t9", "t10"]
    assert kept.at(13) == {}
