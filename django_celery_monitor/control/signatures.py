"""What a task takes, as far as this process can import it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from django_celery_monitor.control.redaction import redactor
from django_celery_monitor.ingest.redact import MASK

if TYPE_CHECKING:
    from celery import Celery

    from django_celery_monitor.ingest.redact import Redactor


def signature(app: Celery, name: str) -> str:
    """``(order, *, size=1)`` without secrets; empty when nobody here knows."""
    found = _signature(app, name)
    return "" if found is None else _shown(found, redactor(app))


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
        shown = _shown(found, redactor(app))
        return text % {"name": name.rpartition(".")[2], "signature": shown, "error": error}
    return ""


def _shown(found: inspect.Signature, masks: Redactor) -> str:
    parts = [
        each.replace(annotation=_bare(each.annotation), default=_masked(each, masks))
        for each in found.parameters.values()
    ]
    return str(found.replace(parameters=parts, return_annotation=inspect.Signature.empty))


def _masked(parameter: inspect.Parameter, masks: Redactor) -> object:
    if parameter.default is parameter.empty:
        return parameter.empty
    return _Text(MASK if masks.is_secret(parameter.name) else masks.text(repr(parameter.default)))


def _bare(annotation: object) -> object:
    return _Text(annotation) if isinstance(annotation, str) else annotation


class _Text(str):
    """Written without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signature(app: Celery, name: str) -> inspect.Signature | None:
    if name not in app.tasks:
        return None
    try:
        # A bound task's ``run`` has lost its ``self`` already.
        return inspect.signature(app.tasks[name].run)
    except (TypeError, ValueError):
        return None
