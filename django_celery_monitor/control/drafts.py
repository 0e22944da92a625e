"""Arguments that somebody edits: shown without secrets, and put together again with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from django_celery_monitor.control.original import is_masked
from django_celery_monitor.ingest import judge

if TYPE_CHECKING:
    from django_celery_monitor.ingest.redact import Redactor

# Longer arguments are not copied into the audit, in characters of JSON.
_LONGEST: Final = 4096


class StillMaskedError(ValueError):
    """A value that is not shown stands where nobody knows it."""


def shown(
    redactor: Redactor, name: str, args: list[Any], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """As people may see them."""
    return redactor.args(name, args), redactor.value(kwargs)


def recorded(redactor: Redactor, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments and headers as the audit keeps them."""
    made = {key: judge.scrub(values[key]) for key in ("args", "kwargs", "headers")}
    made["args"] = redactor.args(name, made["args"])
    made |= {key: redactor.value(made[key]) for key in ("kwargs", "headers")}
    return {key: _short(value) for key, value in made.items()}


def restored(given: Any, masked: Any, original: Any, place: str = "") -> Any:
    """``given`` with what is masked in it as it is in ``original``, whose shown form is ``masked``.

    Only where it stands as it stood; raises ``StillMaskedError``.
    """
    if _same(given, masked):
        if is_masked(original):
            raise StillMaskedError(_missing(place))
        return original
    if isinstance(given, dict):
        pairs = _pairs(masked, original)
        found = {}
        for key, item in given.items():
            if key not in pairs and is_masked(key):
                raise StillMaskedError(_missing(place))
            name, hidden, kept = pairs.get(key, (key, None, None))
            found[name] = restored(item, hidden, kept, f"{place}.{key}")
        return found
    if isinstance(given, list):
        known = _lists(masked, original) + [(None, None)] * len(given)
        return [
            restored(item, *known[index], f"{place}[{index}]") for index, item in enumerate(given)
        ]
    if is_masked(given):
        raise StillMaskedError(_missing(place))
    return given


def _short(value: Any) -> Any:
    text = json.dumps(value)
    return value if len(text) <= _LONGEST else judge.cut(text, _LONGEST)


def _pairs(masked: Any, original: Any) -> dict[str, tuple[str, Any, Any]]:
    """By the key as it is shown."""
    if not isinstance(masked, dict) or not isinstance(original, dict):
        return {}
    if len(masked) != len(original):
        return {}
    both = zip(masked.items(), original.items(), strict=True)
    return {key: (name, item, value) for (key, item), (name, value) in both}


def _lists(masked: Any, original: Any) -> list[tuple[Any, Any]]:
    if not isinstance(masked, list) or not isinstance(original, list):
        return []
    return list(zip(masked, original, strict=True))


def _same(one: Any, other: Any) -> bool:
    """Unlike Python, JSON knows 1 from true and from 1.0."""
    return json.dumps(one) == json.dumps(other)


def _missing(place: str) -> str:
    text = _("%(place)s is not shown, and not known here either: give its value.")
    return text % {"place": place.lstrip(".") or _("A value")}
