"""The page of one task in a real browser: its drawing, its texts, its tabs, on a phone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.browser.looking import breaches, looks, note_complaints, sideways
from tests.browser.pages import IMAGE, MARKS, SCRIPT
from tests.integration.made import (
    Event,
    a_task,
    event,
    failed,
    now,
    received,
    sent,
    store,
    superuser,
)
from tests.waiting import wait_until

SignIn = Callable[[User], None]
Open = Callable[[str], None]


@pytest.fixture
def open_task(page: Page, asgi_server: str, sign_in: SignIn) -> Open:
    sign_in(superuser())

    def open_task(task_id: str) -> None:
        page.goto(asgi_server + reverse("celery_monitor:task", args=[task_id]))

    return open_task


def published(uuid: str, at: float, name: str, **own: Any) -> Event:
    said = event("published", uuid, at, "gen1@web", name=name, queue="mail", **own)
    return said | {"type": "monitor-published"}


def a_chord(name: str = "shop.part", size: int = 3) -> None:
    """``root`` calls members, of which the third is still running; then comes ``whole``."""
    at, own = now() - 60, {"root_id": "root", "parent_id": "root"}
    chord = {"task": "shop.whole", "id": "whole"}
    store(sent("root", at, name="shop.root"), received("root", at + 1, name="shop.root"))
    found = []
    for index in range(size):
        uuid, begin = f"part-{index}", at + index * 3 / size
        found += [
            published(uuid, begin, name, group_id="g-1", chord=chord, **own),
            received(uuid, begin + 0.5, name=name, **own),
            event("started", uuid, begin + 1),
        ]
        if index != 2:
            found.append(event("succeeded", uuid, begin + 3, result="1", runtime=2.0))
    store(*found)
    store(published("whole", at + 30, "shop.whole", root_id="root", parent_id="part-1"))


def a_retried_task() -> str:
    uuid, at = str(uuid4()), now() - 60
    store(
        *(sent(uuid, at), received(uuid, at + 1), event("started", uuid, at + 2)),
        failed(uuid, at + 3, "retried", exception="TimeoutError('slow')"),
        *(sent(uuid, at + 3, retries=1), received(uuid, at + 4, retries=1)),
        *(event("started", uuid, at + 5), failed(uuid, at + 6)),
    )
    return uuid


def test_the_family_is_drawn_and_its_tasks_are_links(
    page: Page, open_task: Open, asgi_server: str
) -> None:
    complaints = note_complaints(page)
    a_chord()
    open_task("part-2")
    nodes = page.locator("#family-drawing a")
    expect(nodes).to_have_count(5)
    expect(page.locator("#family-drawing .drawn path.graph-chord")).to_have_count(3)
    expect(page.locator("#family-drawing .here")).to_contain_text("Running")
    # State by shape, too.
    assert {use.get_attribute("href") for use in page.locator("#family-drawing use").all()} == {
        *("#i-running", "#i-succeeded", "#i-waiting"),
    }
    assert looks(page) == []
    page.set_viewport_size({"width": 1440, "height": 900})
    body = nodes.filter(has_text="shop.whole")
    body.click()
    panel = page.locator("#family-node")
    expect(panel.get_by_role("heading", name="shop.whole")).to_be_visible()
    expect(panel).to_contain_text("Waits for its group: 2 of 3 done")
    expect(body).to_have_attribute("aria-expanded", "true")
    assert looks(page) == []
    page.set_viewport_size({"width": 1440, "height": 900})
    # It is in the address, and a second click goes on to the page.
    page.reload()
    expect(panel.get_by_role("heading", name="shop.whole")).to_be_visible()
    body.click()
    expect(page).to_have_url(asgi_server + reverse("celery_monitor:task", args=["whole"]))
    assert [*breaches(page), *complaints] == []


def test_the_drawing_is_moved_and_zoomed_by_keys_pointer_and_buttons(
    page: Page, open_task: Open
) -> None:
    a_chord()
    open_task("part-0")
    svg, view = page.locator("#family-drawing svg.drawn"), page.locator("[data-graph-view]")

    def part() -> list[float]:
        return [float(each) for each in (svg.get_attribute("viewBox") or "").split()]

    view.focus()
    whole = part()
    page.keyboard.press("ArrowRight")
    assert part()[0] > whole[0]
    page.keyboard.press("-")
    assert part()[2] > whole[2]
    page.keyboard.press("0")
    assert part() == whole
    page.get_by_role("button", name="Zoom in").click()
    assert part()[2] < whole[2]
    page.get_by_role("button", name="Fit").click()
    assert part() == whole
    box = view.bounding_box()
    assert box
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 10, steps=3)
    page.mouse.up()
    assert part()[0] < whole[0]


def test_a_drag_that_ends_on_a_task_opens_nothing(page: Page, open_task: Open) -> None:
    a_chord()
    open_task("part-0")
    box = page.locator("#family-drawing a.here").bounding_box()
    assert box
    address = page.url
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 20, steps=4)
    page.mouse.up()
    page.evaluate("new Promise(done => setTimeout(done))")
    assert page.url == address


def test_arrows_walk_along_the_lines(page: Page, open_task: Open, asgi_server: str) -> None:
    a_chord()
    open_task("root")
    root = page.locator("#family-drawing a.here")
    root.focus()
    page.keyboard.press("ArrowRight")
    parts = page.locator("#family-drawing a").filter(has_text="shop.part")
    expect(page.locator("#family-drawing a:focus")).to_contain_text("Succeeded")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(parts.and_(page.locator(":focus"))).to_have_count(1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    panel = page.locator("#family-node")
    expect(panel.get_by_role("heading", name="shop.whole")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert "node=" not in page.url
    page.keyboard.press("Enter")
    expect(panel).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(asgi_server + reverse("celery_monitor:task", args=["whole"]))


def test_the_drawing_grows_with_the_family_and_keeps_what_the_reader_chose(
    page: Page, open_task: Open
) -> None:
    parent = a_task()
    open_task(parent)
    expect(page.locator("#family-drawing")).to_be_hidden()
    store(sent("child", now(), name="shop.child", parent_id=parent, root_id=parent))
    nodes = page.locator("#family-drawing a")
    expect(nodes).to_have_count(2, timeout=12_000)
    page.locator("[data-graph-view]").focus()
    page.keyboard.press("ArrowRight")
    svg = page.locator("#family-drawing svg.drawn")
    chosen = (svg.get_attribute("viewBox") or "").split()
    store(sent("other", now(), name="shop.other", parent_id=parent, root_id=parent))
    expect(nodes).to_have_count(3, timeout=12_000)
    # There is more height now, but what was looked at stays in its place.
    assert (svg.get_attribute("viewBox") or "").split()[:3] == chosen[:3]


def test_thirty_children_of_one_type_are_one_node(page: Page, open_task: Open) -> None:
    parent = a_task()
    store(*(sent(f"child-{n}", now(), parent_id=parent, root_id=parent) for n in range(30)))
    open_task(parent)
    expect(page.locator("#family-drawing a.many")).to_contain_text("0 / 30 done")


def test_a_chord_of_three_hundred_is_opened_in_place_followed_and_has_a_map(
    page: Page, open_task: Open
) -> None:
    a_chord(size=300)
    open_task("root")
    drawing = page.locator("#family-drawing")
    nodes, tile, folded = (
        drawing.locator("a.graph-node"),
        drawing.locator("a.many"),
        drawing.locator("a[data-fold]"),
    )
    expect(drawing.locator(".graph-counts")).to_contain_text("299 Succeeded")
    expect(drawing.locator(".graph-length")).to_contain_text("Critical path")
    expect(drawing.locator(".drawn path.graph-path")).not_to_have_count(0)
    expect(drawing.locator(".graph-map")).to_have_count(0)
    few = nodes.count()
    tile.focus()
    page.keyboard.press("Enter")
    expect(nodes).to_have_count(few + 100, timeout=15_000)
    assert "open=" in page.url
    expect(drawing.locator(".graph-map rect.graph-frame")).to_have_count(1)
    part = drawing.locator("svg.drawn").get_attribute("viewBox")
    drawing.locator(".graph-map").click(position={"x": 2, "y": 2})
    expect(drawing.locator("svg.drawn")).not_to_have_attribute("viewBox", part or "")
    follow = page.get_by_role("button", name="Follow running")
    follow.click()
    expect(follow).to_have_attribute("aria-pressed", "true")
    expect(drawing.locator("a.st-running")).to_be_in_viewport()
    page.locator("[data-graph-view]").focus()
    page.keyboard.press("ArrowRight")
    expect(follow).to_have_attribute("aria-pressed", "false")
    folded.click()
    expect(nodes).to_have_count(few, timeout=15_000)
    assert "open=" not in page.url


def test_a_large_family_is_drawn_when_somebody_comes_to_see_it(page: Page, open_task: Open) -> None:
    parent = a_task()
    family = {"parent_id": parent, "root_id": parent}
    store(*(sent(f"child-{n}", now(), name=f"shop.part_{n}", **family) for n in range(140)))
    open_task(parent)
    page.evaluate("new Promise(done => setTimeout(done))")
    drawing = page.locator("#family-drawing")
    expect(drawing.locator("a")).to_have_count(0)
    drawing.scroll_into_view_if_needed()
    expect(drawing.locator("a")).to_have_count(141, timeout=15_000)
    expect(drawing.locator("a.here")).to_be_in_viewport()


def test_the_text_for_an_issue_and_the_link_are_copied(page: Page, open_task: Open) -> None:
    uuid = a_retried_task()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_task(uuid)
    page.get_by_role("button", name="Copy as text").click()
    copied = "navigator.clipboard.readText()"
    wait_until(lambda: "CardDeclined" in page.evaluate(copied))
    text = page.evaluate(copied)
    assert text.startswith("### `shop.ship: CardDeclined`\n")
    assert "gateway.charge(order.total)" in text
    assert page.url in text
    page.get_by_role("button", name="Copy link").click()
    wait_until(lambda: page.evaluate(copied) == page.url)


def test_what_is_copied_holds_no_more_than_its_reader_may_see(
    page: Page, asgi_server: str, sign_in: SignIn
) -> None:
    uuid = a_retried_task()
    user = User.objects.create_user("bob")
    user.user_permissions.add(Permission.objects.get(codename="view_task"))
    sign_in(user)
    page.goto(asgi_server + reverse("celery_monitor:task", args=[uuid]))
    for secret in ("dhl", "insufficient_funds", "gateway.charge", "slow"):
        assert secret not in page.content()


def test_every_attempt_has_tabs_of_its_own(page: Page, open_task: Open) -> None:
    open_task(a_retried_task())
    latest, first = page.locator(".card.traces .trace"), page.locator("#attempts .trace")
    page.locator("#attempts summary").filter(has_text="TimeoutError").click()
    for trace in (latest, first):
        expect(trace).not_to_contain_text("trace_task", use_inner_text=True)
        expect(trace).to_contain_text("1 frame in celery", use_inner_text=True)
    page.locator("#attempts").get_by_text("Full trace").click()
    expect(first).to_contain_text("trace_task", use_inner_text=True)
    expect(latest).not_to_contain_text("trace_task", use_inner_text=True)


def test_a_life_reads_downwards_on_a_phone(page: Page, open_task: Open) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    open_task(a_retried_task())
    lane = page.locator(".lane").first
    boxes = [step.bounding_box() for step in lane.locator(".step").all()]
    tops = [box["y"] for box in boxes if box]
    assert len(tops) == 4
    assert tops == sorted(tops)
    assert len({box["x"] for box in boxes if box}) == 1
    expect(lane.get_by_role("listitem").nth(1)).to_contain_text("broker wait")


def test_a_chord_shows_whom_it_waits_for_and_who_waited_long(page: Page, open_task: Open) -> None:
    at, chord = now() - 600, {"task": "shop.whole", "id": "whole"}
    for place in (0, 1, 3):
        uuid = f"part-{place}"
        own: Event = {"group_id": "g-1", "group_index": place, "chord": chord}
        store(published(uuid, at, "shop.part", **own), received(uuid, at + 1, name="shop.part"))
        store(event("started", uuid, at + (0.5, 5, 0, 300)[place]))
    store(event("succeeded", "part-0", at + 3, result="1", runtime=2.0))
    open_task("part-0")
    nodes = page.locator("#family-drawing a.graph-node")
    expect(nodes).to_have_count(5)
    expect(nodes.filter(has_text="1 member without a record")).to_contain_text("No. 3 of 4")
    expect(nodes.filter(has_text="wait 5 s")).to_have_count(1)
    expect(nodes.filter(has_text="wait 5 min")).to_have_count(1)
    expect(page.locator(".graph-legend")).to_contain_text("over 1 min")
    nodes.filter(has_text="shop.whole").click()
    panel = page.locator("#family-node")
    expect(panel).to_contain_text("Waits for its group: 1 of 4 done")
    expect(panel.get_by_role("link", name="shop.part")).to_have_count(2)
    expect(panel).to_contain_text("member no. 3")


def test_a_hostile_family_harms_nothing(page: Page, open_task: Open) -> None:
    complaints = note_complaints(page)
    a_chord(f"{SCRIPT}{IMAGE}{MARKS}" + "n" * 200)
    payload = json.dumps([[SCRIPT, MARKS, {"__type__": SCRIPT, "__value__": IMAGE}], {IMAGE: 1}])
    store(
        published(f"{IMAGE}'\"", now(), SCRIPT, payload=payload, root_id="root", parent_id="root")
    )
    for task_id in ("part-0", f"{IMAGE}'\""):
        open_task(task_id)
        page.locator("#family-drawing a.here").click()
        expect(page.locator("#family-node")).to_be_visible()
        found = [*sideways(page, (360, 1440)), *breaches(page), *complaints]
        assert found == []
        assert not page.evaluate("'harmed' in window")
        inside = "main img, main script:not([type]), #family-drawing script, #family-drawing image"
        assert page.locator(inside).count() == 0
