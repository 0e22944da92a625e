"""``manage.py celerymonitor``: runs the collector."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from django_celery_monitor.celery_app import find_app
from django_celery_monitor.collector import Collector
from django_celery_monitor.conf import AT_MOST, get_settings
from django_celery_monitor.ingest.queues import TransportError
from django_celery_monitor.pipeline import build_collector
from django_celery_monitor.readiness import problems
from django_celery_monitor.upkeep.health import Totals

LEVELS = {0: logging.ERROR, 1: logging.INFO, 2: logging.INFO, 3: logging.DEBUG}


def whole(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number <= 0:
        raise argparse.ArgumentTypeError(_("must be a whole number greater than 0"))
    return number


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= AT_MOST["FLUSH_INTERVAL"]:
        most = {"most": AT_MOST["FLUSH_INTERVAL"]}
        raise argparse.ArgumentTypeError(_("must be a number of seconds, at most %(most)s") % most)
    return number


def _collect_garbage_seldom() -> None:
    """What a batch makes holds no cycles, yet looking for some took a third of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


class Command(BaseCommand):
    help = "Stores the events of all Celery workers and announces them to open pages."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        settings = get_settings()
        parser.add_argument("-A", "--app", help="dotted path of the Celery app")
        parser.add_argument(
            "--batch-size", type=whole, default=settings.BATCH_SIZE, help="events in a batch"
        )
        parser.add_argument(
            "--flush-interval",
            type=seconds,
            default=settings.FLUSH_INTERVAL,
            help="seconds a batch waits for more",
        )
        parser.add_argument(
            "--no-enable-events",
            action="store_true",
            help="do not ask running workers to send events",
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="listen although collectors of another database consume the queue",
        )
        parser.add_argument(
            "--check", action="store_true", help="test app, database and broker, then exit"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        self._set_up_logging(options["verbosity"])
        try:
            app = find_app(options["app"])
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if found := problems(app, broker=options["check"]):
            raise CommandError("\n".join(found))
        if options["check"]:
            self.stdout.write(self.style.SUCCESS(_("App, database and broker are ready.")))
            return
        collector = build_collector(
            app,
            batch_size=options["batch_size"],
            flush_interval=options["flush_interval"],
            enable=get_settings().ENABLE_EVENTS and not options["no_enable_events"],
            force=options["force"],
            on_turn=StatusLine(self) if self.stdout.isatty() else lambda _totals: None,
        )
        _collect_garbage_seldom()
        self._run(collector)

    def _run(self, collector: Collector) -> None:
        stopping = False

        def stop(signum: int, _frame: Any) -> None:
            nonlocal stopping
            if stopping:
                # The system's own handler ends the process.
                signal.signal(signum, signal.SIG_DFL)
                signal.raise_signal(signum)
            stopping = True
            collector.stop()

        before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            collector.run()
        except TransportError as error:
            raise CommandError(str(error)) from error
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _set_up_logging(self, verbosity: int) -> None:
        logger = logging.getLogger("django_celery_monitor")
        logger.setLevel(LEVELS[verbosity])
        if not logger.hasHandlers():
            handler = logging.StreamHandler()
            handler.setFormatter(
                logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
            )
            logger.addHandler(handler)


class Rate:
    """Events per second since it was last asked."""

    def __init__(self) -> None:
        self._events, self._time = 0, time.monotonic()

    def age(self) -> float:
        return time.monotonic() - self._time

    def take(self, totals: Totals) -> float:
        rate = (totals.events - self._events) / max(self.age(), 0.001)
        self._events, self._time = totals.events, time.monotonic()
        return rate


class StatusLine:
    """One line on a terminal, renewed each second."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._rate = Rate()

    def __call__(self, totals: Totals) -> None:
        if self._rate.age() < 1:
            return
        lag = "–" if totals.lag is None else f"{totals.lag:.1f} s"
        line = _("%(rate)s events/s · lag %(lag)s · %(rows)s rows written · %(bad)s bad events") % {
            "rate": f"{self._rate.take(totals):,.0f}",
            "lag": lag,
            "rows": f"{totals.tasks:,}",
            "bad": f"{totals.bad:,}",
        }
        self._command.stdout.write(f"\r\033[K{line}", ending="")
        self._command.stdout.flush()
