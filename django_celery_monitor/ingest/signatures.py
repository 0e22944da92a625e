"""Which positional arguments of a task are secret, by the names in its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery import Celery


def secret_positions(
    app: Celery, is_secret: Callable[[str], bool]
) -> Callable[[str], frozenset[int]]:
    """A function from a task's name to the positions whose parameters ``is_secret`` names."""
    # Only workers import an app's tasks by themselves; without them nothing here is known.
    app.loader.import_default_modules()
    known: dict[str, frozenset[int]] = {}

    def positions(name: str) -> frozenset[int]:
        found = known.get(name)
        if found is None:
            found = known[name] = _positions(app, name, is_secret)
        return found

    return positions


def _positions(app: Celery, name: str, is_secret: Callable[[str], bool]) -> frozenset[int]:
    task = app.tasks.get(name)
    if task is None:
        return frozenset()
    try:
        # A bound task's ``run`` has lost its ``self`` already.
        names = list(inspect.signature(task.run).parameters)
    except (TypeError, ValueError):
        return frozenset()
    return frozenset(index for index, each in enumerate(names) if is_secret(each))
