from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.state import event_set
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.event_set import KEEP, union
from django_celery_monitor.storage import task_events
from tests.streams import arrivals, event, examples, facts, histories, lives, nonsense

Events = list[TaskEvent]


# With the smaller cap short histories reach it too.
CAPS = pytest.mark.parametrize("cap", [KEEP, 2])


@CAPS
@examples(60)
@given(a=histories, b=histories, c=histories)
def test_union_does_not_mind_order_or_grouping(cap: int, a: Events, b: Events, c: Events) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_set, "KEEP", cap)
        one, two, three = union([], a), union([], b), union([], c)
        assert union(union(one, two), three) == union(one, union(two, three))
        assert union(one, two) == union(two, one) == union(one, b)
        together = union(one, two)
        assert union(together, together) is together
        assert union(together, [*b, *a]) is together


@CAPS
@examples(150)
@given(data=st.data(), events=histories)
def test_any_way_of_arriving_gives_the_same_facts(
    cap: int, data: st.DataObject, events: Events
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_set, "KEEP", cap)
        known: Events = []
        for batch in data.draw(arrivals(events)):
            known = union(known, batch)
        assert known == union([], events)
        assert derive(known) == derive(union([], events))


def test_two_events_that_claim_to_be_one_end_the_same_in_any_order() -> None:
    short = event("failed", 1, exception="A()")
    long = event("failed", 1, exception="B()", retries=1)
    assert union([short], [long]) == union([long], [short])
    assert union(union([], [long, short]), [short]) == union([], [short, long])


def test_a_repeated_event_with_its_traceback_is_nothing_new() -> None:
    stored = [event("failed", 1, exception="A()")]
    assert union(stored, [event("failed", 1, exception="A()", traceback="T")]) is stored


def test_a_success_amid_ten_thousand_redeliveries_survives() -> None:
    events = [event(kind, at) for at in range(10_000) for kind in ("received", "started")]
    events.insert(10_001, event("succeeded", 5000.5, result="42", runtime=0.4))
    Random(1).shuffle(events)
    known: Events = []
    for begin in range(0, len(events), 700):
        known = union(known, events[begin : begin + 700])
    assert len(known) == 4 * KEEP + 1
    found = derive(known)
    assert (found.state, found.result, found.name) == ("SUCCESS", "42", "shop.pay")
    assert found.time == event("received").timestamp
    assert found.running_again


def test_invented_types_cannot_grow_a_row_without_end() -> None:
    known = union([], [event(f"step{n}", n) for n in range(1000)])
    assert len(known) == 2 * KEEP


@examples(200)
@given(events=lives() | nonsense)
def test_stored_texts_give_back_the_very_same_events(events: Events) -> None:
    known = union([], events)
    found = derive(known)
    row = [getattr(found, column) for column in task_events.SHARED]
    assert task_events.decode(task_events.encode(known, found), row) == [
        each._replace(data={k: v for k, v in each.data.items() if k != "traceback"})
        for each in known
    ]


def test_an_own_type_named_like_an_abbreviation_stays_itself() -> None:
    own = [event(kind, at, custom={"n": "x"}) for at, kind in enumerate(("D", "S", "-D", "--"))]
    found = facts(*own)
    row = [getattr(found, column) for column in task_events.SHARED]
    assert [e.type for e in task_events.decode(task_events.encode(own, found), row)] == [
        *("D", "S", "-D", "--")
    ]
