"""What only charts show: their numbers as a table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlencode

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from django_celery_monitor.reading import clock, words
from django_celery_monitor.reading.series import Line
from django_celery_monitor.reading.series_gaps import unknown
from django_celery_monitor.reading.series_window import Window
from django_celery_monitor.views.chart import Chart, iso, shown

register = template.Library()
register.filter("line_name", shown)


@register.simple_tag
def whole(chart: Chart, line: Line) -> str:
    """What a line comes to over all of the chart's time."""
    if line.whole is None:
        return words.NOTHING
    if chart.kind == "levels":
        return words.level(line.whole)
    return words.duration(line.whole) if chart.lasts else words.count(round(line.whole))


@register.simple_tag
def short(chart: Chart, line: Line) -> str:
    return chart.short(line)


@register.simple_tag
def chart_rows(chart: Chart) -> SafeString:
    """A row for each step; a template would take most of the page's time."""
    missing = unknown(chart.window, chart.holes)
    # Many cells say the same, and saying a duration is dear.
    cells: dict[float | None, str] = {}
    cell = "<td>{}</td>"
    gap, mark = format_html(cell, _("gap")), format_html(' <span title="{}">*</span>', _("partly"))
    say, rows = _said(chart), []
    for step, time in enumerate(_times(chart.window)):
        found = []
        for line in chart.lines:
            value = line.values[step]
            if value not in cells:
                cells[value] = format_html(cell, words.NOTHING if value is None else say(value))
            found.append(gap if value is None and step in missing else cells[value])
        rows += ['<tr><th scope="row">', time, mark if step in missing else "", "</th>", *found]
        rows.append("</tr>")
    return SafeString("".join(rows))


@register.simple_tag
def trend(now: float | None, before: float | None) -> SafeString | str:
    """Whether something that had better be small grew; empty where nothing can be compared."""
    if now is None or before is None:
        return ""
    if now > before * 1.1:
        text = _("more than before") if before else _("new")
        return format_html('<span class="worse" title="{}">▲</span>', text)
    if now < before * 0.9:
        return format_html('<span class="better" title="{}">▼</span>', _("less than before"))
    return format_html('<span class="faint" title="{}">=</span>', _("as before"))


@register.simple_tag
def within(chart: Chart) -> str:
    """The filters of a list that shows the time of a chart."""
    if chart.window.key:
        return urlencode({"after": chart.window.key})
    return urlencode({"after": iso(chart.window.start), "before": iso(chart.window.end)})


def _said(chart: Chart) -> Callable[[float], str]:
    if chart.kind == "levels":
        return words.level
    if chart.lasts:
        return words.duration
    return lambda value: number_format(round(value), force_grouping=True)


def _times(window: Window) -> list[SafeString]:
    return _said_times(window, timezone.get_current_timezone_name(), get_language(), clock.chosen())


@lru_cache(maxsize=16)
def _said_times(
    window: Window, zone: str, language: str | None, chosen: clock.Clock
) -> list[SafeString]:
    """The same for all charts of a page: saying a time is dear."""
    return [conditional_escape(_time(start, window.step)) for start in window.starts]


def _time(start: datetime, step: timedelta) -> str:
    local = timezone.localtime(start)
    if step >= timedelta(days=1):
        return date_format(local, "SHORT_DATE_FORMAT")
    return clock.short(local)
