"""The pages in a real browser: what they do, how they look to everybody, what they never do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, Request, expect
from pytest_django import Settings

from django_celery_monitor.live.publish import Publisher
from django_celery_monitor.models import CollectorRun
from django_celery_monitor.pipeline import Pipeline
from tests.browser.looking import note_complaints, violations
from tests.browser.pages import PAGES, data
from tests.integration.made import (
    Event,
    a_collector,
    a_task,
    event,
    now,
    received,
    sent,
    superuser,
)
from tests.waiting import wait_until

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
def complaints(page: Page) -> list[str]:
    return note_complaints(page)


@dataclass
class Watch:
    """What went over the wire since the page was opened."""

    page: Page
    frames: int = 0
    refreshes: int = 0

    def heard_but_not_refreshed(self, tell: Callable[[], None]) -> bool:
        """Whether the page heard what was told, and did not fetch itself again."""
        frames, refreshes = self.frames, self.refreshes
        tell()
        # Playwright hands out events only while it is asked something.
        wait_until(lambda: self.page.evaluate("true") and self.frames > frames)
        self.page.evaluate("new Promise(done => setTimeout(done))")
        return self.refreshes == refreshes


@pytest.fixture
def watch(page: Page) -> Watch:
    watch = Watch(page)

    def count_frame(_frame: object) -> None:
        watch.frames += 1

    def count_refresh(request: Request) -> None:
        watch.refreshes += request.headers.get("x-requested-with") == "monitor"

    page.on("websocket", lambda socket: socket.on("framereceived", count_frame))
    page.on("request", count_refresh)
    return watch


@pytest.fixture
def addresses(asgi_server: str) -> dict[str, str]:
    """Every page with something on it."""
    kept = data()
    return {name: asgi_server + address(kept) for name, address in PAGES.items()}


def is_live(page: Page, timeout: float = 5_000) -> None:
    """Within so many milliseconds."""
    button = page.locator("button.live")
    expect(button).to_have_attribute("data-live-state", "live", timeout=timeout)


def test_a_task_goes_from_received_to_succeeded_before_the_reader_s_eyes(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say, complaints: list[str]
) -> None:
    sign_in(superuser())
    uuid, at = str(uuid4()), now()
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    is_live(page)
    page.evaluate("window.notReloaded = true")
    tell(sent(uuid, at), received(uuid, at + 0.1))
    row = page.get_by_role("row").filter(has_text="shop.ship")
    expect(row).to_contain_text("Received")
    tell(event("started", uuid, at + 0.2))
    expect(row).to_contain_text("Running")
    tell(event("succeeded", uuid, at + 0.7, result="'tracked'", runtime=0.5))
    expect(row).to_contain_text("Succeeded")
    expect(row).to_contain_text("500 ms")
    assert page.evaluate("window.notReloaded")

    row.get_by_role("link").click()
    expect(page.locator("#arguments")).to_contain_text("carrier='dhl',")
    expect(page.locator("#result")).to_contain_text("'tracked'")
    assert complaints == []


def test_who_may_not_see_arguments_gets_none_live_either(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say
) -> None:
    user = User.objects.create_user("bob")
    user.user_permissions.add(Permission.objects.get(codename="view_task"))
    sign_in(user)
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    is_live(page)
    tell(sent("one", now()), received("one", now()))
    expect(page.get_by_role("row").filter(has_text="shop.ship")).to_contain_text("Received")
    assert "dhl" not in page.content()
    page.goto(asgi_server + reverse("celery_monitor:task", args=["one"]))
    expect(page.get_by_text("Seeing these needs a right of its own")).to_be_visible()
    assert "dhl" not in page.content()


def test_nothing_moves_while_text_is_selected(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say, watch: Watch
) -> None:
    a_task()
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    is_live(page)
    page.evaluate("getSelection().selectAllChildren(document.querySelector('[data-rows]'))")
    expect(page.locator("button.live")).to_contain_text("Paused while text is selected")
    assert watch.heard_but_not_refreshed(lambda: tell(sent("new", now(), name="shop.new")))
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.get_by_role("row").filter(has_text="shop.new")).to_be_visible()


def test_new_tasks_wait_above_a_reader_who_has_scrolled(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say
) -> None:
    waiting = a_task("received", ago=10)
    for second in range(30):
        a_task(ago=20 + second)
    sign_in(superuser())
    page.set_viewport_size({"width": 1200, "height": 400})
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    is_live(page)
    page.mouse.wheel(0, 500)
    news = page.get_by_role("button", name="1 new", exact=True)
    tell(sent("new", now(), name="shop.new"))
    expect(news).to_be_visible()
    assert page.get_by_text("shop.new").count() == 0
    # What is on the screen still tells the truth.
    tell(event("succeeded", waiting, now(), result="1", runtime=0.5))
    first = page.locator("[data-rows] > tr").first
    expect(first).to_contain_text("Succeeded")
    news.click()
    expect(first).to_contain_text("shop.new")
    expect(news).to_be_hidden()


def test_an_older_page_says_when_something_newer_came(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say
) -> None:
    for second in range(30):
        a_task(ago=20 + second)
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    page.get_by_role("link", name="Older").click()
    is_live(page)
    rows = page.locator("[data-rows] > tr")
    expect(rows).to_have_count(5)
    tell(sent("new", now(), name="shop.new"))
    page.get_by_role("button", name="New tasks").click()
    expect(rows.first).to_contain_text("shop.new")


def test_nothing_moves_under_an_open_menu(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say, watch: Watch
) -> None:
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    is_live(page)
    page.get_by_label("Account and appearance").click()
    assert watch.heard_but_not_refreshed(lambda: tell(sent("new", now(), name="shop.new")))
    page.keyboard.press("Escape")
    expect(page.get_by_role("row").filter(has_text="shop.new")).to_be_visible()


def test_pausing_holds_the_page_until_it_is_resumed(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say, watch: Watch
) -> None:
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    is_live(page)
    page.keyboard.press("r")
    expect(page.locator("button.live")).to_contain_text("Paused")
    assert watch.heard_but_not_refreshed(lambda: tell(sent("new", now(), name="shop.new")))
    page.locator("button.live").click()
    expect(page.get_by_role("row").filter(has_text="shop.new")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_label("How often this page changes").select_option("off")
    expect(page.locator("button.live")).to_contain_text("Paused")


def test_without_a_socket_the_page_asks_every_few_seconds_and_says_so(
    page: Page, asgi_server: str, sign_in: SignIn
) -> None:
    sign_in(superuser())
    page.route_web_socket("**/live/", lambda socket: socket.close())
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    expect(page.locator("button.live")).to_contain_text("Polling")
    a_task()
    row = page.get_by_role("row").filter(has_text="shop.ship")
    expect(row).to_be_visible(timeout=12_000)


def test_a_lost_connection_is_said_and_mended(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say
) -> None:
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    is_live(page)
    page.route("**/tasks/", lambda route: route.abort())
    tell(sent("new", now(), name="shop.new"))
    expect(page.locator("button.live")).to_contain_text("Connection lost")
    page.unroute("**/tasks/")
    # The next try is six seconds away.
    is_live(page, timeout=15_000)
    expect(page.get_by_role("row").filter(has_text="shop.new")).to_be_visible()


def test_a_reader_who_was_signed_out_is_told_so(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say
) -> None:
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    is_live(page)
    page.context.clear_cookies()
    tell(sent("new", now(), name="shop.new"))
    expect(page.locator("button.live")).to_contain_text("Signed out")


def test_a_collector_that_stops_shows_without_reloading(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say
) -> None:
    a_collector()
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:overview"))
    is_live(page)
    assert page.get_by_text("No collector is listening").count() == 0
    CollectorRun.objects.update(ended_at=timezone.now())
    tell(sent("new", now()))
    expect(page.get_by_text("No collector is listening")).to_be_visible()


def test_charts_follow_what_happens(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say, complaints: list[str]
) -> None:
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:overview"))
    is_live(page)
    expect(page.locator(".chart canvas")).to_have_count(4)
    at = now()
    tell(received("a", at), event("succeeded", "a", at, result="1", runtime=0.5))
    data = "JSON.parse(document.getElementById('chart-throughput').textContent)"
    total = f"{data}.lines[0].values.at(-1)"
    wait_until(lambda: page.evaluate(total) == 1)
    page.locator(".chart").first.hover(position={"x": 300, "y": 80})
    expect(page.locator(".tip").first).to_contain_text("succeeded")
    assert complaints == []


def test_axe_finds_nothing_serious_in_menu_and_help(
    page: Page, sign_in: SignIn, addresses: dict[str, str]
) -> None:
    sign_in(superuser())
    page.goto(addresses["tasks"])
    page.get_by_label("Account and appearance").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


def test_columns_go_before_a_table_gets_wider_than_its_card(
    page: Page, sign_in: SignIn, addresses: dict[str, str]
) -> None:
    sign_in(superuser())
    for name, more in (("tasks", ""), ("workers", ""), ("worker", "?tab=tasks")):
        page.goto(addresses[name] + more)
        box = page.locator("#list .scroll")
        for width in (730, 900, 1000, 1100, 1300):
            page.set_viewport_size({"width": width, "height": 800})
            beyond = box.evaluate("box => box.scrollWidth - box.clientWidth")
            assert beyond <= 0, (name, width)


def test_25_rows_fit_on_a_screen(page: Page, sign_in: SignIn, addresses: dict[str, str]) -> None:
    sign_in(superuser())
    page.set_viewport_size({"width": 1440, "height": 1080})
    page.goto(addresses["tasks"])
    rows = page.locator("[data-rows] > tr")
    expect(rows).to_have_count(25)
    box = rows.last.bounding_box()
    assert box
    assert box["y"] + box["height"] <= 1080


def test_everything_is_there_without_scripts(
    browser: Browser, page: Page, asgi_server: str, sign_in: SignIn, addresses: dict[str, str]
) -> None:
    sign_in(superuser())
    state = page.context.storage_state()
    context = browser.new_context(java_script_enabled=False, storage_state=state)
    plain = context.new_page()
    for url in addresses.values():
        plain.goto(url)
        assert plain.locator(".scripted:visible").count() == 0
    plain.goto(addresses["tasks"])
    expect(plain.locator("[data-rows] > tr")).to_have_count(25)
    plain.get_by_role("link", name="Failed").click()
    expect(plain.locator("[data-rows] > tr").first).to_contain_text("Failed")
    plain.locator("[data-rows] a").first.click()
    plain.get_by_text("Full trace").click()
    expect(plain.locator(".trace")).to_contain_text("trace_task", use_inner_text=True)
    context.close()


def test_the_theme_is_chosen_kept_and_there_before_anything_is_painted(
    page: Page, sign_in: SignIn, addresses: dict[str, str]
) -> None:
    sign_in(superuser())
    page.emulate_media(color_scheme="light")
    page.goto(addresses["tasks"])
    page.get_by_label("Account and appearance").click()
    page.get_by_text("Dark", exact=True).click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.add_init_script(
        "new MutationObserver(() => {"
        "  if (document.body) window.first ??= document.documentElement.dataset.theme;"
        "}).observe(document, {childList: true, subtree: true})"
    )
    page.reload()
    assert page.evaluate("window.first") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    page.keyboard.press("t")
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_the_time_zone_is_chosen_and_kept(
    page: Page, asgi_server: str, sign_in: SignIn, settings: Settings
) -> None:
    settings.TIME_ZONE = "UTC"
    uuid = a_task()
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:task", args=[uuid]))
    facts = page.locator("dl.kv").first
    expect(facts).to_contain_text(" UTC")
    page.get_by_label("Account and appearance").click()
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    expect(facts).to_contain_text(" JST")
    assert " UTC" in (facts.locator("time").first.get_attribute("title") or "")
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    expect(page.locator(".zone")).to_have_text("Asia/Tokyo")
    page.get_by_label("Account and appearance").click()
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    page.get_by_label("Time zone").select_option("")
    expect(page.locator(".zone")).to_have_text("UTC")
    page.get_by_label("Account and appearance").click()
    page.get_by_text("Exact", exact=True).click()
    expect(page.locator("#main [data-ticks=ago]")).to_have_count(0)
    page.get_by_label("Account and appearance").click()
    page.get_by_text("12 h", exact=True).click()
    expect(page.locator("#main table time").first).to_have_text(re.compile("[AP]M$"))
    page.get_by_label("Account and appearance").click()
    expect(page.get_by_label("Exact")).to_be_checked()


def test_the_keyboard_reaches_everything(
    page: Page, sign_in: SignIn, addresses: dict[str, str]
) -> None:
    sign_in(superuser())
    page.goto(addresses["overview"])
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page).to_have_url(addresses["tasks"])
    page.keyboard.press("/")
    expect(page.get_by_label("Search tasks")).to_be_focused()
    page.keyboard.type("state:failed")
    page.keyboard.press("Enter")
    expect(page).to_have_url(addresses["tasks"] + "?state=failed")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("[data-rows] > tr").nth(1).get_by_role("link").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("shop.ship")


def test_keys_of_one_letter_are_switched_off_and_stay_so(
    page: Page, sign_in: SignIn, addresses: dict[str, str]
) -> None:
    sign_in(superuser())
    page.goto(addresses["tasks"])
    page.keyboard.press("?")
    page.get_by_label("Use keys of one letter").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    is_live(page)
    page.keyboard.press("/")
    page.keyboard.press("?")
    expect(page.get_by_label("Search tasks")).not_to_be_focused()
    expect(page.locator("#keys")).to_be_hidden()
    page.get_by_label("Account and appearance").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Use keys of one letter").check()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_label("Search tasks")).to_be_focused()


def test_signing_out_works_from_the_menu(
    page: Page, sign_in: SignIn, addresses: dict[str, str]
) -> None:
    sign_in(superuser())
    page.goto(addresses["tasks"])
    page.get_by_label("Account and appearance").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(addresses["tasks"])
    assert "/admin/login/" in page.url


def test_what_is_unfolded_stays_so_when_the_page_refreshes(
    page: Page, asgi_server: str, sign_in: SignIn, tell: Say
) -> None:
    uuid = a_task("failed")
    sign_in(superuser())
    page.goto(asgi_server + reverse("celery_monitor:task", args=[uuid]))
    is_live(page)
    page.get_by_text("Full trace").click()
    page.get_by_text("As it was sent").click()
    tell(sent("child", now(), name="shop.child", parent_id=uuid, root_id=uuid))
    expect(page.locator("#task-side").get_by_text("shop.child")).to_be_visible()
    expect(page.locator(".trace")).to_contain_text("trace_task", use_inner_text=True)
    expect(page.locator("#arguments + details pre")).to_be_visible()


def test_the_id_is_copied(page: Page, asgi_server: str, sign_in: SignIn) -> None:
    uuid = a_task()
    sign_in(superuser())
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(asgi_server + reverse("celery_monitor:task", args=[uuid]))
    page.get_by_label("Copy the id").click()
    wait_until(lambda: page.evaluate("navigator.clipboard.readText()") == uuid)
