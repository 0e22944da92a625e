"""The search box: ``state:failed task:shop.* after:2h "timed out"`` becomes parameters."""

from __future__ import annotations

import re
from typing import Final

from django.http import QueryDict

from django_celery_monitor.filters import FIELDS

_WORD: Final = re.compile(r'(?:(\w+):)?(?:"([^"]*)"?|(\S+))')
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
ALIASES: Final = {"task": "name", "type": "name", "text": "q"}


def understood(params: QueryDict) -> QueryDict:
    """``params`` with what its ``find`` says; words without a known key search the text."""
    found = params.copy()
    for key in ("find", "cursor"):
        found.pop(key, None)
    free = []
    for key, quoted, bare in _WORD.findall(params.get("find", "")):
        field = ALIASES.get(key, key)
        if field in FIELDS and (quoted or bare):
            found.appendlist(field, quoted or bare)
        elif _UUID.fullmatch(bare) and not key:
            found["id"] = bare
        else:
            free.append(f"{key}:{quoted or bare}" if key else quoted or bare)
    if free:
        found["q"] = " ".join(free)
    return found
