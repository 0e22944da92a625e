"""What only charts show: their numbers as a table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_celery_monitor.reading import words
from django_celery_monitor.reading.series import Line
from django_celery_monitor.reading.series_gaps import unknown
from django_celery_monitor.views.chart import Chart, shown

register = template.Library()
register.filter("line_name", shown)


@register.simple_tag
def whole(chart: Chart, line: Line) -> str:
    """What a line comes to over all of the chart's time."""
    if line.whole is None:
        return words.NOTHING
    return words.duration(line.whole) if chart.lasts else words.count(round(line.whole))


@register.simple_tag
def chart_rows(chart: Chart) -> SafeString:
    """A row for each step; a template would take most of the page's time."""
    say, nothing = _said(chart), (words.NOTHING if chart.lasts else "?")
    missing = unknown(chart.window, chart.holes)
    columns = [line.values for line in chart.lines]
    rows = []
    for step, start in enumerate(chart.window.starts):
        cells = [column[step] for column in columns]
        lacks = step in missing
        texts = ((_("gap") if lacks else nothing) if cell is None else say(cell) for cell in cells)
        mark = format_html(' <span title="{}">*</span>', _("incomplete")) if lacks else ""
        rows.append(
            (_time(start, chart.window.step), mark, format_html_join("", "<td>{}</td>", zip(texts)))
        )
    return format_html_join("", '<tr><th scope="row">{}{}</th>{}</tr>', rows)


def _said(chart: Chart) -> Callable[[float], str]:
    if chart.lasts:
        return words.duration
    return lambda value: number_format(round(value), force_grouping=True)


def _time(start: datetime, step: timedelta) -> str:
    local = timezone.localtime(start)
    if step >= timedelta(days=1):
        return date_format(local, "SHORT_DATE_FORMAT")
    return f"{date_format(local, 'MONTH_DAY_FORMAT')} {local:%H:%M}"
