"""The project's own say in what is stored: callables that see each text of a task before it is.

One that raises, answers no text or cannot be imported costs the text, never the event.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.utils.module_loading import import_string

from django_celery_monitor.conf import Settings
from django_celery_monitor.events import Decoded
from django_celery_monitor.ingest.fields import dump
from django_celery_monitor.ingest.redact import MASK

logger = logging.getLogger("django_celery_monitor")

# Takes the task's name, the field and its text; ``None`` drops the text.
Redact = Callable[[str, str, str], object]
_TEXTS: Final = ("args", "kwargs", "result", "exception", "traceback", "origin", "payload")
# Shown to the callable as JSON.
_VALUES: Final = ("custom", "headers", "stamps", "chord")
_FIELDS: Final = frozenset({*_TEXTS, *_VALUES})


class OwnRedaction:
    """By the settings ``REDACT_WITH`` and ``REDACT_WITH_BY``; ``dropped``: texts it cost."""

    def __init__(self, settings: Settings) -> None:
        self.dropped = 0
        self._all = _loaded(settings.REDACT_WITH) if settings.REDACT_WITH else None
        self._by = [(name, _loaded(path)) for name, path in settings.REDACT_WITH_BY.items()]

    @property
    def active(self) -> bool:
        return bool(self._all or self._by)

    def text(self, task: str, field: str, text: str) -> str:
        """``task``: its name, or empty if nobody knows it; then what is for some tasks is not kept.

        ``field`` is as in ``events``, or "event" for what is put aside.
        """
        if not text:
            return text
        if not task and self._by:
            return MASK
        for redact in self._chosen(task):
            if text != MASK:
                text = self._asked(redact, task, field, text)
        return text

    def anywhere(self, field: str, text: str) -> str:
        """What belongs to no one task is for ``REDACT_WITH`` only."""
        return self._asked(self._all, "", field, text) if self._all and text else text

    def event(self, task: str, data: dict[str, Any]) -> None:
        """Changes the data of one event of a task."""
        was = data.get("args"), data.get("kwargs"), data.get("payload")
        for field in _TEXTS:
            if data.get(field):
                data[field] = self.text(task, field, str(data[field]))
        if was[2] and was != (data.get("args"), data.get("kwargs"), data["payload"]):
            # It says the same in other letters, and a task is sent again from a whole one only.
            del data["payload"]
            data["flaw"] = "redacted"
        for field in _VALUES:
            shown = data.get(field) or ""
            shown = shown if isinstance(shown, str) else dump(shown)
            seen = self.text(task, field, shown)
            if seen != shown and field == "custom":
                data[field] = seen
            elif seen != shown:
                del data[field]

    def apply(self, found: Decoded, names: Callable[[list[str]], dict[str, str]]) -> None:
        """To a whole batch; ``names``: what tasks are called, by id, that no event here names."""
        if not self.active:
            return
        known = {
            task_id: _name(each.data for each in events) for task_id, events in found.tasks.items()
        }
        nameless = [task_id for task_id, name in known.items() if not name]
        known |= names([each for each in nameless if _tells(found.tasks[each])])
        for task_id, events in found.tasks.items():
            for event in events:
                self.event(known[task_id], event.data)
        found.bad[:] = [(reason, self.text("", "event", text)) for reason, text in found.bad]

    def _chosen(self, task: str) -> Iterable[Redact]:
        if self._all:
            yield self._all
        for name, redact in self._by:
            if task == name or (name.endswith("*") and task.startswith(name[:-1])):
                yield redact

    def _asked(self, redact: Redact, task: str, field: str, text: str) -> str:
        try:
            answer = redact(task, field, text)
            if isinstance(answer, str):
                return answer
            if answer is None:
                return MASK
            reason = f"answered {type(answer).__name__}, no text"
        # It is the project's; and what the error says may be the very secret.
        except Exception as error:
            reason = f"raised {type(error).__name__}"
        self.dropped += 1
        # The first, the tenth, the hundredth.
        if str(self.dropped).strip("0") == "1":
            logger.error(
                "%s %s; so far it cost %d texts of tasks",
                getattr(redact, "__qualname__", type(redact).__name__),
                reason,
                self.dropped,
                extra={"action": "redaction_failed", "field": field},
            )
        return MASK


def problem(path: str) -> str:
    """Why a dotted path is no callable; empty if it is one."""
    try:
        found = import_string(path)
    # Importing runs the project's code.
    except Exception as error:
        return str(error) or type(error).__name__
    return "" if callable(found) else f"it is a {type(found).__name__}, which cannot be called"


def _loaded(path: str) -> Redact:
    reason = problem(path)
    if not reason:
        redact: Redact = import_string(path)
        return redact

    def nothing(_task: str, _field: str, _text: str) -> str:
        raise ImportError

    nothing.__qualname__ = path
    return nothing


def _name(every: Iterable[dict[str, Any]]) -> str:
    return next((str(data["name"]) for data in every if data.get("name")), "")


def _tells(events: Iterable[Any]) -> bool:
    return any(not _FIELDS.isdisjoint(event.data) for event in events)
