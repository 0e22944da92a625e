from __future__ import annotations

import signal
import subprocess
import sys

from example_project.demo.guard import Guard


def test_a_demo_whose_guard_was_killed_still_ends() -> None:
    guard = Guard()
    guard._process.kill()
    guard._process.wait()
    guard.watch(1)
    guard.forget(1)
    guard.leave()


def test_the_guard_ends_what_a_killed_demo_left() -> None:
    waits = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, start_new_session=True) as left:
        guard = Guard()
        guard.watch(left.pid)
        # All that it sees of the end of a demo.
        guard.leave()
        assert left.wait(timeout=10) == -signal.SIGKILL
