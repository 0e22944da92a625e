"""Which chain of tasks a family's time went into."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from django_celery_monitor.models import Task
from django_celery_monitor.reading.critical import Path, Step, critical, step_of

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def step(begun: float | None, took: float) -> Step:
    return Step(begun=None if begun is None else at(begun), took=timedelta(seconds=took))


def path(ids: str, seconds: float) -> Path:
    return Path(ids=tuple(ids), length=timedelta(seconds=seconds))


def test_nothing_has_no_path() -> None:
    assert critical({}, []) == Path()
    assert critical({"a": step(None, 0)}, []) == Path()


def test_a_chain_is_as_long_as_its_links() -> None:
    steps = {"a": step(0, 2), "b": step(2, 3), "c": step(5, 1)}
    assert critical(steps, [("a", "b"), ("b", "c")]) == path("abc", 6)


def test_of_a_caller_counts_what_passed_before_it_called() -> None:
    steps = {"a": step(0, 10), "b": step(4, 7)}
    assert critical(steps, [("a", "b")]) == path("ab", 11)
    # Its own end is later than that of whom it called.
    assert critical(steps | {"b": step(4, 5)}, [("a", "b")]) == path("a", 10)


def test_a_chord_waits_for_the_member_that_ends_last() -> None:
    steps = {"r": step(0, 1), "x": step(1, 5), "y": step(1, 9), "z": step(1, 2), "b": step(10, 3)}
    edges = [("r", each) for each in "xyz"] + [(each, "b") for each in "xyz"]
    assert critical(steps, edges) == path("ryb", 13)


def test_a_long_run_that_ended_early_is_not_waited_for() -> None:
    steps = {"r": step(0, 60), "x": step(0, 50), "y": step(40, 20), "b": step(60, 1)}
    edges = [("r", "x"), ("r", "y"), ("x", "b"), ("y", "b")]
    assert critical(steps, edges).ids == ("r", "y", "b")


def test_clocks_that_differ_make_nothing_negative() -> None:
    steps = {"a": step(5, 2), "b": step(0, 3)}
    assert critical(steps, [("a", "b")]) == path("ab", 3)


def test_times_that_are_not_known_count_as_a_whole() -> None:
    assert critical({"a": step(None, 2), "b": step(None, 3)}, [("a", "b")]) == path("ab", 5)


def test_circles_end_nowhere_and_the_rest_has_its_path() -> None:
    steps = {key: step(0, 1) for key in "abcd"}
    edges = [("a", "b"), ("b", "a"), ("c", "d"), ("c", "d")]
    assert critical(steps, edges).length == timedelta(seconds=1)


def test_twenty_thousand_links_take_no_stack() -> None:
    steps = {str(number): step(None, 1) for number in range(20_000)}
    edges = [(str(number), str(number + 1)) for number in range(19_999)]
    assert critical(steps, edges).length == timedelta(seconds=20_000)


@pytest.mark.parametrize(
    ("task", "took"),
    [
        (Task(sent_at=at(0), started_at=at(2), finished_at=at(5), known_by="worker"), 5),
        (Task(received_at=at(1), started_at=at(2), finished_at=at(5), runtime=2.5), 3.5),
        (Task(sent_at=at(0), started_at=at(40)), 100),
        (Task(sent_at=at(0), eta=at(2), started_at=at(3)), 98),
        # Its wait is not known before it ends.
        (Task(sent_at=at(0)), 0),
        # Nobody saw it end, so how long it ran is not known.
        (Task(sent_at=at(0), started_at=at(2), finished_at=at(50), known_by="silence"), 2),
        (Task(started_at=at(2), finished_at=at(1), known_by="worker"), 0),
        (Task(), 0),
    ],
)
def test_a_task_s_share_is_what_is_known_of_its_wait_and_run(task: Task, took: float) -> None:
    assert step_of(task, at(100)).took == timedelta(seconds=took)
