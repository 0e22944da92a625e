"""Masks secrets in the texts that workers send, before anything is stored.

Where the end of a secret value is not clear, everything after it is masked too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from django_celery_monitor.ingest.literals import (
    AFTER_ITEM,
    AFTER_KEYWORD,
    AFTER_PAIR,
    UNCLEAR,
    end_of,
)

MASK: Final = "••••••"
# The user may be an e-mail address; a text may end before the "@" does, where it was cut.
_URL_PASSWORD: Final = re.compile(
    r"(\w://[^\s:/'\"]{0,255}):(?:[^\s'\"]{0,255}@|[^\s/?#]{0,255}@|(?!\d+\b)[^\s/?#@]*?(?=\.\.\.|…|$))"
)
_REMEMBERED: Final = 2000
_SHORT: Final = 500
_QUERY_VALUE: Final = re.compile(r"[^\s&;#'\"<>)\]}]*")
_SEPARATOR: Final = re.compile(r"\s*,?\s*")
# A frame in a traceback with its line of code: there, names are followed by no values.
_FRAME: Final = re.compile(r'^(  File "[^\n]*\n(?:    [^\n]*(?:\n|$))*)', re.MULTILINE)


class Redactor:
    """Masks by key name, by pattern, and by the position of an argument.

    ``positions`` tells which positional arguments of a task are secret (see ``signatures``).
    """

    def __init__(
        self,
        keys: tuple[str, ...],
        patterns: tuple[str, ...] = (),
        positions: Callable[[str], frozenset[int]] = lambda _name: frozenset(),
    ) -> None:
        self._keys = tuple(key.lower() for key in keys)
        self._key = _key_pattern(self._keys)
        self._patterns = tuple(re.compile(pattern) for pattern in patterns)
        self._by_name = positions
        self._clean: set[str] = set()

    def is_clean(self, text: str) -> bool:
        """Whether the text surely holds no secret: cheap, and true of nearly all texts."""
        # Events of one task come close together and say much of the same.
        if text in self._clean:
            return True
        lowered = text.lower()
        for key in self._keys:
            if key in lowered:
                return False
        clean = "://" not in lowered and not self._patterns
        if clean and len(text) <= _SHORT:
            if len(self._clean) >= _REMEMBERED:
                self._clean.clear()
            self._clean.add(text)
        return clean

    def positions(self, name: object) -> frozenset[int]:
        """Which positional arguments of task ``name`` are secret."""
        return self._by_name(name) if isinstance(name, str) else frozenset()

    def text(self, text: str) -> str:
        """``text`` without the secrets it names."""
        if self.is_clean(text):
            return text
        text = _mask_values(text, self._key)
        if "://" in text:
            text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
        for pattern in self._patterns:
            text = pattern.sub(MASK, text)
        return text

    def traceback(self, text: str) -> str:
        """The same, but code that names a secret masks no more than its own line."""
        parts = _FRAME.split(text)
        for index, part in enumerate(parts):
            lines = part.splitlines(keepends=True) if index % 2 else [part]
            parts[index] = "".join([self._line(line) for line in lines])
        return "".join(parts)

    def unread(self, text: str) -> str:
        """What could not be read as a message; so it hides any argument."""
        return self.text(_mask_values(text, _ARGUMENTS))

    def args(self, name: object, args: Any) -> Any:
        """The positional arguments of task ``name``, a text or a list, by its signature too."""
        secret = self.positions(name)
        if isinstance(args, list):
            return [MASK if n in secret else self.value(each) for n, each in enumerate(args)]
        if isinstance(args, str):
            return self.text(_mask_positions(args, secret) if secret else args)
        return MASK if secret else self.value(args)

    def value(self, value: Any, key: str = "") -> Any:
        """A JSON value with secrets masked at any depth."""
        if key and self.is_secret(key):
            return MASK
        if isinstance(value, dict):
            return {self.text(name): self.value(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, str):
            return self.text(value)
        if self._patterns and isinstance(value, int | float):
            text = str(value)
            return value if self.text(text) == text else MASK
        return value

    def is_secret(self, key: str) -> bool:
        lowered = key.lower()
        return any(each in lowered for each in self._keys)

    def _line(self, text: str) -> str:
        kept = text.rstrip("\n")
        return self.text(kept) + text[len(kept) :]


def _key_pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(key) for key in keys) or r"(?!)"
    # The whole word is taken at once, or a long one would be searched from its every letter.
    word = rf"(?<![\w.-])(?=[\w.-]*(?:{names}))[\w.-]++"
    return re.compile(rf"(?:{word}|(?:{names}))\\*['\"]?\s*([:=])\s*", re.IGNORECASE)


def _mask_values(text: str, key: re.Pattern[str]) -> str:
    parts: list[str] = []
    position = 0
    while found := key.search(text, position):
        parts += text[position : found.end()], MASK
        position = _end_of_value(text, found)
        if position == UNCLEAR:
            return "".join(parts)
    parts.append(text[position:])
    return "".join(parts)


def _end_of_value(text: str, key: re.Match[str]) -> int:
    if key[1] == ":":
        return _inside(text, key, end_of(text, key.end(), AFTER_PAIR))
    if text[key.start() - 1 : key.start()] in ("?", "&"):
        value = _QUERY_VALUE.match(text, key.end())
        return value.end() if value else UNCLEAR
    return _inside(text, key, end_of(text, key.end(), AFTER_KEYWORD))


def _inside(text: str, key: re.Match[str], end: int) -> int:
    """``end``, unless a bracket that nothing opened seems to be what follows the value."""
    closed = end != UNCLEAR and _CLOSER.match(text, end)
    return UNCLEAR if closed and not _OPENER.search(text, 0, key.start()) else end


def _mask_positions(text: str, secret: frozenset[int]) -> str:
    """Mask items of a tuple's or list's text; all of it when it is neither."""
    if text[:1] not in ("(", "["):
        return MASK
    parts = [text[0]]
    position, index = 1, 0
    while position < len(text) and text[position] not in ")]":
        end = end_of(text, position, AFTER_ITEM)
        if end == UNCLEAR:
            # Where the next ones begin is not known either.
            parts.append(MASK if index <= max(secret) else text[position:])
            return "".join(parts)
        parts.append(MASK if index in secret else text[position:end])
        separator = _SEPARATOR.match(text, end)
        position, index = separator.end() if separator else end, index + 1
        parts.append(text[end:position])
    parts.append(text[position:])
    return "".join(parts)


_CLOSER: Final = re.compile(r"\s*[)\]}]")
_OPENER: Final = re.compile(r"[(\[{]")
_ARGUMENTS: Final = _key_pattern(("args",))
