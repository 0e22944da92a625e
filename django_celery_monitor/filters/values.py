"""Times, durations and numbers as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from django_celery_monitor.filters.expression import FilterError

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SECONDS: Final = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIGNS: Final = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "": "exact"}
_COMPARED: Final = re.compile(r"(>=|<=|>|<|)\s*(\S+)")
_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d|)")


@dataclass(frozen=True, slots=True)
class Compared:
    """``lookup`` is Django's word for the sign: exact, gt, gte, lt or lte."""

    lookup: str
    number: float


def moment(value: str) -> datetime:
    """An ISO 8601 time, or how long ago: ``90s``, ``15m``, ``2h``, ``7d``, ``1w``; in UTC."""
    try:
        if ago := re.fullmatch(r"([0-9]{1,6})([smhdw])", value):
            return timezone.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        # A "+" that nobody escaped reaches us as a space.
        found = parse_datetime(re.sub(r"(T[\d:.]+) (\d\d:?\d\d)$", r"\1+\2", value))
        if found is not None:
            aware = found if timezone.is_aware(found) else timezone.make_aware(found)
            # Databases keep UTC, in which not every moment of the years 1 and 9999 exists.
            return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise FilterError(
        _("%(value)s is not a time: use 15m, 2h, 7d or 2026-01-31T14:00.") % {"value": value}
    )


def seconds(value: str) -> Compared:
    """``>30s``, ``<=1.5m``, ``>500ms``: a duration is hardly ever exactly so long."""
    found = _COMPARED.fullmatch(value)
    length = _DURATION.fullmatch(found[2]) if found else None
    if found is None or not found[1] or length is None:
        raise FilterError(
            _("%(value)s is not a length to compare with: use >30s, <5m or >=500ms.")
            % {"value": value}
        )
    return Compared(_SIGNS[found[1]], float(length[1]) * SECONDS[length[2]])


def whole(value: str) -> Compared:
    """``3``, ``>2``, ``<=9``."""
    found = _COMPARED.fullmatch(value)
    if found is None or not re.fullmatch(r"-?[0-9]{1,4}", found[2]):
        raise FilterError(_("%(value)s is not a number: use 3, >2 or <=9.") % {"value": value})
    return Compared(_SIGNS[found[1]], int(found[2]))
