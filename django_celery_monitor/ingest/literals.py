"""Where a literal ends in a text as ``repr``, JSON or Celery's ``saferepr`` writes it.

Celery escapes quotes but no backslashes, cuts what is long, and prints bytes raw. So an end counts
only when what follows it fits; else it is unclear, and nothing after it can be trusted either.
"""

from __future__ import annotations

import re
from typing import Final

UNCLEAR: Final = -1
# What may follow a value, by what it is the value of; the comma must lead to another of its kind.
_END: Final = r"\s*(?:[)\]}]|$|,\s*(?:$|\.\.\.|[)\]}]|"
AFTER_PAIR: Final = re.compile(_END + r"""[bru]?(\\*)(['"])(?:(?!\2).)*\1\2\s*:))""", re.DOTALL)
AFTER_KEYWORD: Final = re.compile(_END + r"\*{0,2}\w+\s*=))")
AFTER_ITEM: Final = re.compile(_END + r"[^\s\\]))")
_QUOTE: Final = re.compile(r"""[bBrRuU]{0,2}(\\*)(['"])""")
# Six dots: what was masked before it came here, so that it is not masked with all that follows.
_PLAIN: Final = re.compile(
    r"••••••|None|True|False|null|true|false|[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?!\w)"
)
_CALL: Final = re.compile(r"[A-Za-z_][\w.]*\(")
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}


def end_of(text: str, start: int, after: re.Pattern[str]) -> int:
    """The position after the literal that begins at ``start``, or ``UNCLEAR``."""
    if opened := _QUOTE.match(text, start):
        end = _end_of_string(text, opened)
    elif text[start : start + 1] in _CLOSERS:
        end = _end_of_brackets(text, start)
    elif plain := _PLAIN.match(text, start):
        end = plain.end()
    elif called := _CALL.match(text, start):
        end = _end_of_brackets(text, called.end() - 1)
    else:
        return UNCLEAR
    return end if end != UNCLEAR and after.match(text, end) else UNCLEAR


def _end_of_string(text: str, opened: re.Match[str]) -> int:
    depth, quote = len(opened[1]), opened[2]
    begin = opened.end()
    position = text.find(quote, begin)
    while position >= 0:
        slashes = 0
        while position - slashes > begin and text[position - slashes - 1] == "\\":
            slashes += 1
        # JSON in a string has backslashes in front of all its quotes, the last one too.
        if slashes == depth:
            return position + 1
        # An escaped backslash and the end, or an unescaped one and an escaped quote.
        if not depth and slashes % 2 == 0:
            return UNCLEAR
        position = text.find(quote, position + 1)
    return UNCLEAR


def _end_of_brackets(text: str, start: int) -> int:
    # A stack, not recursion: a hostile text opens thousands of brackets.
    open_brackets = [_CLOSERS[text[start]]]
    position = start + 1
    while open_brackets and position < len(text):
        character = text[position]
        if character in "'\"\\" and (opened := _QUOTE.match(text, position)):
            position = _end_of_string(text, opened)
            if position == UNCLEAR:
                return UNCLEAR
            continue
        if character in _CLOSERS:
            open_brackets.append(_CLOSERS[character])
        elif character in ")]}" and character != open_brackets.pop():
            return UNCLEAR
        position += 1
    return UNCLEAR if open_brackets else position
