"""Charts under pointer and keys, in both themes, with gaps, and while the page lives on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from playwright.sync_api import Page, expect

from django_celery_monitor.models import Gap
from tests.integration.made import a_collector, a_task, superuser
from tests.waiting import wait_until

SignIn = Callable[[User], None]
OVER = "#main .chart[data-chart='chart-throughput'] .u-over"
BOX = "#main .chart[data-chart='chart-throughput']"
# Pixels of a colour within a part of a chart's canvas, from 0 to 1 of its width.
PIXELS = """(box, [name, from, to]) => {
  const canvas = box.querySelector("canvas"), pen = canvas.getContext("2d");
  const tile = document.createElement("canvas").getContext("2d");
  box.style.color = `var(--${name})`;
  tile.fillStyle = getComputedStyle(box).color;
  box.style.color = "";
  tile.fillRect(0, 0, 1, 1);
  const [r, g, b] = tile.getImageData(0, 0, 1, 1).data;
  const left = Math.floor(canvas.width * from), wide = Math.floor(canvas.width * (to - from));
  const found = pen.getImageData(left, 0, wide, canvas.height).data;
  let count = 0;
  for (let i = 0; i < found.length; i += 4)
    count += found[i] === r && found[i + 1] === g && found[i + 2] === b && found[i + 3] === 255;
  return count;
}"""


@pytest.fixture
def overview(page: Page, asgi_server: str, sign_in: SignIn) -> Callable[[str], None]:
    a_collector(since=timedelta(days=100))
    for minute in range(5, 60, 5):
        a_task("failed" if minute == 30 else "succeeded", ago=60 * minute)
    sign_in(superuser())

    def open_overview(query: str = "") -> None:
        page.goto(asgi_server + reverse("celery_monitor:overview") + query)
        expect(page.locator(".chart canvas")).to_have_count(4)

    return open_overview


def params(page: Page) -> dict[str, str]:
    return {key: value[0] for key, value in parse_qs(urlsplit(page.url).query).items()}


def span(page: Page, first: str, last: str) -> timedelta:
    given = params(page)
    start, end = parse_datetime(given[first]), parse_datetime(given[last])
    assert start
    assert end
    return end - start


def data(page: Page) -> Any:
    return json.loads(page.locator("#chart-throughput").text_content() or "")


def place(page: Page, share: float) -> tuple[float, float]:
    """Where on the page a part of the plot lies, just above its foot."""
    box = page.locator(OVER).bounding_box()
    assert box
    return box["x"] + box["width"] * share, box["y"] + box["height"] - 4


def test_a_brush_zooms_in_and_back_leads_out(page: Page, overview: Callable[[str], None]) -> None:
    overview("?range=1h&group=queue")
    page.mouse.move(*place(page, 0.25))
    page.mouse.down()
    page.mouse.move(*place(page, 0.5), steps=4)
    page.mouse.up()
    page.wait_for_url("**from=**")
    assert params(page)["group"] == "queue"
    assert timedelta(minutes=15) <= span(page, "from", "to") <= timedelta(minutes=17)
    assert 15 <= len(data(page)["time"]) <= 17
    assert page.locator(".ranges [aria-label=Range] [aria-current]").count() == 0
    page.go_back()
    expect(page.locator(".ranges [aria-label=Range] [aria-current]")).to_have_text("1h")


def test_a_click_on_a_piece_of_a_bar_lists_just_its_tasks(
    page: Page, overview: Callable[[str], None]
) -> None:
    overview("")
    series = data(page)
    failed = next(line for line in series["lines"] if line["key"] == "failed")
    step = failed["values"].index(1)
    page.mouse.click(*place(page, (step + 0.3) / len(series["time"])))
    page.wait_for_url("**/tasks/**")
    assert params(page)["state"] == "failed"
    assert span(page, "after", "before") == timedelta(minutes=1)
    expect(page.locator("[data-rows] > tr")).to_have_count(1)


def test_keys_move_select_zoom_and_list(page: Page, overview: Callable[[str], None]) -> None:
    overview("")
    page.locator(BOX).focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(f"{BOX} .tip")).to_contain_text("succeeded")
    for _step in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url("**from=**")
    assert span(page, "from", "to") == timedelta(minutes=4)
    page.locator(BOX).focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/**")
    assert span(page, "after", "before") == timedelta(minutes=1)


def test_the_legend_takes_a_line_away_and_a_refresh_does_not_bring_it_back(
    page: Page, overview: Callable[[str], None]
) -> None:
    overview("")
    chart = page.locator(BOX)
    assert chart.evaluate(PIXELS, ["ok", 0, 1])
    page.locator("#chart-throughput-legend").get_by_label("succeeded").focus()
    page.keyboard.press("Space")
    assert not chart.evaluate(PIXELS, ["ok", 0, 1])
    a_task()
    page.evaluate(
        "window.refreshed = new Promise(done => "
        "document.addEventListener('monitor:refreshed', done, {once: true}))"
    )
    page.evaluate("window.refreshed.then(() => true)")
    assert not chart.evaluate(PIXELS, ["ok", 0, 1])
    expect(page.get_by_label("succeeded")).not_to_be_checked()


def test_a_gap_is_hatched_and_no_zero(page: Page, overview: Callable[[str], None]) -> None:
    at = timezone.now().replace(second=0, microsecond=0)
    Gap.objects.create(
        started_at=at - timedelta(minutes=29),
        ended_at=at - timedelta(minutes=16),
        reason=Gap.Reason.AWAY,
        transport="redis",
    )
    overview("")
    chart = page.locator(BOX)
    assert chart.evaluate(PIXELS, ["line-strong", 0.55, 0.75])
    assert not chart.evaluate(PIXELS, ["line-strong", 0.2, 0.5])
    values = data(page)["lines"][0]["values"]
    assert None in values
    page.mouse.move(*place(page, 0.65))
    expect(page.locator(f"{BOX} .tip")).to_contain_text("no collector was listening")
    page.locator("#chart-throughput-numbers").locator("xpath=..").locator("summary").click()
    cells = page.locator("#chart-throughput-numbers tbody tr").filter(has_text="gap")
    expect(cells).to_have_count(values.count(None))


def test_colours_follow_the_theme(page: Page, overview: Callable[[str], None]) -> None:
    page.emulate_media(color_scheme="light")
    overview("")
    chart = page.locator(BOX)
    light = chart.evaluate(PIXELS, ["ok", 0, 1])
    assert light
    page.emulate_media(color_scheme="dark")
    wait_until(lambda: chart.evaluate(PIXELS, ["ok", 0, 1]) == light)
    page.keyboard.press("t")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert chart.evaluate(PIXELS, ["ok", 0, 1]) == light


def test_a_chart_is_as_wide_as_its_card(page: Page, overview: Callable[[str], None]) -> None:
    overview("")
    beyond = "box => box.clientWidth - box.querySelector('.uplot').clientWidth"
    for width in (360, 900, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        wait_until(lambda: 0 <= page.locator(BOX).evaluate(beyond) <= 40)


def test_a_refresh_changes_the_drawing_and_does_not_make_another(
    page: Page, overview: Callable[[str], None]
) -> None:
    overview("")
    page.evaluate("document.querySelector('.chart canvas').first = true")
    before = sum(data(page)["lines"][0]["values"])
    a_task()
    wait_until(lambda: sum(data(page)["lines"][0]["values"]) > before)
    assert page.evaluate("document.querySelector('.chart canvas').first")
