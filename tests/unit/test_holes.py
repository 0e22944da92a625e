from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.upkeep.gaps import Cover, holes

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(second: int) -> datetime:
    return NOON + timedelta(seconds=second)


def found(*covers: tuple[int, int], settled: int = 1000) -> list[tuple[int, int]]:
    times = holes([Cover(at(a), at(b)) for a, b in covers], at(settled))
    return [(int((a - NOON).total_seconds()), int((b - NOON).total_seconds())) for a, b in times]


def test_a_hole_lies_between_what_ended_and_what_began_next() -> None:
    assert found() == []
    assert found((0, 10)) == []
    assert found((20, 30), (0, 10)) == [(10, 20)]
    assert found((0, 10), (10, 20)) == []


def test_one_that_listens_on_covers_for_the_others() -> None:
    assert found((0, 100), (10, 20), (30, 40), (90, 120)) == []
    assert found((0, 100), (10, 20), (110, 120)) == [(100, 110)]


def test_what_began_just_now_is_judged_later() -> None:
    """Somebody may turn out to have listened meanwhile."""
    assert found((0, 10), (20, 30), settled=19) == []
    assert found((0, 10), (20, 30), settled=20) == [(10, 20)]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=8))
def test_every_second_between_the_first_and_the_last_is_in_a_cover_or_in_a_hole(
    lengths: list[tuple[int, int]],
) -> None:
    covers = [(start, start + length) for start, length in lengths]
    gaps = found(*covers)
    for second in range(
        min((a for a, _b in covers), default=0), max((a for a, _b in covers), default=0)
    ):
        covered = any(a <= second < b for a, b in covers)
        assert covered != any(a <= second < b for a, b in gaps)
