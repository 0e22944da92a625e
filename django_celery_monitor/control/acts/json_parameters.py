"""Parameters of tasks that are sent: JSON as people write it, and moments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NoReturn

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware
from django.utils.translation import gettext as _

from django_celery_monitor.control.acts.parameters import Parameter, ParameterError

# In characters. A broker takes more, but nobody writes that here.
LONGEST: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class _Json(Parameter):
    """A value, or the text of one."""

    required: bool = False
    private: bool = True
    of: ClassVar[type] = object
    wrong: ClassVar[str] = ""

    def parse(self, value: Any) -> Any:
        found = _loaded(value) if isinstance(value, str) else _loaded(_dumped(value))
        if not isinstance(found, self.of):
            raise ParameterError(self.complaint())
        return found

    def complaint(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class JsonList(_Json):
    kind: ClassVar[str] = "array"
    of: ClassVar[type] = list

    def complaint(self) -> str:
        return _('must be a JSON list, such as [1, "a"]')


@dataclass(frozen=True, kw_only=True)
class JsonObject(_Json):
    kind: ClassVar[str] = "object"
    of: ClassVar[type] = dict

    def complaint(self) -> str:
        return _('must be a JSON object, such as {"size": 2}')


@dataclass(frozen=True, kw_only=True)
class Moment(Parameter):
    """ISO 8601; without an offset, in the time zone of who asks."""

    required: bool = False

    def parse(self, value: Any) -> datetime:
        try:
            found = parse_datetime(value) if isinstance(value, str) else value
        except ValueError:
            found = None
        if not isinstance(found, datetime) or not 2009 <= found.year < 2200:
            raise ParameterError(_("must be a time such as 2026-01-31T14:00+01:00"))
        return (make_aware(found) if is_naive(found) else found).astimezone(UTC)

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"format": "date-time"}


def _dumped(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(_("is no JSON")) from error


def _loaded(text: str) -> Any:
    if len(text) > LONGEST:
        raise ParameterError(_("is longer than %(most)d characters") % {"most": LONGEST})
    try:
        found = json.loads(text, parse_constant=_refuse)
        # Half a letter is no text that a broker takes.
        json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno, "what": error.msg}
        text = _("is no JSON: %(what)s, line %(line)d, column %(column)d") % place
        raise ParameterError(text) from error
    except (ValueError, RecursionError) as error:
        raise ParameterError(_("is no JSON")) from error
    return found


def _refuse(_name: str) -> NoReturn:
    raise ValueError
