"""A process that ends all others when the demo itself was killed and could not do it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys


class Guard:
    """The demo's side. Process groups that it forgets to name here may outlive it."""

    def __init__(self) -> None:
        # As a file, not a module: it needs nothing of the project, and little memory.
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def watch(self, group: int) -> None:
        self._tell(group)

    def forget(self, group: int) -> None:
        self._tell(-group)

    def leave(self) -> None:
        self._process.communicate()

    def _tell(self, number: int) -> None:
        # Without its guard, which somebody may have ended, the demo still ends what it started.
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin:
                print(number, file=self._process.stdin, flush=True)


def main() -> None:
    # Both reach every process that is told by name; only the demo's end ends this one.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    # Ends when the demo does: then its end of the pipe is closed.
    for line in sys.stdin:
        group = int(line)
        if group > 0:
            groups.add(group)
        else:
            groups.discard(-group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
