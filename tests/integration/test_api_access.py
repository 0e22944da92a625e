"""Who may ask what, and what the document says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from django_celery_monitor.control.acts.registry import ACTS
from tests.integration.kept import a_task, a_worker
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db

SNAPSHOT = Path(__file__).with_name("openapi.json")
V1 = "/monitor/api/v1"
TASKS = ("tasks", "tasks/a-1", "overview")
WORKERS = ("workers", "workers/w1@host")
EVERYBODYS = ("openapi.json",)


@pytest.fixture(autouse=True)
def rows(db: None) -> None:
    a_task("a-1")
    a_worker("w1@host")


def statuses(client: Client, paths: tuple[str, ...]) -> set[int]:
    return {client.get(f"{V1}/{path}").status_code for path in paths}


def test_nobody_is_asked_to_sign_in() -> None:
    for path in (*TASKS, *WORKERS, *EVERYBODYS):
        found = Client().get(f"{V1}/{path}")
        assert (found.status_code, found["Content-Type"]) == (401, "application/problem+json")


def test_without_a_right_everything_is_forbidden() -> None:
    client = signed_in(person("nobody"))
    for path in (*TASKS, *WORKERS, *EVERYBODYS):
        found = client.get(f"{V1}/{path}")
        assert (found.status_code, found["Content-Type"]) == (403, "application/problem+json")


def test_the_missing_right_is_named() -> None:
    client = signed_in(person("nobody"))
    assert "django_celery_monitor.view_worker" in client.get(f"{V1}/workers").json()["detail"]


def test_each_right_opens_its_own_part() -> None:
    tasks = signed_in(person("t", "view_task"))
    assert statuses(tasks, (*TASKS, *EVERYBODYS)) == {200}
    assert statuses(tasks, WORKERS) == {403}
    workers = signed_in(person("w", "view_worker"))
    assert statuses(workers, (*WORKERS, *EVERYBODYS)) == {200}
    assert statuses(workers, TASKS) == {403}


def test_the_right_to_arguments_alone_opens_nothing() -> None:
    client = signed_in(person("a", "view_task_arguments"))
    assert statuses(client, (*TASKS, *WORKERS)) == {403}


def test_a_superuser_may_ask_everything() -> None:
    client = signed_in(User.objects.create_superuser("root"))
    assert statuses(client, (*TASKS, *WORKERS, *EVERYBODYS)) == {200}


def test_an_account_that_was_deactivated_is_nobody() -> None:
    client = signed_in(User.objects.create_superuser("root"))
    User.objects.update(is_active=False)
    assert statuses(client, (*TASKS, *WORKERS, *EVERYBODYS)) == {401}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_changed(method: str) -> None:
    client = signed_in(User.objects.create_superuser("root"))
    assert {getattr(client, method)(f"{V1}/{path}").status_code for path in TASKS} == {405}


def test_a_project_that_sends_strangers_to_its_login_page_still_answers_401(
    settings: Settings,
) -> None:
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    assert statuses(Client(), (*TASKS, *WORKERS, *EVERYBODYS)) == {401}


def test_ninjas_pages_for_people_are_switched_off() -> None:
    client = signed_in(User.objects.create_superuser("root"))
    assert statuses(client, ("docs", "redoc", "")) == {404}


@pytest.fixture
def document() -> dict[str, Any]:
    client = signed_in(User.objects.create_superuser("root"))
    found: dict[str, Any] = client.get(f"{V1}/openapi.json").json()
    return found


def test_the_document_is_the_one_that_was_reviewed(document: dict[str, Any]) -> None:
    """After a change that is meant: write ``document`` over the file and read the difference."""
    document["info"]["version"] = ""
    assert document == json.loads(SNAPSHOT.read_text())


def test_every_operation_is_documented_with_its_errors(document: dict[str, Any]) -> None:
    operations = list(every_operation(document))
    assert {operation["operationId"] for operation in operations} == {
        *("list_tasks", "get_task", "list_workers", "get_worker", "get_overview"),
        *("list_actions", "get_action", *(f"do_{name}" for name in ACTS)),
        *("list_operations", "begin_operation", "get_operation"),
        *("stop_operation", "resume_operation"),
    }
    for operation in operations:
        told = operation["operationId"].startswith(("do_", "begin_", "stop_", "resume_"))
        away = {"503"} if told else set()
        assert set(operation["responses"]) == {"200", "400", "401", "403", "404"} | away
        assert operation["security"] == [{"Session": []}]
        assert "schema" in operation["responses"]["200"]["content"]["application/json"]
        assert "application/problem+json" in operation["responses"]["404"]["content"]


def test_every_reference_in_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    references = [
        value for key, value in every_pair(document) if key == "$ref" and isinstance(value, str)
    ]
    assert references
    assert {reference.removeprefix("#/components/schemas/") for reference in references} <= set(
        schemas
    )


def every_operation(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in document["paths"].items():
        assert path.startswith(reverse("celery_monitor:api:api-root"))
        yield from methods.values()


def every_pair(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        yield from node.items()
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from every_pair(child)
