"""How much of it: a twentieth, or with ``SOAK`` in the environment all."""

from __future__ import annotations

import os

FULL = bool(os.environ.get("SOAK"))
FACTOR = 1.0 if FULL else 1 / 20


def sized(full: int) -> int:
    """So many events, or a twentieth of them."""
    return round(full * FACTOR)


def lasting(full: float) -> float:
    """So many seconds, or a twentieth of them."""
    return full * FACTOR


# A test that hangs at full size fails later than others.
PATIENCE = 1200.0 if FULL else 60.0
