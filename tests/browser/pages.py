"""Every page there is, for the tests that all of them have to pass: a new page is one more line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from django.urls import reverse
from django.utils import timezone

from django_celery_monitor.control.operations import Chosen, begin
from django_celery_monitor.models import (
    CollectorRun,
    ControlAction,
    ControlTarget,
    Operation,
    Task,
)
from tests.integration.made import (
    HOST,
    a_collector,
    a_task,
    a_worker,
    event,
    failed,
    now,
    received,
    sent,
    store,
    superuser,
)
from tests.integration.told import answered, replies


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What pages of one thing are asked for."""

    task: str = "nothing-like-it"
    host: str = HOST
    name: str = "shop.ship"
    queue: str = "mail"
    operation: str = "00000000-0000-4000-8000-000000000000"
    entry: int = 1


PAGES: Final[dict[str, Callable[[Kept], str]]] = {
    "overview": lambda kept: reverse("celery_monitor:overview"),
    "tasks": lambda kept: reverse("celery_monitor:tasks"),
    "filtered": lambda kept: reverse("celery_monitor:tasks") + f"?name={quote(kept.name)}",
    "nothing found": lambda kept: reverse("celery_monitor:tasks") + f"?name={quote('никто')}",
    "searched": lambda kept: reverse("celery_monitor:tasks") + f"?-name={quote(kept.name)}",
    "mistaken": lambda kept: reverse("celery_monitor:tasks") + "?find=after:soon",
    "views": lambda kept: reverse("celery_monitor:views"),
    "task": lambda kept: reverse("celery_monitor:task", args=[kept.task]),
    "run again": lambda kept: reverse("celery_monitor:retry", args=[kept.task]),
    "send": lambda kept: reverse("celery_monitor:send") + f"?task={quote(kept.name)}",
    "send again": lambda kept: reverse("celery_monitor:send") + f"?rerun_of={quote(kept.task)}",
    "workers": lambda kept: reverse("celery_monitor:workers"),
    "worker": lambda kept: reverse("celery_monitor:worker", args=[kept.host]),
    "types": lambda kept: reverse("celery_monitor:types"),
    "type": lambda kept: reverse("celery_monitor:type", args=[kept.name]),
    "failures": lambda kept: reverse("celery_monitor:failures"),
    "styleguide": lambda kept: reverse("celery_monitor:styleguide"),
    # Tables, a tree of settings, lists of facts: the other tabs are made of the same.
    "worker active": lambda kept: of_worker(kept, "active"),
    "worker configuration": lambda kept: of_worker(kept, "configuration"),
    "worker statistics": lambda kept: of_worker(kept, "statistics"),
    "queues": lambda kept: reverse("celery_monitor:queues"),
    "queue": lambda kept: reverse("celery_monitor:queue", args=[kept.queue]),
    "operations": lambda kept: reverse("celery_monitor:operations"),
    "operation": lambda kept: reverse("celery_monitor:operation", args=[kept.operation]),
    "new operation": lambda kept: (
        reverse("celery_monitor:new_operation")
        + f"?act=revoke&filter=name%3D{quote(quote(kept.name))}"
    ),
    "audit": lambda kept: reverse("celery_monitor:audit"),
    "audit entry": lambda kept: reverse("celery_monitor:audit_entry", args=[kept.entry]),
    "act": lambda kept: acting(kept, "rate_limit") + f"&task={quote(kept.name)}",
    "act without targets": lambda kept: reverse("celery_monitor:act", args=["add_consumer"]),
    "act that is typed": lambda kept: acting(kept, "shutdown"),
    "refusal": lambda kept: reverse("celery_monitor:tasks") + "?after=soon",
}


def acting(kept: Kept, act: str) -> str:
    return reverse("celery_monitor:act", args=[act]) + f"?workers={quote(kept.host)}"


def of_worker(kept: Kept, tab: str) -> str:
    return reverse("celery_monitor:worker", args=[kept.host]) + f"?tab={tab}"


def a_collector_that_stays() -> None:
    """It counts as listening for as long as a slow machine takes to look at everything."""
    a_collector(at=timezone.now() + timedelta(minutes=10))


