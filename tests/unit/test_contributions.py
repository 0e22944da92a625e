from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.state.contributions import LONGEST, Cohort, Flow, cohort, flows
from django_celery_monitor.state.derive import Facts, derive
from django_celery_monitor.state.event_set import union
from tests.streams import NAME, OTHER, START, WORKER, arrivals, event, examples, facts, histories

MINUTE = int(START)


def counted(found: Facts) -> Counter[Any]:
    return Counter([*flows(found), cohort(found)])


@examples(150)
@given(data=st.data(), events=histories)
def test_signed_contributions_add_up_to_those_of_the_final_set(
    data: st.DataObject, events: list[TaskEvent]
) -> None:
    total: Counter[Any] = Counter()
    known: list[TaskEvent] = []
    for batch in data.draw(arrivals(events)):
        before, known = known, union(known, batch)
        total.subtract(counted(derive(before)) if before else {})
        total.update(counted(derive(known)))
    assert {key: n for key, n in total.items() if n} == counted(facts(*events))
    assert all(type(part) in (int, str, type(None)) for key in total for part in key)


def test_a_run_counts_when_it_is_received_and_when_it_ends() -> None:
    life = event("sent", 0), event("received", 1), event("started", 2.5)
    found = facts(*life, event("succeeded", 62, runtime=59.25))
    assert flows(found) == [
        Flow(MINUTE, NAME, WORKER, "celery", "received", None, None),
        Flow(MINUTE + 60, NAME, WORKER, "celery", "succeeded", 59_250_000, 2_500_000),
    ]
    assert cohort(found) == Cohort(MINUTE, NAME, "SUCCESS")
    assert [flow.kind for flow in flows(facts(*life))] == ["received"]


def test_every_attempt_counts_by_itself() -> None:
    found = facts(
        event("received", 0),
        event("started", 1),
        event("retried", 2),
        event("received", 3, OTHER, retries=1),
        event("failed", 4, OTHER),
    )
    assert [(flow.worker, flow.kind) for flow in flows(found)] == [
        *((WORKER, "received"), (WORKER, "retried"), (OTHER, "received"), (OTHER, "failed"))
    ]


def test_a_task_given_back_ended_nothing() -> None:
    found = facts(event("received"), event("started", 1), event("rejected", 2, requeue=True))
    assert [flow.kind for flow in flows(found)] == ["received"]


def test_absurd_durations_cannot_overflow_a_sum() -> None:
    found = facts(event("received"), event("started", 1), event("succeeded", 2, runtime=9e11))
    assert flows(found)[1].runtime == LONGEST
    assert LONGEST * 900_000 < 2**63
