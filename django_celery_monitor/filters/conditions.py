"""An expression as a condition on ``Task`` rows."""

from __future__ import annotations

from django.db.models import Q

from django_celery_monitor.filters.expression import And, Expression, Not, Term, terms
from django_celery_monitor.filters.fields import field_named


def to_q(expression: Expression) -> Q:
    if isinstance(expression, Term):
        return field_named(expression.field).condition(expression.value)
    if isinstance(expression, Not):
        return ~to_q(expression.part)
    parts = [to_q(part) for part in expression.parts]
    connector = Q.AND if isinstance(expression, And) else Q.OR
    return Q(*parts, _connector=connector) if parts else Q()


def split(expression: Expression) -> tuple[And, And]:
    """What indexes find, and what has to be looked for among the rows that they find."""
    parts = expression.parts if isinstance(expression, And) else (expression,)
    served = tuple(part for part in parts if _is_served(part))
    return And(served), And(tuple(part for part in parts if part not in served))


def is_private(expression: Expression) -> bool:
    """Whether its answers tell something of arguments, results or error texts."""
    return any(field_named(term.field).private(term.value) for term in terms(expression))


def _is_served(part: Expression) -> bool:
    if isinstance(part, Not | And):
        return False
    return all(field_named(term.field).served(term.value) for term in terms(part))
