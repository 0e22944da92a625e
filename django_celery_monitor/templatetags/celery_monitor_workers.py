"""What only the pages of workers show."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_celery_monitor.reading import words

register = template.Library()


@register.simple_tag
def meter(share: float | None) -> SafeString | str:
    """A bar, 48 wide, for a share from 0 to 1; the number stands beside it."""
    if share is None:
        return ""
    return format_html(
        '<svg class="meter{}" viewBox="0 0 48 6" aria-hidden="true">'
        '<rect class="meter-all" width="48" height="6" rx="3"/>'
        '<rect class="meter-part" width="{}" height="6" rx="3"/></svg>',
        " full" if share >= 1 else "",
        f"{48 * max(share, 0.0):.1f}",
    )


@register.filter
def offset(seconds: float | None) -> str:
    """How far a clock is ahead, or with a minus sign behind."""
    if seconds is None:
        return words.NOTHING
    if abs(seconds) < 0.5:
        return _("in step")
    sign = "+" if seconds > 0 else "\N{MINUS SIGN}"
    return sign + words.duration(round(abs(seconds), 1))


@register.filter
def pairs(mapping: Any) -> list[tuple[Any, Any]]:
    """The items of a dict. Replies may have a key ``items``, which templates would take for it."""
    return list(mapping.items()) if isinstance(mapping, dict) else []


@register.filter
def plain(value: Any) -> str:
    """A value out of a reply, as text."""
    if value is None or value == "" or value == []:
        return words.NOTHING
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float) and not value.is_integer():
        return number_format(value, 2)
    if isinstance(value, int | float):
        return number_format(value, 0, use_l10n=False)
    if isinstance(value, list):
        return ", ".join(plain(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(each)}" for key, each in value.items())
    return str(value)


@register.filter
def used(rusage: Any) -> list[tuple[str, str]]:
    """What a process took of its machine, in words; what is not told is not there."""
    found = rusage if isinstance(rusage, dict) else {}
    said = {
        "utime": (_("CPU time"), words.duration),
        "stime": (_("CPU time in the system"), words.duration),
        "maxrss": (_("Largest memory, as the system counts it"), words.count),
        "majflt": (_("Pages read from disk"), words.count),
        "nvcsw": (_("Waits for something"), words.count),
        "nivcsw": (_("Waits for the CPU"), words.count),
    }
    return [
        (label, say(found[key]))
        for key, (label, say) in said.items()
        if type(found.get(key)) in (int, float)
    ]


@register.filter
def is_nested(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(each, dict | list) for each in value)
    )
