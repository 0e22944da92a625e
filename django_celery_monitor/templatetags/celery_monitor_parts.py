"""Larger parts: counts that say what they are, dialogs, drawers, empty states, JSON."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_celery_monitor.reading.growth import Flow
from django_celery_monitor.reading.json_text import parsed
from django_celery_monitor.reading.words import count
from django_celery_monitor.templatetags.celery_monitor import rate
from django_celery_monitor.templatetags.json_lines import JsonLines

register = template.Library()
register.filter("from_json", parsed)


@register.filter
def grouped(number: int) -> str:
    """The exact number, such as ``12,480``."""
    return number_format(number, force_grouping=True)


@register.simple_tag
def counted(number: int | None, at_least: bool = False, why: str = "") -> SafeString:
    """A number, short, exact on hover; ``10,000+`` when counting stopped there.

    ``None`` is not zero but unknown, and ``why`` says so to all readers.
    """
    if number is None:
        return _with_reason("?", why or _("This was not counted."))
    exact = number_format(number, force_grouping=True)
    if at_least:
        hint = why or _("At least %(n)s; counting stopped there.") % {"n": exact}
        return _with_reason(f"{exact}+", hint)
    short = count(number)
    return format_html('<span title="{}">{}</span>', exact, short)


@register.simple_tag
def flowing(flow: Flow | None, what: str) -> SafeString | str:
    """``arriving``, ``finishing`` or ``growth`` of a queue, per minute; unknown is not zero."""
    if flow is None:
        return counted(
            None,
            why=_("Not known: nobody listened, not long enough, or it is not counted for you."),
        )
    return signed(flow.growth) if what == "growth" else rate(getattr(flow, what))


def signed(per_minute: float) -> str:
    """A rate that may fall: ``+4.2``, ``0``, ``-12``."""
    number = rate(abs(per_minute))
    if per_minute == 0 or not number.strip("0.,"):
        return rate(0)
    return ("+" if per_minute > 0 else "\N{MINUS SIGN}") + number


def _with_reason(text: str, reason: str) -> SafeString:
    return format_html(
        '<span class="loose" title="{0}">{1}<span class="unseen"> ({0})</span></span>', reason, text
    )


@register.simple_block_tag(end_name="enddialog")
def dialog(content: SafeString, element_id: str, title: str) -> SafeString:
    """Opened by any element with ``data-opens="<element_id>"``."""
    return _dialog("dialog", content, element_id, title)


@register.simple_block_tag(end_name="enddrawer")
def drawer(content: SafeString, element_id: str, title: str) -> SafeString:
    """A dialog as high as the window, at its end; opened as a ``dialog`` is."""
    return _dialog("drawer", content, element_id, title)


def _dialog(kind: str, content: SafeString, element_id: str, title: str) -> SafeString:
    return format_html(
        '<dialog class="{kind}" id="{id}" aria-labelledby="{id}-title"><header>'
        '<h2 id="{id}-title">{title}</h2><form method="dialog">'
        '<button class="close" aria-label="{close}"><svg class="icon" aria-hidden="true">'
        '<use href="#i-close"/></svg></button></form></header>'
        '<div class="inside">{content}</div></dialog>',
        kind=kind,
        id=element_id,
        title=title,
        close=_("Close"),
        content=content,
    )


@register.simple_block_tag(end_name="endnothing")
def nothing(content: SafeString, title: str, icon: str = "") -> SafeString:
    """An empty state; what is inside teaches how it fills."""
    picture = '<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>'
    return format_html(
        '<div class="empty">{}<h2>{}</h2>{}</div>',
        format_html(picture, icon) if icon else "",
        title,
        content,
    )


@register.simple_tag
def json_view(value: Any, element_id: str) -> SafeString:
    """A value as JSON that folds; a button with ``data-copy="<element_id>"`` copies it whole.

    Of a text, ``|from_json`` makes a value without losing a digit.
    """
    return format_html(
        '<div class="json" id="{}" tabindex="0" role="region" aria-label="JSON">{}</div>',
        element_id,
        JsonLines().of(value),
    )
