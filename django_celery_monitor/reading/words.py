"""Durations and numbers as people read them; ``frontend/src/words.ts`` says the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.utils.translation import pgettext_lazy as named

from django_celery_monitor.state.worker import Health

GROUPS: Final = {
    "waiting": named("group of states", "Waiting"),
    "running": named("group of states", "Running"),
    "retrying": named("group of states", "Retrying"),
    "succeeded": named("group of states", "Succeeded"),
    "failed": named("group of states", "Failed"),
    "revoked": named("group of states", "Revoked"),
    "lost": named("group of states", "Lost"),
}
STATES: Final = {
    "PENDING": named("state", "Sent"),
    "RECEIVED": named("state", "Received"),
    "STARTED": named("state", "Running"),
    "RETRY": named("state", "Retry"),
    "SUCCESS": named("state", "Succeeded"),
    "IGNORED": named("state", "Ignored"),
    "FAILURE": named("state", "Failed"),
    "REJECTED": named("state", "Rejected"),
    "REVOKED": named("state", "Revoked"),
    "LOST": named("state", "Lost"),
}
KNOWN_BY: Final = {
    "sender": named("a task is known by", "its sender"),
    "worker": named("a task is known by", "its worker"),
    "result backend": named("a task is known by", "the result backend"),
    "worker asked": named("a task is known by", "its worker, when asked"),
    "worker lost": named("a task is known by", "the silence of its worker"),
}
OUTCOMES: Final = {
    "succeeded": named("runs that", "succeeded"),
    "retried": named("runs that", "retried"),
    "failed": named("runs that", "failed"),
    "revoked": named("runs that were", "revoked"),
}
HEALTH: Final = {
    Health.ONLINE: named("worker", "Online"),
    Health.LATE: named("worker", "Late"),
    Health.LOST: named("worker", "Lost"),
    Health.OFFLINE: named("worker", "Offline"),
    Health.UNKNOWN: named("worker", "Unknown"),
}
FILTERS: Final = {
    "state": gettext_lazy("State"),
    "name": gettext_lazy("Type"),
    "worker": gettext_lazy("Worker"),
    "queue": gettext_lazy("Queue"),
    "id": gettext_lazy("Id"),
    "root": gettext_lazy("Root"),
    "parent": gettext_lazy("Parent"),
    "group": gettext_lazy("Group"),
    "after": gettext_lazy("After"),
    "before": gettext_lazy("Before"),
    "error": gettext_lazy("Error"),
    "failed": gettext_lazy("Failed since"),
    "priority": gettext_lazy("Priority"),
    "retries": gettext_lazy("Retries"),
    "runtime": gettext_lazy("Run time"),
    "wait": gettext_lazy("Wait"),
    "args": gettext_lazy("Arguments"),
    "kwargs": gettext_lazy("Keyword arguments"),
    "result": gettext_lazy("Result"),
    "q": gettext_lazy("Text"),
}
NOTHING = "\N{EN DASH}"


def duration(value: timedelta | float | None) -> str:
    """``84 ms``, ``1.21 s``, ``41.2 s``, ``6 min 12 s``, ``3 h 20 min``, ``5 d 4 h``."""
    if value is None:
        return NOTHING
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds < 0.9995:
        return _("%(n)s ms") % {"n": level(max(seconds, 0.0) * 1000)}
    if seconds < 59.95:
        return _("%(n)s s") % {"n": level(seconds)}
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if not hours:
        return (_("%(m)s min %(s)s s") if s else _("%(m)s min")) % {"m": m, "s": s}
    if not days:
        return (_("%(h)s h %(m)s min") if m else _("%(h)s h")) % {"h": h, "m": m}
    d = number_format(days, force_grouping=True)
    return (_("%(d)s d %(h)s h") if h else _("%(d)s d")) % {"d": d, "h": h}


def age(seconds: float) -> str:
    """How long ago, in one unit: what a list has room for."""
    seconds = max(seconds, 0.0)
    if seconds < 60:
        return _("%(n)s s ago") % {"n": int(seconds)}
    if seconds < 3600:
        return _("%(n)s min ago") % {"n": int(seconds // 60)}
    if seconds < 2 * 86400:
        return _("%(n)s h ago") % {"n": int(seconds // 3600)}
    return _("%(n)s d ago") % {"n": number_format(int(seconds // 86400), force_grouping=True)}


def level(value: float) -> str:
    """``0.42``, ``8.17``, ``41.2``, ``840``: what is measured, with three digits at most."""
    for places, below in ((2, 9.995), (1, 99.95)):
        # number_format cuts, it does not round.
        rounded = round(value, places)
        if value < below and rounded % 1:
            return number_format(rounded, places)
    return number_format(round(value), force_grouping=True)


def count(number: int) -> str:
    """``8,640``, ``412 k``, ``1.19 M``: what a narrow column has room for."""
    for unit, divisor in ((_("%(n)s M"), 1_000_000), (_("%(n)s k"), 1_000)):
        if number >= 10 * divisor or (number >= divisor and divisor > 1_000):
            return unit % {"n": level(number / divisor)}
    return number_format(number, force_grouping=True)


def for_scripts() -> dict[str, str]:
    """What ``frontend/src/*.ts`` says, by its English text."""
    return {
        **_for_lists(),
        "%(n)s ms": _("%(n)s ms"),
        "%(n)s s": _("%(n)s s"),
        "%(m)s min": _("%(m)s min"),
        "%(m)s min %(s)s s": _("%(m)s min %(s)s s"),
        "%(h)s h": _("%(h)s h"),
        "%(h)s h %(m)s min": _("%(h)s h %(m)s min"),
        "%(d)s d": _("%(d)s d"),
        "%(d)s d %(h)s h": _("%(d)s d %(h)s h"),
        "%(n)s s ago": _("%(n)s s ago"),
        "%(n)s min ago": _("%(n)s min ago"),
        "%(n)s h ago": _("%(n)s h ago"),
        "%(n)s d ago": _("%(n)s d ago"),
        "%(t)s behind": _("%(t)s behind"),
        "%(t)s old": _("%(t)s old"),
        "%(n)s new": _("%(n)s new"),
        "New tasks": _("New tasks"),
        "Total": _("Total"),
        "Live": _("Live"),
        "Polling": _("Polling"),
        "Paused": _("Paused"),
        "Paused while text is selected": _("Paused while text is selected"),
        "Paused while a menu is open": _("Paused while a menu is open"),
        "Paused while this tab is hidden": _("Paused while this tab is hidden"),
        "again in %(t)s": _("again in %(t)s"),
        "Connection lost": _("Connection lost"),
        "Signed out": _("Signed out"),
    }


def _for_lists() -> dict[str, str]:
    return {
        "%(n)s selected": _("%(n)s selected"),
        "%(n)s ids copied": _("%(n)s ids copied"),
        "%(n)s no longer match": _("%(n)s no longer match"),
        "No longer matches the filters": _("No longer matches the filters"),
        "Nothing selected": _("Nothing selected"),
        "At most %(n)s tasks can be selected one by one": _(
            "At most %(n)s tasks can be selected one by one"
        ),
        "This browser does not let pages copy here.": _(
            "This browser does not let pages copy here."
        ),
    }
