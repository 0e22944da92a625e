"""What every act has: a name, a right, parameters, targets, a way to be sent, and a judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext as _

from django_celery_monitor.control.acts.parameters import Parameter, ParameterError
from django_celery_monitor.control.errors import BadParametersError
from django_celery_monitor.models import ControlAction

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from django_celery_monitor.access.policy import User
    from django_celery_monitor.control.way import Way
    from django_celery_monitor.ingest.redact import Redactor

Outcome = ControlAction.Outcome
Values = dict[str, Any]


class Verdict(TextChoices):
    """What one worker's reply means."""

    DONE = "done"
    REFUSED = "refused"
    # It said something, which proves nothing.
    UNCLEAR = "unclear"
    # It has nothing to do with it, such as a task that another worker runs.
    NOTHING = "nothing"
    # It says nothing; what is known of it later will tell.
    REQUESTED = "requested"


class Judged(NamedTuple):
    verdict: Verdict
    text: str


class Target(NamedTuple):
    """``kind``: of ``ControlTarget``."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Whom an act is meant for, once rights and existence are checked.

    ``hosts``: the workers it is sent to, ``None`` for whoever is there. ``expected``: those that
    should answer; ``unseen``: those of them that the monitor has not heard of. ``targets``: what
    the audit lists, ``count`` how many there are in all. ``plan``: what the act found out on the
    way and its ``run`` goes by.
    """

    hosts: tuple[str, ...] | None = None
    expected: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()
    targets: tuple[Target, ...] = ()
    count: int = 0
    filter: str = ""
    plan: Any = None


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of it. ``told``: what workers said, by host name, of acts that only ask.

    ``outcome``: of acts that no worker answers to; else it follows from the replies.
    """

    replies: dict[str, Judged] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    outcome: str = ""
    detail: str = ""

    def judge(self) -> str:
        if self.outcome:
            return self.outcome
        verdicts = {reply.verdict for reply in self.replies.values()}
        if not verdicts:
            return Outcome.NOBODY_ANSWERED
        verdicts.discard(Verdict.NOTHING)
        if Verdict.DONE not in verdicts:
            return Outcome.UNCLEAR if Verdict.UNCLEAR in verdicts else Outcome.REFUSED
        return Outcome.PARTLY if len(verdicts) > 1 else Outcome.CONFIRMED


class Act:
    """One act. Instances hold nothing; they are made once, for the registry.

    To add one: subclass this, or ``Broadcast`` for what workers are told, and register it.
    """

    # Celery's own name of the command, where there is one.
    name: ClassVar[str]
    # The permission it takes.
    codename: ClassVar[str]
    label: ClassVar[_StrPromise]
    # What it does, in a sentence.
    help: ClassVar[_StrPromise]
    # What becomes of it when a worker restarts; empty where that changes nothing.
    lasting: ClassVar[_StrPromise | str] = ""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    # The parameter whose value people type again before it is done; empty: none.
    typed: ClassVar[str] = ""
    # What only asks may go unrecorded when the database is away, and is joined with who asks too.
    changes: ClassVar[bool] = True

    def validated(self, given: Mapping[str, Any]) -> Values:
        """The values of all parameters; raises ``BadParametersError`` with every problem."""
        problems = dict.fromkeys(given.keys() - {each.name for each in self.parameters}, "")
        problems = {name: _("is no parameter of this act") for name in sorted(problems)}
        values: Values = {}
        for each in self.parameters:
            value = given.get(each.name)
            if value is None:
                values[each.name] = each.default
                if each.required:
                    problems[each.name] = _("is missing")
                continue
            try:
                values[each.name] = each.parse(value)
            except ParameterError as error:
                problems[each.name] = str(error)
        if not problems:
            problems = self.problems(values)
        if problems:
            raise BadParametersError(problems)
        return values

    def problems(self, values: Values) -> dict[str, str]:
        """What is wrong with values that are right one by one."""
        return {}

    def aim(self, user: User | None, values: Values) -> Aim:
        """Whom it is meant for; raises ``UnknownTargetError`` or ``DeniedError``.

        ``user`` is ``None`` for the command line, which may all.
        """
        raise NotImplementedError

    def masked(self, values: Values, redactor: Redactor) -> Values:
        """Those values that the audit keeps otherwise than ``redactor`` would make them by name."""
        return {}

    def begun(self, aim: Aim) -> None:
        """Keep what has to be there before it is sent, in the transaction of the audit's entry."""

    def ended(self, aim: Aim, outcome: str) -> None:
        """Keep what came of it; never raises."""

    def run(self, way: Way, values: Values, aim: Aim) -> Result:
        """Do it, in a thread that touches no database row; blocks no longer than ``way`` allows."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One act that may be done: who wants it, of whom, and why.

    ``user`` is ``None`` for a program that may all; ``name`` is its name then, and only then.
    """

    user: User | None
    name: str = ""
    act: Act
    values: Values
    aim: Aim
    reason: str
    source: str
