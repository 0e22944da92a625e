"""The floor for monitors built on Celery's own classes: its receiver and its in-memory state."""

from __future__ import annotations

import os
import sys
from signal import SIGUSR1

from benchmarks.subjects.subject import Subject
from tests.waiting import wait_until


class CeleryState(Subject):
    name = "Celery's State"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "benchmarks.receiver"]

    def is_listening(self) -> bool:
        return "listening" in self.output()

    def known_events(self) -> int:
        said = self.output().splitlines()
        os.kill(self.pid, SIGUSR1)
        wait_until(lambda: len(self.output().splitlines()) > len(said), 30)
        return int(self.output().splitlines()[-1])
