from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from django_celery_monitor.events import PUBLISHED, TaskEvent
from django_celery_monitor.state.advance import begin, follow, is_usual
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.event_set import union
from django_celery_monitor.storage import task_events
from django_celery_monitor.storage.recent import Life
from tests.streams import CLIENT, OTHER, START, WORKER, event, examples, lives

SENT = event("sent")
RECEIVED = event("received", 1)
STARTED = event("started", 2)
SUCCEEDED = event("succeeded", 3, result="4", runtime=0.9)


@st.composite
def nearly_usual(draw: st.DrawFn) -> list[TaskEvent]:
    """Lives without detours, but with what may differ in them."""
    texts = st.sampled_from(("", "a", "b"))
    found = []
    for at, kind in enumerate(("sent", PUBLISHED, "received", "started", "succeeded")):
        fields = draw(st.sets(st.sampled_from(_FIELDS), max_size=4))
        numbers = draw(st.sets(st.sampled_from(_NUMBERS), max_size=2))
        data: dict[str, Any] = {field: text for field in fields if (text := draw(texts))}
        data |= {field: draw(st.sampled_from((1, START + 2.5))) for field in numbers}
        host = draw(st.sampled_from((CLIENT, WORKER, WORKER, OTHER)))
        found.append(TaskEvent(START + at, draw(st.integers(0, 9)), kind, host, 7, data))
    return [each for each in found if draw(st.integers(0, 4))]


_FIELDS = ("name", "name", "args", "kwargs", "queue", "root_id", "parent_id", "result", "group_id")
_NUMBERS = ("retries", "eta", "expires", "runtime", "priority")


@examples(400)
@given(st.one_of(nearly_usual(), lives().map(lambda events: union([], events))), st.data())
def test_the_short_way_finds_what_the_long_one_does(
    events: list[TaskEvent], data: st.DataObject
) -> None:
    assume(len(events) > 1)
    size = data.draw(st.integers(1, len(events) - 1))
    assert (begin(events[0]) or derive(events[:1])) == derive(events[:1])
    known, new = events[:size], events[size:]
    facts = derive(known)
    life = Life.of(known, facts, task_events.encode(known, facts))
    then = life.after(new) if life else None
    if then:
        whole = derive(events)
        assert then.facts == whole
        assert then.text == task_events.encode(events, whole)


def test_every_step_of_a_usual_life_is_short() -> None:
    facts = derive([SENT])
    life = Life.of([SENT], facts, task_events.encode([SENT], facts))
    assert life
    for step in (RECEIVED, STARTED, SUCCEEDED):
        life = life.after([step])
        assert life
    whole = [SENT, RECEIVED, STARTED, SUCCEEDED]
    assert life.facts == derive(whole)


@pytest.mark.parametrize(
    "step",
    [
        SENT,
        event("received", 0.5),
        event("received", 3, retries=1),
        event("started", 3),
        event("succeeded", 3, host=OTHER),
        event("failed", 3, exception="A()"),
        event("progress", 3),
    ],
)
def test_other_steps_need_all_events(step: TaskEvent) -> None:
    assert follow(derive([SENT, RECEIVED, STARTED]), [step]) is None


@pytest.mark.parametrize(
    "events",
    [
        [SENT, RECEIVED, RECEIVED._replace(timestamp=START + 5)],
        [SENT, RECEIVED, SUCCEEDED],
        [SENT, event("received", 1, retries=1)],
        [SENT, event("progress", 1)],
        [STARTED],
    ],
)
def test_what_is_no_usual_life(events: list[TaskEvent]) -> None:
    assert not is_usual(events)
