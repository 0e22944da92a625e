"""Keeps what was dear to compute, so long that computing takes a fiftieth of the time at most."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.core.cache import cache
from django.utils import timezone

from django_celery_monitor import __version__

T = TypeVar("T")

# Seconds; what takes less is computed each time.
CHEAP = 0.02
PRICE = 50


def remembered(key: str, compute: Callable[[], T], seconds: float = 0.0) -> tuple[T, datetime]:
    """The value, and when it was computed; what was dear is kept ``seconds`` at least."""
    # Labels come from tasks, and some caches refuse what they may hold.
    digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    name = f"celery_monitor:{__version__}:{digest}"
    found: tuple[T, datetime] | None = cache.get(name)
    if found is not None:
        return found
    started = time.perf_counter()
    found = compute(), timezone.now()
    took = time.perf_counter() - started
    if took > CHEAP:
        cache.set(name, found, timeout=max(took * PRICE, seconds))
    return found
