"""What a filter says, however it was spelt."""

from __future__ import annotations

from dataclasses import dataclass


class FilterError(ValueError):
    """A filter that cannot be understood; the text says which part and what would be right.

    ``span`` is where in the text of a search the part stands.
    """

    def __init__(self, message: str, span: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.span = span


@dataclass(frozen=True, slots=True)
class Term:
    """One condition, such as ``state`` = ``FAILURE``. ``field``: a key of ``FIELDS``, or a path."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Expression


Expression = Term | And | Or | Not


def terms(expression: Expression) -> list[Term]:
    """Every term of an expression, in order."""
    if isinstance(expression, Term):
        return [expression]
    parts = (expression.part,) if isinstance(expression, Not) else expression.parts
    return [term for part in parts for term in terms(part)]


def negated(expression: And) -> list[tuple[Term, bool]]:
    """Every term of what a spelling gave, with whether it is the opposite that must hold."""
    return [(term, isinstance(part, Not)) for part in expression.parts for term in terms(part)]
