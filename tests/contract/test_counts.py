"""How many labels get rows of their own, and that what is past them adds up all the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_celery_monitor.models import TaskStats
from django_celery_monitor.state.contributions import COUNTED, OTHER
from django_celery_monitor.storage import flows
from tests.contract.stored import recounted_stats, stats, store
from tests.contract.test_batches import undone
from tests.streams import arrivals, event, histories, wire

pytestmark = pytest.mark.django_db(databases="__all__")


def run(task_id: str, name: str, end: str = "succeeded", at: float = 3.0) -> list[dict[str, Any]]:
    return [
        wire(task_id, event("received", 1, name=name)),
        wire(task_id, event(end, at, runtime=0.5)),
    ]


def by_label(period: str = "d", grain: str = "n") -> dict[str, tuple[int, ...]]:
    """Received, succeeded and failed runs."""
    return {key[3]: sums[:3] for key, sums in stats().items() if key[:2] == (period, grain)}


def folded(found: dict[Any, Any]) -> dict[Any, Any]:
    """Sums over all labels of a group."""
    groups: dict[Any, Any] = {}
    for key, (*sums, runtimes, waits) in found.items():
        numbers, *sketches = groups.setdefault(key[:3], [Counter(), Counter(), Counter()])
        numbers.update(dict(enumerate(sums)))
        for sketch, more in zip(sketches, (runtimes, waits), strict=True):
            sketch.update(more)
    return {group: [+counter for counter in each] for group, each in groups.items()}


def test_labels_past_the_limit_count_as_other(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "MOST_LABELS", 3)
    for number in range(6):
        store(run(f"t{number}", f"name{number}"))
    store(run("t6", "name1"))
    own = {f"name{number}": (1 + (number == 1), 1 + (number == 1), 0) for number in range(3)}
    assert by_label() == own | {OTHER: (3, 3, 0)}
    assert by_label("m") == by_label("h") == by_label()
    assert by_label(grain="w").keys() == {"w1@shop"}


def test_what_counts_as_other_is_taken_out_of_other(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "MOST_LABELS", 2)
    store([each for n in range(4) for each in run(f"t{n}", f"name{n}", "failed")])
    store([wire("t3", event("succeeded", 4)), wire("t0", event("succeeded", 4))])
    assert by_label() == {"name0": (1, 1, 0), "name1": (1, 0, 1), OTHER: (2, 1, 1)}


def test_a_full_group_gives_no_label_away_while_another_counts_as_other(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A label would get a row and leave half of what it counts in OTHER."""
    monkeypatch.setattr(flows, "MOST_LABELS", 1)
    store([wire("t1", event("succeeded", 3))])
    store([wire("t2", event("succeeded", 3)), *run("t3", "late")])
    assert by_label() == {"": (0, 2, 0), OTHER: (1, 1, 0)}
    # Both tasks without a name get one; the empty name keeps its row.
    store(run("t1", "late") + run("t2", "later"))
    assert by_label() == {"": (0, 0, 0), OTHER: (3, 3, 0)}
    store([wire(f"t{n}", event("failed", 2.5)) for n in (1, 2, 3)])
    assert by_label()[""] == (0, 0, 0)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), tasks=st.lists(histories, min_size=2, max_size=4))
def test_with_a_limit_every_group_still_adds_up(
    alias: str, data: st.DataObject, tasks: list[Any]
) -> None:
    stream = [wire(f"t{number}", each) for number, life in enumerate(tasks) for each in life]
    with pytest.MonkeyPatch.context() as patch, undone(alias):
        patch.setattr(flows, "MOST_LABELS", 1)
        for batch in data.draw(arrivals(stream)):
            store(batch)
        assert folded(stats()) == folded(recounted_stats())
        for row in TaskStats.objects.values(*COUNTED):
            assert min(row.values()) >= 0


def test_names_made_up_anew_for_each_task_fill_no_table(alias: str) -> None:
    for turn in range(3):
        ids = range(turn * 400, turn * 400 + 400)
        store([each for number in ids for each in run(f"t{number}", f"made-up-{number}")])
    labels = by_label()
    assert len(labels) == flows.MOST_LABELS + 1
    assert labels[OTHER] == (700, 700, 0)
