"""The few things that look the same everywhere: states, times, durations, sparks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_celery_monitor.models import TaskError
from django_celery_monitor.reading import clock, words
from django_celery_monitor.reading.throughput import Minute
from django_celery_monitor.state.derive import STATE_OF
from django_celery_monitor.state.runs import Run
from django_celery_monitor.state.states import IGNORED, RECEIVED, RETRY, STARTED, group
from django_celery_monitor.state.worker import Health

_STILL: Final = '<time datetime="{}" title="{}">{}</time>'
_TIME: Final = '<time datetime="{0}" title="{1}" data-ticks="{3}">{2}</time>'

register = template.Library()
register.filter("duration", words.duration)
register.filter("count", words.count)


@register.simple_tag
def icon(name: str) -> SafeString:
    """One of ``_icons.html``; a picture beside words, so screen readers pass over it."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def state(value: str, retries: int = 0) -> SafeString:
    """A task's state by colour, shape and word."""
    label = str(words.STATES.get(value, value))
    if value == RETRY and retries:
        label = _("Retry %(n)s") % {"n": retries}
    return _badge(state_group(value), label, value)


@register.filter
def state_group(value: str) -> str:
    """The group of a state, for its colour."""
    return "ignored" if value == IGNORED else group(value)


@register.filter
def known_by(value: str) -> str:
    """Who told a task's state."""
    return str(words.KNOWN_BY.get(value, value))


@register.simple_tag
def health(value: Health, reason: str = "") -> SafeString:
    return _badge(value, str(words.HEALTH[value]), reason or value)


@register.simple_tag
def ago(moment: datetime | None, now: datetime) -> SafeString | str:
    """How long ago, ticking in the browser; on hover the exact time, in the zone and in UTC.

    Who wants no ages gets the time.
    """
    if moment is None:
        return words.NOTHING
    if clock.chosen().absolute:
        return _time(moment, "", clock.when(moment, now))
    text = words.age((now - moment).total_seconds())
    return _time(moment, "ago", text)


@register.simple_tag
def since(moment: datetime | None, now: datetime) -> SafeString | str:
    """How long something has been going on, ticking in the browser."""
    if moment is None:
        return words.NOTHING
    return _time(moment, "since", words.duration(max(now - moment, timedelta())))


def _full(local: datetime) -> str:
    return f"{date_format(local, 'DATE_FORMAT')}, {clock.seconds(local)} {local:%Z}"


_FORMS: Final[dict[str, Callable[[datetime], str]]] = {
    "clock": clock.milliseconds,
    "day": lambda local: date_format(local, "DATE_FORMAT"),
    "short": clock.short,
    "full": _full,
}


@register.simple_tag
def at(moment: datetime | None, form: str = "full") -> SafeString | str:
    """The time itself: ``full``, ``short`` (to the minute), ``clock`` (to the ms) or ``day``."""
    if moment is None:
        return words.NOTHING
    return _time(moment, "", _FORMS[form](timezone.localtime(moment)))


@register.filter
def dom_id(task_id: str) -> str:
    """An element id for a task: its own may hold anything."""
    return "t" + hashlib.blake2b(task_id.encode(), digest_size=8).hexdigest()


@register.simple_tag
def outcome(run: Run) -> SafeString:
    """How one attempt ended."""
    value = STATE_OF.get(run.outcome) or run.custom or (STARTED if run.started else RECEIVED)
    return state(value)


@register.filter
def moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


@register.filter
def rate(per_minute: float) -> str:
    """``0``, ``0.4``, ``12.5``, ``4,812``."""
    places = 1 if 0 < per_minute < 99.95 else 0
    return number_format(round(per_minute, places), places, force_grouping=True)


@register.filter
def percent(share: float) -> str:
    return _("%(n)s %%") % {"n": number_format(round(share * 100, 1), 1)}


@register.filter
def said(error: TaskError) -> str:
    """The message of an error without the class around it, which stands beside it."""
    inner = error.message.removeprefix(f"{error.type}(")
    return inner.removesuffix(")").strip("'\"") if inner != error.message else inner


@register.simple_tag
def spark(minutes: Sequence[Minute], column: str, kind: str) -> SafeString:
    """A line 100 wide and 28 high, the highest value on top."""
    numbers = [getattr(minute, column) for minute in minutes]
    top = max(numbers, default=0) or 1
    points = " ".join(
        f"{100 * index / 59:.1f},{26 - 24 * number / top:.1f}"
        for index, number in enumerate(numbers)
    )
    return format_html(
        '<svg class="spark line-{}" viewBox="0 0 100 28" preserveAspectRatio="none" '
        'aria-hidden="true"><polyline points="{}"/></svg>',
        kind,
        points,
    )


def _badge(kind: str, label: str, hint: str) -> SafeString:
    return format_html(
        '<span class="st st-{}" title="{}">'
        '<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>{}</span>',
        kind,
        hint,
        kind,
        label,
    )


def _time(moment: datetime, ticks: str, text: str) -> SafeString:
    exact = moment.astimezone(UTC)
    iso = exact.isoformat().replace("+00:00", "Z")
    return format_html(_TIME if ticks else _STILL, iso, _exactly(exact), text, ticks)


def _exactly(moment: datetime) -> str:
    """In the zone of the page and in UTC."""
    local = moment.astimezone(timezone.get_current_timezone())
    there, here = (
        f"{each.isoformat(' ', 'milliseconds')[:23]} {each.tzname()}" for each in (moment, local)
    )
    return there if local.utcoffset() == moment.utcoffset() else f"{here} = {there}"
