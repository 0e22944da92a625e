"""``manage.py celerymonitor_prune``: deletes what is past its retention, now."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import router
from django.utils import timezone
from django.utils.translation import ngettext

from django_celery_monitor.conf import get_settings
from django_celery_monitor.models import Task
from django_celery_monitor.upkeep import lease, retention
from django_celery_monitor.upkeep.sweeper import LEASE


class Command(BaseCommand):
    help = "Deletes tasks past their retention, as the collector does by itself every hour."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how many are past their age"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        using = router.db_for_write(Task)
        if options["dry_run"]:
            number = retention.due(get_settings(), timezone.now(), using)
            text = ngettext("%d task is past its age.", "%d tasks are past their age.", number)
            self._say_actions(using)
        else:
            number = self._sweep(using)
            text = ngettext("Deleted %d task.", "Deleted %d tasks.", number)
        self.stdout.write(text % number)

    def _say_actions(self, using: str) -> None:
        number = retention.due_actions(get_settings(), timezone.now(), using)
        if number:
            text = ngettext(
                "%d entry of the audit is past its age.",
                "%d entries of the audit are past their age.",
                number,
            )
            self.stdout.write(text % number)

    def _sweep(self, using: str) -> int:
        number = 0
        for step in retention.sweep(get_settings(), timezone.now(), using):
            if not lease.take(LEASE, using):
                raise CommandError("A collector is deleting at this moment; try again later.")
            number += step
        return number
