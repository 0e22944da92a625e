"""What holds for every page of `pages.py`, with data, without any, and when things go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page
from pytest_django import Settings

from tests.browser.looking import LOOKS, Scheme, breaches, looks, note_complaints, sideways
from tests.browser.pages import PAGES, Kept, data, data_but_no_collector, hostile, nothing
from tests.integration.made import superuser

SignIn = Callable[[User], None]
Problems = dict[str, list[str]]
Visit = Callable[[Kept], Iterator[str]]
Looks = tuple[tuple[Scheme, int], ...]


@pytest.fixture
def visit(page: Page, asgi_server: str, sign_in: SignIn, settings: Settings) -> Visit:
    """Goes through all pages as somebody who may see everything; yields their names."""
    # Without it there is no style guide.
    settings.DEBUG = True

    def visit(kept: Kept) -> Iterator[str]:
        sign_in(superuser())
        for name, address in PAGES.items():
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
            page.set_viewport_size({"width": 1440, "height": 900})
            response = page.goto(asgi_server + address(kept))
            assert response
            assert response.status < 500, name
            yield name

    return visit


# Axe takes its time, so each is looked at in two of the four looks, and data in all.
@pytest.mark.parametrize(
    ("fill", "chosen"),
    [(data, LOOKS[::3]), (nothing, LOOKS[::3]), (data_but_no_collector, LOOKS[1:3])],
)
def test_every_page_is_readable_by_everybody_everywhere_and_keeps_its_own_policy(
    page: Page, visit: Visit, fill: Callable[[], Kept], chosen: Looks
) -> None:
    complaints = note_complaints(page)
    problems: Problems = {}
    for name in visit(fill()):
        found = [*looks(page, chosen), *breaches(page), *complaints]
        complaints.clear()
        if found:
            problems[name] = found
    assert problems == {}


def test_a_hostile_task_harms_no_page(page: Page, visit: Visit) -> None:
    complaints = note_complaints(page)
    problems: Problems = {}
    for name in visit(hostile()):
        found = [*sideways(page, (360, 1440)), *breaches(page), *complaints]
        complaints.clear()
        if name == "task" and page.title().startswith("Not found"):
            found.append("is not there")
        if page.evaluate("'harmed' in window"):
            found.append("ran a script of the task's")
        if page.evaluate("document.querySelectorAll('main img, main script:not([type])').length"):
            found.append("made elements of the task's texts")
        weight = len(page.content())
        if weight > 1_000_000:
            found.append(f"is {weight:,} characters long")
        if found:
            problems[name] = found
    assert problems == {}


def test_every_page_can_be_read_from_right_to_left(
    page: Page, visit: Visit, settings: Settings
) -> None:
    settings.LANGUAGE_CODE = "ar"
    complaints = note_complaints(page)
    problems: Problems = {}
    for name in visit(data()):
        assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
        found = [*sideways(page, (320, 768, 1440)), *complaints]
        complaints.clear()
        if found:
            problems[name] = found
    assert problems == {}


def test_every_page_can_be_read_without_scripts(
    browser: Browser, page: Page, asgi_server: str, sign_in: SignIn, settings: Settings
) -> None:
    settings.DEBUG = True
    kept = data()
    sign_in(superuser())
    context = browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    problems: Problems = {}
    for name, address in PAGES.items():
        plain.goto(asgi_server + address(kept))
        dead = plain.locator(
            "button:not(form button, [form]):visible, [data-opens]:not(a):visible, "
            ".scripted:visible"
        )
        found = [f"does nothing: {text}" for text in dead.all_inner_texts()]
        if not plain.locator("main h1").first.is_visible():
            found.append("has no heading")
        if found:
            problems[name] = found
    context.close()
    assert problems == {}
