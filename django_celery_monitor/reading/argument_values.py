"""Which arguments the newest tasks were called with: what a search may ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS, User, get_policy
from django_celery_monitor.filters.paths import is_path
from django_celery_monitor.models import Task
from django_celery_monitor.reading.call import call
from django_celery_monitor.reading.json_text import parsed, written
from django_celery_monitor.reading.remember import remembered

SAMPLE: Final = 1_000
KEPT: Final = 60.0
_LONGEST: Final = 80
_DEEPEST: Final = 4
_MEMBERS: Final = 20
_PATHS: Final = 300
_VALUES: Final = 50
_MASK: Final = "••"
_PUBLISHED: Final = "P"

Values = dict[str, Counter[str]]


def argument_values(user: User) -> Values:
    """By path, the values and how many tasks have them; nothing without the right to see them."""
    if not get_policy().can(user, VIEW_TASK_ARGUMENTS):
        return {}
    return remembered(f"complete arguments:{user.pk}", lambda: _sample(user), KEPT)[0]


def _sample(user: User) -> Values:
    policy = get_policy()
    rows = policy.visible(user, Task.objects.order_by("-time"))
    found: Values = {}
    for task in rows.only("name", "worker", "queue", "args", "kwargs", "events")[:SAMPLE]:
        if not policy.can(user, VIEW_TASK_ARGUMENTS, task):
            continue
        for path, value in dict(_told(task)).items():
            if path in found or len(found) < _PATHS:
                values = found.setdefault(path, Counter())
                if value in values or len(values) < _VALUES:
                    values[value] += 1
    return found


def _told(task: Task) -> Iterator[tuple[str, str]]:
    for event in parsed(task.events or "[]"):
        if event[2].startswith(_PUBLISHED) and len(event) > 5 and "l" in event[5]:
            payload = parsed(event[5]["l"])
            if isinstance(payload, list) and len(payload) == 2:
                yield from _walk("args", payload[0], 0)
                yield from _walk("kwargs", payload[1], 0)
            return
    yield from _in_text(task)


def _walk(path: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and "__type__" in value and depth:
        value = value.get("__value__")
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in list(members)[:_MEMBERS] if depth < _DEEPEST else ():
            yield from _walk(f"{path}.{key}", each, depth + 1)
    elif is_path(path):
        text = value if isinstance(value, str) else written(value)
        if text.strip() == text and 0 < len(text) <= _LONGEST and _MASK not in text:
            yield path, text


def _in_text(task: Task) -> Iterator[tuple[str, str]]:
    """Plain values of an event's text; what is nested is left out."""
    for index, part in enumerate(call(task.args, "")):
        yield from _plain(f"args.{index}", part)
    for part in call("", task.kwargs):
        key, _equals, value = part.partition("=")
        yield from _plain(f"kwargs.{key}", value)


def _plain(path: str, text: str) -> Iterator[tuple[str, str]]:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and "\\" not in text:
        yield from _walk(path, text[1:-1], 1)
    elif text[:1] not in "([{<" and not text.endswith(("...", "…")):
        yield from _walk(path, text, 1)
