"""What could not be stored: kept aside, listed, tried again, deleted, and never too much of it."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError
from django.utils import timezone

from django_celery_monitor.models import BadEvent, Task
from django_celery_monitor.pipeline import Pipeline, store
from django_celery_monitor.storage import batch
from django_celery_monitor.upkeep import quarantine
from tests.streams import body, event, wire

pytestmark = pytest.mark.django_db


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("celerymonitor_quarantine", *arguments, stdout=output)
    return output.getvalue()


def put_aside(number: int, *, days: float = 0, reason: str = "no uuid") -> None:
    at = timezone.now() - timedelta(days=days)
    BadEvent.objects.bulk_create(
        BadEvent(arrived_at=at, reason=reason, body=f"{{{n}") for n in range(number)
    )


def test_what_is_cut_or_unreadable_is_not_whole() -> None:
    store([b"{", body({"type": "task-x"}), body({"type": "task-x", "args": "x" * 5000})])
    assert list(BadEvent.objects.order_by("pk").values_list("whole", flat=True)) == [
        *(False, True, False)
    ]


def test_it_is_listed_newest_first_and_only_so_much() -> None:
    put_aside(60)
    put_aside(1, reason="not JSON")
    lines = command("list").splitlines()
    assert len(lines) == 51
    assert "cut not JSON: {0" in lines[0]
    assert lines[-1] == "61 events in quarantine."
    assert len(command("list", "--limit", "3").splitlines()) == 4
    assert "1 event in quarantine." in command("list", "--reason", "json")


def test_what_the_database_takes_now_is_stored_and_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline()
    for task_id in ("t1", "t2"):
        pipeline.quarantine(body(wire(task_id, event("received", name="shop.pay"))), "too long")
    store([body({"type": "task-x"}), b"{"])
    with monkeypatch.context() as patch:
        patch.setattr(batch, "_merge_tasks", lambda *_args: (_ for _ in ()).throw(DataError("no")))
        assert command("replay") == "Stored 0, still in quarantine 3, cut 1.\n"
    assert BadEvent.objects.count() == 4
    assert command("replay", "--limit", "1") == "Stored 1, still in quarantine 0, cut 1.\n"
    assert command("replay") == "Stored 1, still in quarantine 1, cut 1.\n"
    assert set(Task.objects.values_list("id", "name")) == {("t1", "shop.pay"), ("t2", "shop.pay")}
    assert sorted(BadEvent.objects.values_list("whole", flat=True)) == [False, True]


def test_it_is_purged_by_age_and_reason() -> None:
    put_aside(2, days=3)
    put_aside(3, reason="not JSON")
    assert command("purge", "--older-than", "4") == "Deleted 0 bad events.\n"
    assert command("purge", "--older-than", "2") == "Deleted 2 bad events.\n"
    assert command("purge", "--reason", "JSON", "--limit", "1") == "Deleted 1 bad event.\n"
    assert command("purge") == "Deleted 2 bad events.\n"


@pytest.mark.parametrize("option", ["--limit", "--older-than"])
@pytest.mark.parametrize("value", ["0", "-1", "some"])
def test_bad_numbers_are_refused(option: str, value: str) -> None:
    with pytest.raises(CommandError, match="greater than 0"):
        command("purge", f"{option}={value}")


def test_hostile_input_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    put_aside(30)
    newest = set(BadEvent.objects.order_by("-pk").values_list("pk", flat=True)[:10])
    monkeypatch.setattr(quarantine, "STEP", 15)
    assert [quarantine.trim("default", most=10) for _turn in range(3)] == [15, 5, 0]
    assert set(BadEvent.objects.values_list("pk", flat=True)) == newest
    assert quarantine.trim("default") == 0
