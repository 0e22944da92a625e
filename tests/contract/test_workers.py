from __future__ import annotations

import pytest

from django_celery_monitor.models import Worker
from tests.contract.stored import ARRIVED, store
from tests.contract.test_batches import worker_event
from tests.streams import START, WORKER, event, wire

pytestmark = pytest.mark.django_db(databases="__all__")


def test_of_each_fact_the_latest_word_counts(alias: str) -> None:
    store([worker_event("heartbeat", 6, processed=9)])
    store([worker_event("online", 1, processed=0), worker_event("heartbeat", 4, processed=3)])
    worker = Worker.objects.get()
    assert (worker.hostname, worker.processed, worker.pid) == (WORKER, 9, 9)
    assert worker.online_at is not None
    assert worker.heartbeat_at is not None
    assert (worker.online_at.timestamp(), worker.heartbeat_at.timestamp()) == (START + 1, START + 6)
    assert worker.offline_at is None
    assert worker.loadavg == [0.5, 1, 2]


def test_a_heartbeat_on_demand_says_nothing_of_the_load(alias: str) -> None:
    store([worker_event("heartbeat", 1)])
    asked = {"type": "worker-heartbeat", "hostname": WORKER, "timestamp": START + 9, "freq": 5}
    store([asked])
    worker = Worker.objects.get()
    assert (worker.freq, worker.processed) == (2.0, 5)
    assert worker.heartbeat_at is not None
    assert worker.heartbeat_at.timestamp() == START + 9


def test_events_of_tasks_are_a_sign_of_life_but_not_their_sending(alias: str) -> None:
    store([wire("t1", event("sent")), wire("t1", event("started", 1))])
    assert list(Worker.objects.values_list("hostname", "freq", "heartbeat_at")) == [
        (WORKER, None, None)
    ]


def test_an_arrival_is_noted_at_most_once_a_second(alias: str) -> None:
    store([worker_event("heartbeat", 1)], ARRIVED)
    assert store([worker_event("heartbeat", 1)], ARRIVED + 0.9).revision == 0
    assert store([worker_event("heartbeat", 1)], ARRIVED + 1).revision != 0


def test_absurd_figures_are_not_stored(alias: str) -> None:
    store(
        [
            worker_event(
                "heartbeat",
                1,
                active=1e11,
                processed=-1,
                freq=float("nan"),
                pid=2**40,
                loadavg=["x", 1e300, 0.5],
                sw_ident={"x": 1},
                sw_ver="v" * 99,
            )
        ]
    )
    worker = Worker.objects.get()
    assert (worker.active, worker.processed, worker.freq, worker.pid) == (
        None,
        None,
        None,
        2**31 - 1,
    )
    assert (worker.loadavg, worker.sw_ident, worker.sw_ver) == ([0.5], "", "v" * 64)


def test_a_busy_workers_count_of_tasks_outgrows_32_bits(alias: str) -> None:
    store([worker_event("heartbeat", 1, processed=5_000_000_000)])
    assert Worker.objects.get().processed == 5_000_000_000
