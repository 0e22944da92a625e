"""Database addresses as one line, as hosting services give them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ENGINES = {"mysql": "mysql", "postgres": "postgresql", "postgresql": "postgresql"}

# A writer must not meet "database is locked": readers go on beside it (WAL), and a transaction
# takes its lock when it begins, where SQLite can wait for it.
SQLITE_OPTIONS = {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}


def database(url: str) -> dict[str, Any]:
    """What Django's ``DATABASES`` wants for ``postgresql://user:password@host:port/name``.

    Also ``mysql://`` and ``sqlite:///relative`` or ``sqlite:////absolute/path``. What follows a
    question mark goes to the driver: ``?sslmode=require``.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": SQLITE_OPTIONS}
    if parts.scheme not in ENGINES:
        known = ", ".join(sorted([*ENGINES, "sqlite"]))
        raise ValueError(f"A database URL starts with one of {known}, not {parts.scheme!r}.")
    return {
        "ENGINE": f"django.db.backends.{ENGINES[parts.scheme]}",
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "NAME": name,
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
