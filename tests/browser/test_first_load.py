"""What a browser fetches for its first page, and whether anything moves while it appears."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.browser.pages import PAGES, data
from tests.integration.made import now, sent, store, superuser

SignIn = Callable[[User], None]
# Those that draw something with scripts, and the longest ones.
FIRST = ("overview", "tasks", "task", "worker", "types", "type", "failures", "queues", "queue")
MOST_BYTES = 150_000
# Of the window's height, times how much of the window moved; people see a hundredth.
MOST_SHIFT = 0.01
WATCHING = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    const names = entry.sources.map(({ node }) => node?.className || node?.id || node?.nodeName);
    window.shifts.push([entry.value, names.map(String)]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
FETCHED = (
    "performance.getEntries().filter(each => 'encodedBodySize' in each).map(each => each.name)"
)
# Two frames later, all that a script did at once has been laid out.
PAINTED = """
() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(
  window.shifts))))
"""


@pytest.mark.parametrize("width", [360, 1440])
def test_a_first_page_is_light_and_nothing_moves(
    page: Page, asgi_server: str, sign_in: SignIn, width: int
) -> None:
    kept = data()
    store(sent("child", now(), name="shop.child", parent_id=kept.task, root_id=kept.task))
    sign_in(superuser())
    page.set_viewport_size({"width": width, "height": 900})
    page.add_init_script(WATCHING)
    problems: dict[str, object] = {}
    for name in FIRST:
        page.goto(asgi_server + PAGES[name](kept))
        expect(page.locator("button.live")).to_have_attribute("data-live-state", "live")
        if name == "task":
            expect(page.locator("#family-drawing a.graph-node")).not_to_have_count(0)
        fetched = {url for url in page.evaluate(FETCHED) if url.startswith(asgi_server)}
        weight = sum(len(gzip.compress(page.request.get(url).body(), 6)) for url in fetched)
        shifts = page.evaluate(PAINTED)
        if weight > MOST_BYTES:
            problems[f"{name} weighs"] = weight
        if sum(value for value, _names in shifts) > MOST_SHIFT:
            problems[f"{name} moves"] = shifts
    assert problems == {}


def test_something_that_moves_is_noticed(page: Page, asgi_server: str, sign_in: SignIn) -> None:
    data()
    sign_in(superuser())
    page.add_init_script(WATCHING)
    page.goto(asgi_server + reverse("celery_monitor:tasks"))
    expect(page.locator("button.live")).to_have_attribute("data-live-state", "live")
    page.evaluate(
        "document.getElementById('main').prepend(Object.assign(document.createElement('p'),"
        " {textContent: 'late', className: 'banner'}))"
    )
    assert sum(value for value, _names in page.evaluate(PAINTED)) > MOST_SHIFT
