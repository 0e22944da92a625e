"""The whole path in a real browser: worker, broker, collector, database, socket, page."""

from __future__ import annotations

import json
import re

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from playwright.sync_api import Page, expect

from django_celery_monitor.models import CollectorRun, Task
from django_celery_monitor.state import worker as rules
from tests.fixtures.processes import Process, StartProcess, project_env
from tests.fixtures.workers import CeleryWorker
from tests.waiting import wait_until

# A third of what silence takes to mean something; what is lost is looked for all the time.
LATE, LOST = 3.0, 10.0
SOON = {
    f"{rules.__name__}.LATE_AT_LEAST": LATE,
    f"{rules.__name__}.LOST_AT_LEAST": LOST,
    "django_celery_monitor.upkeep.settler.PACE": {"every": 1.0, "grace": 2.0},
}


@pytest.fixture
def collector(asgi_server: str, start_process: StartProcess, redis_url: str) -> Process:
    env = project_env(redis_url, redis_url, channel_layer_url=redis_url)
    env |= {"FAULTS_CONSTANTS": json.dumps(SOON)}
    process = start_process("-m", "tests.faults.command", env=env)
    wait_until(lambda: CollectorRun.objects.exists() or process.child.poll() is not None, 30)
    assert process.child.poll() is None, process.output()
    return process


def sign_in_by_hand(page: Page, server: str, username: str) -> None:
    """Through the form, as people do."""
    page.goto(server + reverse("celery_monitor:tasks"))
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(server + reverse("celery_monitor:tasks"))


def test_a_task_goes_from_received_to_succeeded_without_reloading(
    collector: Process, asgi_server: str, page: Page, redis_url: str, celery_worker: CeleryWorker
) -> None:
    User.objects.create_superuser("ada", password="open sesame")
    worker = celery_worker(redis_url)
    sign_in_by_hand(page, asgi_server, "ada")
    # One child: the second task is received and waits while the first one runs.
    worker.send("slow", 2.5)
    second = worker.send("slow", 0.25)
    row = page.get_by_role("row").filter(has_text="0.25")
    page.evaluate("window.notReloaded = true")

    expect(row).to_contain_text("Received")
    expect(row).to_contain_text("Succe")
    assert page.evaluate("window.notReloaded")

    row.get_by_role("link").click()
    address = asgi_server + reverse("celery_monitor:task", args=[second.id])
    expect(page).to_have_url(re.compile(re.escape(address)))
    expect(page.locator("main")).to_contain_text("0.25")
    expect(page.locator("main")).to_contain_text(worker.hostname)


def test_a_user_without_the_right_sees_no_arguments(
    collector: Process, asgi_server: str, page: Page, redis_url: str, celery_worker: CeleryWorker
) -> None:
    # The test project has no sign-in page but the admin's, which lets only staff in.
    user = User.objects.create_user("bob", password="open sesame", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_task"))
    worker = celery_worker(redis_url)
    result = worker.send("echo", "the eagle has landed")
    sign_in_by_hand(page, asgi_server, "bob")

    expect(page.get_by_role("row").filter(has_text="tasks.echo")).to_contain_text("Succe")
    assert "eagle" not in page.content()
    page.goto(asgi_server + reverse("celery_monitor:task", args=[result.id]))
    expect(page.locator("main")).to_contain_text("tests.project.tasks.echo")
    assert "eagle" not in page.content()


def test_a_killed_worker_is_shown_as_lost_and_its_task_too(
    collector: Process,
    asgi_server: str,
    page: Page,
    redis_url: str,
    celery_worker: CeleryWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "LATE_AT_LEAST", LATE)
    monkeypatch.setattr(rules, "LOST_AT_LEAST", LOST)
    User.objects.create_superuser("ada", password="open sesame")
    doomed = celery_worker(redis_url, "--heartbeat-interval", "1", queues="doomed")
    other = celery_worker(redis_url)
    sign_in_by_hand(page, asgi_server, "ada")
    page.goto(asgi_server + reverse("celery_monitor:workers"))
    row = page.get_by_role("row").filter(has_text=doomed.hostname)
    expect(row).to_contain_text("Online")
    result = doomed.send("slow", 600, queue="doomed")
    wait_until(lambda: Task.objects.filter(pk=result.id, state="STARTED").exists())

    doomed.process.kill()

    expect(row).to_contain_text("Late", timeout=20_000)
    expect(row).to_contain_text("Lost", timeout=40_000)
    expect(page.get_by_role("row").filter(has_text=other.hostname)).to_contain_text("Online")

    # What it was running is lost with it, a look or two later.
    page.goto(asgi_server + reverse("celery_monitor:task", args=[result.id]))
    expect(page.locator("h1 + .st")).to_contain_text("Lost", timeout=30_000)
