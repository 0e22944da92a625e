from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path


class ServerError(Exception):
    """A server could not be had; the message tells the reader what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One kind of server: where its programs are, and how a private instance runs."""

    name: str
    # What the tests read. When it is already set, nothing is started.
    variable: str
    # Debian's package that holds the programs.
    package: str
    programs: tuple[str, ...]
    # Globs of folders that Debian keeps off the path; they win over the path.
    places: tuple[str, ...] = ()
    # Runs an instance in the given folder while the context lasts; yields variables to export.
    run: Callable[[Path, Mapping[str, Path]], AbstractContextManager[dict[str, str]]]
