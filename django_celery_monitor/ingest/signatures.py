"""Which positional arguments of a task are secret, by the names in its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django_celery_monitor.celery_app import load_tasks

if TYPE_CHECKING:
    from celery import Celery

# More positional arguments than the text of an event can hold.
_MOST: Final = 4096
_BY_NAME_ONLY: Final = frozenset({inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD})


def secret_positions(
    app: Celery, is_secret: Callable[[str], bool], *, load: bool = True
) -> Callable[[str], frozenset[int]]:
    """A function from a task's name to the positions whose parameters ``is_secret`` names.

    ``load``: import the app's tasks first; else only those are known that somebody imported.
    """
    # Only workers import an app's tasks by themselves; without them nothing here is known.
    if load:
        load_tasks(app)
    known: dict[str, frozenset[int]] = {}
    tasks = app.tasks
    none: frozenset[int] = frozenset()

    def positions(name: str) -> frozenset[int]:
        found = known.get(name)
        # Names that no task has are not kept: events may bring any number of them.
        if found is None and name in tasks:
            found = known[name] = _positions(tasks[name], is_secret)
        return found or none

    return positions


def _positions(task: Any, is_secret: Callable[[str], bool]) -> frozenset[int]:
    try:
        # A bound task's ``run`` has lost its ``self`` already.
        parameters = list(inspect.signature(task.run).parameters.values())
    except (TypeError, ValueError):
        return frozenset()
    # What can only be given by name is masked by that name.
    by_place = [each for each in parameters if each.kind not in _BY_NAME_ONLY]
    found = {index for index, each in enumerate(by_place) if is_secret(each.name)}
    for index in tuple(found):
        if by_place[index].kind is inspect.Parameter.VAR_POSITIONAL:
            found.update(range(index, _MOST))
    return frozenset(found)
