"""The recordings: one file for each case, pool and version of Celery."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import orjson

FOLDER = Path(__file__).parent


class Recording(NamedTuple):
    """What was said in one case. ``arrived``: when the last message came."""

    version: str
    pool: str
    case: str
    bodies: list[bytes]
    arrived: float

    def __str__(self) -> str:
        return f"{self.version}-{self.pool}-{self.case}"


def recordings() -> list[Recording]:
    return [_read(file) for file in sorted(FOLDER.glob("celery-*/*.jsonl"))]


def _read(file: Path) -> Recording:
    pool, _dash, case = file.stem.partition("-")
    lines = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    bodies = [line["body"].encode() for line in lines]
    version = file.parent.name.removeprefix("celery-")
    return Recording(version, pool, case, bodies, max(line["arrived"] for line in lines))
