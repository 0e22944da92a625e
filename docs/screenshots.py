"""Makes the pictures in docs/screenshots from the example project's history.

    python docs/screenshots.py [path of chromium]

Everything happens in a temporary folder; needs what `make test` installs.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ROOT = Path(__file__).parents[1]
PICTURES = Path(__file__).with_suffix("")
DAYS = 2.0
# Name, path, colours, width, height.
Shot = tuple[str, str, Literal["light", "dark"], int, int]
SHOTS: tuple[Shot, ...] = (
    ("overview-light", "", "light", 1440, 900),
    ("tasks-dark", "tasks/", "dark", 1440, 1080),
    ("tasks-phone", "tasks/", "dark", 390, 844),
    ("task-light", "tasks/{task}/", "light", 1440, 900),
    ("task-phone", "tasks/{task}/", "dark", 390, 844),
    ("views-light", "views/", "light", 1440, 420),
    ("workers-light", "workers/", "light", 1440, 420),
    ("worker-light", "workers/celery@web-1/?range=24h", "light", 1440, 1080),
    ("worker-phone", "workers/celery@web-1/", "dark", 390, 844),
    ("types-light", "types/", "light", 1440, 640),
    ("type-dark", "types/shop.orders.charge_card/?range=24h", "dark", 1440, 1080),
    ("failures-light", "failures/", "light", 1440, 900),
    ("failures-phone", "failures/", "dark", 390, 844),
    ("queues-light", "queues/", "light", 1440, 460),
    ("queue-dark", "queues/payments/", "dark", 1440, 1080),
    (
        "send-light",
        "send/?task=shop.stock.reserve&args=%5B%22CH-2502-RD%22%2C4%5D",
        "light",
        1440,
        620,
    ),
    ("operations-light", "operations/", "light", 1440, 420),
    ("operation-light", "operations/{operation}/", "light", 1440, 640),
    ("operation-phone", "operations/{operation}/", "dark", 390, 844),
    ("audit-light", "audit/", "light", 1440, 480),
    ("audit-phone", "audit/", "dark", 390, 844),
    ("styleguide-light", "styleguide/", "light", 1440, 1080),
)


def main() -> None:
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="example_project.settings",
            # Playwright keeps a loop in this thread, in which Django would refuse to query.
            DJANGO_ALLOW_ASYNC_UNSAFE="true",
            DEMO_DATA_DIR=folder,
            DEMO_DATABASE_URL=f"sqlite:///{folder}/demo.sqlite3",
            DEMO_BROKER_URL="memory://",
            DEMO_RESULT_BACKEND_URL="cache+memory://",
            # Else there is no style guide.
            DEMO_DEBUG="1",
        )
        session = fill()
        with server() as address:
            take(address, session)


def fill() -> str:
    """A database with history, workers that are alive, and somebody's session."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from example_project.demo.history.fill import back_fill

    call_command("migrate", verbosity=0)
    back_fill(DAYS, lambda share: None)
    listen()
    client = Client()
    reader = User.objects.create_superuser("demo")
    save_views(str(reader.pk))
    act()
    operate(reader)
    client.force_login(reader)
    return client.cookies["sessionid"].value


def save_views(owner: str) -> None:
    from django_celery_monitor.models import SavedView

    saved = (
        ("Cards that are refused", "state=failed&name=shop.orders.charge_card", True),
        ("Nobody takes them", "state=waiting&queue=partners", True),
        ("Slow reports", "name=shop.reports.*&runtime=>30s", False),
    )
    for name, query, shared in saved:
        SavedView.objects.create(owner=owner, name=name, query=query, shared=shared)


def act() -> None:
    """What people did, and what workers answered."""
    from django.utils import timezone

    from django_celery_monitor.models import ControlAction, ControlTarget

    done, none = {"verdict": "done", "text": "ok"}, {"verdict": "nothing", "text": ""}
    web, mail = "celery@web-1", "celery@mail-1"
    acts = (
        ("shutdown", "worker", "celery@old-1", "mira", "replaced by web-1", "confirmed", {}, ()),
        (
            "cancel_consumer",
            "queue",
            "partners",
            "ana",
            "their API is down",
            "confirmed",
            {mail: done},
            (),
        ),
        (
            "rate_limit",
            "type",
            "shop.mail.send",
            "jon",
            "the mail host is slow",
            "partly",
            {web: done},
            (mail,),
        ),
        ("pool_grow", "worker", web, "ana", "", "confirmed", {web: done}, ()),
        ("purge", "queue", "thumbnails", "mira", "all outdated", "confirmed", {}, ()),
        (
            "revoke",
            "task",
            "8d0f2c1e-6f3a-4f0e-9a77-1d3c5b2e9f40",
            "ana",
            "double charge",
            "confirmed",
            {web: none},
            (),
        ),
    )
    for number, (name, kind, target, who, reason, outcome, replies, silent) in enumerate(acts):
        action = ControlAction.objects.create(
            act=name,
            user_name=who,
            reason=reason,
            source="page",
            started_at=timezone.now() - timedelta(minutes=7 + 53 * (len(acts) - number) ** 2),
            ended_at=timezone.now(),
            outcome=outcome,
            target_count=1,
            replies=replies,
            silent=list(silent),
        )
        ControlTarget.objects.create(action=action, kind=kind, value=target)


