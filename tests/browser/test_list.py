"""The list of tasks in a real browser: search, selection, views, and rows that stay or go."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django import Settings

from django_celery_monitor.live.publish import Publisher
from django_celery_monitor.models import Operation
from django_celery_monitor.pipeline import Pipeline
from tests.integration.made import (
    Event,
    a_collector,
    a_task,
    event,
    failed,
    now,
    received,
    sent,
    superuser,
)

SignIn = Callable[[User], None]
Say = Callable[..., None]


@pytest.fixture
def tell(asgi_server: str) -> Iterator[Say]:
    """Stores events and tells open pages, as a collector does."""
    publisher = Publisher()
    pipeline = Pipeline(publisher=publisher)

    def tell(*events: Event) -> None:
        pipeline.store([json.dumps(events).encode()])
        publisher.flush()

    yield tell
    publisher.close()


@pytest.fixture
def tasks(asgi_server: str, sign_in: SignIn) -> str:
    """The address of the list, for somebody who may do everything."""
    sign_in(superuser())
    a_collector()
    return asgi_server + reverse("celery_monitor:tasks")


def is_live(page: Page) -> None:
    expect(page.locator("button.live")).to_have_attribute("data-live-state", "live")


def test_the_keyboard_alone_searches_selects_acts_opens_and_goes_back(
    page: Page, tasks: str
) -> None:
    for number in range(3):
        a_task("failed", name="shop.pay", ago=10 + number)
    a_task(name="shop.ship")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(tasks)
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Search tasks")
    expect(box).to_be_focused()
    options = page.locator("#proposals").get_by_role("option")
    expect(options.first).to_contain_text("state:")
    page.keyboard.type("stat")
    expect(options).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("state:")
    page.keyboard.type("fai")
    expect(options.first).to_contain_text("failed")
    expect(options.first).to_contain_text("3")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(box).to_have_value("state:failed ")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{tasks}?state=failed")
    rows = page.locator("[data-rows] > tr")
    expect(rows).to_have_count(3)

    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator("[data-select]:checked")).to_have_count(3)
    expect(page.locator("#selected").get_by_text("3 selected")).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Run again…")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Copy ids")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 ids copied")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-select]:checked")).to_have_count(0)
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("shop.pay")
    page.get_by_role("link", name="Newer", exact=True).click()
    expect(page.get_by_role("link", name="List", exact=True)).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page).to_have_url(f"{tasks}?state=failed")


def test_the_whole_search_is_one_text_for_who_wants_it(page: Page, tasks: str) -> None:
    a_task("failed")
    page.goto(f"{tasks}?state=failed&-queue=cards")
    box = page.get_by_role("combobox", name="Search tasks")
    button = page.get_by_role("button", name="Text", exact=True)
    box.focus()
    page.keyboard.press("Escape")
    button.press("Enter")
    expect(box).to_be_focused()
    expect(box).to_have_value("state:failed -queue:cards")
    box.fill("state:failed runtime:soon")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator("#mistake mark")).to_have_text("soon")
    expect(box).to_have_value("state:failed runtime:soon")
    expect(page.locator("[data-rows] > tr")).to_have_count(1)
    box.fill("state:failed")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{tasks}?state=failed")
    expect(box).to_have_value("state:failed")
    button.click()
    expect(box).to_have_value("")
    expect(page.get_by_text("State failed")).to_be_visible()


def test_views_get_their_numbers_when_the_menu_opens(page: Page, tasks: str) -> None:
    a_task("failed")
    page.goto(tasks)
    badge = page.locator("[data-view-count=failing]")
    expect(badge).to_have_text("")
    page.locator("details[data-counts] > summary").press("Enter")
    expect(badge).to_have_text("1")
    expect(badge).to_have_attribute("title", "1 tasks")


def test_chips_become_text_again_and_backspace_takes_them_away(page: Page, tasks: str) -> None:
    a_task("failed")
    page.goto(f"{tasks}?state=failed&-queue=cards")
    page.get_by_text("Not Queue").click()
    box = page.get_by_role("combobox", name="Search tasks")
    expect(box).to_have_value("-queue:cards")
    box.press("Escape")
    box.fill("-queue:mail")
    box.press("Enter")
    expect(page).to_have_url(f"{tasks}?state=failed&-queue=mail")
    box.press("Backspace")
    expect(page).to_have_url(f"{tasks}?state=failed")
    page.get_by_role("link", name="Without State failed").press("Delete")
    expect(page).to_have_url(tasks)
    page.go_back()
    box.press("ArrowLeft")
    expect(box).to_have_value("state:failed")


def test_a_search_that_is_wrong_is_underlined_and_can_be_mended(page: Page, tasks: str) -> None:
    a_task("failed")
    page.goto(tasks)
    box = page.get_by_role("combobox", name="Search tasks")
    box.fill("state:failed after:soon")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("soon is not a time")
    expect(page.locator("mark")).to_have_text("soon")
    expect(page.locator("[data-rows] > tr")).to_have_count(1)
    expect(box).to_have_value("state:failed after:soon")


def test_hostile_names_are_proposed_as_text(page: Page, tasks: str) -> None:
    name = "<img src=x onerror=document.title='broken'>"
    a_task(name=name)
    page.goto(tasks)
    page.get_by_role("combobox", name="Search tasks").fill("task:")
    expect(page.locator("#proposals").get_by_role("option").first).to_contain_text(name)
    assert page.locator("#proposals img").count() == 0
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_contain_text(name)
    assert page.title() != "broken"


def test_a_live_row_arrives_while_a_selection_is_held(page: Page, tasks: str, tell: Say) -> None:
    waiting = a_task("received", ago=10)
    a_task(ago=20)
    page.goto(tasks)
    is_live(page)
    rows = page.locator("[data-rows] > tr")
    rows.first.get_by_role("checkbox").check()
    tell(sent("new", now(), name="shop.new"))
    news = page.get_by_role("button", name="1 new", exact=True)
    expect(news).to_be_visible()
    expect(rows).to_have_count(2)
    tell(event("succeeded", waiting, now(), result="1", runtime=0.5))
    expect(rows.first).to_contain_text("Succeeded")
    expect(rows.first.get_by_role("checkbox")).to_be_checked()
    news.click()
    expect(rows.first).to_contain_text("shop.new")
    expect(page.locator(f"tr[data-id='{waiting}'] [data-select]")).to_be_checked()
    expect(rows.first.get_by_role("checkbox")).not_to_be_checked()
    page.get_by_role("button", name="Clear Esc").click()
    expect(page.locator("#selected")).to_be_hidden()


def test_a_task_that_no_longer_matches_stays_greyed_with_its_new_state(
    page: Page, tasks: str, tell: Say
) -> None:
    at = now()
    tell(received("one", at - 5, name="shop.one"), event("started", "one", at - 4))
    tell(received("two", at - 9, name="shop.two"), event("started", "two", at - 8))
    page.goto(f"{tasks}?state=running")
    is_live(page)
    row = page.get_by_role("row").filter(has_text="shop.one")
    tell(event("succeeded", "one", now(), result="1", runtime=0.5))
    expect(row).to_have_class("left")
    expect(row).to_contain_text("Succeeded")
    assert row.get_attribute("title") == "No longer matches the filters"
    tell(event("started", "three", now()), received("three", now(), name="shop.three"))
    expect(page.get_by_role("row").filter(has_text="shop.three")).to_be_visible()
    expect(row).to_have_class("left")
    page.get_by_role("button", name="1 no longer match").click()
    expect(row).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="shop.two")).to_be_visible()


def test_selected_ids_are_copied_and_exported(page: Page, tasks: str) -> None:
    ids = [a_task(ago=10), a_task(ago=20)]
    a_task(ago=30)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(tasks)
    rows = page.locator("[data-rows] > tr")
    rows.nth(0).get_by_role("checkbox").check()
    rows.nth(1).get_by_role("checkbox").click(modifiers=["Shift"])
    page.get_by_role("button", name="Copy ids").click()
    expect(page.get_by_text("2 ids copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").split("\n") == ids
    with page.expect_download() as download:
        page.locator("#selected").get_by_role("link", name="JSON").click()
    found = json.loads(download.value.path().read_text())
    assert [task["id"] for task in found["tasks"]] == ids
    page.get_by_label("Select the page").check()
    expect(page.locator("#selected").get_by_text("3 selected")).to_be_visible()
    # There are no others.
    expect(page.locator("[data-select-matching]")).to_be_hidden()


def test_all_that_match_are_selected_by_the_filter_itself(
    page: Page, tasks: str, tell: Say, settings: Settings
) -> None:
    settings.CELERY_MONITOR = settings.CELERY_MONITOR | {"PAGE_SIZE": 2}
    for number in range(5):
        a_task("failed", ago=10 + number)
    a_task()
    page.goto(f"{tasks}?state=failed")
    is_live(page)
    bar, boxes = page.locator("#selected"), page.locator("[data-select]")
    whole = page.get_by_label("Select the page")
    boxes.first.check()
    assert whole.evaluate("box => box.indeterminate")
    whole.check()
    expect(bar).to_contain_text("2 selected")
    page.get_by_role("link", name="Older").click()
    expect(bar).to_contain_text("2 selected")
    expect(page.locator("[data-select]:checked")).to_have_count(0)
    whole.check()
    expect(bar).to_contain_text("4 selected")
    page.get_by_role("button", name="Select all 5 matching state:failed").click()
    expect(page.locator("#selected-said")).to_have_text("All 5 matching state:failed selected")
    page.get_by_role("link", name="Newer").click()
    expect(bar).to_contain_text("All 5 matching state:failed selected")
    page.reload()
    expect(page.locator("[data-select]:checked")).to_have_count(2)
    link = page.locator("[data-export-selected=csv]").get_attribute("href") or ""
    assert "state=failed" in link
    assert "before=" in link

    # What comes now is not meant.
    page.goto(f"{tasks}?state=failed")
    is_live(page)
    at = now()
    tell(sent("new", at, name="shop.new"), failed("new", at + 0.1))
    page.get_by_role("button", name="1 new", exact=True).click()
    first = page.get_by_role("row").filter(has_text="shop.new").get_by_role("checkbox")
    expect(first).not_to_be_checked()
    expect(page.locator("[data-select]:checked")).to_have_count(1)
    # Who takes one out is left with those of the page.
    first.check()
    expect(bar).to_contain_text("2 selected")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    expect(page.locator("#selected-said")).to_have_text("Nothing selected")
    page.goto(tasks)
    page.go_back()
    expect(page.locator("[data-select]:checked")).to_have_count(0)


def test_a_view_is_saved_changed_and_managed(page: Page, tasks: str) -> None:
    a_task("failed")
    page.goto(f"{tasks}?state=failed")
    menu = page.locator("details.drop summary").first
    menu.click()
    page.get_by_label("Save what is shown as").fill("Broken")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(menu).to_contain_text("Broken")
    expect(page.locator(".dot")).to_have_count(0)
    page.get_by_role("link", name="1h", exact=True).click()
    expect(page.locator(".dot")).to_have_count(1)
    menu.click()
    page.get_by_role("button", name="Save the changes").click()
    expect(page.locator(".dot")).to_have_count(0)
    menu.click()
    page.get_by_role("link", name="Manage views").click()
    expect(page.locator(".view-row")).to_contain_text("state:failed after:1h")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No view is saved yet")).to_be_visible()


def test_columns_are_chosen_in_a_menu(page: Page, tasks: str) -> None:
    a_task()
    page.goto(tasks)
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Retries", exact=True).check()
    page.locator(".drop input[value=queue]").uncheck()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader", name="Retries")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Queue")).to_have_count(0)


def test_how_often_a_page_changes_is_chosen_and_remembered(
    page: Page, tasks: str, tell: Say
) -> None:
    page.goto(tasks)
    is_live(page)
    page.get_by_label("How often this page changes").select_option("off")
    expect(page.locator("button.live")).to_contain_text("Paused")
    page.reload()
    expect(page.locator("button.live")).to_contain_text("Paused")
    page.get_by_label("How often this page changes").select_option("2")
    is_live(page)
    tell(sent("new", now(), name="shop.new"))
    expect(page.get_by_role("row").filter(has_text="shop.new")).to_be_visible()


def test_what_is_selected_on_two_pages_or_by_the_filter_is_what_is_asked_for(
    page: Page, tasks: str
) -> None:
    for number in range(30):
        a_task("received", name="shop.pay", ago=10 + number)
    page.goto(f"{tasks}?state=waiting")
    page.locator("[data-select]").first.click()
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_text("You are reading older tasks.")).to_be_visible()
    page.locator("[data-select]").first.click()
    expect(page.locator("[data-selected-count]")).to_have_text("2 selected")
    page.get_by_role("button", name="Revoke…").click()
    expect(page.get_by_role("heading", name="Revoke 2 tasks?")).to_be_visible()
    page.goto(f"{tasks}?state=waiting")
    page.locator("[data-select-none]").click()
    page.locator("[data-select-all]").click()
    page.locator("[data-select-matching]").click()
    page.get_by_role("button", name="Revoke…").click()
    expect(page.get_by_role("heading", name="Revoke 30 tasks?")).to_be_visible()
    page.get_by_label("Reason").fill("wrong prices")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("heading", name="Revoke")).to_be_visible()
    operation = Operation.objects.get()
    assert (operation.said, operation.reason) == ("state:waiting", "wrong prices")


def test_a_link_from_the_failures_selects_all_that_it_means(page: Page, tasks: str) -> None:
    for number in range(3):
        a_task("failed", name="shop.pay", ago=10 + number)
    page.goto(tasks.replace("/tasks/", "/failures/"))
    page.get_by_role("link", name="Select", exact=True).first.click()
    expect(page.locator("[data-select-all]")).to_be_checked()
    expect(page.locator("[data-selected-count]")).to_contain_text("All")
    page.get_by_role("button", name="Run again…").click()
    expect(page.get_by_role("heading", name="Run again 3 tasks?")).to_be_visible()
    expect(page.get_by_text("Of the first 3 tasks, 0 can surely be sent again.")).to_be_visible()
