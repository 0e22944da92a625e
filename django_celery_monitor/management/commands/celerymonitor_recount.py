"""``manage.py celerymonitor_recount``: compares the counts with the tasks, and repairs them."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import router
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_celery_monitor.models import Task
from django_celery_monitor.state.contributions import OTHER
from django_celery_monitor.storage import cohorts
from django_celery_monitor.upkeep.recount import Difference, differences, fix

_SHOWN: Final = 100
_WIDEST: Final = 40
_ROW: Final = "{:<10} {:<16} {:<40} {:<12} {:>14} {:>14}"


class Command(BaseCommand):
    help = "Counts the stored tasks anew and says where the stored counts differ."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        act = parser.add_mutually_exclusive_group()
        act.add_argument("--check", action="store_true", help="only say it (the default)")
        act.add_argument("--fix", action="store_true", help="also repair the stored counts")

    def handle(self, *_args: Any, **options: Any) -> None:
        using = router.db_for_write(Task)
        found = differences(using)
        self._show(found)
        number = len(found)
        if not found:
            self.stdout.write(self.style.SUCCESS(_("The counts are those of the tasks.")))
            return
        if options["fix"]:
            fix(found, using)
            text = ngettext("Repaired %d row of counts.", "Repaired %d rows of counts.", number)
            self.stdout.write(text % number)
            found = differences(using)
            number = len(found)
            self._show(found)
        if found:
            text = ngettext("%d row of counts is wrong.", "%d rows of counts are wrong.", number)
            raise CommandError(text % number)

    def _show(self, found: list[Difference]) -> None:
        if not found:
            return
        heads = (_("table"), _("from"), _("label"), _("column"), _("stored"), _("counted"))
        self.stdout.write(_ROW.format(*heads))
        for difference in found[:_SHOWN]:
            for column, stored in difference.stored.items():
                values = (_short(stored), _short(difference.counted[column]))
                self.stdout.write(_ROW.format(*_place(difference), column, *values))
        if len(found) > _SHOWN:
            self.stdout.write(_("and %d more rows") % (len(found) - _SHOWN))


def _place(difference: Difference) -> tuple[str, str, str]:
    """Table, start and label, as the row would be looked for."""
    key = difference.key
    if isinstance(key, cohorts.Key):
        return "TaskCount", _time(key.start), f"{key.period} {key.name} {key.state}"[:_WIDEST]
    period, grain, start, label = key
    shown = _("other") if label == OTHER else label
    return "TaskStats", _time(start), f"{period} {grain} {shown}"[:_WIDEST]


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def _short(value: Any) -> str:
    """A number; of a sketch, how many durations are in it."""
    return str(sum(value.values()) if isinstance(value, dict) else value)
