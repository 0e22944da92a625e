"""What may come next in a search: keys, then the values that there are, with how many have them."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS, User, get_policy
from django_celery_monitor.filters import FIELDS
from django_celery_monitor.filters.fields import field_named
from django_celery_monitor.filters.paths import is_path
from django_celery_monitor.filters.search import field_of, quoted
from django_celery_monitor.models import Task, TaskError
from django_celery_monitor.reading.argument_values import argument_values
from django_celery_monitor.reading.counts import kept
from django_celery_monitor.reading.remember import remembered
from django_celery_monitor.reading.words import GROUPS

MOST: Final = 10
SAMPLE: Final = 10_000
SIMILAR: Final = 0.6
HINTS: Final = {
    "state": gettext_lazy("a state, or a group of them"),
    "name": gettext_lazy("type of task; shop.* for all that begin so"),
    "worker": gettext_lazy("host name of a worker"),
    "queue": gettext_lazy("queue it was sent to"),
    "id": gettext_lazy("task id, or its beginning and *"),
    "root": gettext_lazy("all of a workflow, by its first task"),
    "parent": gettext_lazy("what a task sent"),
    "group": gettext_lazy("members of a group or chord"),
    "after": gettext_lazy("first seen since: 2h, 7d, 2026-01-31T14:00"),
    "before": gettext_lazy("first seen before"),
    "error": gettext_lazy("type of failure, or its fingerprint"),
    "failed": gettext_lazy("failed since: 1h"),
    "priority": gettext_lazy("number: 5, >5"),
    "retries": gettext_lazy("number: >2"),
    "runtime": gettext_lazy("how long it ran: >30s"),
    "wait": gettext_lazy("how long it waited: >5m"),
    "args": gettext_lazy("text in the arguments"),
    "kwargs": gettext_lazy("text in the keyword arguments"),
    "result": gettext_lazy("text in the result"),
    "q": gettext_lazy("text anywhere"),
}
ONE: Final = gettext_lazy("one argument: kwargs.order.id:42, args.0:mail")
WITHIN: Final = ("kwargs.", "args.")
OFFERED: Final = {
    "after": ("15m", "1h", "24h", "7d"),
    "before": ("15m", "1h", "24h", "7d"),
    "failed": ("15m", "1h", "24h", "7d"),
    "retries": (">0", ">2", "0"),
    "runtime": (">1s", ">30s", ">5m", "<100ms"),
    "wait": (">1s", ">30s", ">5m", ">1h"),
}
SAMPLED: Final = ("queue", "worker", "priority")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """``insert`` takes the place of the word that was being typed."""

    insert: str
    label: str
    hint: str = ""
    count: int | None = None


def proposals(user: User, word: str) -> list[Proposal]:
    sign = "-" if word.startswith("-") else ""
    key, colon, typed = word.removeprefix("-").partition(":")
    field = field_of(key) if colon else None
    if field is None:
        return [] if colon else _keys(user, sign, key)
    head, comma, last = typed.rpartition(",")
    counts = _values(user, field)
    begun = f"{sign}{key}:{head}{comma}"
    return [
        Proposal(
            insert=begun + quoted(value),
            label=value,
            hint=str(GROUPS.get(value, "")) if field == "state" else "",
            count=counts[value],
        )
        for value in _ranked(last.strip('"'), counts)
    ] or [Proposal(insert=word, label=field_named(field).example, hint=_hint(field))]


def _hint(field: str) -> str:
    return str(ONE) if is_path(field) else str(HINTS[field])


def _paths(user: User, sign: str, begun: str) -> list[Proposal]:
    """The arguments that there are, with how many of the newest tasks have them."""
    kind = begun.partition(".")[0]
    known = {
        path: values.total()
        for path, values in argument_values(user).items()
        if path.startswith(f"{kind}.")
    }
    exact = Counter({path: known[path] for path in known if path.startswith(begun)})
    return [
        Proposal(insert=f"{sign}{path}:", label=f"{path}:", count=known[path])
        for path in _ranked(begun, exact or Counter(known))
    ]


def _keys(user: User, sign: str, begun: str) -> list[Proposal]:
    if begun.startswith(WITHIN):
        return _paths(user, sign, begun)
    may = get_policy().can(user, VIEW_TASK_ARGUMENTS)
    keys = {
        FIELDS[name].key: str(hint)
        for name, hint in HINTS.items()
        if name != "q" and (may or not FIELDS[name].private(FIELDS[name].example))
    }
    found = [key for key in keys if key.startswith(begun.lower())]
    offered = [Proposal(insert=f"{sign}{key}:", label=f"{key}:", hint=keys[key]) for key in found]
    if may:
        offered += [
            Proposal(insert=sign + kind, label=kind, hint=str(ONE))
            for kind in WITHIN
            if begun and kind.startswith(begun.lower())
        ]
    if begun:
        names = _values(user, "name")
        offered += [
            Proposal(insert=f"{sign}task:{quoted(name)}", label=name, count=names[name])
            for name in _ranked(begun, names)[: MOST // 2]
        ]
        return offered[:MOST]
    return offered


def _ranked(begun: str, found: Counter[str]) -> list[str]:
    """What begins so, then what contains it, then what is similar; the most frequent first."""
    wanted = begun.lower()
    ranks = {}
    for value, number in found.items():
        text = str(value).lower()
        if text.startswith(wanted):
            ranks[str(value)] = (0, -number)
        elif wanted in text:
            ranks[str(value)] = (1, -number)
        elif difflib.SequenceMatcher(None, wanted, text).quick_ratio() >= SIMILAR:
            ranks[str(value)] = (2, -number)
    return sorted(ranks, key=lambda value: (*ranks[value], value))[:MOST]


def _values(user: User, field: str) -> Counter[str]:
    if is_path(field):
        return argument_values(user).get(field, Counter())
    if field == "state":
        return Counter(dict.fromkeys(GROUPS, 0) | kept(user).by_group())
    if field == "name":
        return Counter({name: number for name, number in kept(user).by_name().items() if name})
    if field == "error":
        return remembered(f"complete error:{user.pk}", lambda: _errors(user))[0]
    if field in SAMPLED:
        return remembered(f"complete:{user.pk}", lambda: _sample(user))[0][field]
    return Counter(dict.fromkeys(OFFERED.get(field, ()), 0))


def _errors(user: User) -> Counter[str]:
    rows = get_policy().visible(user, TaskError.objects.order_by("-time"))
    return Counter(rows.values_list("type", flat=True)[:SAMPLE])


def _sample(user: User) -> dict[str, Counter[str]]:
    """Of the newest tasks."""
    rows = get_policy().visible(user, Task.objects.order_by("-time"))
    newest = list(rows.values_list(*SAMPLED)[:SAMPLE])
    columns = zip(*newest, strict=True) if newest else [()] * len(SAMPLED)
    return {
        name: Counter(str(value) for value in column if value not in ("", None))
        for name, column in zip(SAMPLED, columns, strict=True)
    }
