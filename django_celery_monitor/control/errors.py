"""Why an act was not done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_celery_monitor.models import ControlAction


class ControlError(Exception):
    """An act was not done."""


class UnknownActError(ControlError):
    """There is no act of that name."""


class DeniedError(ControlError):
    """``codename``: of the permission that is missing; empty where ``READ_ONLY`` forbids it."""

    def __init__(self, message: str, codename: str = "") -> None:
        super().__init__(message)
        self.codename = codename


class BadParametersError(ControlError):
    """``problems``: by parameter, what is wrong with it. Nothing was sent."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = problems


class UnknownTargetError(ControlError):
    """There is no such task, worker or queue, or not for this person. Nothing was sent."""


class AuditError(ControlError):
    """What cannot be recorded is not done. Nothing was sent."""


class UnavailableError(ControlError):
    """The broker, or what else the act takes, does not answer in time.

    ``sent``: whether the act may have been sent all the same. ``action``: its entry in the audit.
    """

    def __init__(
        self, message: str, *, sent: bool = False, action: ControlAction | None = None
    ) -> None:
        super().__init__(message)
        self.sent = sent
        self.action = action
