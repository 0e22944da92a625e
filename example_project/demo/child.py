"""One child process: in a group of its own, so that it ends with all its children."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from example_project.demo.plan import Service
from example_project.environment import HERE

LOG_TAIL = 15


class Child:
    def __init__(self, service: Service, environment: dict[str, str], logs: Path) -> None:
        self.service = service
        self.environment = {**environment, **service.environment}
        self.log = logs / f"{service.name}.log"
        self.log.unlink(missing_ok=True)
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.service.command,
                cwd=HERE.parent,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def restart(self) -> None:
        self.process = self._start()

    def ended(self) -> bool:
        return self.process.poll() is not None

    def ask_to_end(self) -> None:
        if not self.ended():
            self.process.terminate()

    def kill(self) -> None:
        """End the process and whatever it has started, at once."""
        kill_group(self.process)

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
        return "\n".join(f"    {line}" for line in lines)


def kill_group(process: subprocess.Popen[bytes], patience: float = 3.0) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            break
        process.poll()
        time.sleep(0.02)
    process.wait()


def end_with_parent() -> None:
    """Let the kernel ask this process to end when the demo itself was killed (Linux only)."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
