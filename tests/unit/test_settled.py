"""What the monitor concludes itself: below what workers say, above what is not known."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.events import SETTLED, TaskEvent
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.event_set import union
from tests.streams import OTHER, START, WORKER, arrivals, event, examples, facts, histories


def settled(at: float, state: str = "LOST", source: str = "worker lost", **data: str) -> TaskEvent:
    return TaskEvent(START + at, 0, SETTLED, WORKER, 0, {"state": state, "source": source} | data)


RUNNING = (event("sent", 0), event("received", 1), event("started", 2))


def test_a_task_whose_worker_is_lost_is_lost() -> None:
    found = facts(*RUNNING, settled(40))
    assert (found.state, found.known_by, found.finished) == ("LOST", "worker lost", START + 40)
    assert (found.worker, found.started, found.runtime) == (WORKER, START + 2, None)


@pytest.mark.parametrize("kind", ["succeeded", "failed", "revoked", "retried"])
def test_what_the_worker_says_late_overrules_a_conclusion(kind: str) -> None:
    end = event(kind, 30)
    assert facts(*RUNNING, settled(40), end) == facts(*RUNNING, end)._replace(updated=START + 40)


def test_a_redelivery_after_the_conclusion_is_a_run_of_its_own() -> None:
    again = (event("received", 50, OTHER), event("started", 51, OTHER))
    found = facts(*RUNNING, settled(40), *again)
    assert (found.state, found.known_by, found.worker) == ("STARTED", "worker", OTHER)
    found = facts(*RUNNING, settled(40), *again, event("succeeded", 60, OTHER))
    assert (found.state, found.worker) == ("SUCCESS", OTHER)


def test_the_result_backend_counts_more_than_a_silence() -> None:
    said = settled(39, "SUCCESS", "result backend", result="42")
    for order in itertools.permutations([*RUNNING, settled(40), said]):
        found = facts(*order)
        assert (found.state, found.known_by, found.result) == ("SUCCESS", "result backend", "42")


def test_a_conclusion_about_a_task_that_no_worker_reported_counts() -> None:
    said = settled(9, "REVOKED", "result backend")
    assert facts(event("sent", 0), said).state == "REVOKED"


def test_conclusions_add_nothing_to_what_happened() -> None:
    assert facts(*RUNNING, settled(40)).runs == facts(*RUNNING).runs


def test_a_worker_that_was_asked_counts_more_than_a_silence_and_less_than_a_result() -> None:
    asked = settled(39, "IGNORED", "worker asked")
    said = settled(38, "FAILURE", "result backend", exception="KeyError('x')")
    for order in itertools.permutations([*RUNNING, settled(40), asked]):
        assert (facts(*order).state, facts(*order).known_by) == ("IGNORED", "worker asked")
    for order in itertools.permutations([*RUNNING[1:], settled(40), asked, said]):
        assert (facts(*order).state, facts(*order).exception) == ("FAILURE", "KeyError('x')")


@pytest.mark.parametrize(
    ("state", "source"), [("LOST", "worker lost"), ("IGNORED", "worker asked")]
)
def test_a_run_elsewhere_is_not_settled_though_its_clock_is_behind(state: str, source: str) -> None:
    """Only the worker that ran it was silent, or was asked."""
    again = (event("received", 30, OTHER), event("started", 31, OTHER))
    retried = event("retried", 3)
    found = facts(*RUNNING, retried, *again, settled(40, state, source))
    assert (found.state, found.known_by, found.worker) == ("STARTED", "worker", OTHER)


@pytest.mark.parametrize("source", ["worker lost", "worker asked", "result backend"])
def test_a_worker_that_speaks_of_the_task_afterwards_has_not_ended_it(source: str) -> None:
    found = facts(*RUNNING, settled(40, "REVOKED", source), event("progress", 41))
    assert (found.state, found.known_by) == ("PROGRESS", "worker")


CONCLUSIONS = st.lists(
    st.builds(
        lambda at, host, said: settled(at, *said)._replace(hostname=host),
        st.sampled_from((0.0, 0.3, 61.0, 122.0, 500.0)),
        st.sampled_from((WORKER, OTHER)),
        st.sampled_from(
            (
                ("LOST", "worker lost"),
                ("LOST", "worker asked"),
                ("IGNORED", "worker asked"),
                ("SUCCESS", "result backend"),
                ("FAILURE", "result backend"),
            )
        ),
    ),
    max_size=4,
)


@examples(150)
@given(data=st.data(), events=histories, concluded=CONCLUSIONS)
def test_conclusions_and_events_in_any_order_give_the_same_row(
    data: st.DataObject, events: list[TaskEvent], concluded: list[TaskEvent]
) -> None:
    known: list[TaskEvent] = []
    for batch in data.draw(arrivals([*events, *concluded])):
        known = union(known, batch)
    found = derive(known)
    assert found == facts(*events, *concluded)
    told = facts(*events)
    assert found.runs == told.runs
    if told.finished is not None:
        assert (found.state, found.finished) == (told.state, told.finished)
    assert found.known_by in {told.known_by, *(each.data["source"] for each in concluded)}
