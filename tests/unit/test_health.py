from __future__ import annotations

import logging

import pytest

from django_celery_monitor.pipeline import Outcome
from django_celery_monitor.upkeep.health import WINDOW, Meter


def outcome(events: int, *, lag: float | None = 0.5, revision: int = 1) -> Outcome:
    return Outcome(events, 1, 0, events, 2, lag, revision)


def test_rates_are_those_of_the_last_minute() -> None:
    meter = Meter(0.0)
    nothing = meter.health(0.0)
    assert (nothing.rate, nothing.batch_seconds, nothing.committed_at) == (0.0, None, None)
    for second in range(1, 31):
        meter.add(outcome(100), 0.2)
        meter.health(float(second))
    busy = meter.health(30.0)
    assert (busy.rate, busy.batch_seconds) == (100.0, pytest.approx(0.2))
    assert (busy.events, busy.bad, busy.late, busy.lag) == (3000, 30, 60, 0.5)
    assert busy.committed_at is not None
    idle = meter.health(30.0 + WINDOW)
    assert (idle.rate, idle.batch_seconds, idle.events) == (0.0, None, 3000)


def test_a_batch_that_changes_nothing_commits_nothing() -> None:
    meter = Meter(0.0)
    meter.add(outcome(5, lag=None, revision=0), 0.1)
    health = meter.health(10.0)
    assert (health.rate, health.lag, health.committed_at) == (0.5, None, None)


def test_its_log_record_has_the_figures_as_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "django_celery_monitor")
    meter = Meter(0.0)
    meter.health(1.0).log()
    meter.add(outcome(90), 0.25)
    meter.queue_depth = 7
    meter.health(60.0).log()
    first, second = caplog.records
    assert "lag unknown, no time a batch, none waiting" in first.getMessage()
    assert second.getMessage().startswith("2 events/s, lag 0.5 s, 250 ms a batch, 7 waiting")
    fields = vars(second)
    assert (fields["action"], fields["rate"], fields["queue_depth"]) == ("status", 1.5, 7)
    assert (fields["bad"], fields["late"], fields["dropped"]) == (1, 2, 0)
