"""Events per CPU-second and memory of monitors on the same stream, ours beside Flower.

Publishes raw event messages to Celery's own exchange as workers do. By default in rounds, each
when the monitor is done with the one before, so that none loses events; with --burst all at once.
Needs Linux and real servers:

    python -m tests.servers -- python -m benchmarks.drain --runs 3
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from benchmarks.meter import Meter
from benchmarks.places import BROKERS
from benchmarks.publish import Publisher
from benchmarks.report import Figures, as_json, table
from benchmarks.stream import Message, Stream
from benchmarks.subjects.celery_state import CeleryState
from benchmarks.subjects.flower import Flower
from benchmarks.subjects.ours import OursInPostgreSQL, OursInSQLite
from benchmarks.subjects.subject import Subject

SUBJECTS: dict[str, type[Subject]] = {
    "postgresql": OursInPostgreSQL,
    "sqlite": OursInSQLite,
    "flower": Flower,
    "state": CeleryState,
}
MAX_EVENTS = 10_000_000


def main() -> int:
    options = _parser().parse_args()
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _interrupt)
    stream = _stream(options)
    done: list[Figures] = []
    try:
        with TemporaryDirectory(prefix="celery-monitor-benchmark-") as work:
            for broker, name, folder in _turns(options, Path(work)):
                done.append(_measure(SUBJECTS[name], broker, folder, stream, options))
                print(_progress(done[-1]), file=sys.stderr, flush=True)
    finally:
        # What was measured before something went wrong took minutes, too.
        if options.json:
            options.json.write_text(json.dumps(as_json(done, _told(options)), indent=1) + "\n")
    print(table(done))
    return 0


def _turns(options: argparse.Namespace, work: Path) -> Iterator[tuple[str, str, Path]]:
    """Subjects take turns, so that a busy hour of the machine hits all of them."""
    for run in range(options.runs):
        for broker in options.brokers:
            for name in options.subjects:
                folder = work / f"{broker}-{name}-{run}"
                folder.mkdir()
                yield broker, name, folder


def _measure(
    kind: type[Subject], broker: str, folder: Path, stream: Stream, options: argparse.Namespace
) -> Figures:
    load = os.getloadavg()[0]
    size = stream.events if options.burst else options.round
    with BROKERS[broker]() as url, Publisher(url) as publisher:
        subject = kind(url, folder)
        with subject.running():
            deadline = time.monotonic() + options.timeout
            meter = Meter(subject.pid)
            meter.wait_until_idle(deadline)
            before, wall, sent = meter.cpu(), 0.0, 0
            for messages in rounds(stream.messages(time.time()), size):
                sent += sum(message.events for message in messages)
                begun = time.monotonic()
                publisher.send(messages)
                meter.wait_until_idle(deadline)
                wall += meter.busy_at - begun
            known, used = _settle(subject, meter, sent, deadline)
            return Figures(
                broker=broker,
                subject=subject.name,
                sent=sent,
                known=known,
                cpu_seconds=used - before,
                wall_seconds=wall,
                peak_memory=meter.peak_memory(),
                load=load,
                task_bytes=subject.task_bytes(),
            )


def rounds(messages: Iterable[Message], events: int) -> Iterator[list[Message]]:
    """Lists of messages that hold at least so many task events together."""
    batch: list[Message] = []
    held = 0
    for message in messages:
        batch.append(message)
        held += message.events
        if held >= events:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _settle(subject: Subject, meter: Meter, sent: int, deadline: float) -> tuple[int, float]:
    """What the subject knows when it will know no more, and its CPU time before we asked."""
    known = -1
    while True:
        used = meter.cpu()
        now = subject.known_events()
        if now in (known, sent):
            return now, used
        known = now
        # Asking is work for some of them, which must not look like progress.
        meter.wait_until_idle(deadline, 2.0)


def _stream(options: argparse.Namespace) -> Stream:
    return Stream(
        events=options.events,
        interleave=options.interleave,
        failures=options.failures,
        retries=options.retries,
        sent_alone=options.sent_alone,
        seed=options.seed,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.drain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--brokers", nargs="+", choices=BROKERS, default=list(BROKERS))
    add("--subjects", nargs="+", choices=SUBJECTS, default=list(SUBJECTS))
    add("--events", type=_count, default=200_800, help="task events, 4 a task (%(default)s)")
    add("--interleave", type=int, default=0, help="other tasks that begin between a task's events")
    add("--failures", type=_share, default=0.0, help="share of tasks that fail")
    add("--retries", type=_share, default=0.0, help="share of tasks that are retried once")
    add("--sent-alone", action="store_true", help="task-sent not in lists, as clients send it")
    add("--seed", type=int, default=2026)
    add("--runs", type=int, default=1, help="the table shows medians")
    add("--round", type=_count, default=10_000, help="events published at once (%(default)s)")
    add("--burst", action="store_true", help="publish everything at once, at full speed")
    add("--timeout", type=float, default=600, help="seconds for one run of one monitor")
    add("--json", type=Path, metavar="FILE", help="write every run there")
    return parser


def _count(text: str) -> int:
    count = int(text)
    if not 0 < count <= MAX_EVENTS:
        raise argparse.ArgumentTypeError(f"must be between 1 and {MAX_EVENTS}")
    return count


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 0.5:
        raise argparse.ArgumentTypeError("must be between 0 and 0.5")
    return share


def _told(options: argparse.Namespace) -> dict[str, object]:
    return {key: str(value) if key == "json" else value for key, value in vars(options).items()}


def _progress(figures: Figures) -> str:
    return (
        f"{figures.broker}, {figures.subject}: {figures.known:,} of {figures.sent:,} events,"
        f" {figures.cpu_seconds:.2f} s CPU, load before {figures.load:.1f}"
    )


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
