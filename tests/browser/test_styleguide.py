"""What the parts do, on the page that shows them all."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django import Settings

from tests.browser.looking import breaches, note_complaints, violations
from tests.integration.made import superuser


@pytest.fixture
def guide(
    page: Page, asgi_server: str, sign_in: Callable[[User], None], settings: Settings
) -> Page:
    settings.DEBUG = True
    sign_in(superuser())
    page.emulate_media(reduced_motion="reduce")
    page.goto(asgi_server + reverse("celery_monitor:styleguide"))
    return page


@pytest.mark.parametrize("kind", ["Dialog", "Drawer"])
def test_what_opens_can_be_closed_in_every_usual_way(guide: Page, kind: str) -> None:
    button = guide.get_by_role("button", name=kind, exact=True)
    box = guide.get_by_role("dialog")
    for close in (
        lambda: guide.keyboard.press("Escape"),
        lambda: box.get_by_role("button", name="Close").click(),
        lambda: guide.mouse.click(5, 500),
    ):
        button.click()
        expect(box).to_be_visible()
        close()
        expect(box).to_be_hidden()
        expect(button).to_be_focused()


@pytest.mark.parametrize("kind", ["Dialog", "Drawer"])
def test_everybody_can_use_what_opens(guide: Page, kind: str) -> None:
    guide.set_viewport_size({"width": 360, "height": 700})
    guide.get_by_role("button", name=kind, exact=True).click()
    expect(guide.get_by_role("dialog")).to_be_visible()
    assert violations(guide) == []
    # Keys of the page rest meanwhile.
    guide.keyboard.press("t")
    expect(guide.locator("html")).not_to_have_attribute("data-theme", "light")


def test_a_toast_goes_by_itself_unless_something_went_wrong(guide: Page) -> None:
    guide.clock.install()
    guide.get_by_role("button", name="Toast", exact=True).click()
    guide.get_by_role("button", name="Toast that stays").click()
    shown = guide.get_by_role("status").filter(has_text="Saved")
    expect(shown).to_contain_text("The broker did not answer")
    assert violations(guide) == []
    guide.mouse.move(5, 5)
    guide.clock.run_for(10_000)
    expect(guide.locator(".toast")).to_have_count(1)
    guide.get_by_role("button", name="Close").click()
    expect(guide.locator(".toast")).to_have_count(0)


def test_json_folds_and_is_copied_digit_for_digit(guide: Page) -> None:
    guide.context.grant_permissions(["clipboard-read", "clipboard-write"])
    value = guide.locator("#sample-json")
    expect(value.get_by_text('"street"')).to_be_visible()
    value.locator("summary").nth(4).click()
    expect(value.get_by_text('"street"')).to_be_hidden()
    guide.locator("[data-copy=sample-json]").click()
    expect(guide.locator("[data-copy=sample-json][data-done]")).to_be_visible()
    copied = guide.evaluate("navigator.clipboard.readText()")
    assert '\n  "order": 9007199254740993,\n' in copied
    assert json.loads(copied)["address"]["street"] is None


def test_what_cannot_be_copied_is_selected_instead(guide: Page) -> None:
    guide.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()) }")
    guide.locator("[data-copy=sample-code]").click()
    expect(guide.locator("#toasts").filter(has_text="Selected")).to_be_visible()
    assert "currency='EUR'" in guide.evaluate("getSelection().toString()")


def test_a_breach_of_the_policy_is_noticed(guide: Page) -> None:
    complaints = note_complaints(guide)
    guide.reload()
    assert breaches(guide) == []
    guide.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
    guide.evaluate("new Promise(done => setTimeout(done))")
    assert breaches(guide) != []
    assert complaints != []


def test_sections_are_a_key_away(guide: Page) -> None:
    links = guide.locator(".nav a")
    for index in range(links.count()):
        link = links.nth(index)
        letter, address = link.get_attribute("data-key"), link.get_attribute("href")
        guide.keyboard.press("g")
        guide.keyboard.press(letter or "")
        expect(guide.locator(f'.nav a[href="{address}"]')).to_have_attribute("aria-current", "page")
