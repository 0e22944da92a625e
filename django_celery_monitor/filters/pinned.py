"""A filter that means the same later: ages become times."""

from __future__ import annotations

from django_celery_monitor.filters.expression import And, Expression, Not, Term
from django_celery_monitor.filters.values import moment

_TIMES = frozenset({"after", "before", "failed"})


def pinned(expression: And) -> And:
    return And(tuple(map(_pinned, expression.parts)))


def _pinned(part: Expression) -> Expression:
    if isinstance(part, Term):
        at = part.field in _TIMES
        return Term(part.field, moment(part.value).isoformat()) if at else part
    if isinstance(part, Not):
        return Not(_pinned(part.part))
    return type(part)(tuple(map(_pinned, part.parts)))
