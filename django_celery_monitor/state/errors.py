"""Errors of a task: what failed, where in the code, and which failures are of one kind."""

from __future__ import annotations

import hashlib
import re
from typing import Final, NamedTuple

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.state.derive import Facts
from django_celery_monitor.state.event_set import identity
from django_celery_monitor.state.runs import ERROR_TYPES

_FRAME: Final = re.compile(r'^  File "([^"\n]+)", line \d+, in (\S+)', re.MULTILINE)
_CALL: Final = re.compile(r"([A-Za-z_][\w.]*)\(")
_RETRY_CAUSE: Final = re.compile(r"^Retry in [^:]*: (.*)$", re.DOTALL)
# Frames of the machinery are alike for every task, so they do not tell errors apart.
_MACHINERY: Final = re.compile(r"[/\\](celery|billiard|kombu|vine)[/\\]")


class ErrorMark(NamedTuple):
    """An error as its task sees it."""

    name: str
    # Another event told the same failure: the worker announces a hard time limit twice.
    duplicate: bool


def error_key(event: TaskEvent) -> str:
    """The event's identity within its task and what it says, as a short text."""
    text = repr((*identity(event), event.data.get("exception", "")))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def marks(events: list[TaskEvent], facts: Facts) -> dict[str, ErrorMark]:
    """The errors among a task's events, by ``error_key``."""
    told = {identity(run.error) for run in facts.runs if run.error}
    if not told:
        return {}
    return {
        error_key(event): ErrorMark(facts.name, identity(event) not in told)
        for event in events
        if event.type in ERROR_TYPES
    }


def error_type(exception: str) -> str:
    """The class in the text of an exception: ``KeyError('x')`` gives ``KeyError``."""
    if exception.startswith("reject requeue="):
        return "Reject"
    if cause := _RETRY_CAUSE.match(exception):
        exception = cause[1]
    found = _CALL.match(exception)
    return found[1][:255] if found else exception.partition(":")[0][:255]


def fingerprint(exception: str, traceback: str) -> str:
    """Equal for one class raised in one function of the project's own code."""
    frames = _FRAME.findall(traceback)
    own = [frame for frame in frames if not _MACHINERY.search(frame[0])]
    place = (own or frames or [("", "")])[-1]
    text = "\0".join((error_type(exception), *place))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
