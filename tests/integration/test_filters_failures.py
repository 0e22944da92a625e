"""Filters that ask for tasks by what failed, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_celery_monitor.filters import FilterError, failures, from_params, to_q
from django_celery_monitor.models import Task
from tests.integration.kept import a_task, an_error

pytestmark = pytest.mark.django_db
KIND = "0123456789abcdef"


def found(**params: str) -> list[str]:
    tasks = Task.objects.filter(to_q(from_params(params)))
    return sorted(tasks.values_list("id", flat=True))


def failure(task_id: str, hours: float = 0, **values: object) -> None:
    a_task(task_id, state="FAILURE")
    an_error(task_id, time=timezone.now() - timedelta(hours=hours), **values)


def test_by_type_or_by_kind() -> None:
    failure("a", type="KeyError", fingerprint=KIND)
    failure("b", type="KeyError")
    failure("c", type="OSError")
    assert found(error="KeyError") == ["a", "b"]
    assert found(error=KIND) == ["a"]
    assert found(error="Key") == []


def test_retries_and_what_was_told_twice_are_no_failures() -> None:
    failure("a", retry=True)
    failure("b", duplicate=True)
    assert found(error="ValueError") == []


def test_by_the_time_of_the_failure_not_of_the_task() -> None:
    failure("a", hours=0.5)
    failure("b", hours=5)
    assert found(failed="1h") == ["a"]
    assert found(failed="1h", error="ValueError") == ["a"]
    assert found(failed="24h") == ["a", "b"]
    with pytest.raises(FilterError, match="soon is not a time"):
        found(failed="soon")


def test_of_too_many_failures_the_newest_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "NEWEST_FAILURES", 2)
    for number in range(5):
        failure(str(number), hours=number)
    # The one at the edge is in.
    assert found(error="ValueError") == ["0", "1", "2"]
