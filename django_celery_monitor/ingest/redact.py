"""Masks secrets in the texts that workers send, before anything is stored.

The texts are ``repr``-like and not always well-formed (Celery neither escapes quotes nor closes
what it cuts), so a value whose end is not clear is masked to the end of the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

MASK: Final = "••••••"
_URL_PASSWORD: Final = re.compile(r"(\w://[^\s:/@'\"]*):[^\s'\"]*@")
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}
_AFTER_STRING: Final = re.compile(r"\s*(?:[)\]}]|,\s|,$|$)")


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
        names = "|".join(re.escape(key) for key in self._keys) or r"(?!)"
        self._key = re.compile(rf"[\w.-]*(?:{names})[\w.-]*['\"]?\s*[:=]\s*", re.IGNORECASE)
        self._patterns = tuple(re.compile(pattern) for pattern in patterns)
        self._positions = positions

    def text(self, text: str) -> str:
        """``text`` without the secrets it names."""
        lowered = text.lower()
        for key in self._keys:
            if key in lowered:
                text = self._mask_values(text)
                break
        if "://" in text:
            text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
        for pattern in self._patterns:
            text = pattern.sub(MASK, text)
        return text

    def args(self, name: str, text: str) -> str:
        """The positional arguments of task ``name``, by its signature too."""
        secret = self._positions(name)
        return self.text(_mask_positions(text, secret) if secret else text)

    def value(self, value: Any, key: str = "") -> Any:
        """A JSON value with secrets masked at any depth."""
        if key and self.is_secret(key):
            return MASK
        if isinstance(value, dict):
            return {name: self.value(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def is_secret(self, key: str) -> bool:
        lowered = key.lower()
        return any(each in lowered for each in self._keys)

    def _mask_values(self, text: str) -> str:
        parts: list[str] = []
        position = 0
        while found := self._key.search(text, position):
            parts += text[position : found.end()], MASK
            position = _end_of_value(text, found.end())
        parts.append(text[position:])
        return "".join(parts)


def _end_of_value(text: str, start: int) -> int:
    """Where the literal that begins at ``start`` ends; the end of the text when that is unclear."""
    if start >= len(text):
        return start
    if text[start] in "bBrRuU" and text[start + 1 : start + 2] in ("'", '"'):
        start += 1
    if text[start] in "'\"":
        return _end_of_string(text, start)
    if text[start] in _CLOSERS:
        return _end_of_bracket(text, start)
    position = start
    while position < len(text) and text[position] not in ",)]}\n":
        if text[position] in _CLOSERS:
            position = _end_of_bracket(text, position)
        else:
            position += 1
    return position


def _end_of_string(text: str, start: int) -> int:
    quote = text[start]
    position = text.find(quote, start + 1)
    while position >= 0:
        # A quote inside the value looks like its end, unless something else follows.
        if _AFTER_STRING.match(text, position + 1):
            return position + 1
        position = text.find(quote, position + 1)
    return len(text)


def _end_of_bracket(text: str, start: int) -> int:
    # A stack, not recursion: a hostile text opens thousands of brackets.
    open_brackets = [_CLOSERS[text[start]]]
    position = start + 1
    while open_brackets and position < len(text):
        character = text[position]
        if character in "'\"":
            position = _end_of_string(text, position)
            continue
        if character in _CLOSERS:
            open_brackets.append(_CLOSERS[character])
        elif character == open_brackets[-1]:
            open_brackets.pop()
        position += 1
    return position


def _mask_positions(text: str, secret: frozenset[int]) -> str:
    """Mask items of a tuple's or list's text; all of it when it is neither."""
    if text[:1] not in ("(", "["):
        return MASK
    parts = [text[0]]
    position, index = 1, 0
    while position < len(text) and text[position] not in ")]":
        start = position
        while position < len(text) and text[position] in " ,":
            position += 1
        end = _end_of_value(text, position)
        parts.append(text[start:position])
        parts.append(MASK if index in secret else text[position:end])
        # A stray bracket would otherwise hold the scan in place.
        position, index = max(end, position + 1), index + 1
    parts.append(text[position:])
    return "".join(parts)
