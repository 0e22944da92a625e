"""The spelling of addresses: ``state=failed&-queue=mail&runtime=>30s``.

Different parameters must all hold, repeated ones are alternatives (texts and comparisons must all
hold too); a ``-`` before the name excludes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.http import QueryDict

from django_celery_monitor.filters.expression import And
from django_celery_monitor.filters.fields import FIELDS
from django_celery_monitor.filters.given import Given, built, checked, given_by, stripped

# Every parameter that is a filter, with its field and whether it excludes.
PARAMETERS: Final = {
    prefix + field: (field, bool(prefix)) for field in FIELDS for prefix in ("", "-")
}


def from_params(params: QueryDict | Mapping[str, str]) -> And:
    """The expression that a query string spells; parameters that are no filters are ignored.

    Raises ``FilterError`` for a value that its field does not take.
    """
    given: Given = {}
    for name, place in PARAMETERS.items():
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
