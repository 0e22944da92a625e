"""What a project hides by code of its own."""

from __future__ import annotations

import re

IBAN = re.compile(r"XX\d{6}")


def ibans(task: str, field: str, text: str) -> str:
    return IBAN.sub("[iban]", text)


def all_of_it(task: str, field: str, text: str) -> None:
    return None


def broken(task: str, field: str, text: str) -> str:
    raise ValueError(text)


def forgetful(task: str, field: str, text: str) -> list[str]:
    return [text]


NOT_CALLABLE = 7
