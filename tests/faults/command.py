"""The real command, killed or changed on the way: ``python -m tests.faults.command [options]``.

``FAULTS_CRASHES``: names of ``crashing.POINTS``, each with the number of the pass at which the
process kills itself. For each the command is begun anew, as a supervisor would; the last time it
is left alone. ``FAULTS_CONSTANTS``: JSON, dotted names of the package's constants to new values.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import timedelta
from importlib import import_module
from typing import Any

import django
from django.core.management import execute_from_command_line


def main(options: list[str]) -> None:
    django.setup()
    # Before the first fork, so that no life has to load it anew.
    import_module("django_celery_monitor.pipeline")
    for name, value in json.loads(os.environ.get("FAULTS_CONSTANTS", "{}")).items():
        _change(name, value)
    for crash in os.environ.get("FAULTS_CRASHES", "").split():
        _live_until(crash, options)
    _run(options)


def _change(name: str, value: Any) -> None:
    """A number, seconds of a ``timedelta``, or fields of a named tuple."""
    module, _, constant = name.rpartition(".")
    owner = import_module(module)
    old = getattr(owner, constant)
    if isinstance(old, timedelta):
        value = timedelta(seconds=value)
    elif isinstance(old, tuple):
        value = _replaced(old, value)
    setattr(owner, constant, value)
    for each in vars(owner).values():
        begin = getattr(each, "__init__", None)
        defaults = getattr(begin, "__defaults__", None) or ()
        if any(default is old for default in defaults) and isinstance(old, tuple):
            new = tuple(value if default is old else default for default in defaults)
            begin.__defaults__ = new  # type: ignore[union-attr]


def _replaced(old: Any, values: dict[str, Any]) -> Any:
    tuples = {field: type(getattr(old, field)) for field in old._fields}
    return old._replace(
        **{
            field: tuples[field](*value) if isinstance(value, list) else value
            for field, value in values.items()
        }
    )


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
