"""The REST API, put together."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from django_celery_monitor import __version__
from django_celery_monitor.api import acts, operations, overview, tasks, workers
from django_celery_monitor.api.answers import Problem
from django_celery_monitor.api.auth import viewers_only
from django_celery_monitor.api.errors import MEDIA_TYPE, explain_errors

ERRORS = {
    "400": "A parameter cannot be understood.",
    "401": "Nobody is signed in.",
    "403": "A right is missing.",
    "404": "There is no such thing.",
}
AWAY = {"503": "The broker does not answer in time, or the act could not be recorded."}


class MonitorAPI(NinjaAPI):
    """Documents errors once, for all operations alike."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        reference = {"$ref": "#/components/schemas/Problem"}
        content = {MEDIA_TYPE: {"schema": reference}}
        schema["components"]["schemas"]["Problem"] = Problem.json_schema()
        for methods in schema["paths"].values():
            for method, operation in methods.items():
                for status, reason in (ERRORS | (AWAY if method == "post" else {})).items():
                    operation["responses"][status] = {"description": reason, "content": content}
        return schema


api = MonitorAPI(
    title="Celery monitor",
    version=__version__,
    description="Tasks and workers as the monitor keeps them. Times are ISO 8601 in UTC.",
    urls_namespace="celery_monitor:api",
    # Ninja's pages for people load their scripts from elsewhere.
    docs_url=None,
    docs_decorator=viewers_only,
)
explain_errors(api)
for each in (tasks, workers, overview, acts, operations):
    api.add_router("", each.router)
