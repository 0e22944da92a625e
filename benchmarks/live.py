"""How soon open pages hear of events: from publishing at the broker to the frame at each viewer.

Runs the collector and an ASGI server as a project does, on Redis and PostgreSQL, and opens so many
sockets. Needs Linux and real servers:

    python -m tests.servers -- python -m benchmarks.live
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGTERM
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.live_steady import Steady
from benchmarks.live_viewers import Heard, watch
from benchmarks.meter import Meter
from benchmarks.places import postgresql_database, redis_database
from benchmarks.subjects.subject import ROOT
from tests.servers.ports import free_ports
from tests.servers.process import stop_group
from tests.waiting import wait_until

GOAL = 1_000.0
APPLICATION = "tests.project.asgi:application"
SERVERS = {
    "uvicorn": ("uvicorn", APPLICATION, "--host", "127.0.0.1", "--log-level", "warning", "--port"),
    "daphne": ("daphne", "-b", "127.0.0.1", "-v", "0", APPLICATION, "-p"),
}


def main() -> int:
    options = _parser().parse_args()
    with ExitStack() as stack:
        work = Path(stack.enter_context(TemporaryDirectory(prefix="celery-monitor-live-")))
        broker = stack.enter_context(redis_database())
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.project.settings",
            "TEST_BROKER_URL": broker,
            "TEST_DATABASE_URL": stack.enter_context(postgresql_database()),
            "TEST_CHANNEL_LAYER_URL": stack.enter_context(redis_database()),
        }
        cookie = _prepared()
        [port] = free_ports(1)
        serving = [sys.executable, "-m", *SERVERS[options.server], str(port)]
        collecting = [sys.executable, "-m", "django", "celerymonitor"]
        server = stack.enter_context(_running(serving, work / "server.log"))
        collector = stack.enter_context(_running(collecting, work / "collector.log", "Listening"))
        wait_until(lambda: _is_open(port), 30)
        figures = _measure(options, broker, port, cookie, Meter(server), Meter(collector))
    print(_told(figures, options))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def _measure(
    options: argparse.Namespace, broker: str, port: int, cookie: str, server: Meter, other: Meter
) -> dict[str, Any]:
    steady = Steady(broker, options.rate, options.seconds)
    said = [json.dumps({"type": "subscribe", "query": each}) for each in options.subscribe]
    url, origin = f"ws://127.0.0.1:{port}/monitor/live/", f"http://127.0.0.1:{port}"
    before, begun = (server.cpu(), other.cpu()), time.monotonic()
    steady.start()
    # Longer than the stream, so that its last events are heard of.
    watching = watch(options.viewers, url, origin, cookie, said, options.seconds + 3)
    heard = asyncio.run(watching)
    wall = time.monotonic() - begun
    waits = sorted(_waits(heard, steady.at))
    return {
        "viewers": options.viewers,
        "events": steady.events,
        "events_per_second": steady.events / options.seconds,
        "publisher_late_ms": steady.late * 1000,
        "frames_per_viewer_and_second": sum(each.frames for each in heard) / len(heard) / wall,
        "measured": len(waits),
        "p50_ms": _at(waits, 0.5),
        "p95_ms": _at(waits, 0.95),
        "max_ms": waits[-1] if waits else 0.0,
        "server_cpu": (server.cpu() - before[0]) / wall,
        "collector_cpu": (other.cpu() - before[1]) / wall,
        "load": os.getloadavg()[0],
    }


def _waits(heard: list[Heard], published: Mapping[str, list[float]]) -> Iterator[float]:
    """Milliseconds from the latest event of a task to a frame that names the task."""
    for each in heard:
        for task_id, at in each.at:
            times = published.get(task_id, ())
            place = bisect_left(times, at)
            if place:
                yield (at - times[place - 1]) * 1000


def _at(waits: list[float], share: float) -> float:
    return waits[min(int(len(waits) * share), len(waits) - 1)] if waits else 0.0


def _prepared() -> str:
    """Makes the tables and a reader; the cookie of that reader's session."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    client = Client()
    client.force_login(User.objects.create_superuser("benchmark"))
    return client.cookies.output(attrs=[], header="").strip()


@contextmanager
def _running(command: list[str], log: Path, ready: str = "") -> Iterator[int]:
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_until(lambda: ready in log.read_text() or child.poll() is not None, 60)
            yield child.pid
            if child.poll() is not None:
                raise SystemExit(f"{command} ended:\n{log.read_text()}")
        finally:
            stop_group(child, SIGTERM)


def _is_open(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _told(figures: dict[str, Any], options: argparse.Namespace) -> str:
    missed = "" if figures["p95_ms"] <= GOAL else "  MISSED"
    return "\n".join(
        (
            "{events:,} events, {events_per_second:,.0f} a second; {viewers} viewers on "
            + options.server
            + ", {frames_per_viewer_and_second:.1f} frames a second each",
            "event to frame: p50 {p50_ms:.0f} ms, p95 {p95_ms:.0f} ms (goal 1,000), max "
            "{max_ms:.0f} ms, of {measured:,}" + missed,
            "CPU: server {server_cpu:.0%}, collector {collector_cpu:.0%} of a core; publisher up "
            "to {publisher_late_ms:.0f} ms late; load of the machine {load:.1f}",
        )
    ).format(**figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.live",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--viewers", type=int, default=50)
    add("--rate", type=int, default=1_000, help="events a second (%(default)s)")
    add("--seconds", type=float, default=30)
    add("--server", choices=SERVERS, default="uvicorn")
    add("--subscribe", nargs="*", default=[], metavar="QUERY", help="filters of each viewer")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
