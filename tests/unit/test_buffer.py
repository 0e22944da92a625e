from __future__ import annotations

import pytest

from django_celery_monitor.ingest import buffer
from django_celery_monitor.ingest.buffer import Buffer, Received


def message(number: int, body: bytes = b'{"hostname": 1}') -> Received:
    return Received(1, number, body, 0.0)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Buffer:
    monkeypatch.setattr(buffer, "CAPACITY", 2)
    monkeypatch.setattr(buffer, "_PATIENCE", 0.0)
    monkeypatch.setattr(buffer, "_STEP", 0.01)
    return Buffer(keeps_all=False)


def test_what_finds_no_room_is_counted_until_there_is_room(small: Buffer) -> None:
    for number in range(5):
        small.put(message(number))
    dropped = small.take_dropped()
    assert dropped is not None
    assert dropped.number == 3
    assert dropped.first <= dropped.last
    assert small.take_dropped() is None
    assert [each.tag for each in small.take(1, 0.0)] == [0]
    small.put(message(5))
    assert small.take_dropped() is None
    assert [each.tag for each in small.take(10, 0.0)] == [1, 5]


def test_a_batch_ends_at_so_many_events(small: Buffer) -> None:
    small.put(message(1, b'[{"hostname": 1}, {"hostname": 2}]'))
    small.put(message(2))
    assert [each.tag for each in small.take(2, 0.0)] == [1]
    assert small.mean_size == pytest.approx((34 + 15) / 2)


def test_nothing_is_dropped_that_comes_again(
    small: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where messages are acknowledged, who hangs up meanwhile gets them later."""
    kept = Buffer(keeps_all=True)
    for number in range(2):
        kept.put(message(number))
    kept.close()
    kept.put(message(2))
    assert kept.take_dropped() is None
    assert len(kept) == 2
    kept.clear()
    assert len(kept) == 0
