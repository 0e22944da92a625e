"""Tiny drawings and labels of the tables that lead to lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_celery_monitor.reading.histogram import Bar
from django_celery_monitor.reading.words import NOTHING, duration
from django_celery_monitor.state.contributions import OTHER

register = template.Library()


@register.filter
def label(name: str) -> str:
    """The name of a type or a queue, or what stands for several or for none."""
    if name == OTHER:
        return _("other")
    return name or _("not known")


@register.filter
def is_one(name: str) -> bool:
    """Whether a label is a name of its own, which has a page."""
    return name not in ("", OTHER)


@register.filter
def among(name: str, names: Collection[str]) -> bool:
    return name in names


@register.simple_tag
def trend(numbers: Sequence[int], kind: str = "ok") -> SafeString:
    """A line 100 wide and 20 high, the highest value on top; none of nothing."""
    if not numbers:
        return SafeString()
    top, last = max(numbers, default=0) or 1, max(len(numbers) - 1, 1)
    points = " ".join(
        f"{100 * index / last:.1f},{18 - 16 * number / top:.1f}"
        for index, number in enumerate(numbers)
    )
    return format_html(
        '<svg class="trend line-{}" viewBox="0 0 100 20" preserveAspectRatio="none" '
        'aria-hidden="true"><polyline points="{}"/></svg>',
        kind,
        points,
    )


@register.simple_tag
def share(part: float) -> SafeString:
    """A bar as long as its share of the whole (0 to 1)."""
    return format_html(
        '<svg class="share" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="whole" width="100" height="4"/><rect width="{}" height="4"/></svg>',
        f"{100 * min(max(part, 0.0), 1.0):.1f}",
    )


@register.filter
def change(value: float | None) -> str:
    """``+12 %``, ``-40 %``, ``×8``; a dash where there is nothing to compare with."""
    if value is None:
        return NOTHING
    if value >= 9.5:
        return "×" + number_format(round(value + 1), force_grouping=True)
    percent = round(value * 100)
    sign = "+" if percent > 0 else "\N{MINUS SIGN}" if percent < 0 else ""
    return _("%(n)s %%") % {"n": f"{sign}{number_format(abs(percent))}"}


@register.simple_tag
def bars(found: Sequence[Bar]) -> SafeString:
    """The picture of a histogram; ``bar_rows`` has its numbers."""
    top = max((bar.number for bar in found), default=0) or 1
    rects = format_html_join(
        "",
        '<rect x="{}" y="{}" width="9" height="{}"><title>{}</title></rect>',
        (
            (10 * place, f"{100 - _height(bar, top):.1f}", f"{_height(bar, top):.1f}", _said(bar))
            for place, bar in enumerate(found)
            if bar.number
        ),
    )
    return format_html(
        '<svg class="histogram" viewBox="0 0 {} 100" preserveAspectRatio="none" '
        'aria-hidden="true">{}</svg>',
        10 * len(found),
        rects,
    )


@register.simple_tag
def bar_rows(found: Sequence[Bar]) -> SafeString:
    row = '<tr><th scope="row">{}</th><td class="num">{}</td></tr>'
    cells = ((_between(bar), number_format(bar.number, force_grouping=True)) for bar in found)
    return format_html_join("", row, cells)


def _height(bar: Bar, top: int) -> float:
    # The few that took long are what one looks for: at least visible.
    return max(100 * bar.number / top, 2.0)


def _between(bar: Bar) -> str:
    return _("%(low)s to %(high)s") % {"low": duration(bar.low), "high": duration(bar.high)}


def _said(bar: Bar) -> str:
    number = number_format(bar.number, force_grouping=True)
    return f"{_between(bar)}: {number}"
