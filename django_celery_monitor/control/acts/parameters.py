"""What an act takes: one declaration for page, REST, command and Python."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# Of a name in a broker: AMQP's short strings.
LONGEST_NAME: Final = 255
# A worker may hold 2**31 of nothing; this is what databases and Celery take alike.
_LARGEST: Final = 1_000_000
_NOT_PRINTED: Final = re.compile(r"[\x00-\x1f\x7f]")


class ParameterError(ValueError):
    """A value that the parameter does not take; the message says why, for people."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """``parse`` takes JSON's values and, as forms and the command line give them, texts."""

    name: str
    help: _StrPromise
    required: bool = True
    default: Any = None
    # Shown to whoever may see arguments of tasks only.
    private: bool = False

    kind: ClassVar[str] = "string"
    many: ClassVar[bool] = False

    def parse(self, value: Any) -> Any:
        """The value that is sent; raises ``ParameterError``."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        found: dict[str, Any] = {"type": self.kind, "description": str(self.help)}
        if self.default is not None:
            found["default"] = self.default
        return found


@dataclass(frozen=True, kw_only=True)
class Name(Parameter):
    """A name of something, never empty."""

    def parse(self, value: Any) -> str:
        return _name(value)

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"minLength": 1, "maxLength": LONGEST_NAME}


@dataclass(frozen=True, kw_only=True)
class Names(Parameter):
    """A list of names without repetition; a text is one name."""

    most: int = 1000

    kind: ClassVar[str] = "array"
    many: ClassVar[bool] = True

    def parse(self, value: Any) -> list[str]:
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not given:
            raise ParameterError(_("expected a list with at least one name"))
        if len(given) > self.most:
            raise ParameterError(_("more than %(most)d at once") % {"most": self.most})
        return list(dict.fromkeys(_name(each) for each in given))

    def schema(self) -> dict[str, Any]:
        item = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
        return super().schema() | {"items": item, "minItems": 1, "maxItems": self.most}


@dataclass(frozen=True, kw_only=True)
class Choice(Parameter):
    choices: tuple[str, ...]

    def parse(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise ParameterError(_("must be one of %(known)s") % {"known": ", ".join(self.choices)})
        return value

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"enum": list(self.choices)}


@dataclass(frozen=True, kw_only=True)
class Signal(Choice):
    """``TERM`` or ``SIGTERM``, whatever the case."""

    choices: tuple[str, ...] = ("TERM", "KILL", "INT", "QUIT", "HUP", "ABRT", "USR1", "USR2")

    def parse(self, value: Any) -> str:
        name = value.upper().removeprefix("SIG") if isinstance(value, str) else value
        return f"SIG{super().parse(name)}"


@dataclass(frozen=True, kw_only=True)
class Whole(Parameter):
    least: int = 0
    most: int = _LARGEST

    kind: ClassVar[str] = "integer"

    def parse(self, value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,12}", value):
            value = int(value)
        if type(value) is not int or not self.least <= value <= self.most:
            limits = {"least": self.least, "most": self.most}
            raise ParameterError(_("must be a whole number from %(least)d to %(most)d") % limits)
        return value

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, kw_only=True)
class Seconds(Parameter):
    kind: ClassVar[str] = "number"

    def parse(self, value: Any) -> float:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
            value = float(value)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or not 0 < value <= _LARGEST:
            raise ParameterError(_("must be a number of seconds greater than 0"))
        return float(value)

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"exclusiveMinimum": 0, "maximum": _LARGEST}


@dataclass(frozen=True, kw_only=True)
class Flag(Parameter):
    required: bool = False
    default: bool = False

    kind: ClassVar[str] = "boolean"

    def parse(self, value: Any) -> bool:
        words = {"true": True, "on": True, "1": True, "false": False, "": False, "0": False}
        found = words.get(value.lower()) if isinstance(value, str) else value
        if not isinstance(found, bool):
            raise ParameterError(_("must be true or false"))
        return found


@dataclass(frozen=True, kw_only=True)
class Rate(Parameter):
    """Celery's spelling: ``5/s``, ``100/m``, ``0.5/h``; ``0`` for no limit."""

    def parse(self, value: Any) -> str:
        text = str(value) if type(value) is int else value
        if not isinstance(text, str) or not re.fullmatch(
            r"[0-9]{1,9}(\.[0-9]{1,6})?(/[smh])?", text
        ):
            raise ParameterError(_("must look like 5/s, 100/m or 20/h; 0 takes the limit away"))
        return text


@dataclass(frozen=True, kw_only=True)
class Stamps(Parameter):
    """Stamped headers, ``{"customer": ["7"]}``; as texts ``customer=7``, also several."""

    kind: ClassVar[str] = "object"
    many: ClassVar[bool] = True

    def parse(self, value: Any) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, item in self._pairs(value):
            values = item if isinstance(item, list | tuple) else [item]
            if not values:
                raise ParameterError(_("%(key)s has no value") % {"key": key})
            found.setdefault(_name(key), []).extend(_name(each) for each in values)
        if not 0 < len(found) <= 100 or sum(map(len, found.values())) > 1000:
            raise ParameterError(_("expected at least one header, and not more than 100"))
        return found

    def _pairs(self, value: Any) -> list[tuple[Any, Any]]:
        if isinstance(value, str) and value.startswith("{"):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise ParameterError(_("is no JSON")) from error
        if isinstance(value, Mapping):
            return list(value.items())
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(
            isinstance(each, str) and "=" in each for each in texts
        ):
            raise ParameterError(_('must look like customer=7 or {"customer": ["7"]}'))
        return [(key, item) for key, _sign, item in (each.partition("=") for each in texts)]

    def schema(self) -> dict[str, Any]:
        values = {"type": "array", "items": {"type": "string"}}
        return super().schema() | {"additionalProperties": values}


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise ParameterError(_("must be a text"))
    if not value.strip():
        raise ParameterError(_("must not be empty"))
    if len(value.encode("utf-8", "replace")) > LONGEST_NAME:
        raise ParameterError(_("is longer than %(most)d bytes") % {"most": LONGEST_NAME})
    if _NOT_PRINTED.search(value) or not value.isprintable():
        raise ParameterError(_("has characters that no name has"))
    return value
