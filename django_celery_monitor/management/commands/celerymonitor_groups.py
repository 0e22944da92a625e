"""``manage.py celerymonitor_groups``: makes the two groups that most teams need."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand, CommandError
from django.db import router, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_celery_monitor.access.acts import ACTS, OPERATORS, VIEWERS


class Command(BaseCommand):
    help = "Makes the groups of viewers and of operators, and gives them what they lack."

    def handle(self, *_args: Any, **_options: Any) -> None:
        for name in (VIEWERS, OPERATORS):
            self.stdout.write(_said(name, *_provide(name)))


def _provide(name: str) -> tuple[bool, list[str]]:
    """Whether the group is new, and what it was given; nothing is taken from it."""
    wanted = {act.codename for act in ACTS if name in act.groups}
    found = {
        each.codename: each
        for each in Permission.objects.filter(
            content_type__app_label="django_celery_monitor", codename__in=wanted
        )
    }
    if missing := wanted - found.keys():
        text = _("There is no permission %(codename)s yet: run manage.py migrate first.")
        raise CommandError(text % {"codename": min(missing)})
    with transaction.atomic(using=router.db_for_write(Group)):
        group, is_new = Group.objects.get_or_create(name=name)
        had = set(group.permissions.values_list("pk", flat=True))
        given = sorted(codename for codename, each in found.items() if each.pk not in had)
        group.permissions.add(*(found[codename] for codename in given))
    return is_new, given


def _said(name: str, is_new: bool, given: list[str]) -> str:
    made = _("%(group)s: made") if is_new else _("%(group)s: there already")
    if not given:
        return made % {"group": name} + "; " + _("lacks nothing")
    number = ngettext("%(n)d permission given", "%(n)d permissions given", len(given))
    return made % {"group": name} + "; " + number % {"n": len(given)} + ": " + ", ".join(given)
