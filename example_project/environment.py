"""Which servers the project uses: ``DEMO_*`` in the environment, else what the running demo uses.

The demo writes its choice to a file, so that every ``manage.py`` command meets the same servers.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("DEMO_DATA_DIR") or HERE / ".data").resolve()
RUNNING = DATA / "running.json"

DEFAULTS = {
    "DEMO_BROKER_URL": "redis://127.0.0.1:6379/0",
    "DEMO_RESULT_BACKEND_URL": "redis://127.0.0.1:6379/1",
    "DEMO_DATABASE_URL": f"sqlite:///{DATA / 'demo.sqlite3'}",
    "DEMO_PORT": "8000",
}


@cache
def published() -> dict[str, str]:
    """The variables of the demo that runs on this data folder; empty when none does."""
    try:
        found: dict[str, str] = json.loads(RUNNING.read_text())
    except FileNotFoundError:
        return {}
    return found


def setting(name: str) -> str:
    return os.environ.get(name) or published().get(name) or DEFAULTS[name]


def channel_layer_url(*urls: str) -> str:
    """The first of the servers that can also carry messages to browsers; empty if none can."""
    return next((url for url in urls if url.startswith(("redis://", "rediss://"))), "")
