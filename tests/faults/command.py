"""The real command, killed or changed on the way: ``python -m tests.faults.command [options]``.

``FAULTS_CRASHES``: names of ``crashing.POINTS``, each with the number of the pass at which the
process kills itself. For each the command is begun anew, as a supervisor would; the last time it
is left alone. ``FAULTS_CONSTANTS``: JSON, dotted names of constants of the package to new values.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from importlib import import_module

import django
from django.core.management import execute_from_command_line


def main(options: list[str]) -> None:
    django.setup()
    # Before the first fork, so that no life has to load it anew.
    import_module("django_celery_monitor.pipeline")
    for name, value in json.loads(os.environ.get("FAULTS_CONSTANTS", "{}")).items():
        module, _, constant = name.rpartition(".")
        owner = import_module(module)
        if not hasattr(owner, constant):
            sys.exit(f"There is no {name}")
        setattr(owner, constant, value)
    for crash in os.environ.get("FAULTS_CRASHES", "").split():
        _live_until(crash, options)
    _run(options)


def _live_until(crash: str, options: list[str]) -> None:
    child = os.fork()
    if child == 0:
        from tests.faults.crashing import arm

        point, _, number = crash.partition(":")
        arm(point, int(number))
        _run(options)
        os._exit(70)
    _, status = os.waitpid(child, 0)
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        sys.exit(f"Was not killed at {crash}")
    print(f"Killed at {crash}", flush=True)


def _run(options: list[str]) -> None:
    execute_from_command_line(["django", "celerymonitor", *options])


if __name__ == "__main__":
    main(sys.argv[1:])
