"""What doors of acts write is there at once, whatever ``ATOMIC_REQUESTS`` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connections, transaction

V = TypeVar("V", bound=Callable[..., Any])


def at_once(view: V) -> V:
    """Else the entry in the audit would not be there yet when the act is sent, and would be undone
    with the request when that fails.
    """
    for alias in connections:
        transaction.non_atomic_requests(using=alias)(view)
    return view
