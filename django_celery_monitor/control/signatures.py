"""What a task takes, as far as this process can import it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from celery import Celery


def signature(app: Celery, name: str) -> str:
    """``(order, *, size=1)``; empty when nobody here knows."""
    found = _signature(app, name)
    return "" if found is None else str(found)


def description(app: Celery, name: str) -> str:
    """The first paragraph of the task's docstring."""
    text = inspect.getdoc(app.tasks[name].run) if name in app.tasks else None
    return (text or "").partition("\n\n")[0]


def mismatch(app: Celery, name: str, args: list[Any], kwargs: dict[str, Any]) -> str:
    """Why the task could not be called like this; empty if it could, or nobody here knows."""
    found = _signature(app, name)
    if found is None or not getattr(app.tasks[name], "typing", True):
        return ""
    try:
        found.bind(*args, **kwargs)
    except TypeError as error:
        text = _("%(name)s%(signature)s does not take these: %(error)s.")
        said = {"name": name.rpartition(".")[2], "signature": found, "error": error}
        return text % said
    return ""


def _signature(app: Celery, name: str) -> inspect.Signature | None:
    if name not in app.tasks:
        return None
    try:
        # A bound task's ``run`` has lost its ``self`` already.
        return inspect.signature(app.tasks[name].run)
    except (TypeError, ValueError):
        return None
