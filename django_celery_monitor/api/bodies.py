"""Bodies of requests: one JSON object."""

from __future__ import annotations

import json
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.utils.translation import gettext as _

from django_celery_monitor.control.errors import BadParametersError

_LARGEST: Final = 1_000_000


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The body, a JSON object; forms of other sites cannot send one."""
    problems = {"body": _("must be a JSON object, sent as application/json")}
    if request.content_type != "application/json":
        raise BadParametersError(problems)
    try:
        body = request.body
        if len(body) > _LARGEST:
            raise BadParametersError(problems)
        found = json.loads(body or b"{}")
        # Half a letter is no text that a database or a broker takes.
        json.dumps(found, ensure_ascii=False).encode()
    # Django refuses what is larger than a project takes.
    except (ValueError, RecursionError, RequestDataTooBig) as error:
        raise BadParametersError(problems) from error
    if not isinstance(found, dict) or not isinstance(found.get("reason", ""), str):
        raise BadParametersError(problems)
    return found


def described(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """For the OpenAPI document."""
    schema = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {"required": True, "content": {"application/json": {"schema": schema}}}
