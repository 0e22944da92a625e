"""The audit has an age of its own: its entries go in batches, by keys, with all that is theirs."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.conf import get_settings
from django_celery_monitor.models import ControlAction, ControlTarget, Operation, Rerun
from django_celery_monitor.upkeep import retention
from tests.integration.kept import a_task

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def an_entry(days: float) -> ControlAction:
    at = NOW - timedelta(days=days)
    action = ControlAction.objects.create(
        act="revoke", user_name="ann", source="api", started_at=at
    )
    ControlTarget.objects.create(action=action, kind="task", value="a-1")
    return action


def swept() -> int:
    """How many steps it took."""
    return len(list(retention.sweep(get_settings(), NOW, "default")))


def test_entries_past_their_age_go_with_their_targets(settings: Settings) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "RETENTION_ACTIONS": 30}
    _old, young = an_entry(30.1), an_entry(29.9)
    swept()
    assert list(ControlAction.objects.all()) == [young]
    assert list(ControlTarget.objects.all()) == list(young.targets.all())


def test_many_go_in_batches(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "RETENTION_ACTIONS": 30}
    none = swept()
    monkeypatch.setattr(retention, "BATCH", 3)
    for number in range(10):
        an_entry(31 + number)
    # Three full batches and the rest, where there was one that was empty.
    assert swept() == none + 3
    assert not ControlAction.objects.exists()
    assert not ControlTarget.objects.exists()


def test_a_sweep_that_is_interrupted_has_deleted_the_oldest(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "RETENTION_ACTIONS": 30}
    monkeypatch.setattr(retention, "BATCH", 2)
    newer, older = [an_entry(days).pk for days in (40, 50)], [an_entry(60).pk, an_entry(70).pk]
    steps = retention.sweep(get_settings(), NOW, "default")
    while ControlAction.objects.filter(pk__in=older).exists():
        next(steps)
    assert set(ControlAction.objects.values_list("pk", flat=True)) == set(newer)


def test_none_keeps_them_for_ever(settings: Settings) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "RETENTION_ACTIONS": None}
    entry = an_entry(5000)
    swept()
    assert ControlAction.objects.get() == entry


def test_an_operation_outlives_its_entry_and_re_runs_go_with_it(settings: Settings) -> None:
    settings.CELERY_MONITOR = {
        **settings.CELERY_MONITOR,
        "RETENTION_ACTIONS": 30,
        "RETENTION_OPERATIONS": None,
    }
    old, at = an_entry(31), NOW - timedelta(days=31)
    operation = Operation.objects.create(
        act="revoke", user_name="ann", bound=at, created_at=at, ended_at=at, action=old
    )
    Rerun.objects.create(origin_id="a-1", task_id="b-1", name="shop.pay", sent_at=at)
    swept()
    operation.refresh_from_db()
    assert operation.action is None
    assert not Rerun.objects.exists()


def test_the_command_says_what_is_due_and_deletes_it(settings: Settings) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "RETENTION_ACTIONS": 30}
    an_entry(31)
    a_task("a-1", time=NOW)
    out = StringIO()
    call_command("celerymonitor_prune", "--dry-run", stdout=out)
    assert out.getvalue().splitlines() == [
        "1 entry of the audit is past its age.",
        "0 tasks are past their age.",
    ]
    assert ControlAction.objects.exists()
    call_command("celerymonitor_prune", stdout=out)
    assert not ControlAction.objects.exists()
