"""What the overview says is burning: failing types, delayed queues, kinds of errors."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from django_celery_monitor.models import TaskStats
from django_celery_monitor.reading import burning
from django_celery_monitor.reading.burning import delayed, failing, kinds
from django_celery_monitor.reading.series import Reading
from django_celery_monitor.reading.series_window import window_of
from tests.integration.made import (
    a_collector,
    a_task,
    failed,
    now,
    received,
    root_client,
    sent,
    store,
    superuser,
)

pytestmark = pytest.mark.django_db


def read(**params: str) -> Reading:
    at = timezone.now()
    return Reading(superuser(), window_of(params, at), at)


def count(ago: int, label: str, **columns: Any) -> None:
    start = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=ago)
    for grain in "nq":
        TaskStats.objects.create(period="m", grain=grain, start=start, label=label, **columns)


def test_types_are_compared_with_the_stretch_before() -> None:
    a_collector(since=timedelta(hours=3))
    count(5, "shop.pay", failed=7, rejected=1, succeeded=24)
    count(70, "shop.pay", failed=3)
    count(6, "shop.ship", failed=2)
    count(7, "shop.mail", succeeded=5)
    first, second = failing(read())
    assert (first.name, first.failed, first.ended, first.before) == ("shop.pay", 8, 32, 3)
    assert (first.change, first.share) == (5, 0.25)
    assert (second.name, second.before) == ("shop.ship", 0)


def test_what_was_not_recorded_before_is_unknown_and_not_less() -> None:
    a_collector(since=timedelta(minutes=90))
    count(5, "shop.pay", failed=7)
    [one] = failing(read())
    assert (one.before, one.change) == (None, None)
    text = root_client().get(reverse("celery_monitor:overview")).text
    assert "That time was not recorded whole" in text


def test_a_queue_that_nobody_reads_is_on_top() -> None:
    a_collector(since=timedelta(hours=3))
    count(5, "mail", succeeded=100, wait_bins='{"400": 100}')
    count(70, "mail", succeeded=100, wait_bins='{"300": 100}')
    store(sent(str(uuid4()), now() - 3000, queue="partners"))
    first, second = delayed(read())
    assert (first.queue, first.waiting, first.wait) == ("partners", 1, None)
    assert first.oldest is not None
    assert (second.queue, second.waiting) == ("mail", 0)
    assert second.wait is not None
    assert second.before is not None
    assert second.wait > second.before


def test_who_waits_for_a_time_that_was_set_is_not_late() -> None:
    a_collector()
    eta = (timezone.now() + timedelta(hours=1)).isoformat()
    store(received(str(uuid4()), now() - 3000, eta=eta), sent(str(uuid4()), now() - 30))
    [mail] = delayed(read())
    assert (mail.queue, mail.waiting) == ("mail", 1)
    assert timezone.now() - (mail.oldest or datetime.min) < timedelta(minutes=2)


def test_growth_is_what_came_less_what_ended_and_stands_on_the_overview() -> None:
    a_collector()
    for second in range(30):
        store(sent(str(uuid4()), now() - second - 1, queue="partners"))
    found = {each.queue: each.flow for each in delayed(read())}
    assert found["partners"]
    assert found["partners"].growth == pytest.approx(2, rel=0.1)
    assert ">+2.0<" in root_client().get(reverse("celery_monitor:overview")).text


def test_without_a_collector_growth_is_unknown_and_not_zero() -> None:
    store(sent(str(uuid4()), now() - 60, queue="partners"))
    [one] = delayed(read())
    assert one.flow is None
    assert (
        "Not known: nobody listened" in root_client().get(reverse("celery_monitor:overview")).text
    )


def test_more_than_was_looked_at_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(burning, "LOOKED_AT", 3)
    a_collector()
    for second in range(5):
        a_task("received", ago=second + 1)
        a_task("failed", ago=second + 1)
    [mail] = delayed(read())
    assert (mail.waiting, mail.at_least) == (3, True)
    found = kinds(read())
    assert (found.count, found.at_least) == (1, True)
    text = root_client().get(reverse("celery_monitor:overview")).text
    assert "3+" in text
    assert "at least 1 kinds" in text


def test_kinds_are_different_errors_of_the_last_hour() -> None:
    a_task("failed")
    a_task("failed")
    a_task("failed", ago=2 * 3600, name="shop.other")
    uuid = str(uuid4())
    store(received(uuid, now()), failed(uuid, now(), exception="KeyError('sku')", traceback=""))
    found = kinds(read())
    assert (found.count, found.at_least) == (2, False)
    assert "2 kinds" in root_client().get(reverse("celery_monitor:overview")).text
