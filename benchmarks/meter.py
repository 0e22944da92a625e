"""What a process costs, as the kernel counts it. Linux only."""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_SAMPLE_SECONDS = 0.05
# A process that used less of a core than this, for so many seconds, has nothing left to do.
_IDLE_SHARE = 0.04
_IDLE_SECONDS = 0.5


class Meter:
    """Of one process alone, with its threads and without its children."""

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc", str(pid))
        # When the process was last seen at work, by the monotonic clock.
        self.busy_at = time.monotonic()

    def cpu(self) -> float:
        """Seconds of processor time since it started, user and system."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def peak_memory(self) -> int:
        """The most memory that was resident at once, in bytes."""
        lines = (self._folder / "status").read_text().splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024

    def wait_until_idle(self, deadline: float, seconds: float = _IDLE_SECONDS) -> None:
        """Raises ``TimeoutError`` when the monotonic clock passes ``deadline`` before."""
        since, used = time.monotonic(), self.cpu()
        self.busy_at = since
        while time.monotonic() - since < seconds:
            if time.monotonic() > deadline:
                raise TimeoutError("The monitor is still at work when its time is over")
            time.sleep(_SAMPLE_SECONDS)
            now = self.cpu()
            if now - used > _IDLE_SHARE * seconds:
                since = self.busy_at = time.monotonic()
                used = now
