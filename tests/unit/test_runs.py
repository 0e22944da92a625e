"""Which delivery an event belongs to. Only `sent` and `received` say it of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.state.event_set import union
from django_celery_monitor.state.runs import Run, runs_of
from tests.streams import OTHER, START, event


def runs(*events: TaskEvent) -> tuple[Run, ...]:
    return runs_of(union([], list(events)))


def lines(*events: TaskEvent) -> list[tuple[Any, ...]]:
    """Attempt, worker's first letters, seconds of received, started and ended, outcome."""

    def after(time: float | None) -> float | None:
        return None if time is None else round(time - START, 4)

    return [
        (
            run.retries,
            run.worker[:2],
            after(run.received),
            after(run.started),
            after(run.ended),
            run.outcome,
        )
        for run in runs(*events)
    ]


def test_one_delivery_is_one_run() -> None:
    assert lines(
        event("sent"),
        event("received", 1),
        event("started", 2),
        event("succeeded", 3, runtime=0.9, result="1"),
    ) == [(0, "w1", 1, 2, 3, "succeeded")]


def test_a_retry_that_is_received_before_the_attempt_before_it_ended() -> None:
    """As recorded: the worker reads the broker before it reads what its child wrote."""
    assert lines(
        event("sent", 0),
        event("received", 0.2736),
        event("sent", 1.4679, retries=1),
        event("started", 1.4650),
        event("received", 1.4660, retries=1),
        event("retried", 1.4853, exception="ConnectionError('no route')"),
        event("started", 1.9725),
        event("sent", 2.0079, retries=2),
        event("received", 2.0155, retries=2),
        event("retried", 2.0306, exception="ConnectionError('no route')"),
        event("started", 2.0747),
        event("failed", 2.1045, exception="ConnectionError('no route')"),
    ) == [
        (0, "w1", 0.2736, 1.465, 1.4853, "retried"),
        (1, "w1", 1.466, 1.9725, 2.0306, "retried"),
        (2, "w1", 2.0155, 2.0747, 2.1045, "failed"),
    ]


def test_a_retry_that_is_received_before_the_attempt_before_it_started() -> None:
    assert lines(
        event("received", 1),
        event("received", 1.1, retries=1),
        event("started", 1.2),
        event("retried", 1.3),
        event("started", 2),
        event("succeeded", 3),
    ) == [(0, "w1", 1, 1.2, 1.3, "retried"), (1, "w1", 1.1, 2, 3, "succeeded")]


def test_a_second_delivery_to_another_worker_is_a_run_of_its_own() -> None:
    assert lines(
        event("received", 1),
        event("started", 2),
        event("received", 3, OTHER),
        event("started", 4, OTHER),
        event("succeeded", 5, OTHER),
        event("succeeded", 6),
    ) == [(0, "w1", 1, 2, 6, "succeeded"), (0, "w2", 3, 4, 5, "succeeded")]


def test_clocks_of_two_hosts_are_never_compared() -> None:
    """The second worker's clock is an hour behind; the task went to it after the first retried."""
    assert lines(
        event("received", 1),
        event("started", 2),
        event("retried", 3),
        event("received", -3600, OTHER, retries=1),
        event("started", -3599, OTHER),
        event("succeeded", -3598, OTHER),
    ) == [(0, "w1", 1, 2, 3, "retried"), (1, "w2", -3600, -3599, -3598, "succeeded")]


def test_the_measured_runtime_tells_which_of_two_deliveries_to_one_worker_ended() -> None:
    first, second = event("succeeded", 11, runtime=8.9), event("succeeded", 12, runtime=1.9)
    both = (event("received", 1), event("started", 2), event("received", 9), event("started", 10))
    expected = [(0, "w1", 1, 2, 11, "succeeded"), (0, "w1", 9, 10, 12, "succeeded")]
    assert lines(*both, first, second) == expected
    assert lines(*both, first)[1] == (0, "w1", 9, 10, None, "")


def test_without_a_measured_runtime_the_latest_start_ended() -> None:
    assert lines(
        event("received", 1),
        event("started", 2),
        event("received", 3),
        event("started", 4),
        event("failed", 5, exception="A()"),
    ) == [(0, "w1", 1, 2, None, ""), (0, "w1", 3, 4, 5, "failed")]


def test_an_attempt_whose_receiving_was_lost_is_a_run_all_the_same() -> None:
    assert lines(
        event("received", 1),
        event("started", 2),
        event("retried", 3),
        event("sent", 3.5, retries=1),
        event("started", 4, OTHER),
        event("succeeded", 5, OTHER, runtime=0.9),
    ) == [(0, "w1", 1, 2, 3, "retried"), (1, "w2", None, 4, 5, "succeeded")]


@pytest.mark.parametrize("host", ["w1@shop", OTHER])
@pytest.mark.parametrize("end", ["revoked", "failed"])
def test_a_retry_that_ends_before_any_worker_receives_it(host: str, end: str) -> None:
    """Expired on arrival, or not registered there: no `received` is ever sent."""
    assert lines(
        event("received", 1), event("started", 2), event("retried", 3), event(end, 9, host)
    ) == [(0, "w1", 1, 2, 3, "retried"), (1, host[:2], None, None, 9, end)]


def test_a_task_that_is_revoked_while_a_retry_waits_for_its_time() -> None:
    assert lines(
        event("received", 1),
        event("started", 2),
        event("received", 2.9, retries=1, eta=START + 60),
        event("retried", 3),
        event("revoked", 10),
    )[1] == (1, "w1", 2.9, None, 10, "revoked")


def test_events_of_workers_before_anything_was_received() -> None:
    assert lines(event("started", 2)) == [(0, "w1", None, 2, None, "")]
    assert lines(event("failed", 2, exception="NotRegistered('nope')")) == [
        (0, "w1", None, None, 2, "failed")
    ]
    assert lines(event("sent", 1, retries=2), event("started", 2))[0][0] == 2


def test_a_state_of_the_apps_own_makes_no_run_beside_the_workers() -> None:
    found = runs(event("received", 1), event("progress", 2, "web@shop"))
    assert [(run.worker, run.custom) for run in found] == [("w1@shop", "PROGRESS")]


def test_a_late_word_of_the_apps_own_opens_nothing_again() -> None:
    found = runs(event("received", 1), event("retried", 3), event("progress", 4))
    assert [run.outcome for run in found] == ["retried"]


def test_the_wait_begins_with_the_sending_or_with_the_eta() -> None:
    sent, received, started = event("sent", 0), event("received", 1), event("started", 31)
    assert runs(sent, received, started)[0].wait == 31
    assert runs(received, started)[0].wait == 30
    timed = event("received", 1, eta=START + 30)
    assert runs(sent, timed, started)[0].wait == 1
    assert runs(event("started", 31))[0].wait is None
    assert runs(event("sent", 90), received, started)[0].wait == 0


def test_the_runtime_is_the_workers_own_measure_or_the_time_between() -> None:
    begin = (event("received", 1), event("started", 2))
    assert runs(*begin, event("succeeded", 5, runtime=2.5))[0].runtime == 2.5
    assert runs(*begin, event("failed", 5))[0].runtime == 3
    assert runs(event("failed", 5))[0].runtime is None
