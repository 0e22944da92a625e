"""Carries operations out, a batch at a step; whoever comes after can go on from every step."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import User
from django_celery_monitor.conf import get_settings
from django_celery_monitor.control.acts.base import Act, Outcome, Result
from django_celery_monitor.control.denials import Attempt, noted
from django_celery_monitor.control.errors import ControlError, DeniedError, UnavailableError
from django_celery_monitor.control.operations import parsed, permit_filter
from django_celery_monitor.control.perform import permit, step
from django_celery_monitor.control.redaction import redactor
from django_celery_monitor.control.verbs import Verb, verb_of
from django_celery_monitor.control.way import Road
from django_celery_monitor.filters import FilterError
from django_celery_monitor.ingest import judge
from django_celery_monitor.intake import AWAY
from django_celery_monitor.models import ControlAction, Operation, OperationItem
from django_celery_monitor.upkeep.operation_ends import ACTIVE, end, take_over
from django_celery_monitor.upkeep.operation_items import TooManyError, claim, collect, note

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")

Status = Operation.Status
Item = OperationItem.Status
Found = defaultdict[tuple[str, str], list[OperationItem]]
# Does an act to some tasks; see ``control.perform.step``.
Do = Callable[[User, Act, Mapping[str, Any], Road], Result]
_LONGEST: Final = 450


class Runner:
    """One at a time: what it finds being sent, nobody is sending any more."""

    def __init__(self, app: Celery, using: str, do: Do = step) -> None:
        self._app = app
        self._using = using
        self._road = Road(app)
        # Tells it from all others that there ever were.
        self._name = uuid4().hex
        self._do = do
        # When operations that rest go on.
        self._rests: dict[UUID, float] = {}

    def step(self, now: float) -> bool:
        """One batch of one operation; ``False`` when nothing is to be done at this moment.

        ``now`` is any clock that only goes forward, in seconds. Raises what the database raises.
        """
        operation = self._due(now)
        if operation is None:
            return False
        mine = operation.runner == self._name and operation.status != Status.QUEUED
        if not mine and not take_over(operation, self._name, self._using):
            return True
        self._rests[operation.pk] = now + operation.rest
        try:
            self._go_on(operation)
        except (ControlError, FilterError) as error:
            self._end(operation, Status.STOPPED, str(error))
        except TooManyError:
            text = _("More than %(most)d tasks match: narrow the filter.")
            most = get_settings().OPERATION_MAX
            self._end(operation, Status.STOPPED, text % {"most": most})
        except AWAY:
            # What was being sent may not have been noted: as if another one had sent it.
            self._name = uuid4().hex
            raise
        # A policy or a user model may be any package's; other operations go on.
        except Exception as error:
            logger.exception("Could not go on", extra={"action": "operation_failed"})
            self._end(operation, Status.STOPPED, f"{type(error).__name__}: {error}")
        return True

    def close(self) -> None:
        """Let go of what it holds until there is something to do again."""
        self._road.close()

    def _due(self, now: float) -> Operation | None:
        """Of those that do not rest, the one whose last batch is the longest ago."""
        rows = Operation.objects.using(self._using).filter(status__in=ACTIVE)
        found = list(rows.order_by(F("turned_at").asc(nulls_first=True), "created_at"))
        active = {each.pk for each in found}
        self._rests = {pk: at for pk, at in self._rests.items() if pk in active}
        ready = (each for each in found if self._is_ready(each, now))
        return next(ready, None)

    def _is_ready(self, operation: Operation, now: float) -> bool:
        stopping = operation.status == Status.STOPPING
        return stopping or now >= self._rests.get(operation.pk, now)

    def _go_on(self, operation: Operation) -> None:
        if operation.status == Status.STOPPING:
            self._end(operation, Status.STOPPED)
            return
        verb = verb_of(operation.act)
        user = _user(operation)
        attempt = Attempt(
            user=user, act=verb.act, source=ControlAction.Source.OPERATION, said=operation.said
        )
        with noted(attempt):
            _permit(user, verb, operation)
        if not operation.collected:
            collect(operation, user, verb, self._name, self._using)
            # What is only looked for does no harm.
            self._rests.pop(operation.pk, None)
            return
        items = claim(operation, user, verb, self._name, self._using)
        if items is None:
            self._end(operation, Status.FINISHED)
        elif items:
            self._send_all(operation, user, verb, items)

    def _send_all(
        self, operation: Operation, user: User, verb: Verb, items: list[OperationItem]
    ) -> None:
        found: Found = defaultdict(list)
        parts = [items] if verb.together else [[item] for item in items]
        try:
            for part in parts:
                self._send(operation, user, verb, part, found)
        except UnavailableError:
            known = {item.pk for each in found.values() for item in each}
            found[Item.WAITING, ""] = [item for item in items if item.pk not in known]
            raise
        finally:
            note(operation, found, self._using)

    def _send(
        self,
        operation: Operation,
        user: User,
        verb: Verb,
        items: Sequence[OperationItem],
        found: Found,
    ) -> None:
        """Raises ``UnavailableError`` when these were not sent, nor should others be."""
        try:
            parameters = verb.parameters(items, operation.parameters)
            result = self._do(user, verb.act, parameters, self._road)
            outcome = _judged(result)
        except UnavailableError as error:
            if not error.sent:
                raise
            outcome = Item.UNCLEAR, str(error)
        except ControlError as error:
            if len(items) > 1:
                # Nothing was sent, maybe for one of them only.
                middle = len(items) // 2
                self._send(operation, user, verb, items[:middle], found)
                self._send(operation, user, verb, items[middle:], found)
                return
            outcome = Item.FAILED, str(error)
        # An act may be anything that a transport or a backend raises; the others go on.
        except Exception as error:
            logger.exception("Could not %s", operation.act, extra={"action": "operation_failed"})
            outcome = Item.UNCLEAR, f"{type(error).__name__}: {error}"
        found[outcome[0], self._masked(outcome[1])] += items

    def _end(self, operation: Operation, status: str, detail: str = "") -> None:
        end(operation, self._name, status, self._using, self._masked(detail))

    def _masked(self, text: str) -> str:
        return judge.cut(redactor(self._app).text(judge.scrub(text)), _LONGEST) if text else ""


def _user(operation: Operation) -> User:
    """As they are now; raises ``DeniedError`` when they are gone."""
    if not operation.user_id:
        return AnonymousUser()
    with suppress(ValueError, ValidationError):
        users = get_user_model()._default_manager
        if found := users.filter(pk=operation.user_id).first():
            return found
    text = _("The account of %(user)s is gone.")
    raise DeniedError(text % {"user": operation.user_name})


def _permit(user: User, verb: Verb, operation: Operation) -> None:
    """What was allowed when it was begun need not be so now."""
    permit(user, verb.act)
    permit_filter(user, parsed(operation.filter))


def _judged(result: Result) -> tuple[str, str]:
    outcome = result.judge()
    if outcome in (Outcome.CONFIRMED, Outcome.PARTLY, Outcome.REQUESTED):
        silent = len(result.silent)
        text = _("Workers that did not answer: %(n)d.") % {"n": silent} if silent else ""
        return Item.DONE, text
    if outcome == Outcome.NOBODY_ANSWERED:
        return Item.UNCLEAR, _("No worker answered.")
    texts = dict.fromkeys(reply.text for reply in result.replies.values() if reply.text)
    status = Item.UNCLEAR if outcome == Outcome.UNCLEAR else Item.FAILED
    return status, result.detail or " ".join(texts)
