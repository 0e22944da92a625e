"""Flower as its manual says, keeping everything in memory; counted by its own metrics."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks.publish import Publisher
from benchmarks.stream import Message
from benchmarks.subjects.subject import ROOT, Subject
from tests.servers.ports import free_ports

_TASK_EVENTS = re.compile(r'^flower_events_total\{.*type="task-.*\} ([\d.e+]+)$', re.MULTILINE)
_PROBE = "probe@benchmark"


class Flower(Subject):
    name = "Flower"

    def command(self) -> list[str]:
        [self._port] = free_ports(1)
        python = flower_python(self.folder.parent / "flower")
        celery = [python, "-m", "celery", "-A", "benchmarks.app"]
        return [*celery, "flower", "--address=127.0.0.1", f"--port={self._port}"]

    def is_listening(self) -> bool:
        """Flower does not say when it is subscribed, so ask whether it saw a heartbeat of ours."""
        body = (
            f'{{"type": "worker-heartbeat", "hostname": "{_PROBE}", "timestamp": {time.time()},'
            ' "utcoffset": 0, "pid": 1, "clock": 1, "freq": 2.0, "active": 0, "processed": 0}'
        )
        with Publisher(self.broker_url) as publisher:
            publisher.send([Message("worker.heartbeat", _PROBE, body.encode(), 0)])
        try:
            return _PROBE in self._metrics()
        except (URLError, ConnectionError):
            return False

    def known_events(self) -> int:
        return int(sum(float(count) for count in _TASK_EVENTS.findall(self._metrics())))

    def _metrics(self) -> str:
        with urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=60) as answer:
            text: str = answer.read().decode()
        return text


@cache
def flower_python(folder: Path) -> str:
    """The interpreter that has Flower: this one, or that of an environment made in ``folder``."""
    if find_spec("flower"):
        return sys.executable
    print("Flower comes into an environment of its own ...", file=sys.stderr)
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    # On top of what is here, in the very versions that are locked for it.
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    locked = ROOT / "requirements" / "bench.txt"
    subprocess.run([*pip, "install", "-qq", "--require-hashes", "-r", locked], check=True)
    return str(python)