def nothing() -> Kept:
    """A project on its first day, its collector running."""
    a_collector_that_stays()
    return Kept()


def an_operation(ids: list[str], text: str = "out of luck") -> str:
    """One that is on its way, with items of each kind."""
    user = superuser()
    operation = begin(user, "revoke", Chosen(ids=[*ids, "gone", "lost"]), reason=text)
    for task_id, status in zip(
        [*ids, "gone", "lost"], ("failed", "unclear", "skipped"), strict=True
    ):
        operation.items.filter(task_id=task_id).update(status=status, message=text[:450])
    counts = {"done": 7, "failed": 1, "unclear": 1, "skipped": 1, "matched": 12480}
    Operation.objects.filter(pk=operation.pk).update(detail=text[:450], status="stopped", **counts)
    return str(operation.pk)


def data() -> Kept:
    a_collector_that_stays()
    a_worker()
    a_worker("celery@batch-1", silent=90)
    answered()
    for second in range(26):
        a_task("failed" if second % 9 == 0 else "succeeded", ago=60 * second)
    a_task("received")
    failure = Task.objects.filter(state="FAILURE").latest("time").id
    entry = an_entry(failure, "double charge", "ana")
    return Kept(task=failure, operation=an_operation([failure]), entry=entry)


def an_entry(task_id: str, reason: str, user: str) -> int:
    action = ControlAction.objects.create(
        act="revoke",
        user_name=user,
        reason=reason,
        source="page",
        started_at=timezone.now(),
        ended_at=timezone.now(),
        outcome="partly",
        target_count=3,
        replies={HOST: {"verdict": "refused", "text": reason}},
        silent=["celery@batch-1"],
    )
    ControlTarget.objects.create(action=action, kind="task", value=task_id)
    ControlTarget.objects.create(action=action, kind="worker", value=HOST)
    ControlTarget.objects.create(action=action, kind="queue", value="mail")
    return int(action.pk)


def data_but_no_collector() -> Kept:
    kept = data()
    CollectorRun.objects.update(ended_at=timezone.now())
    return kept


SCRIPT: Final = "<script>window.harmed = 1</script>"
IMAGE: Final = "<img src=x onerror='window.harmed = 1'>"
# Turns what follows around; ends what is embedded; half of a pair of marks; NUL.
MARKS: Final = "\u202eright to left\u2066\u200f \x00 שלום"
MEGABYTE: Final = f"{SCRIPT}{MARKS}" + "a" * 1_000_000


def hostile() -> Kept:
    """All that a client or a worker can say, said badly."""
    a_collector_that_stays()
    host = f"celery@{IMAGE}{MARKS}".replace("\x00", "") + "h" * 150
    a_worker(host[:255])
    name = f"{SCRIPT}{MARKS}" + "n" * 300
    own = {
        "name": name,
        "args": f"('{SCRIPT}', '{MARKS}', '{MEGABYTE}')",
        "kwargs": "{'" + "k" * 300 + f"': '{IMAGE}'}}",
        "queue": f"{IMAGE}{MARKS}" + "q" * 300,
        "routing_key": SCRIPT,
    }
    uuid, at = f'{IMAGE}"/..{{{{ 7 }}}}%0a' + "i" * 150, now() - 5
    store(
        sent(uuid, at, **own),
        received(uuid, at + 0.1, **own, hostname=host),
        event("started", uuid, at + 0.2, host=host),
        failed(
            uuid, at + 0.7, hostname=host, exception=f"{SCRIPT}('{IMAGE}')", traceback=own["args"]
        ),
    )
    task = Task.objects.get()
    answered(task.worker, raw=replies(f"{SCRIPT}{IMAGE}{MARKS}" + "r" * 3000, uuid, name))
    operation = an_operation([task.id], f"{SCRIPT}{IMAGE}{MARKS}".replace("\0", "") + "w" * 600)
    entry = an_entry(task.id, f"{SCRIPT}{MARKS}".replace("\x00", "") + "r" * 900, IMAGE)
    return Kept(
        task=task.id,
        host=task.worker,
        name=task.name,
        queue=task.queue,
        operation=operation,
        entry=entry,
    )