def operate(reader: User) -> None:
    """Operations: one that is over, one that was stopped, one that runs."""
    from django.utils import timezone

    from django_celery_monitor.control.operations import Chosen, begin, parsed
    from django_celery_monitor.models import Operation, Task

    now = timezone.now()
    failed = Task.objects.filter(state="FAILURE").order_by("-time").values_list("id", flat=True)
    ids = list(failed[:5])
    parts: dict[str, object] = {"started_at": now - timedelta(seconds=90), "turned_at": now}
    down = begin(
        reader,
        "revoke",
        Chosen(expression=parsed("state=waiting&queue=partners")),
        reason="API down",
    )
    stopped = begin(reader, "retry", Chosen(ids=ids), reason="the bank was down")
    chosen = Chosen(expression=parsed("state=failed&name=shop.orders.charge_card"))
    running = begin(reader, "retry", chosen, reason="the bank was down")
    for operation, values in (
        (down, {"status": "finished", "matched": 38, "done": 38, "ended_at": now}),
        (stopped, {"status": "stopped", "matched": 5, "failed": 2, "unclear": 1, "skipped": 1}),
        (running, {"status": "running", "matched": 2480, "done": 1210, "failed": 14}),
    ):
        rows = Operation.objects.filter(pk=operation.pk)
        rows.update(collected=True, **parts, **values)
    for task_id, status, message in zip(
        ids,
        ("failed", "failed", "unclear", "skipped", "waiting"),
        (
            *["Only a text of its arguments is known, which is not what they were."] * 2,
            "The collector ended while it was being sent.",
            "It has succeeded.",
            "",
        ),
        strict=True,
    ):
        stopped.items.filter(task_id=task_id).update(status=status, message=message)


def listen() -> None:
    """What a collector says of itself while it runs."""
    from django.utils import timezone

    from django_celery_monitor.models import CollectorRun

    now = timezone.now()
    CollectorRun.objects.create(
        node="demo",
        pid=1,
        transport="redis",
        started_at=now - timedelta(days=2),
        last_seen_at=now + timedelta(minutes=5),
        committed_at=now,
        lag=0.31,
    )


def beat_hearts() -> None:
    """What workers would have said a moment ago."""
    from django_celery_monitor.models import Worker
    from django_celery_monitor.pipeline import Pipeline

    for name, silent, active in (("web-1", 0.4, 3), ("batch-1", 0.9, 2), ("mail-1", 14, 1)):
        known = Worker.objects.filter(hostname=f"celery@{name}").first()
        processed = known.processed if known and known.processed else 3_004
        said = beat(f"celery@{name}", silent, active, processed)
        Pipeline().store([json.dumps(said).encode()], arrived=time.time() - silent)


def beat(host: str, silent: float, active: int, processed: int) -> dict[str, object]:
    return {
        "type": "worker-heartbeat",
        "hostname": host,
        "timestamp": time.time() - silent,
        "utcoffset": 0,
        "pid": 400,
        "clock": 1,
        "freq": 2.0,
        "active": active,
        "processed": processed,
        "loadavg": [0.42, 0.37, 0.31],
        "sw_ident": "py-celery",
        "sw_ver": "5.7.0",
        "sw_sys": "Linux",
    }


@contextmanager
def server() -> Iterator[str]:
    import socket

    import uvicorn

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config("example_project.asgi:application", log_level="warning")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/monitor/"
        running.should_exit = True
        thread.join()


def take(address: str, session: str) -> None:
    from playwright.sync_api import sync_playwright

    chromium = sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium"
    task, operation = interesting_task(), stopped_operation()
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as play, play.chromium.launch(executable_path=chromium) as browser:
        for name, path, colours, width, height in SHOTS:
            beat_hearts()
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=colours
            )
            page.context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
            page.goto(address + path.format(task=task, operation=operation))
            # Forms stay as they are.
            if page.locator("button.live").count():
                page.locator("button.live[data-live-state=live]").wait_for()
            page.screenshot(path=PICTURES / f"{name}.png")
            page.close()
            sys.stdout.write(f"{name}\n")


def interesting_task() -> str:
    """The latest that was retried and failed all the same."""
    from django_celery_monitor.models import Task

    return Task.objects.filter(state="FAILURE", retries__gt=0).latest("time").id


def stopped_operation() -> str:
    from django_celery_monitor.models import Operation

    return str(Operation.objects.get(status="stopped").pk)


if __name__ == "__main__":
    main()
