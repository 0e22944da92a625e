"""How long a task ran and waited: each database computes it in its own way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_celery_monitor.filters import parse, to_q
from django_celery_monitor.models import Task

pytestmark = pytest.mark.django_db(databases=["default", "postgresql", "mariadb"])


def keep(task_id: str, state: str = "SUCCESS", **own: Any) -> None:
    now = timezone.now()
    given = {"known_by": "worker", "updated_at": now, **own}
    Task.objects.create(id=task_id, state=state, time=now, **given)


def found(text: str) -> list[str]:
    return sorted(Task.objects.filter(to_q(parse(text))).values_list("id", flat=True))


def after(**length: float) -> datetime:
    """A time after noon, long ago."""
    noon = datetime.fromisoformat("2026-01-31T12:00:00+00:00")
    return noon + timedelta(**length)


def test_run_times_are_told_apart_to_the_millisecond(alias: str) -> None:
    keep("short", started_at=after(), finished_at=after(milliseconds=250))
    keep("long", started_at=after(), finished_at=after(days=40))
    keep("measured", started_at=after(), finished_at=after(days=40), runtime=2.0)
    keep("settled", known_by="result backend", started_at=after(), finished_at=after(days=40))
    keep("running", "STARTED", started_at=timezone.now() - timedelta(minutes=5))
    assert found("runtime:>249ms runtime:<251ms") == ["short"]
    assert found("runtime:>39d runtime:<41d") == ["long"]
    assert found("runtime:>1s runtime:<3s") == ["measured"]
    assert found("runtime:>4m runtime:<6m") == ["running"]
    # Of a run whose length nobody knows, the opposite is not known either.
    assert found("-runtime:>1s") == ["short"]
    assert alias


def test_waits_begin_with_the_eta_and_go_on_until_now(alias: str) -> None:
    ago = timezone.now() - timedelta(minutes=5)
    keep("short", sent_at=after(), started_at=after(milliseconds=250))
    keep("long", sent_at=after(), started_at=after(days=40))
    keep("planned", sent_at=after(), eta=after(days=1), started_at=after(days=1, seconds=2))
    keep("early", sent_at=after(), eta=after(days=1), started_at=after(hours=1))
    keep("unsent", received_at=after(), started_at=after(seconds=20))
    keep("waiting", "PENDING", sent_at=ago)
    keep("revoked", "REVOKED", sent_at=ago)
    assert found("wait:>249ms wait:<251ms") == ["short"]
    assert found("wait:>39d wait:<41d") == ["long"]
    assert found("wait:>1s wait:<3s") == ["planned"]
    assert found("wait:>19s wait:<21s") == ["unsent"]
    assert found("wait:>4m wait:<6m") == ["waiting"]
    assert found("wait:<0s") == ["early"]
    assert found("-wait:<1h") == ["long"]
    assert alias
