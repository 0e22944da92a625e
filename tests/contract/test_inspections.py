"""What workers told is kept alike by every database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_celery_monitor.control.told import Told
from django_celery_monitor.models import Inspection, WorkerReply
from django_celery_monitor.upkeep import inspections
from django_celery_monitor.upkeep.inspections import Wanted
from tests.integration.told import READER, replies

pytestmark = pytest.mark.django_db(databases="__all__")


def told(text: str) -> dict[str, Told]:
    found = {part: READER.read(part, said) for part, said in replies(text).items()}
    return {part: said for part, said in found.items() if said}


def test_the_latest_answer_takes_the_place_of_the_one_before(alias: str) -> None:
    now = timezone.now()
    asked = [Wanted("w@h", None), Wanted("mute@h", None)]
    first = inspections.keep(asked, {"w@h": told("one\0🐘\ud800")}, now, alias)
    second = inspections.keep(asked, {"w@h": told("two")}, now + timedelta(seconds=9), alias)
    assert second == first + 1
    rows = WorkerReply.objects.using(alias)
    assert rows.count() == len(WorkerReply.Part)
    assert rows.get(part="conf").content["changed"]["task_default_queue"] == "two"
    row = Inspection.objects.using(alias).get(pk="w@h")
    assert (row.queues, row.concurrency, row.pool) == (["mail"], 4, "prefork")
    assert Inspection.objects.using(alias).get(pk="mute@h").silent_since == now
    inspections.forget(now + timedelta(days=8), alias)
    assert not rows.exists()


def test_whoever_is_wanted_is_asked_first(alias: str) -> None:
    now = timezone.now()
    Inspection.objects.using(alias).create(pk="b@h", wanted_at=now)
    Inspection.objects.using(alias).create(pk="a@h", wanted_at=now + timedelta(seconds=1))
    Inspection.objects.using(alias).create(pk="c@h")
    assert [each.hostname for each in inspections.wanted(5, alias)] == ["b@h", "a@h"]
    [first, _second] = inspections.wanted(5, alias)
    inspections.keep([first], {}, now, alias)
    assert [each.hostname for each in inspections.wanted(5, alias)] == ["a@h"]
