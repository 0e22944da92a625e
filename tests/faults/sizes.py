"""How much of it: a twentieth, or the part that ``SOAK`` in the environment says, 1 for all."""

from __future__ import annotations

import os

FULL = "SOAK" in os.environ
FACTOR = float(os.environ.get("SOAK", 1 / 20))
# A test that hangs at full size fails later than others.
PATIENCE = 1200.0 if FULL else 60.0


def sized(full: int) -> int:
    """So many events, or a part of them."""
    return round(full * FACTOR)


def lasting(full: float) -> float:
    """So many seconds, or a part of them."""
    return full * FACTOR


# Whatever the size, it takes as many batches.
BATCH = f"--batch-size={sized(2_000)}"
