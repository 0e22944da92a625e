"""One colour for one name, whatever page it is on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

# As many as there are ``--hue-…`` in frontend/src/css/chart.css.
HUES: Final = 24
# Neighbours of a hue look alike, so who must make room goes far: coprime to the number of hues.
_STRIDE: Final = 7


def hues(labels: Iterable[str]) -> dict[str, str]:
    """A hue for each label, by its hash; only of two that fall on one does one make room."""
    found: dict[str, str] = {}
    taken: set[int] = set()
    # By hash and not by rank, so that colours stay when labels overtake each other.
    for digest, label in sorted((_digest(label), label) for label in set(labels)):
        hue = digest % HUES
        while hue in taken and len(taken) < HUES:
            hue = (hue + _STRIDE) % HUES
        taken.add(hue)
        found[label] = f"hue-{hue}"
    return found


def _digest(label: str) -> int:
    return int.from_bytes(hashlib.blake2b(label.encode(), digest_size=8).digest())
