"""A traceback split into what the project wrote and what it merely passed through."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from django_celery_monitor.conf import get_settings

_FRAME: Final = re.compile(r'^\s*File "([^"\n]*)", line (\d+)(?:, in (.*))?$')
_PACKAGE: Final = re.compile(r"[/\\](?:site|dist)-packages[/\\]([^/\\]+)")
_LIBRARY: Final = re.compile(r"[/\\]lib[/\\]python\d|^<frozen |[/\\](?:celery|billiard|kombu)[/\\]")
_OPENING: Final = re.compile(
    r"^(?:Traceback \(most recent call last\):|The above exception|During)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``url``: where the project's settings say that a frame's source can be read."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Lines of one kind: ``own`` or ``library`` frames, the ``error`` itself, other ``text``."""

    kind: str
    text: str
    lines: tuple[Line, ...] = ()
    frames: int = 0
    packages: str = ""


def parts(traceback: str) -> list[Part]:
    """The whole of a traceback, in order; joined by line breaks the texts give it back."""
    groups: list[tuple[str, list[str]]] = []
    inside = ""
    for line in traceback.splitlines():
        kind = inside = _kind(line, inside)
        if not groups or groups[-1][0] != kind:
            groups.append((kind, []))
        groups[-1][1].append(line)
    return [_part(kind, lines) for kind, lines in groups]


def _kind(line: str, inside: str) -> str:
    if frame := _FRAME.match(line):
        return "library" if _is_library(frame[1]) else "own"
    if line.startswith((" ", "\t")):
        return inside or "text"
    if not line.strip() or _OPENING.match(line):
        return "text"
    return "error"


def _is_library(path: str) -> bool:
    return bool(_PACKAGE.search(path) or _LIBRARY.search(path))


def _part(kind: str, lines: list[str]) -> Part:
    paths = [frame[1] for frame in map(_FRAME.match, lines) if frame]
    packages = {found[1].removesuffix(".py") for found in map(_PACKAGE.search, paths) if found}
    return Part(
        kind=kind,
        text="\n".join(lines),
        lines=tuple(Line(text=line, url=_source(line)) for line in lines) if kind == "own" else (),
        frames=len(paths),
        packages=", ".join(sorted(packages)),
    )


def _source(line: str) -> str:
    frame, links = _FRAME.match(line), get_settings().SOURCE_LINKS
    if not frame or not links:
        return ""
    path, number = frame[1], frame[2]
    begin = max((each for each in links if path.startswith(each)), key=len, default="")
    rest = quote(path[len(begin) :], errors="replace")
    return links[begin].replace("{line}", number).replace("{path}", rest) if begin else ""
