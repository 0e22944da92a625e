"""Failures, task types and queues in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from django_celery_monitor.live.publish import Publisher
from django_celery_monitor.pipeline import Pipeline
from tests.browser.looking import note_complaints
from tests.integration.made import (
    Event,
    a_collector,
    a_task,
    failed,
    now,
    received,
    sent,
    superuser,
)

SignIn = Callable[[User], None]
Say = Callable[..., None]
LONG = "shop." + "long" * 70


@pytest.fixture
def say(asgi_server: str) -> Iterator[Say]:
    """Stores events and tells open pages, as a collector does."""
    publisher = Publisher()
    pipeline = Pipeline(publisher=publisher)

    def say(*events: Event) -> None:
        pipeline.store([json.dumps(events).encode()])
        publisher.flush()

    yield say
    publisher.close()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    return note_complaints(page)


@pytest.fixture
def pages(asgi_server: str) -> dict[str, str]:
    names = {"failures": (), "types": (), "type": ("shop.ship",), "queues": (), "queue": ("mail",)}
    return {
        name: asgi_server + reverse(f"celery_monitor:{name}", args=args)
        for name, args in names.items()
    }


def fill() -> None:
    a_collector()
    for second in range(30):
        a_task("failed" if second % 5 == 0 else "succeeded", ago=30 * second)
    a_task("failed", name=LONG)
    a_task("received")


@pytest.mark.parametrize("width", [730, 900, 1024, 1300])
def test_no_table_is_wider_than_its_card(
    page: Page, sign_in: SignIn, pages: dict[str, str], width: int
) -> None:
    fill()
    sign_in(superuser())
    page.set_viewport_size({"width": width, "height": 800})
    beyond = "box => box.scrollWidth - box.clientWidth"
    for name, url in pages.items():
        page.goto(url)
        for box in page.locator(".scroll").all():
            assert box.evaluate(beyond) <= 0, name


def test_a_failure_is_counted_before_the_reader_s_eyes_and_leads_to_its_task(
    page: Page, sign_in: SignIn, pages: dict[str, str], say: Say
) -> None:
    fill()
    sign_in(superuser())
    page.goto(pages["failures"])
    expect(page.locator("button.live")).to_have_attribute("data-live-state", "live")
    row = page.get_by_role("row").filter(has_text="shop.ship").first
    cell = row.get_by_role("cell").nth(6)
    expect(cell).to_have_text("6")
    trace = page.get_by_text("in charge_card").first
    page.locator("summary").filter(has_text="insufficient_funds").first.click()
    expect(trace).to_be_visible()
    expect(page.get_by_text("trace_task").first).to_be_hidden()
    say(received("late", now()), failed("late", now()))
    expect(cell).to_have_text("7")
    # What was unfolded stays so.
    expect(trace).to_be_visible()
    cell.get_by_role("link").click()
    expect(page.locator("[data-rows] > tr")).to_have_count(7)


def test_everything_is_there_without_scripts(
    browser: Browser, page: Page, sign_in: SignIn, pages: dict[str, str]
) -> None:
    fill()
    sign_in(superuser())
    context = browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto(pages["failures"])
    plain.get_by_role("link", name="24h").first.click()
    expect(plain).to_have_url(pages["failures"] + "?sort=24h")
    plain.locator("summary").filter(has_text="insufficient_funds").first.click()
    expect(plain.get_by_text("in charge_card").first).to_be_visible()
    context.close()


def test_types_sort_by_a_click_and_lead_to_their_page(
    page: Page, sign_in: SignIn, pages: dict[str, str], complaints: list[str]
) -> None:
    fill()
    a_task(name="shop.aaa")
    sign_in(superuser())
    page.goto(pages["types"])
    names = page.locator("[data-rows] td.name")
    expect(names.first).to_have_text("shop.ship")
    page.get_by_role("link", name="Type", exact=True).click()
    expect(names.first).to_have_text("shop.aaa")
    expect(page.locator("[aria-sort=ascending]")).to_have_text("Type")
    page.get_by_role("link", name="1h", exact=True).click()
    expect(names.first).to_have_text("shop.aaa")
    names.first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("shop.aaa")
    expect(page.locator(".histogram rect")).to_have_count(1)
    expect(page.locator(".chart canvas")).to_have_count(3)
    assert complaints == []


def test_a_queue_grows_before_the_reader_s_eyes(
    page: Page, sign_in: SignIn, pages: dict[str, str], say: Say, complaints: list[str]
) -> None:
    fill()
    sign_in(superuser())
    page.goto(pages["queues"])
    expect(page.locator("button.live")).to_have_attribute("data-live-state", "live")
    row = page.get_by_role("row").filter(has_text="mail")
    waiting = row.get_by_role("cell").nth(2)
    expect(waiting).to_have_text("1")
    say(sent("one", now()), sent("two", now()))
    expect(waiting).to_have_text("3")
    waiting.get_by_role("link").click()
    expect(page.locator("[data-rows] > tr")).to_have_count(3)
    page.goto(pages["queue"])
    expect(page.locator(".chart canvas")).to_have_count(3)
    assert complaints == []
