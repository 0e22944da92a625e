"""Why an act was not done."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from django_celery_monitor.models import ControlAction


class ControlError(Exception):
    """An act was not done. ``status``: as HTTP says it, at every door."""

    status: ClassVar[HTTPStatus] = HTTPStatus.SERVICE_UNAVAILABLE


class UnknownActError(ControlError):
    """There is no act of that name."""

    status = HTTPStatus.NOT_FOUND


class DeniedError(ControlError):
    """``codename``: of the permission that is missing; empty where ``READ_ONLY`` forbids it."""

    status = HTTPStatus.FORBIDDEN

    def __init__(self, message: str, codename: str = "") -> None:
        super().__init__(message)
        self.codename = codename


class BadParametersError(ControlError):
    """``problems``: by parameter, what is wrong with it. Nothing was sent."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = problems


class UnknownTargetError(ControlError):
    """There is no such task, worker or queue, or not for this person. Nothing was sent."""

    status = HTTPStatus.NOT_FOUND


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
