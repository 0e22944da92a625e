"""How many of some tasks can be sent again, as far as that is known without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from django_celery_monitor.access.policy import get_policy
from django_celery_monitor.control.whole import Reason, retriable
from django_celery_monitor.models import Task
from django_celery_monitor.storage.rows import events_of


def count_whole(user: Any, ids: Sequence[str]) -> int:
    """Those whose arguments the recorder told whole; of others the result backend may know."""
    now = timezone.now()
    tasks = get_policy().visible(user, Task.objects.filter(pk__in=ids))
    found = (retriable(task.name, events_of(task), now) for task in tasks)
    return sum(not isinstance(each, Reason) for each in found)
