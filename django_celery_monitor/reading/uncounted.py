"""What cannot be counted for a reader who may see only some of the tasks."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import TaskStats
from django_celery_monitor.reading.remember import remembered

Grain = TaskStats.Grain
_BY: Final[dict[Grain, str | Promise]] = {
    Grain.NAME: gettext_lazy("by type"),
    Grain.QUEUE: gettext_lazy("by queue"),
    Grain.WORKER: gettext_lazy("by worker"),
}


def uncounted(user: User) -> frozenset[Grain]:
    """The grains of which a policy leaves no counts, though there are some: not zero, not known."""
    if not get_policy().hides(user, "Task"):
        return frozenset()
    found: frozenset[Grain]
    found, _when = remembered(f"uncounted:{user.pk}", lambda: _uncounted(user))
    return found


def reason() -> str:
    return _("not counted for you")


def own_only(user: User, grain: Grain) -> str:
    """Beneath a list of totals: what they are made of; empty for who has all counts."""
    if grain not in uncounted(user):
        return ""
    return _(
        "Made of your newest 10,000 tasks that began in this time: there are no counts for you."
    )


def narrowed(user: User) -> str:
    """What to tell a reader who is shown only some of the tasks; empty for all others."""
    if not get_policy().hides(user, "Task"):
        return ""
    text = _("You are shown only some of the tasks, as this project decides.")
    if missing := uncounted(user):
        names = [str(_BY[grain]) for grain in Grain if grain in missing]
        text += " " + _("Not counted for you: %(what)s; that is unknown, not zero.") % {
            "what": get_text_list(names, _("and"))
        }
    return text


def _uncounted(user: User) -> frozenset[Grain]:
    every = TaskStats.objects.filter(period=TaskStats.Period.DAY)
    mine = get_policy().visible(user, every)
    return frozenset(
        grain
        for grain in Grain
        if every.filter(grain=grain).exists() and not mine.filter(grain=grain).exists()
    )
