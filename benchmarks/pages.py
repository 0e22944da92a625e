"""Server time of every kind of page with millions of tasks in the database, beside Flower's.

Fills a database of its own in bulk (40 types of which few have most, 8 workers, 6 queues, 90 days,
one in thirty failed), then asks for pages all over that history, in one process and with the
whole of Django around each. Needs Linux and real servers:

    python -m tests.servers -- python -m benchmarks.pages --tasks 1000000
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.places import postgresql_database

GOALS = {"postgresql": (50.0, 100.0), "sqlite": (100.0, 100.0)}


def main() -> int:
    options = _parser().parse_args()
    with _database(options) as url:
        os.environ |= {
            "TEST_DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "benchmarks.pages_settings",
        }
        _measure(options)
    return 0


@contextmanager
def _database(options: argparse.Namespace) -> Iterator[str]:
    if options.filled:
        yield options.filled
    elif options.database == "postgresql":
        with postgresql_database() as url:
            yield url
    else:
        with TemporaryDirectory(prefix="celery-monitor-pages-") as folder:
            yield f"sqlite://{folder}/pages.sqlite3"


def _measure(options: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from benchmarks import pages_asked, pages_flower, pages_report
    from benchmarks.pages_fill import fill
    from django_celery_monitor.models import Task

    call_command("migrate", verbosity=0)
    begun = time.monotonic()
    if not Task.objects.exists():
        fill(options.tasks, lambda text: _say(f"{time.monotonic() - begun:6.0f} s  {text}"))
    if options.fill_only:
        return
    with pages_asked.at_its_end():
        client, timings = pages_asked.reader(), []
        for asked in pages_asked.kinds(*GOALS[options.database]):
            if options.only in asked.page:
                timings.append(pages_asked.measure(asked, options.requests, client))
                _say(f"{timings[-1].p95:8.1f} ms  {asked.page}")
    answers = pages_flower.measure(options.flower, options.requests) if options.flower else []
    told = {**vars(options), "json": bool(options.json), "filled": bool(options.filled)}
    if options.json:
        found = pages_report.figures(timings, answers, told)
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(pages_report.table(timings))
    print(f"Load of the machine, over the last minute: {os.getloadavg()[0]:.1f}")
    if answers:
        print(pages_report.beside(answers))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.pages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--tasks", type=int, default=300_000, help="tasks to fill in (%(default)s)")
    add("--database", choices=GOALS, default="postgresql")
    add("--requests", type=int, default=40, help="of each kind of page (%(default)s)")
    add("--only", default="", help="kinds of pages whose name has this in it")
    add("--flower", type=int, default=0, metavar="TASKS", help="measure Flower with so many, too")
    add("--filled", default="", metavar="URL", help="a database to fill if it is empty, and keep")
    add("--fill-only", action="store_true", help="measure nothing")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
