"""The form of an act, made of what the act declares; the same on pages and in the admin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.acts.json_parameters import JsonList, JsonObject, Moment
from django_celery_monitor.control.acts.parameters import Choice, Parameter, Seconds
from django_celery_monitor.control.errors import BadParametersError

LABELS: Final[Mapping[str, str | Promise]] = {
    "ids": gettext_lazy("Tasks"),
    "workers": gettext_lazy("Workers"),
    "task": gettext_lazy("Task type"),
    "queue": gettext_lazy("Queue"),
    "rate": gettext_lazy("At most"),
    "soft": gettext_lazy("Soft limit"),
    "hard": gettext_lazy("Hard limit"),
    "n": gettext_lazy("How many"),
    "max": gettext_lazy("Most"),
    "min": gettext_lazy("Fewest"),
    "signal": gettext_lazy("Signal"),
    "exchange": gettext_lazy("Exchange"),
    "exchange_type": gettext_lazy("Type of exchange"),
    "routing_key": gettext_lazy("Routing key"),
    "headers": gettext_lazy("Stamps"),
    "samples": gettext_lazy("Samples"),
    "unseen": gettext_lazy("Tasks that are not kept"),
    "args": gettext_lazy("Arguments"),
    "kwargs": gettext_lazy("Named arguments"),
    "eta": gettext_lazy("Not before"),
    "countdown": gettext_lazy("Or in"),
    "expires": gettext_lazy("Expires"),
    "priority": gettext_lazy("Priority"),
    "time_limit": gettext_lazy("Time limit"),
    "soft_time_limit": gettext_lazy("Soft limit"),
}
# What a link to the form may name, and the person does not choose again.
TARGETS: Final = ("ids", "workers", "task", "queue")
# Of what was typed to confirm; no act has a parameter of this name.
TYPED: Final = "typed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """``kind``: number, tick, choice, lines, several, json or text.

    ``unit``: what its value is counted or written in.
    """

    name: str
    label: str
    help: str
    kind: str
    values: list[str]
    error: str = ""
    required: bool = False
    unit: str = ""
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None

    @property
    def value(self) -> str:
        return "\n".join(self.values)


@dataclass(kw_only=True)
class ActForm:
    """``given``: what the link names; ``sent``: what was posted, ``None`` before that."""

    act: Act
    given: QueryDict
    sent: QueryDict | None = None
    # To choose from, where the link names none.
    workers: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)
    # What is wrong with all of it.
    error: str = ""

    @cached_property
    def targets(self) -> list[tuple[str, list[str]]]:
        """What the link names: parameters with their values."""
        found = ((each, self.given.getlist(each.name)) for each in self._fixed)
        return [(str(LABELS[each.name]), values) for each, values in found]

    @cached_property
    def fields(self) -> list[Field]:
        hidden = ("unseen",) if "ids" in self.given else ()
        shown = (each for each in self.act.parameters if each not in self._fixed)
        return [self._field(each) for each in shown if each.name not in hidden]

    @property
    def reason(self) -> str:
        return "" if self.sent is None else self.sent.get("reason", "").strip()

    @property
    def typed(self) -> str:
        return "" if self.sent is None else self.sent.get(TYPED, "")

    @property
    def wants_typed(self) -> bool:
        return bool(self.act.typed)

    @cached_property
    def expected(self) -> str:
        """What has to be typed; empty as long as that depends on what is chosen."""
        names = self.given.getlist(self.act.typed) if self.act.typed else []
        return names[0] if len(names) == 1 else str(len(names) or "")

    @property
    def values(self) -> dict[str, Any]:
        """As ``perform`` takes them; what is left empty is not given."""
        found = {each.name: self._value(each) for each in self.act.parameters}
        return {name: value for name, value in found.items() if value not in (None, "", [])}

    def is_valid(self) -> bool:
        """Everything that can be said without asking anybody."""
        try:
            values = self.act.validated(self.values)
        except BadParametersError as error:
            self.refuse(error.problems)
            values = self.values
        chosen = values.get(self.act.typed) if self.act.typed else None
        names = [chosen] if isinstance(chosen, str) else chosen or []
        wanted = names[0] if len(names) == 1 else str(len(names))
        if self.act.typed and self.typed.strip() != wanted:
            self.problems[TYPED] = _("Type %(name)s to confirm.") % {"name": wanted}
        return not self.problems

    def refuse(self, problems: dict[str, str]) -> None:
        """What has no field is told above all of them."""
        shown = {each.name for each in self.fields} | {TYPED, "reason"}
        self.problems = {name: text for name, text in problems.items() if name in shown}
        rest = [f"{name}: {text}" for name, text in problems.items() if name not in shown]
        self.error = " ".join(rest)
        self.__dict__.pop("fields", None)

    @cached_property
    def _fixed(self) -> list[Parameter]:
        named = (each for each in self.act.parameters if each.name in TARGETS)
        return [each for each in named if any(self.given.getlist(each.name))]

    def _value(self, parameter: Parameter) -> Any:
        if parameter in self._fixed:
            found = self.given.getlist(parameter.name)
            return found if parameter.many else found[0]
        source = self.sent if self.sent is not None else self.given
        if not parameter.many:
            return source.get(parameter.name, "").strip()
        lines = (line for text in source.getlist(parameter.name) for line in text.splitlines())
        return [line.strip() for line in lines if line.strip()]

    def _field(self, parameter: Parameter) -> Field:
        value = self._value(parameter)
        if value == "" and self.sent is None and parameter.default is not None:
            value = str(parameter.default)
        values = value if isinstance(value, list) else [value.removeprefix("SIG")]
        found = field_of(parameter, values, self.problems.get(parameter.name, ""))
        if parameter.name == "workers" and self.workers:
            return replace(found, kind="several", choices=self.workers)
        return found


def field_of(parameter: Parameter, values: list[str], error: str) -> Field:
    schema = parameter.schema()
    choices = parameter.choices if isinstance(parameter, Choice) else ()
    return Field(
        name=parameter.name,
        label=str(LABELS.get(parameter.name, parameter.name)),
        help=str(parameter.help),
        kind=_kind(parameter, choices),
        values=values,
        error=error,
        required=parameter.required,
        unit=_unit(parameter),
        choices=choices,
        least=schema.get("minimum"),
        most=schema.get("maximum"),
    )


def _unit(parameter: Parameter) -> str:
    if isinstance(parameter, Moment):
        return timezone.get_current_timezone_name()
    known = {Seconds: _("seconds"), JsonList: _("a JSON list"), JsonObject: _("a JSON object")}
    return known.get(type(parameter), "")


def _kind(parameter: Parameter, choices: tuple[str, ...]) -> str:
    if choices:
        return "choice"
    kinds = {"integer": "number", "boolean": "tick"}
    if isinstance(parameter, JsonList | JsonObject):
        return "json"
    return "lines" if parameter.many else kinds.get(parameter.kind, "text")
