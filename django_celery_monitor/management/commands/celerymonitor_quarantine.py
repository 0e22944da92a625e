"""``manage.py celerymonitor_quarantine``: lists, replays and purges what could not be stored."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.db import DataError, IntegrityError, router, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_celery_monitor.management.commands.celerymonitor import whole
from django_celery_monitor.models import BadEvent
from django_celery_monitor.pipeline import Pipeline

_SHOWN: Final = 120
_STEP: Final = 1_000


class Command(BaseCommand):
    help = "Shows, stores again or deletes the events that could not be stored."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("act", choices=["list", "replay", "purge"])
        parser.add_argument("--limit", type=whole, help="at most so many (list: 50)")
        parser.add_argument("--reason", help="only those whose reason contains this text")
        parser.add_argument(
            "--older-than", type=whole, metavar="DAYS", help="only those older than so many days"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        self._using = router.db_for_write(BadEvent)
        rows = BadEvent.objects.using(self._using)
        if options["reason"]:
            rows = rows.filter(reason__icontains=options["reason"])
        if options["older_than"]:
            before = timezone.now() - timedelta(days=options["older_than"])
            rows = rows.filter(arrived_at__lt=before)
        acts = {"list": self._list, "replay": self._replay, "purge": self._purge}
        acts[options["act"]](rows, options["limit"])

    def _list(self, rows: QuerySet[BadEvent], limit: int | None) -> None:
        for row in rows.order_by("-pk")[: limit or 50]:
            body = row.body.replace("\n", " ")
            shown = body if len(body) <= _SHOWN else f"{body[:_SHOWN]}…"
            state = _("whole") if row.whole else _("cut")
            self.stdout.write(f"{row.arrived_at:%Y-%m-%d %H:%M:%S} {state} {row.reason}: {shown}")
        number = rows.count()
        text = ngettext("%d event in quarantine.", "%d events in quarantine.", number)
        self.stdout.write(text % number)

    def _replay(self, rows: QuerySet[BadEvent], limit: int | None) -> None:
        pipeline = Pipeline()
        stored = kept = 0
        for pk in list(rows.filter(whole=True).order_by("pk").values_list("pk", flat=True)[:limit]):
            if self._replayed(pipeline, pk):
                stored += 1
            else:
                kept += 1
        self.stdout.write(
            _("Stored %(stored)d, still in quarantine %(kept)d, cut %(cut)d.")
            % {"stored": stored, "kept": kept, "cut": rows.filter(whole=False).count()}
        )

    def _replayed(self, pipeline: Pipeline, pk: int) -> bool:
        """Store one again and delete its row; all or nothing."""
        row = BadEvent.objects.using(self._using).filter(pk=pk).first()
        if row is None:
            return True
        try:
            with transaction.atomic(using=self._using):
                outcome = pipeline.store([row.body.encode()])
                done = not (outcome.bad or outcome.late)
                if done:
                    row.delete()
                transaction.set_rollback(not done, using=self._using)
        # What a database or its driver says to a value that it cannot hold.
        except (DataError, IntegrityError, ArithmeticError, ValueError):
            return False
        return done

    def _purge(self, rows: QuerySet[BadEvent], limit: int | None) -> None:
        number = 0
        while limit is None or number < limit:
            step = _STEP if limit is None else min(_STEP, limit - number)
            oldest = list(rows.order_by("pk").values_list("pk", flat=True)[:step])
            if not oldest:
                break
            number += rows.filter(pk__in=oldest).delete()[0]
        text = ngettext("Deleted %d bad event.", "Deleted %d bad events.", number)
        self.stdout.write(text % number)
