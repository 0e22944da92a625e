"""Running a task again and sending one, in a drawer over the page one is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from celery import Celery
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from django_celery_monitor.control import perform as door
from django_celery_monitor.models import ControlAction, Rerun
from tests.browser.looking import breaches, note_complaints, violations
from tests.integration.acting import _no_thread_is_left
from tests.integration.collecting import app_on
from tests.integration.made import superuser
from tests.integration.test_control_retry import ADD, recorded

__all__ = ["_no_thread_is_left"]

SignIn = Callable[[User], None]


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """What is sent goes nowhere."""
    found = app_on("memory://")
    monkeypatch.setattr(door, "find_app", lambda: found)
    yield found
    found.close()


def test_a_task_is_changed_and_sent_again_by_keyboard_alone(
    page: Page, asgi_server: str, sign_in: SignIn
) -> None:
    complaints = note_complaints(page)
    sign_in(superuser())
    task_id = recorded(name=ADD, args=(1, 2))
    page.goto(asgi_server + reverse("celery_monitor:task", args=[task_id]))
    page.locator("#task-top a[data-act]", has_text="Run again").focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("is not marked as safe to run twice")
    drawer.get_by_role("link", name="Change it first").focus()
    page.keyboard.press("Enter")
    expect(drawer.get_by_role("heading", name="Change and run again")).to_be_visible()
    args = drawer.get_by_label("Arguments a JSON list")
    expect(args).to_be_focused()

    # What would be sent follows what is written, and the caret stays where it is.
    args.fill("[1, 40")
    expect(drawer).to_contain_text("line 1, column 7")
    expect(args).to_be_focused()
    page.keyboard.type("]")
    expect(drawer.locator("#send-call")).to_contain_text("args=[1, 40]")
    expect(drawer.locator(".changes .added")).to_contain_text("40")
    expect(args).to_be_focused()
    assert page.locator("[aria-invalid]").count() == 0
    assert violations(page) == []

    drawer.get_by_role("button", name="Format: Arguments").press("Enter")
    expect(args).to_have_value("[\n  1,\n  40\n]")
    page.keyboard.press("ControlOrMeta+z")
    expect(args).to_have_value("[1, 40]")

    # Not lost by one key.
    page.keyboard.press("Escape")
    expect(drawer).to_contain_text("What you changed was not sent.")
    expect(drawer.get_by_role("button", name="Go on")).to_be_focused()
    page.keyboard.press("Enter")
    expect(drawer.get_by_role("button", name="Go on")).to_be_hidden()
    drawer.get_by_label("Run it again all the same").press("Space")
    drawer.get_by_label("Reason").fill("the bank was down")
    drawer.get_by_role("button", name="Send").press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Send: confirmed.")
    sent = Rerun.objects.get()
    assert page.url.endswith(reverse("celery_monitor:task", args=[sent.task_id]))
    assert (sent.origin_id, sent.changed) == (task_id, True)
    assert ControlAction.objects.get().reason == "the bank was down"
    assert breaches(page) == []
    assert complaints == []


def test_a_refusal_is_told_in_the_drawer_and_nothing_is_asked_of_who_wrote_nothing(
    page: Page, asgi_server: str, sign_in: SignIn
) -> None:
    sign_in(superuser())
    task_id = recorded(name=ADD, args=(1, 2))
    address = asgi_server + reverse("celery_monitor:task", args=[task_id])
    page.goto(address)
    link = page.locator("#task-top a[data-act]", has_text="Run again")
    link.click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_role("link", name="Change it first").click()
    expect(drawer.get_by_label("Arguments a JSON list")).to_be_focused()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(link).to_be_focused()

    link.click()
    drawer.get_by_role("link", name="Change it first").click()
    args = drawer.get_by_label("Arguments a JSON list")
    args.fill('[1, "x" "y"]')
    drawer.get_by_label("Run it again all the same").check()
    drawer.get_by_role("button", name="Send").click()
    expect(drawer.get_by_role("alert").first).to_contain_text("Nothing was sent")
    expect(args).to_be_focused()
    expect(args).to_have_value('[1, "x" "y"]')
    drawer.get_by_role("button", name="Format: Arguments").click()
    at = args.evaluate("area => [area.selectionStart, area.selectionEnd]")
    assert at == [8, 9]
    drawer.get_by_role("button", name="Close").click()
    drawer.get_by_role("button", name="Discard").click()
    expect(drawer).to_be_hidden()
    assert page.url == address
    assert not Rerun.objects.exists()
