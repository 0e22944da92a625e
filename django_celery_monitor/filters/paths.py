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
_PLAIN: Final = re.compile(r"[A-Za-z0-9 _.:@]+")


def is_path(name: str) -> bool:
    return PATH.fullmatch(name) is not None


def argument(path: str, value: str) -> Q:
    """Exact, or everything that begins with the text before a final ``*``."""
    kind, *rest = path.split(".")
    return _in_payload(["1" if kind == "kwargs" else "0", *rest], value) | _in_text(
        kind, rest, value
    )


def _in_payload(path: list[str], value: str) -> Q:
    text = value.removesuffix("*")
    # What is cheap to look for goes first.
    about = Q(events__contains=KEPT)
    if not path[-1].isdigit():
        about &= Q(events__contains=f'{path[-1]}\\":')
    if _PLAIN.fullmatch(text):
        about &= Q(events__contains=text)
    found = _is(path, value)
    # Kombu says of what JSON has no type for which type it is.
    found |= _is([*path, "__value__"], value)
    if _UUID.fullmatch(value):
        found |= _is([*path, "__value__", "hex"], value.replace("-", "").lower())
    return about & found


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
