"""What every measured monitor is: one process that listens to one broker."""

from __future__ import annotations

import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM

from tests.servers.process import stop_group
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
_START_SECONDS = 60


class Subject(ABC):
    """To be run once; ``folder`` is its own and empty."""

    name: str

    def __init__(self, broker_url: str, folder: Path) -> None:
        self.broker_url = broker_url
        self.folder = folder
        self.log = folder / "output.log"
        self.pid = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """From when it listens until the context ends, when nothing of it is left."""
        with self.prepared() as variables, self.log.open("wb") as output:
            child = subprocess.Popen(
                self.command(),
                cwd=ROOT,
                env={**os.environ, "TEST_BROKER_URL": self.broker_url, **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.pid = child.pid

            def started() -> bool:
                return child.poll() is not None or self.is_listening()

            try:
                wait_until(started, _START_SECONDS, interval=0.2)
                if child.poll() is not None:
                    raise SystemExit(f"{self.name} did not start:\n{self.output()}")
                yield
            finally:
                stop_group(child, SIGTERM)

    @contextmanager
    def prepared(self) -> Iterator[Mapping[str, str]]:
        """What it needs as long as it runs, and the environment that tells it so."""
        yield {}

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def is_listening(self) -> bool: ...

    @abstractmethod
    def known_events(self) -> int:
        """How many task events it has stored, or knows of if it stores none."""

    def task_bytes(self) -> float:
        """What a stored task takes in the database, with its indexes; 0 when that is not known."""
        return 0.0

    def output(self) -> str:
        return self.log.read_text(errors="replace")
