"""Tasks by one argument: ``kwargs.order.id:42``, ``args.0:mail``.

Where the recorder told the arguments whole, the value is looked up in them. Of other tasks there
is only the text of an event, in which a key and a value are looked for.
"""

from __future__ import annotations

import re
from typing import Final

from django.db.models import Q, TextField, Value
from django.db.models.functions import Coalesce, Left
from django.db.models.lookups import Exact, IsNull

from django_celery_monitor.filters.payloads import KEPT, At, Payload

# Of keys, what every database can be asked for.
PATH: Final = re.compile(
    r"(?:kwargs\.[A-Za-z_][A-Za-z0-9_]{0,99}|args\.[0-9]{1,3})(?:\.[A-Za-z0-9_-]{1,100}){0,7}"
)
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
# What JSON may write in another way.
_OTHER: Final = re.compile(r"[^A-Za-z0-9 _.:@-]")
_QUOTES: Final = ("", '\\"')


def is_path(name: str) -> bool:
    return PATH.fullmatch(name) is not None


def argument(path: str, value: str) -> Q:
    """Exact, or everything that begins with the text before a final ``*``."""
    kind, *rest = path.split(".")
    return _in_payload(["1" if kind == "kwargs" else "0", *rest], value) | _in_text(
        kind, rest, value
    )


def _in_payload(path: list[str], value: str) -> Q:
    found = _written(path[-1], value) & _is(path, value)
    # Kombu says of what JSON has no type for which type it is.
    found |= _written("__value__", value) & _is([*path, "__value__"], value)
    # Reading JSON is dear, so what can be looked for in the text goes first.
    found = Q(events__contains=_plain(value)) & Q(events__contains=KEPT) & found
    if _UUID.fullmatch(value):
        digits = value.replace("-", "").lower()
        found |= _written("hex", digits) & _is([*path, "__value__", "hex"], digits)
    return found


def _plain(value: str) -> str:
    return _OTHER.split(value.removesuffix("*"), maxsplit=1)[0]


def _written(key: str, value: str) -> Q:
    """That the texts of events have the key and a value that begins so, as JSON inside of JSON."""
    plain = _plain(value)
    places = ("[", ",", ", ") if key.isdigit() else (f'{key}\\":', f'{key}\\": ')
    if not plain:
        return Q() if key.isdigit() else Q(events__contains=places[0])
    either = [Q(events__contains=f"{place}{quote}{plain}") for place in places for quote in _QUOTES]
    return Q(*either, _connector=Q.OR)


def _is(path: list[str], value: str) -> Q:
    if value == "*":
        return Q(IsNull(At(path), False))
    # A value is never empty, and what is not there must not be unknown: it may be excluded.
    said = Coalesce(At(path), Value(""), output_field=TextField())
    if value.endswith("*"):
        return Q(Exact(Left(said, len(value) - 1), Value(value[:-1])))
    return Q(Exact(said, Value(value, output_field=TextField())))


def _in_text(kind: str, rest: list[str], value: str) -> Q:
    text = value.removesuffix("*")
    keys = [part for part in rest if not part.isdigit()]
    before = ".*".join(f"'{re.escape(key)}': " for key in keys)
    if kind == "args":
        before = (r"^[(\[]" if rest[0] == "0" else r"[(\[ ]") + (f".*{before}" if before else "")
    after = "" if value.endswith("*") else r"['\"]?([]})>,]|$)"
    pattern = f"{before}['\"]?{re.escape(text)}{after}"
    found = Q(search__contains=text.lower()) & Q(**{f"{kind}__regex": pattern})
    return found & Q(IsNull(Payload(), True))
