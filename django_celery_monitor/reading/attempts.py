"""Each attempt of a task as a record, with the error that ended it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice
from typing import Final

from django_celery_monitor.models import TaskError
from django_celery_monitor.reading.passages import Passage
from django_celery_monitor.reading.trace import Part, parts
from django_celery_monitor.state.errors import error_key

# Longer errors are compared by so many lines.
MOST_LINES: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """``trace`` and ``diff`` are empty for who may not see them.

    ``same_as`` is the number of the attempt before it that failed in the same way, and ``diff``
    says what is different from ``diff_from``; one of them at most.
    """

    number: int
    passage: Passage
    error: TaskError | None
    trace: list[Part]
    same_as: int | None = None
    diff_from: int | None = None
    diff: tuple[tuple[str, str], ...] = ()


def attempts(
    found: Sequence[Passage], known: Mapping[str, TaskError], *, payload: bool
) -> list[Attempt]:
    """Newest first. ``known``: errors by their key; ``payload``: whether the texts may be seen."""
    records: list[Attempt] = []
    before: Attempt | None = None
    for passage in found:
        error = known.get(error_key(passage.run.error)) if passage.run.error else None
        record = _attempt(passage, error, before, payload)
        records.append(record)
        before = record if error else before
    return records[::-1]


def _attempt(
    passage: Passage, error: TaskError | None, before: Attempt | None, payload: bool
) -> Attempt:
    shown = error if payload else None
    compared = before if shown and before and before.error else None
    diff = _diff(compared.error, shown) if compared and compared.error and shown else ()
    return Attempt(
        number=passage.number,
        passage=passage,
        error=error,
        trace=parts(shown.traceback) if shown else [],
        same_as=compared.number if compared and not diff else None,
        diff_from=compared.number if compared and diff else None,
        diff=diff,
    )


def _diff(one: TaskError, other: TaskError) -> tuple[tuple[str, str], ...]:
    """Lines of two errors with what they are: ``same``, ``less``, ``more``, or a ``place``."""
    first, second = (_lines(each) for each in (one, other))
    if first == second:
        return ()
    return tuple(_marked(islice(unified_diff(first, second, lineterm="", n=1), 2, None)))


def _lines(error: TaskError) -> list[str]:
    return (error.traceback or error.message).splitlines()[-MOST_LINES:]


def _marked(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    kinds = {"-": "less", "+": "more", "@": "place"}
    for line in lines:
        yield kinds.get(line[:1], "same"), line
