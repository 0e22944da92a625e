"""What the monitor concludes itself: below what workers say, above what is not known."""

from __future__ import annotations

import itertools

import pytest

from django_celery_monitor.events import SETTLED, TaskEvent
from tests.streams import OTHER, START, WORKER, event, facts


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
