"""The page of a worker in a real browser: asking for news of it, and its tabs on a phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from django_celery_monitor.models import Inspection
from tests.browser.looking import note_complaints, sideways
from tests.integration.made import HOST, a_collector, a_worker, superuser
from tests.integration.told import answered
from tests.waiting import wait_until

SignIn = Callable[[User], None]


def is_wanted() -> bool:
    return Inspection.objects.filter(wanted_at__isnull=False).exists()


def test_a_page_asks_by_itself_and_by_a_button_and_shows_the_answer(
    page: Page, asgi_server: str, sign_in: SignIn
) -> None:
    complaints = note_complaints(page)
    sign_in(superuser())
    a_collector()
    a_worker()
    page.goto(asgi_server + reverse("celery_monitor:worker", args=[HOST]) + "?tab=active")
    page.evaluate("window.notReloaded = true")
    expect(page.get_by_text("Asked, waiting for the answer")).to_be_visible()
    wait_until(is_wanted)

    Inspection.objects.update(wanted_at=None)
    answered(at=timezone.now() - timedelta(seconds=20))
    row = page.get_by_role("row").filter(has_text="shop.ship")
    expect(row).to_contain_text("carrier", timeout=20_000)

    page.get_by_role("button", name="Ask now").click()
    expect(page.get_by_text("Asked, waiting for the answer")).to_be_visible(timeout=20_000)
    assert is_wanted()
    assert page.evaluate("window.notReloaded")
    assert complaints == []


def test_tabs_are_links_that_a_phone_and_a_keyboard_can_reach(
    page: Page, asgi_server: str, sign_in: SignIn
) -> None:
    sign_in(superuser())
    a_collector()
    a_worker()
    answered()
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(asgi_server + reverse("celery_monitor:worker", args=[HOST]))
    for name in ("Pool", "Queues", "Registered", "Configuration", "Statistics", "Latest tasks"):
        link = page.get_by_role("navigation", name="About this worker").get_by_role("link")
        link = link.filter(has_text=name)
        link.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".tabrow [aria-current]")).to_contain_text(name)
        expect(page.locator(".tabrow [aria-current]")).to_be_in_viewport()
        assert sideways(page, (360, 320)) == []


def test_workers_of_every_state_fit_on_a_phone(
    page: Page, asgi_server: str, sign_in: SignIn
) -> None:
    sign_in(superuser())
    a_collector()
    a_worker("celery@online")
    a_worker("celery@late", silent=15)
    a_worker("celery@lost", silent=90)
    a_worker("celery@unknown", freq=None)
    a_worker("celery@offline", offline_at=timezone.now())
    page.goto(asgi_server + reverse("celery_monitor:workers"))
    assert sideways(page) == []
    page.get_by_role("link", name="Lost 1").click()
    expect(page.locator("[data-rows] > tr")).to_have_count(1)
