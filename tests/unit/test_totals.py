from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.events import PUBLISHED, SETTLED, TaskEvent
from django_celery_monitor.models import TaskTotals
from django_celery_monitor.state import event_set, totals
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.event_set import identity, union
from django_celery_monitor.state.totals import KINDS, Key, Totals, count, count_more, growth
from tests.streams import CLIENT, NAME, OTHER, WORKER, arrivals, event, examples, histories, lives

CAPS = pytest.mark.parametrize("cap", [event_set.KEEP, 2])


def total(events: list[TaskEvent]) -> Totals:
    found: Totals = {}
    if events:
        count(events, derive(events).name, found)
    return {key: numbers for key, numbers in found.items() if any(numbers)}


def numbers(**counted: int) -> list[int]:
    return [counted.get(kind, 0) for kind in KINDS]


def kept(batches: list[list[TaskEvent]]) -> tuple[Counter[tuple[Key, str]], list[TaskEvent]]:
    """What is counted after each batch was added to the one before; it may never fall."""
    counted: Counter[tuple[Key, str]] = Counter()
    known: list[TaskEvent] = []
    for batch in batches:
        before, known = known, union(known, batch)
        more = growth(total(known), total(before))
        assert more == in_short(known, before)
        counted.update(flat(more))
        assert all(number > 0 for number in counted.values())
    return counted, known


def in_short(events: list[TaskEvent], before: list[TaskEvent]) -> Totals:
    """The same without counting what was there again, where that is possible."""
    found: Totals = {}
    old_name = derive(before).name if before else ""
    count_more(events, derive(events).name, before, old_name, found)
    return {key: numbers for key, numbers in found.items() if any(numbers)}


def flat(found: Totals) -> dict[tuple[Key, str], int]:
    return {
        (key, kind): number
        for key, each in found.items()
        for kind, number in zip(KINDS, each, strict=True)
        if number
    }


@examples(150)
@given(data=st.data(), events=lives())
def test_any_way_of_arriving_adds_up_to_the_same(
    data: st.DataObject, events: list[TaskEvent]
) -> None:
    counted, known = kept(data.draw(arrivals(events)))
    assert counted == flat(total(known))


@CAPS
@examples(100)
@given(data=st.data(), events=histories)
def test_by_name_a_total_is_the_number_of_different_events_also_with_caps(
    cap: int, data: st.DataObject, events: list[TaskEvent]
) -> None:
    named = [each._replace(data=each.data | {"name": NAME}) for each in events]
    different = Counter(kind for _time, _clock, kind, *_ in {identity(each) for each in named})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_set, "KEEP", cap)
        counted, known = kept(data.draw(arrivals(named)))
    if not derive(known).name:
        assert counted == {}
        return
    assert {kind: n for (key, kind), n in counted.items() if key == (totals.NAME, NAME, "")} == {
        kind: min(different[kind], 2 * cap) for kind in KINDS if different[kind]
    }


@CAPS
@examples(100)
@given(data=st.data(), events=histories)
def test_whatever_comes_totals_never_fall_and_hold_what_the_set_holds(
    cap: int, data: st.DataObject, events: list[TaskEvent]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_set, "KEEP", cap)
        counted, known = kept(data.draw(arrivals(events)))
        again, _known = kept([known, *data.draw(arrivals(events))])
    for key, number in flat(total(known)).items():
        assert counted[key] >= number
        assert again[key] >= number


def test_events_count_by_name_worker_queue_and_exception() -> None:
    events = [
        event("sent", 0),
        event("received", 1),
        event("started", 2),
        event("retried", 3, exception="Retry in 1s: OSError('x')"),
        event("received", 4, OTHER, retries=1),
        event("failed", 5, OTHER, exception="KeyError('x')"),
    ]
    assert total(events) == {
        ("n", NAME, ""): numbers(sent=1, received=2, started=1, retried=1, failed=1),
        ("w", NAME, WORKER): numbers(received=1, started=1, retried=1),
        ("w", NAME, OTHER): numbers(received=1, failed=1),
        ("q", NAME, "celery"): numbers(sent=1, received=2, started=1, retried=1, failed=1),
        ("x", NAME, "OSError"): numbers(retried=1),
        ("x", NAME, "KeyError"): numbers(failed=1),
    }


def test_nothing_counts_until_the_name_is_known() -> None:
    events = [event("started", 2), event("succeeded", 3)]
    assert total(events) == {}
    counted, _known = kept([events, [event("received", 1)]])
    assert counted[("n", NAME, ""), "succeeded"] == 1


def test_a_queue_learnt_late_gets_the_earlier_events_too() -> None:
    counted, _known = kept([[event("received", 1), event("started", 2)], [event("sent", 0)]])
    by_queue = {kind: n for (key, kind), n in counted.items() if key == ("q", NAME, "celery")}
    assert by_queue == {"sent": 1, "received": 1, "started": 1}


def test_a_retry_in_another_queue_leaves_the_first_attempt_where_it_was() -> None:
    first = [event("sent", 0), event("received", 1), event("started", 2)]
    second = [event("sent", 3, queue="slow", retries=1), event("received", 4, retries=1)]
    counted, known = kept([[each] for each in (*first, *second)])
    assert counted == flat(total(known))
    assert total(known)["q", NAME, "celery"] == numbers(sent=1, received=1, started=1)
    assert total(known)["q", NAME, "slow"] == numbers(sent=1, received=1)


def test_what_no_worker_or_sender_said_counts_nowhere() -> None:
    settled = event(SETTLED, 9, state="LOST", source="worker lost")
    told = event(PUBLISHED, 0, CLIENT, name=NAME, queue="quick")
    events = union([], [told, event("received", 1), event("progress", 2), settled])
    assert total(events) == {
        ("n", NAME, ""): numbers(received=1),
        ("w", NAME, WORKER): numbers(received=1),
        ("q", NAME, "quick"): numbers(received=1),
    }


def test_kinds_and_grains_are_those_of_the_table() -> None:
    assert TaskTotals.Grain.values == [totals.NAME, totals.WORKER, totals.QUEUE, totals.EXCEPTION]
    assert set(KINDS) <= {field.name for field in TaskTotals._meta.get_fields()}
