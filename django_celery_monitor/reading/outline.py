"""A graph as a list that is read from above: callers before whom they called, indented."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

# Deeper ones are not indented any further.
DEEPEST: Final = 6


def outline(size: int, edges: Mapping[tuple[int, int], str]) -> list[tuple[int, int]]:
    """Every node once, as (its place, how deep). What waited for others stands below them."""
    after: dict[int, list[int]] = defaultdict(list)
    left = [0] * size
    for begin, end in edges:
        after[begin].append(end)
        left[end] += 1
    found: list[tuple[int, int]] = []
    seen: set[int] = set()
    # Circles, which only broken ids make, have no beginning: what is left begins anywhere.
    for start in [*(node for node in range(size) if not left[node]), *range(size)]:
        ready = [] if start in seen else [(start, 0)]
        while ready:
            node, depth = ready.pop()
            if node in seen:
                continue
            seen.add(node)
            found.append((node, min(depth, DEEPEST)))
            for following in reversed(after[node]):
                left[following] -= 1
                if left[following] <= 0:
                    deeper = edges[node, following] != "chord"
                    ready.append((following, depth + deeper))
    return found
