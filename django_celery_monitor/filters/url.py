"""The spelling of addresses: ``state=failed&-queue=mail&runtime=>30s``.

Different parameters must all hold, repeated ones are alternatives (texts and comparisons must all
hold too); a ``-`` before the name excludes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from django.http import QueryDict

from django_celery_monitor.filters.expression import And
from django_celery_monitor.filters.fields import FIELDS
from django_celery_monitor.filters.given import Given, built, checked, given_by, stripped
from django_celery_monitor.filters.paths import is_path

# Every parameter that is a filter, with its field and whether it excludes.
PARAMETERS: Final = {
    prefix + field: (field, bool(prefix)) for field in FIELDS for prefix in ("", "-")
}


def is_filter(name: str) -> bool:
    return name in PARAMETERS or is_path(name.removeprefix("-"))


def parameters(params: Collection[str]) -> list[str]:
    """Those names of an address that are filters, always in the same order."""
    return [*(name for name in PARAMETERS if name in params), *sorted(_paths(params))]


def _paths(params: Collection[str]) -> set[str]:
    return {name for name in params if is_path(name.removeprefix("-"))}


def from_params(params: QueryDict | Mapping[str, str]) -> And:
    """The expression that a query string spells; parameters that are no filters are ignored.

    Raises ``FilterError`` for a value that its field does not take.
    """
    given: Given = {}
    for name in parameters(params):
        place = PARAMETERS.get(name) or (name.removeprefix("-"), name.startswith("-"))
        values = params.getlist(name) if isinstance(params, QueryDict) else [params.get(name, "")]
        found = given[place] = stripped(values)
        for value in dict.fromkeys(found):
            checked(place[0], value)
    return built(given)


def to_params(expression: And) -> QueryDict:
    """The opposite of ``from_params``."""
    params = QueryDict(mutable=True)
    for (field, excluded), values in given_by(expression).items():
        params.setlist(f"-{field}" if excluded else field, values)
    return params
