"""Acting in a real browser on a real worker: a form in a dialog, and what it did to the worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from django_celery_monitor.control import perform as door
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.models import ControlAction
from tests.browser.looking import breaches, note_complaints, violations
from tests.fixtures.workers import CeleryWorker, Worker
from tests.integration.acting import _no_thread_is_left
from tests.integration.doors import Done, Door, Given, address, entries, lead_to
from tests.integration.effects import EFFECTS, Scene, wrong_of
from tests.integration.kept import a_collector, a_task, a_worker
from tests.integration.made import superuser
from tests.integration.stage import known, staged, unhurried
from tests.integration.told import answered
from tests.waiting import wait_until

__all__ = ["_no_thread_is_left"]

SignIn = Callable[[User], None]
SLOW = "tests.project.tasks.slow"


@pytest.fixture
def worker(celery_worker: CeleryWorker, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Worker:
    found = celery_worker(redis_url)
    monkeypatch.setattr(door, "find_app", lambda: found.app)
    a_collector()
    a_worker(found.hostname)
    return found


def dialog(page: Page, name: str) -> Locator:
    found = page.get_by_role("dialog", name=name)
    expect(found).to_be_visible()
    return found


def test_people_act_on_a_worker_and_see_what_came_of_it(
    page: Page, asgi_server: str, sign_in: SignIn, worker: Worker
) -> None:
    complaints = note_complaints(page)
    sign_in(superuser())
    inspect = worker.app.control.inspect(destination=[worker.hostname], timeout=2, limit=1)
    toast = page.locator("#toasts")

    # One child: the second task waits while the first one runs.
    worker.send("slow", 2)
    waiting = worker.send("slow", 0.1)
    a_task(waiting.id, name=SLOW, time=timezone.now(), state="RECEIVED", worker=worker.hostname)
    page.goto(asgi_server + reverse("celery_monitor:task", args=[waiting.id]))
    page.get_by_role("link", name="Revoke").click()
    form = dialog(page, "Revoke")
    expect(form).to_contain_text("This will not survive a restart.")
    expect(form).to_contain_text(waiting.id)
    assert violations(page) == []
    form.get_by_label("Reason").fill("double charge")
    form.get_by_role("button", name="Revoke").click()
    expect(toast).to_contain_text("Revoke: confirmed.")
    expect(toast).to_contain_text(worker.hostname)
    expect(page.locator("#task-side")).to_contain_text("double charge")
    assert waiting.id in (inspect.revoked() or {})[worker.hostname]

    answered(worker.hostname)
    page.goto(asgi_server + reverse("celery_monitor:worker", args=[worker.hostname]))
    page.get_by_text("Control", exact=True).click()
    page.get_by_role("link", name="Rate limit").click()
    form = dialog(page, "Rate limit")
    form.get_by_label("Task type").fill(SLOW)
    form.get_by_label("At most").fill("fast")
    form.get_by_role("button", name="Rate limit").click()
    expect(form).to_contain_text("must look like 5/s")
    expect(form.get_by_label("At most")).to_be_focused()
    form.get_by_label("At most").fill("7/m")
    form.get_by_role("button", name="Rate limit").click()
    expect(toast).to_contain_text("Rate limit: confirmed.")
    told = (inspect.registered("rate_limit") or {})[worker.hostname]
    assert f"{SLOW} [rate_limit=7/m]" in told
    assert breaches(page) == []
    # A browser says of each answer of 400 that it was one.
    assert [each for each in complaints if "status of 400" not in each] == []


def test_a_worker_is_shut_down_by_who_types_its_name(
    page: Page, asgi_server: str, sign_in: SignIn, worker: Worker
) -> None:
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:worker", args=[worker.hostname]))
    page.get_by_text("Control", exact=True).click()
    page.get_by_role("link", name="Shut down").click()
    form = dialog(page, "Shut down")
    form.get_by_label("to confirm").fill("another")
    form.get_by_role("button", name="Shut down").click()
    expect(form.get_by_label("to confirm")).to_be_focused()
    expect(form).to_contain_text(f"Type {worker.hostname} to confirm.")
    assert not ControlAction.objects.exists()
    form.get_by_label("to confirm").fill(worker.hostname)
    form.get_by_role("button", name="Shut down").click()
    expect(page.locator("#toasts")).to_contain_text("Shut down:", timeout=15_000)
    wait_until(lambda: worker.process.child.poll() is not None, timeout=20)
    assert ControlAction.objects.get().act == "shutdown"


ON_TASK = ("revoke", "terminate", "abort", "retry")
# Done through the other doors only: what has no control of its own on these pages, and what is seen
# on tasks that run meanwhile, for less time than a browser takes.
ELSEWHERE = (
    *("stats", "active_queues", "active", "reserved", "scheduled", "revoked", "registered", "conf"),
    *("query_task", "revoke_by_stamped_headers", "terminate_by_stamped_headers", "send"),
    *("purge", "pool_restart"),
)


def by_browser(page: Page, base: str) -> Door:
    def do(act: str, given: Given) -> Done:
        url = address(act, given)
        page.goto(base + place(act, given))
        if act not in ON_TASK:
            page.get_by_text("Control", exact=True).click()
        page.locator(f'a[href*="{url.partition("?")[0]}"]:visible').first.click()
        form = page.locator("form[data-act-form]")
        form.wait_for()
        form.evaluate(
            "each => each.querySelectorAll('details').forEach(more => { more.open = true })"
        )
        # A worker's own page does not know which type or queue is meant.
        more: dict[str, str] = {name: given[name] for name in ("task", "queue") if name in given}
        for name, value in {**more, **entries(act, given)}.items():
            field = form.locator(f'[name="{name}"]')
            if name in more and not field.count():
                continue
            kind = field.evaluate("each => each.type")
            if kind == "select-one":
                field.select_option(value)
            else:
                field.check() if kind == "checkbox" else field.fill(value)
        form.locator("button[type=submit]").click()
        if ACTS[act].changes:
            toasts = page.locator("#toasts")
            expect(toasts).to_contain_text(f"{ACTS[act].label}:", timeout=40_000)
            said = toasts
        else:
            expect(form).to_have_count(0, timeout=40_000)
            said = page.locator("#act:visible, #act-here:visible").first
        return Done(ControlAction.objects.latest("pk"), said.text_content() or "")

    return do


def place(act: str, given: Given) -> str:
    if act in ON_TASK:
        return reverse(
            "celery_monitor:task", args=[given["id"] if act == "retry" else given["ids"][0]]
        )
    return reverse("celery_monitor:worker", args=given["workers"])


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_each_act_in_a_browser_is_seen_on_the_worker(
    page: Page,
    asgi_server: str,
    sign_in: SignIn,
    redis_databases: Iterator[str],
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    complaints = note_complaints(page)
    with staged("redis", redis_databases, tmp_path) as stage:
        stage.start("prefork", "-c", "2", pool="prefork")
        stage.start("scaled", "--autoscale=2,1", pool="prefork")
        stage.start("mortal-page", "-c", "1", pool="prefork")
        stage.wait_for("prefork", "scaled")
        known(stage)
        a_collector()
        unhurried(settings, monkeypatch)
        lead_to(stage.app, monkeypatch)
        for act in ELSEWHERE:
            monkeypatch.delitem(EFFECTS, act)
        sign_in(superuser())
        assert wrong_of(Scene(stage, by_browser(page, asgi_server), "page", 0)) == ""
    assert complaints == []
