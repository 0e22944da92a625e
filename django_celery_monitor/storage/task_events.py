"""The text form of a task's event set: what a column of the row says already is not said again.

JSON, a list for each event: time, clock, tag, host name, process id, and what else it says, if
anything. Times (in units of 0.1 µs) and clocks are differences to the event before. A tag is the
letter of the type and those of the fields whose value is the column's; so is a host name of 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from django_celery_monitor.events import PUBLISHED, TaskEvent, Timestamp
from django_celery_monitor.state.derive import Facts

# Fields of an event's data that the row has a column for, by the letter that stands for them.
_SHARED_LETTERS: Final = {
    "name": "n",
    "args": "a",
    "kwargs": "k",
    "result": "r",
    "exception": "x",
    "root_id": "o",
    "parent_id": "p",
    "queue": "q",
    "group_id": "g",
    "runtime": "u",
}
_OTHER_LETTERS: Final = {
    "retries": "t",
    "eta": "e",
    "expires": "i",
    "periodic_name": "d",
    "origin": "w",
    "payload": "l",
}
_LETTERS: Final = _SHARED_LETTERS | _OTHER_LETTERS
_FIELDS: Final = {letter: field for field, letter in _LETTERS.items()}
_TYPES: Final = {
    "sent": "S",
    "received": "R",
    "started": "B",
    "succeeded": "D",
    "failed": "F",
    "retried": "T",
    "revoked": "V",
    "rejected": "J",
    PUBLISHED: "P",
}
_NAMES: Final = {letter: kind for kind, letter in _TYPES.items()}
# In place of a type's letter: the type is said in full, under the empty field.
_OWN_TYPE: Final = "-"
# Columns that events share, in the order in which ``decode`` gets their values.
SHARED: Final = (*_SHARED_LETTERS, "worker")
_INDEX: Final = {
    field: (letter, Facts._fields.index(field)) for field, letter in _SHARED_LETTERS.items()
}
_PLACE: Final = {letter: SHARED.index(field) for field, letter in _SHARED_LETTERS.items()}
_WORKER: Final = Facts._fields.index("worker")
_UNITS: Final = 1e7


def encode(events: list[TaskEvent], facts: Facts) -> str:
    """The events as JSON; ``facts`` are what the row's columns will say.

    Tracebacks are left out: ``TaskError`` keeps them.
    """
    entries: list[list[Any]] = []
    before = ticks = 0
    for event in events:
        units = round(event[0] * _UNITS)
        entries.append(_entry(event, facts, units, before, ticks))
        before, ticks = units, event[1]
    # Sorted, here and in a tag: equal sets have one text, whatever they were merged from.
    return orjson.dumps(entries, option=orjson.OPT_SORT_KEYS).decode()


def append(text: str, last: tuple[Timestamp, int], event: TaskEvent, facts: Facts) -> str:
    """``text`` with one more event, later than all; ``last``: time and clock of the one before.

    Only for columns that say of the others what they said when ``text`` was made.
    """
    units, before = round(event[0] * _UNITS), round(last[0] * _UNITS)
    entry = _entry(event, facts, units, before, last[1])
    return f"{text[:-1]},{orjson.dumps(entry, option=orjson.OPT_SORT_KEYS).decode()}]"


def _entry(event: TaskEvent, facts: Facts, units: int, before: int, ticks: int) -> list[Any]:
    timestamp, clock, kind, hostname, pid, data = event
    # A time that is no whole number of units is kept as it is.
    time = units - before if units / _UNITS == timestamp else timestamp
    tag, rest = _said(kind, data, facts)
    host = 0 if hostname == facts[_WORKER] else hostname
    entry: list[Any] = [time, clock - ticks, tag, host, pid]
    if rest:
        entry.append(rest)
    return entry


def _said(kind: str, data: dict[str, Any], facts: Facts) -> tuple[str, dict[str, Any]]:
    """The tag of an event, and what the tag does not say."""
    rest: dict[str, Any] = {}
    tag = _TYPES.get(kind)
    if tag is None:
        tag, rest[""] = _OWN_TYPE, kind
    for field, value in data.items():
        shared = _INDEX.get(field)
        if shared and value == facts[shared[1]]:
            tag += shared[0]
        elif field != "traceback":
            rest[_LETTERS.get(field, field)] = value
    return _in_order(tag), rest


@lru_cache(maxsize=4096)
def _in_order(tag: str) -> str:
    return tag[0] + "".join(sorted(tag[1:]))


def decode(text: str, row: Sequence[Any]) -> list[TaskEvent]:
    """The events again; ``row`` holds the ``SHARED`` columns as they were stored with ``text``."""
    events = []
    before = ticks = 0
    worker = row[-1]
    for time, clock, tag, hostname, pid, *rest in orjson.loads(text):
        if type(time) is int:
            before += time
            time = before / _UNITS
        else:
            before = round(time * _UNITS)
        ticks += clock
        data = {_FIELDS[letter]: row[_PLACE[letter]] for letter in tag[1:]}
        kind = _NAMES.get(tag[0], "")
        if rest:
            kind = rest[0].pop("", kind)
            for letter, value in rest[0].items():
                data[_FIELDS.get(letter, letter)] = value
        events.append(TaskEvent(time, ticks, kind, hostname or worker, pid, data))
    return events


def said(text: str, kind: str, field: str) -> Any:
    """What the first event of a kind says in a field that no column is shared with; or ``None``."""
    for _time, _clock, tag, _host, _pid, *rest in orjson.loads(text):
        if _NAMES.get(tag[0]) == kind and rest:
            return rest[0].get(_LETTERS.get(field, field))
    return None
