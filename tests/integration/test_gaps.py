"""Times that no collector covered, as rows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from django_celery_monitor.models import CollectorRun, Gap
from django_celery_monitor.upkeep import gaps, watch
from tests.integration.collecting import app_on, collecting
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def ago(**age: float) -> datetime:
    return timezone.now() - timedelta(**age)


def a_run(
    started: datetime,
    seen: datetime,
    *,
    ended: bool = False,
    lag: float | None = None,
    transport: str = "redis",
) -> None:
    CollectorRun.objects.create(
        node="old",
        pid=1,
        transport=transport,
        started_at=started,
        last_seen_at=seen,
        ended_at=seen if ended else None,
        lag=lag,
    )


def noted() -> list[tuple[str, datetime, datetime]]:
    return list(Gap.objects.order_by("started_at").values_list("reason", "started_at", "ended_at"))


def test_a_collector_that_comes_back_on_redis_notes_how_long_none_listened(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "FIRST", 0.1)
    monkeypatch.setattr(gaps, "SETTLED", timedelta(0))
    away = ago(minutes=7)
    a_run(ago(hours=3), away, ended=True)
    with collecting(app_on(redis_url)):
        wait_until(Gap.objects.exists)
    run = CollectorRun.objects.get(ended_by="stopped")
    assert noted() == [("away", away, run.started_at)]


def test_while_another_one_listens_there_is_no_gap(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "FIRST", 0.1)
    monkeypatch.setattr(watch, "EVERY", 0.1)
    monkeypatch.setattr(gaps, "SETTLED", timedelta(0))
    app = app_on(redis_url)
    with collecting(app):
        wait_until(CollectorRun.objects.exists)
        for number in (2, 3):
            with collecting(app) as second:
                wait_until(lambda number=number: CollectorRun.objects.count() == number)  # type: ignore[misc]
                turn = second._watch._next
                wait_until(lambda second=second, turn=turn: second._watch._next > turn + 0.2)  # type: ignore[misc]
    assert noted() == []


def test_one_that_was_killed_covers_what_it_had_stored() -> None:
    a_run(ago(hours=1), killed := ago(seconds=60), lag=3.0)
    a_run(back := ago(seconds=50), timezone.now())
    gaps.note_away("default", "redis", timezone.now())
    assert noted() == [("away", killed - timedelta(seconds=3), back)]


def test_one_that_was_killed_just_now_may_still_be_there() -> None:
    a_run(ago(hours=1), ago(seconds=9))
    a_run(ago(seconds=4), timezone.now())
    gaps.note_away("default", "redis", timezone.now())
    assert noted() == []
    gaps.note_away("default", "redis", timezone.now() + timedelta(seconds=30))
    assert len(noted()) == 1


def test_a_gap_is_noted_once_however_often_it_is_found() -> None:
    a_run(ago(hours=2), ago(hours=1), ended=True)
    a_run(ago(minutes=50), ago(minutes=40), ended=True)
    a_run(ago(minutes=30), timezone.now())
    for _turn in range(3):
        gaps.note_away("default", "redis", timezone.now())
    assert len(noted()) == 2


def test_runs_on_another_transport_cover_nothing() -> None:
    a_run(ago(hours=2), timezone.now(), transport="amqp")
    a_run(ago(hours=2), ago(hours=1), ended=True)
    a_run(ago(minutes=1), timezone.now())
    gaps.note_away("default", "redis", timezone.now())
    assert len(noted()) == 1


def test_a_first_collector_misses_nothing() -> None:
    gaps.note_away("default", "redis", timezone.now())
    gaps.note_new_queue("default", "amqp", timezone.now())
    assert noted() == []


@pytest.mark.parametrize(("hours", "reason"), [(71.0, "queue gone"), (73.0, "away")])
def test_a_queue_that_expired_is_time_away(hours: float, reason: str) -> None:
    left = ago(hours=hours)
    a_run(ago(hours=100), left, ended=True, lag=60.0, transport="amqp")
    now = timezone.now()
    gaps.note_new_queue("default", "amqp", now)
    assert noted() == [(reason, left - timedelta(seconds=60), now)]


def test_what_touches_makes_one_gap() -> None:
    begun = ago(minutes=10)
    for minute in range(1, 4):
        hole = gaps.Cover(begun, begun + timedelta(minutes=minute))
        gaps.note("default", Gap.Reason.OVERFLOW, "amqp", hole)
    gaps.note("default", Gap.Reason.AWAY, "amqp", hole)
    later = gaps.Cover(begun + timedelta(minutes=5), begun + timedelta(minutes=6))
    gaps.note("default", Gap.Reason.OVERFLOW, "amqp", later)
    assert [ended - started for _reason, started, ended in noted()] == [
        *(timedelta(minutes=3), timedelta(minutes=3), timedelta(minutes=1))
    ]
